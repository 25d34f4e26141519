"""Which parts of a picture keep changing though nobody comes: leaves, water, a screen. Numpy only.

Somebody who passes changes a place twice, coming and going; what sways changes it again and again. So the two are told
apart by how often a cell has changed lately, without knowing what it shows.
"""

import numpy as np
from numpy.typing import NDArray

from biometric.domain.picture_change import LEAST_CHANGE, MOST_NOISE, NOISE_FACTOR, difference, in_squares

LEARNT, FORGOTTEN = 1 / 8, 1 / 30
"""Share by which a cell that has changed from one picture to the next becomes more restless, and one that has not less
so: of two changes in a minute nothing is left after another one."""

RESTLESS = 0.3
"""From here on a cell is restless: three changes in a row, or every third time."""

AROUND = 3
"""Restless cells in the square around a cell, from which it belongs to what sways."""


class SwayingCells:
    """Learns from pictures a few seconds apart, as cells, which of them sway."""

    def __init__(self) -> None:
        self._restless = np.zeros((0, 0), np.float32)

    def learn(self, cells: NDArray[np.float32], before: NDArray[np.float32]) -> None:
        """Take a picture and the one before, of one shape."""
        if cells.shape != self._restless.shape:
            self._restless = np.zeros(cells.shape, np.float32)
        if before.shape != cells.shape:
            return
        found = difference(cells, before)
        noise = min(MOST_NOISE, float(np.median(found[::3])) / 0.6745)
        changed = found >= max(LEAST_CHANGE, NOISE_FACTOR * noise)
        self._restless += np.where(changed, LEARNT * (1 - self._restless), -FORGOTTEN * self._restless)

    def cells(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return which cells of pictures of a shape sway, those between others included."""
        if shape != self._restless.shape:
            return np.zeros(shape, np.bool_)
        return np.asarray(in_squares(self._restless >= RESTLESS) >= AROUND, np.bool_)
