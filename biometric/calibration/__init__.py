"""Thresholds fitted to one's own footage."""
