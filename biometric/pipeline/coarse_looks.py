"""Chooses the looks for which a smaller picture is enough: at people who are large, known and alone in what changes.

A detector takes a third of the time for pictures half as wide and high, and misses whom they show too small. So it
only confirms there what is known: that everybody is where they were expected. What it finds otherwise is looked at
again in full; others are found as ever, by full looks at whatever changes elsewhere, and by one each second.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.domain.bridging import Look
from biometric.domain.picture_change import SOLID_CELLS, is_solid
from biometric.entities import Frame

LARGE = 0.3
"""Share of a frame's longer side that somebody's height is at least: about 100 pixels of a picture of 320."""

FULL_SECONDS = 1.0
"""Most seconds from one full look to the next: somebody may step out from behind somebody else."""

WORTH_IT = 20
"""Looks of a clip that could have been coarse before one is: making the smaller network takes the time of so many."""

MARGIN = 0.15
"""Share of a person's height around the box within which arms, legs and shadows change the picture."""


class CoarseLooks:
    """Decides for one clip's looks, which come in order."""

    def __init__(self) -> None:
        self._suitable = 0
        self._full = -np.inf

    def choose(self, look: Look | None, frames: Sequence[Frame], full: set[int], elsewhere: set[int]) -> set[int]:
        """Return the indices of the frames, of those to look at next, for which a smaller picture is enough.

        Args:
            look: the latest one.
            full: indices of frames that must be looked at in full.
            elsewhere: indices of frames in which something changed beside the people of `look`, or had since the look
                before.
        """
        known = look is not None and look.steady
        coarse = set()
        for frame in frames:
            fits = known and frame.index not in full | elsewhere and look is not None and all_large(look, frame)
            self._suitable += fits
            if fits and self._suitable > WORTH_IT and frame.seconds - self._full < FULL_SECONDS:
                coarse.add(frame.index)
            else:
                self._full = frame.seconds
        return coarse


def all_large(look: Look, frame: Frame) -> bool:
    """Return whether everybody in a look is large enough for a smaller picture of the frame."""
    least = LARGE * max(frame.image.shape[:2])
    return all(item.detection.box[3] - item.detection.box[1] >= least for item in look.known)


def changes_elsewhere(look: Look, frame: Frame, changes: NDArray[np.bool_]) -> bool:
    """Return whether cells of a frame's picture have changed where none of the people of a look can be."""
    elsewhere = changes.copy()
    height, width = frame.image.shape[:2]
    across, down = changes.shape[1] / width, changes.shape[0] / height
    for person in look.known:
        boxes = np.stack([person.detection.box, person.predicted(frame.seconds)])
        margin = MARGIN * (person.detection.box[3] - person.detection.box[1])
        x1, y1 = boxes[:, :2].min(axis=0) - margin
        x2, y2 = boxes[:, 2:].max(axis=0) + margin
        columns = slice(max(0, int(x1 * across)), max(0, int(x2 * across) + 1))
        elsewhere[max(0, int(y1 * down)) : max(0, int(y2 * down) + 1), columns] = False
    return is_solid(elsewhere, SOLID_CELLS)
