"""Training: from videos to weights. Needs requirements-train.txt; the app does not."""
