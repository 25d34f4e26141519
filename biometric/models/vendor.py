"""Keeps ultralytics from installing packages, reporting usage or unpickling freely. Call before importing it."""

import os
from pathlib import Path

from biometric.errors import StorageFull


def quiet_ultralytics(cache: Path) -> None:
    """Set the environment that ultralytics reads at import; its own settings file goes under `cache`.

    Raises:
        StorageFull: the cache folder cannot be written.
    """
    folder = cache / "ultralytics"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFull(
            f"The cache folder {cache} cannot be used: {error.strerror}. Set SIGHTLINE_CACHE to a folder of your own "
            "that can be written."
        ) from error
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ.update(
        YOLO_AUTOINSTALL="false",
        YOLO_OFFLINE="true",
        YOLO_VERBOSE="false",
        ULTRALYTICS_SAFE_LOAD="1",
        ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS="1",
    )
