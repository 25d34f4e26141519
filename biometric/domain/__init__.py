"""What is decided about people, in numpy alone: comparison, selection, tracks, recognition, thresholds."""
