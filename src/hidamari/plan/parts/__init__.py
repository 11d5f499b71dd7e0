"""What each kind of asset adds to the program: its own columns, rows and costs."""
