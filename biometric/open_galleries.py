"""The galleries that a service has open."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from biometric.ports import Gallery

GALLERIES_KEPT = 8
"""Most galleries kept open with their index; others are opened again when asked for."""


class OpenGalleries:
    """Opens each gallery once and keeps those used last. May be called from several threads."""

    def __init__(self, open_gallery: Callable[[Path], Gallery]) -> None:
        self._open_gallery = open_gallery
        self._galleries: OrderedDict[Path, Gallery] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: Path) -> Gallery:
        """Return the gallery in a folder. Raises the `GalleryError` family."""
        path = folder.resolve()
        with self._lock:
            if path not in self._galleries:
                self._galleries[path] = self._open_gallery(path)
            self._galleries.move_to_end(path)
            while len(self._galleries) > GALLERIES_KEPT:
                self._galleries.popitem(last=False)  # not closed: somebody may be searching it just now
            return self._galleries[path]

    def close(self) -> None:
        """Release all galleries."""
        with self._lock:
            for gallery in self._galleries.values():
                gallery.close()
            self._galleries.clear()
