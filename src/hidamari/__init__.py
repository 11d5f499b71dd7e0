"""Hidamari (陽だまり): home energy management for Japanese homes."""

__version__ = "0.1.0"
