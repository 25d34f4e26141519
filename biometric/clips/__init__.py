"""Reading, checking and writing clips and pictures."""
