"""Small pictures for the page as `data:` URIs, so that no crop becomes a file that the web server hands out."""

import base64
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from biometric.entities import Image
from biometric.errors import BiometricError
from biometric.ports import CropStore

MISSING = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 4'/%3E"
"""An empty picture of a person's proportions, shown where a crop is gone."""


class Pictures:
    """Turns stored crops and decoded frames into `data:` URIs; remembers the latest ones.

    Args:
        crops: where crops are read.
        capacity: how many pictures are remembered (a thumbnail is about 5 kB).
    """

    def __init__(self, crops: CropStore, capacity: int = 2000) -> None:
        self._crops = crops
        self._capacity = capacity
        self._known: OrderedDict[tuple[Path, int, int], str] = OrderedDict()
        self._sizes: OrderedDict[tuple[Path, int], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def crop(self, path: Path | None, height: int = 160) -> str:
        """Return a stored crop as a `data:` URI of at most `height` pixels; `MISSING` when it cannot be read."""
        if path is None:
            return MISSING
        try:
            # The change time distinguishes a replaced file from the former one of the same name.
            changed = path.stat().st_mtime_ns
        except OSError:
            self.forget(path)
            return MISSING
        key = (path, height, changed)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        try:
            image = self._crops.load(path)
            uri = _jpeg_uri(self._crops.shrunken(image, height))
        except (BiometricError, OSError):
            return MISSING
        with self._lock:
            self._remember(self._known, key, uri)
            self._remember(self._sizes, (path, changed), (image.shape[1], image.shape[0]))  # asked for beside it
        return uri

    def size(self, path: Path | None) -> tuple[int, int] | None:
        """Return width and height of a stored crop in pixels; None when it cannot be read."""
        if path is None:
            return None
        try:
            key = (path, path.stat().st_mtime_ns)
            with self._lock:
                if key in self._sizes:
                    return self._sizes[key]
            height, width = self._crops.load(path).shape[:2]
        except (BiometricError, OSError):
            return None
        with self._lock:
            self._remember(self._sizes, key, (width, height))
        return width, height

    def _remember(self, known: OrderedDict[Any, Any], key: object, value: object) -> None:
        known[key] = value
        while len(known) > self._capacity:
            known.popitem(last=False)

    def frame(self, image: Image, height: int = 200) -> str:
        """Return a decoded frame, (H, W, 3) uint8 BGR, as a `data:` URI of at most `height` pixels."""
        try:
            return _jpeg_uri(self._crops.shrunken(image, height))
        except BiometricError:
            return MISSING

    def forget(self, folder: Path) -> None:
        """Forget the pictures of a file, or of all files below a folder, because they are gone."""
        with self._lock:
            remembered: tuple[OrderedDict[Any, Any], ...] = (self._known, self._sizes)
            for known in remembered:
                for key in [key for key in known if key[0] == folder or folder in key[0].parents]:
                    del known[key]


def _jpeg_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
