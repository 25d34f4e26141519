"""Boxes of people over the frames of a clip, whoever says so: labels, a tracker, or the people of an answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection


@dataclass(frozen=True, slots=True, eq=False)
class BoxTracks:
    """N boxes with frame and identity, in order of frames.

    Attributes:
        frames: (N,) int64, 0-based frame numbers.
        ids: (N,) int64, who it is; numbers mean nothing beyond this object.
        boxes: (N, 4) float64 x1, y1, x2, y2 in pixels.

    Raises:
        ValueError: shapes that do not fit, or two boxes of one identity in one frame.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.frames)
        if self.frames.shape != (count,) or self.ids.shape != (count,) or self.boxes.shape != (count, 4):
            shapes = (self.frames.shape, self.ids.shape, self.boxes.shape)
            raise ValueError(f"expected (N,) frames, (N,) ids and (N, 4) boxes, got {shapes}")
        if len(np.unique(np.stack([self.frames, self.ids], axis=1), axis=0)) != count:
            raise ValueError("expected at most one box of each identity in a frame")
        order = np.lexsort((self.ids, self.frames))
        for name in ("frames", "ids", "boxes"):
            object.__setattr__(self, name, getattr(self, name)[order])

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[int, int, Sequence[float]]]) -> "BoxTracks":
        """Return the boxes of (frame, identity, box) rows; none is allowed."""
        listed = list(rows)
        return cls(
            np.array([frame for frame, _, _ in listed], np.int64),
            np.array([identity for _, identity, _ in listed], np.int64),
            np.array([box for _, _, box in listed], np.float64).reshape(-1, 4),
        )

    @classmethod
    def of_detections(cls, people: Iterable[tuple[int, Iterable[Detection]]]) -> "BoxTracks":
        """Return the boxes of (identity, detections) pairs."""
        return cls.of_rows(
            (detection.frame_index, identity, detection.box)
            for identity, detections in people
            for detection in detections
        )

    @property
    def identities(self) -> list[int]:
        """Everybody, rising."""
        return [int(identity) for identity in np.unique(self.ids)]

    def where(self, chosen: NDArray[np.bool_]) -> "BoxTracks":
        """Return the boxes for which `chosen`, (N,), is true."""
        return BoxTracks(self.frames[chosen], self.ids[chosen], self.boxes[chosen])

    def in_frames(self, frames: NDArray[np.int64]) -> "BoxTracks":
        """Return the boxes in these frames."""
        return self.where(np.isin(self.frames, frames))

    def rows_of(self, frame: int) -> slice:
        """Return which boxes lie in a frame."""
        first, behind = np.searchsorted(self.frames, [frame, frame + 1])
        return slice(int(first), int(behind))

    def __len__(self) -> int:
        """Return how many boxes there are."""
        return len(self.frames)
