"""The history of a home: one SQLite file, packed minutes and half-hours."""
