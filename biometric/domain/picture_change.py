"""Whether anything has changed in the picture since people were last looked for. Numpy only.

A camera that stands still shows the same picture until somebody moves in it; then the detector would find what it
found before. Small grey pictures are compared with the one in which people were last looked for, not with the one
before, so that a slow change adds up until it is seen.
"""

import numpy as np
from numpy.typing import NDArray

from biometric.entities import GreyPicture

LEAST_CHANGE = 3.0
"""Grey levels, of 255, by which a cell of 2 × 2 pixels must differ at least."""

NOISE_FACTOR, MOST_NOISE = 4.0, 3.0
"""A cell must differ by so many standard deviations of the picture's noise, which is taken for so many grey levels at
most. Of normal noise 1 in 16,000 cells passes, next to another one that does practically none."""

RESTLESS_FACTOR = 1.6
"""A cell that is known to be restless (leaves, a screen, a lamp) must differ by so much more than it used to."""

MOST_RESTLESS = 16.0
"""Grey levels of restlessness that are learnt at most: a person in front of moving leaves differs by more."""

LEARNT_AT_ONCE = 0.5
"""Share by which a look that found nobody new raises the restlessness of a cell that has changed."""

FORGOTTEN_SECONDS = 180.0
"""Time in which restlessness that is not seen again sinks to a third: the wind has dropped, the screen is off."""

MOVED_CELLS = 0.3
"""Share of the cells from which the picture as a whole has changed: the camera moves, or the scene was cut."""

FEW_CELLS = 3000
"""Below so many cells all of them are asked how the light has changed."""

SOLID_SIDE, SOLID_CELLS = 5, 7
"""Of a square of so many cells a side so many must have changed, where somebody comes: one of 28 pixels, in a picture
made 640 wide, covers them. Noise of a sensor or an encoder changes more in all, but scattered."""


def cells_of(picture: GreyPicture) -> NDArray[np.float32]:
    """Return the means of 2 × 2 pixels, (h // 2, w // 2), of an (h, w) uint8 picture."""
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    whole = picture[:height, :width].astype(np.uint16)
    rows = whole[::2] + whole[1::2]
    return np.asarray((rows[:, ::2] + rows[:, 1::2]) / np.float32(4), np.float32)


def difference(picture: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how many grey levels each cell differs once the light is made alike, of two arrays of one shape.

    A line `picture = a · reference + b` is fitted twice, the second time to the half of the cells that it fits best: a
    cloud, a lamp or the camera's exposure changes them together, a person only some of them. Of large pictures every
    third cell tells the line.
    """
    every = 1 if picture.size < FEW_CELLS else 3
    x, y = reference.ravel()[::every], picture.ravel()[::every]
    gain, offset = _line(x, y)
    residual = np.abs(y - gain * x - offset)
    fits = residual <= np.median(residual)
    gain, offset = _line(x[fits], y[fits])
    return np.asarray(np.abs(picture - gain * reference - offset), np.float32)


def _line(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    spread = x - x.mean()
    power = float(spread @ spread)
    # Of a picture of one grey, as of a covered camera, only the offset can be told.
    gain = float(spread @ y) / power if power > len(x) else 1.0
    return gain, float(y.mean() - gain * x.mean())


def is_solid(changed: NDArray[np.bool_], least: int = SOLID_CELLS) -> bool:
    """Return whether `least` cells that have changed lie in one square of `SOLID_SIDE` cells a side."""
    return int(changed.sum()) >= least and bool(in_squares(changed).max() >= least)


def in_squares(cells: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return for each cell how many are true in the square of `SOLID_SIDE` cells a side around it."""
    side, half = SOLID_SIDE, SOLID_SIDE // 2
    sums = np.pad(cells.astype(np.int32), (half + 1, half))
    sums = sums.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]


class SceneMemory:
    """Remembers the picture in which people were last looked for, and which cells are restless without anybody."""

    def __init__(self) -> None:
        self._reference: NDArray[np.float32] | None = None
        self._restless: NDArray[np.float32] | None = None

    def changes(self, cells: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which cells, as `cells_of` gives them, have changed; all where there is nothing to compare with.

        A cell that changed alone is noise: the smallest person that a detector finds covers two.
        """
        if self._reference is None or self._reference.shape != cells.shape:
            return np.ones(cells.shape, np.bool_)
        found = difference(cells, self._reference)
        # The median deviation of normal noise is 0.6745 standard deviations; who moves covers less than half.
        noise = min(MOST_NOISE, float(np.median(found)) / 0.6745)
        limits = np.maximum(max(LEAST_CHANGE, NOISE_FACTOR * noise), RESTLESS_FACTOR * self._known(cells.shape))
        changed = found >= limits
        return np.asarray(changed & _beside(changed), np.bool_)

    def look(self, cells: NDArray[np.float32]) -> None:
        """Take a picture in which people are looked for now."""
        self._reference = cells

    def learn(
        self,
        cells: NDArray[np.float32],
        before: NDArray[np.float32],
        people: NDArray[np.bool_],
        seconds: float,
        share: float = LEARNT_AT_ONCE,
        most: float = MOST_RESTLESS,
    ) -> None:
        """Learn from a look that found nobody new: what has changed apart from the people is restless.

        Args:
            cells, before: of this look's picture and the one of the look before it.
            people: of the cells' shape; where somebody is, or was at the look before.
            seconds: between the two looks.
            share: by how much of the difference a changed cell becomes more restless.
            most: grey levels of restlessness that are learnt at most.
        """
        if before.shape != cells.shape:
            return
        known = self._known(cells.shape)
        found = np.minimum(difference(cells, before), most)
        known *= np.float32(np.exp(-max(seconds, 0.0) / FORGOTTEN_SECONDS))
        known += np.where(~people & (found > known), share, 0.0) * (found - known)

    def _known(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if self._restless is None or self._restless.shape != shape:
            self._restless = np.zeros(shape, np.float32)
        return self._restless


def _beside(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells have a changed cell above, below, left or right of them."""
    padded = np.pad(changed, 1)
    return np.asarray(padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:], np.bool_)
