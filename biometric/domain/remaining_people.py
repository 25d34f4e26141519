"""The second pass over a redacted clip: who is seen there who should be hidden."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Box, Detection
from biometric.entities.redaction import HiddenRegion

COVERED = 0.8
"""Share of a seen person's box that is hidden, from which it is the hidden one who is seen: blurred people are still
detected as people. A box that reaches farther out may be somebody beside them."""

SAME_VISIBLE_IOU = 0.5
"""Somebody is a person who is shown where, of both boxes, what is not hidden overlaps at least so much."""


def remaining_people(
    seen: Sequence[Detection], regions: Sequence[HiddenRegion], shown: Iterable[Box]
) -> list[Detection]:
    """Return whom a frame of the redacted clip shows besides those who may be seen.

    Args:
        seen: who is detected in that frame.
        regions: what is hidden in it.
        shown: boxes of the people who are not to be hidden, in the original frame.
    """
    visible = list(shown)
    return [
        person for person in seen if not _is_hidden(person.box, regions) and not _is_shown(person.box, regions, visible)
    ]


def _is_hidden(box: Box, regions: Sequence[HiddenRegion]) -> bool:
    x1, y1, x2, y2 = _pixels(box)
    visible = _visible((x1, y1, x2, y2), (x1, y1, x2, y2), regions)
    return bool(visible.mean() <= 1 - COVERED)


def _is_shown(box: Box, regions: Sequence[HiddenRegion], shown: Sequence[Box]) -> bool:
    """Whether what is visible of a box is what is visible of somebody who is shown."""
    for other in shown:
        first, second = _pixels(box), _pixels(other)
        window = (*np.minimum(first[:2], second[:2]).tolist(), *np.maximum(first[2:], second[2:]).tolist())
        one, two = _visible(first, window, regions), _visible(second, window, regions)
        union = int((one | two).sum())
        if union and (one & two).sum() / union >= SAME_VISIBLE_IOU:
            return True
    return False


def _visible(box: Sequence[int], window: Sequence[int], regions: Sequence[HiddenRegion]) -> NDArray[np.bool_]:
    """Return which pixels of a window belong to a box and are not hidden."""
    left, top, right, bottom = window
    mask = np.zeros((bottom - top, right - left), np.bool_)
    mask[box[1] - top : box[3] - top, box[0] - left : box[2] - left] = True
    for region in regions:
        rows = slice(max(0, region.y1 - top), max(0, region.y2 - top))
        mask[rows, max(0, region.x1 - left) : max(0, region.x2 - left)] = False
    return mask


def _pixels(box: Box) -> tuple[int, int, int, int]:
    x1, y1 = int(box[0]), int(box[1])
    return x1, y1, max(x1 + 1, round(box[2])), max(y1 + 1, round(box[3]))
