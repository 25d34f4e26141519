"""Fits decision thresholds to the operator's own footage."""
