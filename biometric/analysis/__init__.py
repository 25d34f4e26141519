"""Many clips: jobs of them, workers that analyse them, and folders that are watched."""
