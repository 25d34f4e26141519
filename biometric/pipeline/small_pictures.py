"""Small grey pictures of frames, each made once for all that compare them."""

import threading
import weakref

import numpy as np
from numpy.typing import NDArray

from biometric.domain.picture_change import cells_of
from biometric.entities import Image
from biometric.ports import SmallGreyOf

Cells = NDArray[np.float32]


class SmallPictures:
    """Gives the cells of pictures, as `picture_change.cells_of` does, and remembers them as long as a picture lives.

    May be asked from several threads.
    """

    def __init__(self, small_grey: SmallGreyOf) -> None:
        self._small_grey = small_grey
        self._lock = threading.Lock()
        self._known: dict[int, tuple[weakref.ref[Image], Cells]] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def cells(self, image: Image) -> Cells:
        """Return the cells, float32, of a picture, (h, w, 3) uint8 BGR, which nobody changes any more."""
        number = id(image)
        with self._lock:
            picture, cells = self._known.get(number, (None, None))
        if picture is not None and cells is not None and picture() is image:
            return cells
        cells = cells_of(self._small_grey(image))
        with self._lock:
            self._known[number] = (weakref.ref(image, lambda gone: self._forget(number, gone)), cells)
        return cells

    def _forget(self, number: int, gone: "weakref.ref[Image]") -> None:
        # Called wherever the last frame of a picture is dropped, at worst within `cells`: so without the lock.
        known = self._known.get(number)
        if known is not None and known[0] is gone:
            self._known.pop(number, None)
