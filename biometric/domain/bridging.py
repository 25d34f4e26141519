"""Where people are between two looks at a clip, if that is certain. Numpy only.

Somebody who walks on as before need not be looked for in each frame: the boxes of two looks, a few tenths of a second
apart, tell where the person is between them. That holds only for people who are known for a while, who have moved as
predicted, whom nobody overlaps, and while nobody comes or goes; everything else is looked at frame by frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Box, Detection, Frame
from biometric.entities.boxes import iou_matrix

CERTAIN = 0.25
"""Confidence from which a detection has to be explained; fainter ones are not carried over."""

STEADY = 0.4
"""Confidence that somebody has at both looks; a detector that wavers may be about to lose the person."""

KNOWN_LOOKS = 4
"""Looks that somebody has been in before the frames between two looks are filled in."""

PREDICTED_OVERLAP = 0.5
"""Intersection over union of the box that was predicted from the looks before and the one found."""

SAME_OVERLAP = 0.3
"""Intersection over union from which two looks at neighbouring frames show one person."""

CROWDED_OVERLAP = 0.1
"""Intersection over union of two people's boxes from which one may hide the other."""


@dataclass(frozen=True, slots=True)
class KnownBox:
    """Somebody in the latest look.

    Attributes:
        looks: in how many looks in a row, this one included.
        velocity: (4,) change of the box's edges in pixels a second.
    """

    detection: Detection
    looks: int
    velocity: NDArray[np.float64]

    def predicted(self, seconds: float) -> NDArray[np.float64]:
        """Return the box, (4,), expected at a time of the clip."""
        return np.asarray(self.detection.box) + self.velocity * (seconds - self.detection.seconds)


@dataclass(frozen=True, slots=True)
class Look:
    """What the detector found in one frame, and since when each person is known.

    Attributes:
        seconds: the frame's presentation time.
        detections: all, as the detector gave them.
        known: those of at least `CERTAIN` confidence.
    """

    seconds: float
    detections: tuple[Detection, ...]
    known: tuple[KnownBox, ...]

    @property
    def known_for_long(self) -> bool:
        """Whether everybody is known for `KNOWN_LOOKS` or more."""
        return all(item.looks >= KNOWN_LOOKS for item in self.known)

    @property
    def steady(self) -> bool:
        """Whether there is somebody, everybody known for long and clearly seen, and nobody hides another."""
        clear = all(item.detection.confidence >= STEADY for item in self.known)
        return bool(self.known) and self.known_for_long and clear and not _crowded(self.known)

    def follows(self, earlier: "Look") -> tuple[tuple[KnownBox, KnownBox], ...] | None:
        """Return the pairs of this look's people with those of an earlier one, or None where they cannot be told."""
        if not earlier.steady or len(self.known) != len(earlier.known) or _crowded(self.known):
            return None
        overlaps = _predicted_overlaps(earlier.known, self.known)
        partners = overlaps.argmax(axis=1).tolist()
        if len(set(partners)) < len(partners) or overlaps.max(axis=1).min() < PREDICTED_OVERLAP:
            return None
        pairs = tuple((before, self.known[partner]) for before, partner in zip(earlier.known, partners, strict=True))
        return pairs if all(after.detection.confidence >= STEADY for _, after in pairs) else None


def next_look(earlier: Look | None, detections: Sequence[Detection], seconds: float) -> Look:
    """Return a look that comes after another one, if any: whom it shows again is known for one look more."""
    found = [_new(item) for item in detections if item.confidence >= CERTAIN]
    if found and earlier is not None and earlier.known:
        overlaps = _predicted_overlaps(earlier.known, found)
        for number, item in enumerate(found):
            partner = int(overlaps[:, number].argmax())
            if overlaps[partner].argmax() == number and overlaps[partner, number] >= SAME_OVERLAP:
                found[number] = _again(earlier.known[partner], item.detection)
    return Look(seconds, tuple(detections), tuple(found))


def between(pairs: Sequence[tuple[KnownBox, KnownBox]], frame: Frame) -> list[Detection]:
    """Return where the people of two looks are in a frame between them, at even speed."""
    filled = []
    for number, (before, after) in enumerate(pairs):
        first, last = before.detection, after.detection
        share = (frame.seconds - first.seconds) / max(last.seconds - first.seconds, 1e-9)
        edges = np.asarray(first.box) + (np.asarray(last.box) - np.asarray(first.box)) * share
        confidence = min(first.confidence, last.confidence)
        filled.append(Detection(frame.index, _box(edges), confidence, number, frame.seconds))
    return filled


def unchanged(detections: Sequence[Detection], frame: Frame) -> list[Detection]:
    """Return the detections of a frame that shows what an earlier one showed."""
    return [replace(item, frame_index=frame.index, seconds=frame.seconds) for item in detections]


def _new(detection: Detection) -> KnownBox:
    return KnownBox(detection, 1, np.zeros(4))


def _again(before: KnownBox, found: Detection) -> KnownBox:
    elapsed = max(found.seconds - before.detection.seconds, 1e-9)
    velocity = (np.asarray(found.box) - np.asarray(before.detection.box)) / elapsed
    if before.looks > 1:
        velocity = (velocity + before.velocity) / 2  # a walking body's box swings with its arms and legs
    return KnownBox(found, before.looks + 1, velocity)


def _predicted_overlaps(earlier: Sequence[KnownBox], later: Sequence[KnownBox]) -> NDArray[np.float64]:
    predicted = np.stack([item.predicted(later[0].detection.seconds) for item in earlier])
    return iou_matrix(predicted, np.array([item.detection.box for item in later], np.float64))


def _crowded(known: Sequence[KnownBox]) -> bool:
    boxes = np.array([item.detection.box for item in known], np.float64)
    overlaps = iou_matrix(boxes, boxes)
    np.fill_diagonal(overlaps, 0.0)
    return bool(overlaps.max() > CROWDED_OVERLAP)


def _box(edges: NDArray[np.float64]) -> Box:
    x1, y1, x2, y2 = (float(edge) for edge in edges)
    return x1, y1, x2, y2
