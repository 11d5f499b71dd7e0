"""What a home and the server service say to each other (link/v1)."""
