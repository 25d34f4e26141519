"""Weights by typed cards, and the adapters that run them."""
