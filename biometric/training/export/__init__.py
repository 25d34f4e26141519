"""From a run to files that the app uses, compared with what was trained before they take their names."""
