"""Keeps ultralytics from installing packages, reporting usage or unpickling freely. Call before importing it."""

import os
from pathlib import Path

from biometric.settings import DEFAULT_CACHE


def quiet_ultralytics(cache: Path = DEFAULT_CACHE) -> None:
    """Set the environment that ultralytics reads at import; its own settings file goes under `cache`."""
    folder = cache / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ.update(
        YOLO_AUTOINSTALL="false",
        YOLO_OFFLINE="true",
        YOLO_VERBOSE="false",
        ULTRALYTICS_SAFE_LOAD="1",
        ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS="1",
    )
