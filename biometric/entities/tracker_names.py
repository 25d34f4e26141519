"""What can link detections over time, by name."""

USUAL_TRACKER = "bytetrack"
"""Serves where nothing is set."""

TRACKERS = (
    USUAL_TRACKER,
    "botsort",
    "botsort-reid",
    "ocsort",
    "roboflow-bytetrack",
    "roboflow-botsort",
    "roboflow-ocsort",
)
"""Trackers of ultralytics, then of Roboflow's package `trackers`; `botsort-reid` also compares appearance."""
