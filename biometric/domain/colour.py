"""How much colour footage has, and a picture's colours in a few numbers. Numpy only."""

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Image

CELLS = 48
CELL_POINTS = 4
"""Cells in each direction over which a frame's colours are averaged, and points a cell in each direction. Averages of
16 points hold the picture's colours, and little of the noise of sensors and codecs."""

COLOUR_DIFFERENCE = 4.0
"""A cell has colour where blue or red minus brightness, of 255, differs by this much from the frame's median. The
median is the tint that cameras give to grey pictures."""

COLOURED_SHARE = 0.002
"""Footage has colour where more than this share of the cells of all frames looked at has."""


class ColourMeter:
    """Decides from a few frames whether footage is grey: monochrome, infrared, or one tint."""

    def __init__(self) -> None:
        self._cells = self._coloured = 0

    def add(self, image: Image) -> None:
        """Look at a frame, (H, W, 3) uint8 BGR."""
        cells = cell_means(image, CELLS, CELLS, CELL_POINTS).reshape(-1, 3)
        brightness = cells @ np.array([0.114, 0.587, 0.299], np.float32)
        differences = cells[:, [0, 2]] - brightness[:, None]
        apart = np.abs(differences - np.median(differences, axis=0)).max(axis=1)
        self._cells += len(cells)
        self._coloured += int((apart > COLOUR_DIFFERENCE).sum())

    @property
    def is_grey(self) -> bool:
        """Whether the frames looked at have practically no colour; False before the first one."""
        return self._cells > 0 and self._coloured <= COLOURED_SHARE * self._cells


def cell_means(image: Image, rows: int, columns: int, points: int) -> NDArray[np.float32]:
    """Mean colours of a picture's cells, (rows, columns, 3) in 0…255, from `points` × `points` pixels of each cell.

    Args:
        image: (h, w, 3) uint8, of any size.
    """
    height, width = image.shape[:2]
    y = ((np.arange(rows * points) + 0.5) * height / (rows * points)).astype(int)
    x = ((np.arange(columns * points) + 0.5) * width / (columns * points)).astype(int)
    pixels = image[y[:, None], x].astype(np.float32)
    total = np.zeros((rows, columns, 3), np.float32)
    for first in range(points):
        for second in range(points):
            total += pixels[first::points, second::points]
    return total / np.float32(points**2)
