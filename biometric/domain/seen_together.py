"""Which tracks of a clip are seen in the same frames: as two people, or as one person detected twice. Numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, DetectionList

COVERING = 0.5
"""Two boxes whose intersection over union is higher may be two boxes of one person."""

APART_OVERLAP = 0.5
"""Two boxes are clearly apart while at most this share of the smaller one lies within the other."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SeenTogether:
    """Common frames of N tracks, each (N, N), symmetric.

    Attributes:
        shared: frames in which both are seen.
        covering: frames in which their boxes may be one person's (`COVERING`).
        clear: frames in which their boxes are clearly apart (`APART_OVERLAP`).
    """

    shared: Counts
    covering: Counts
    clear: Counts


def seen_together(tracks: Sequence[Sequence[Detection]]) -> SeenTogether:
    """Count the common frames of tracks, each in rising frame order."""
    columns = [(item if isinstance(item, DetectionList) else DetectionList(item)).columns for item in tracks]
    counts = [np.zeros((len(tracks), len(tracks)), np.int64) for _ in range(3)]
    if columns:
        frames = np.concatenate([column[0] for column in columns])
        boxes = np.concatenate([column[2][:, :4] for column in columns])
        owners = np.repeat(np.arange(len(tracks)), [len(column[0]) for column in columns])
        order = np.argsort(frames, kind="stable")
        frames, boxes, owners = frames[order], boxes[order], owners[order]
        for step in range(1, len(frames)):
            first = np.flatnonzero(frames[step:] == frames[:-step])
            if not len(first):
                break  # no frame has so many boxes
            second = first + step
            is_covering, is_clear = _overlaps(boxes[first], boxes[second])
            for count, chosen in zip(counts, (np.ones_like(is_clear), is_covering, is_clear), strict=True):
                np.add.at(count, (owners[first][chosen], owners[second][chosen]), 1)
    shared, covering, clear = (count + count.T for count in counts)
    return SeenTogether(shared, covering, clear)


def _overlaps(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for pairs of boxes, (K, 4) each, whether they may be one person's, and whether they are clearly apart."""
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    common = sides.clip(min=0).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    covering = common > COVERING * (areas[0] + areas[1] - common)
    return covering, common <= APART_OVERLAP * np.minimum(*areas)
