"""Bodies of /api/v1, shared by everyone who speaks it."""
