"""What an answer leaves: annotated clip, timeline, CSV and JSON."""
