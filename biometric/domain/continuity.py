"""Whether a track is one person all along: cut where it jumps or changes looks, join what looks alike. Numpy only.

A tracker follows boxes, not people. When somebody leaves the picture or passes behind somebody else, it may go on with
another person's box; a template pooled over both would be neither of them, and the answer would be wrong for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain import comparison
from biometric.domain.selection import Pick, Refused
from biometric.entities import Detection
from biometric.entities.boxes import iou

JUMP_OVERLAP = 0.5
JUMP_HEIGHT = 0.7
"""A box that keeps less than this overlap and this share of its height from one analysed frame to the next jumped."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackSegment:
    """A part of a track: its detections, the picks with their embeddings `rows` ((N, D) unit), the refused samples."""

    detections: list[Detection]
    picks: list[Pick]
    rows: NDArray[np.float32]
    refused: list[Refused]

    def split(self, index: int) -> "tuple[TrackSegment, TrackSegment]":
        """Cut halfway between pick `index - 1` and pick `index`."""
        border = (self.picks[index - 1].detection.frame_index + self.picks[index].detection.frame_index + 1) // 2
        return (
            TrackSegment(
                [item for item in self.detections if item.frame_index < border],
                self.picks[:index],
                self.rows[:index],
                [item for item in self.refused if item.detection.frame_index < border],
            ),
            TrackSegment(
                [item for item in self.detections if item.frame_index >= border],
                self.picks[index:],
                self.rows[index:],
                [item for item in self.refused if item.detection.frame_index >= border],
            ),
        )

    def join(self, later: "TrackSegment") -> "TrackSegment":
        """Put a later segment of the same person behind this one."""
        rows = [part.rows for part in (self, later) if part.picks]
        return TrackSegment(
            self.detections + later.detections,
            self.picks + later.picks,
            np.concatenate(rows) if rows else self.rows,
            self.refused + later.refused,
        )


def jumps(earlier: Detection, later: Detection) -> bool:
    """Whether a track's next box is unlikely to be the same person: it lies elsewhere and has another size."""
    ratio = later.height / earlier.height
    return min(ratio, 1 / ratio) < JUMP_HEIGHT and iou(earlier.box, later.box) < JUMP_OVERLAP


def people(segments: Sequence[TrackSegment], min_track_similarity: float) -> list[TrackSegment]:
    """Return a track's segments one a person, in time order.

    Each segment is cut where its looks change (`comparison.find_identity_switch`); neighbours that agree at least
    `min_track_similarity` are joined again, because a box also jumps when somebody is half hidden. A segment without
    a pick says nothing about looks and stays with its neighbour.
    """
    joined: list[TrackSegment] = []
    for part in _cut_at_switches(segments, min_track_similarity):
        if joined and _may_be_one(joined[-1], part, min_track_similarity):
            joined[-1] = joined[-1].join(part)
        else:
            joined.append(part)
    return joined


def _cut_at_switches(segments: Sequence[TrackSegment], min_track_similarity: float) -> list[TrackSegment]:
    parts: list[TrackSegment] = []
    waiting = list(reversed(segments))
    while waiting:
        part = waiting.pop()
        index = comparison.find_identity_switch(part.rows, min_track_similarity) if part.picks else None
        if index is None:
            parts.append(part)
        else:
            waiting.extend(reversed(part.split(index)))
    return parts


def _may_be_one(earlier: TrackSegment, later: TrackSegment, min_track_similarity: float) -> bool:
    if not earlier.picks or not later.picks:
        return True
    means = comparison.unit(np.stack([earlier.rows.mean(axis=0), later.rows.mean(axis=0)]))
    return float(means[0] @ means[1]) >= min_track_similarity
