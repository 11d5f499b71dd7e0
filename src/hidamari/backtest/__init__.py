"""Replay of measured homes through forecast and plan, and "what if" on a home's own history."""
