"""The files of an answer: annotated clip, timeline, CSV and JSON."""
