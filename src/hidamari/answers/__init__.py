"""Answers that a home and the service give alike, out of whatever holds the history."""
