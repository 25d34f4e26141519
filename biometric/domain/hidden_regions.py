"""Which pixels of which frame are hidden, from boxes of people in each frame: bridged, extended, with a margin.

Too much is hidden rather than too little: between two boxes that may be one person everything is bridged, and before
the first and behind the last box of somebody the region stays for a while.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Box, DetectionList
from biometric.entities.boxes import iou
from biometric.entities.redaction import HiddenRegion

BRIDGED_SECONDS = 2.0
"""People of whom one is lost and another one appears so soon and so near are bridged, whatever the tracker says."""

EXTENDED_SECONDS = 0.5
"""How long a region stays before the first and behind the last box of a person. Detectors see somebody who enters
later than people do."""

_SPEED = 1.5
"""Heights of a person that somebody moves in a second at most: a runner does 5 m/s, and the camera may pan."""

_SIZE_RATIO = 2.0
"""The heights of two boxes that may be one person differ at most by this factor."""

_TREND_SECONDS = 0.4
"""Footage from which the speed at the end of a track is taken."""

DUPLICATE_IOU, DUPLICATE_CONFIDENCE = 0.5, 0.4
"""A box without track that overlaps so much with a shown person's, and is less certain than what starts a track, is
that person once more and not somebody else."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenPeople:
    """Everybody whom the detector saw in the frames of a range, in the order of the frames.

    Attributes:
        first_frame: number of the first frame looked at.
        seconds: (F,) float64, the time of each frame looked at; none is left out.
        detections: N boxes, with frame numbers that never fall.
        tracks: (N,) int64, the track that each box belongs to; -1 for none.

    Raises:
        ValueError: lengths differ, or a box is in no frame that was looked at.
    """

    first_frame: int
    seconds: NDArray[np.float64]
    detections: DetectionList
    tracks: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.detections) != len(self.tracks):
            raise ValueError(f"expected {len(self.detections)} tracks, got {len(self.tracks)}")
        frames = np.array(self.detections.frames, np.int64)
        if len(frames) and not (self.first_frame <= frames.min() and frames.max() <= self.last_frame):
            raise ValueError("expected boxes in the frames that were looked at")

    @property
    def last_frame(self) -> int:
        """Number of the last frame looked at."""
        return self.first_frame + len(self.seconds) - 1


class BoxTable:
    """Boxes by frame, in columns of numbers: footage of hours has millions.

    Args:
        frames: (N,) frame numbers, in any order.
        boxes: (N, 4) in pixels.
    """

    def __init__(self, frames: NDArray[np.int64], boxes: NDArray[np.float64]) -> None:
        order = np.argsort(frames, kind="stable")
        self._frames = np.ascontiguousarray(frames[order])
        self._boxes = np.ascontiguousarray(boxes[order])

    def __len__(self) -> int:
        return len(self._frames)

    def at(self, frame: int) -> NDArray[np.float64]:
        """The (n, 4) boxes of one frame."""
        start, stop = np.searchsorted(self._frames, [frame, frame + 1])
        return self._boxes[start:stop]

    def with_boxes(self, added: Iterable[tuple[int, Box]]) -> "BoxTable":
        """Return the table with more boxes."""
        extra = list(added)
        frames = np.array([frame for frame, _ in extra], np.int64)
        boxes = np.array([box for _, box in extra], np.float64).reshape(-1, 4)
        return BoxTable(np.concatenate([self._frames, frames]), np.concatenate([self._boxes, boxes]))


def without_duplicates(seen: SeenPeople, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which boxes are of nobody who is shown, given those that are, (N,).

    An uncertain box without track that is nearly a shown person's box is not somebody else; everything else is.
    """
    hidden = ~shown
    frames = np.array(seen.detections.frames, np.int64)
    _, _, numbers = seen.detections.columns
    for row in np.flatnonzero(hidden & (seen.tracks < 0) & (numbers[:, 4] < DUPLICATE_CONFIDENCE)).tolist():
        start, stop = np.searchsorted(frames, [frames[row], frames[row] + 1])
        near = [iou(tuple(numbers[row, :4]), tuple(numbers[other, :4])) for other in range(start, stop) if shown[other]]
        hidden[row] = max(near, default=0.0) < DUPLICATE_IOU
    return hidden


def bridged_boxes(seen: SeenPeople, chosen: NDArray[np.bool_]) -> BoxTable:
    """Return the chosen boxes, (N,), with those between, before and behind them.

    Bridged are gaps within a track (also where only one end is chosen, because then it is not sure who is between),
    and gaps between the end of one track and the start of another one that may be the same person. Where nothing
    follows, the box stays for `EXTENDED_SECONDS`, grown towards where the person was going.
    """
    frames, _, numbers = seen.detections.columns
    boxes = numbers[:, :4]
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, track in enumerate(seen.tracks.tolist()):
        if track >= 0:
            rows_of[track].append(row)
        elif chosen[row]:
            rows_of[-2 - row].append(row)
    filled = _Filled(seen, frames, boxes)
    filled.take(chosen)
    chains: list[list[int]] = []
    for rows in rows_of.values():
        chain: list[int] = []
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            if chosen[row]:
                chain.append(row)
            if following is not None and (chosen[row] or chosen[following]):
                filled.bridge(row, following)
            elif chain:
                chains.append(chain)
                chain = []
        if chain:
            chains.append(chain)
    _join_chains(filled, chains)
    return filled.table()


def regions_of(boxes: NDArray[np.float64], margin: float, width: int, height: int) -> list[HiddenRegion]:
    """Return the pixels to hide around (n, 4) boxes in a frame of that size, as `RedactionOptions.margin` says.

    A box outside the frame gives none, nor does one whose pixels another region hides altogether.
    """
    regions = []
    for x1, y1, x2, y2 in boxes.tolist():
        tall = y2 - y1
        down, across = margin * tall, margin * max(x2 - x1, tall / 3)
        left, top = max(0, math.floor(x1 - across)), max(0, math.floor(y1 - down))
        right, bottom = min(width, math.ceil(x2 + across)), min(height, math.ceil(y2 + down))
        if left < right and top < bottom:
            regions.append(HiddenRegion(left, top, right, bottom, tall))
    return _without_inner(regions)


def _without_inner(regions: Sequence[HiddenRegion]) -> list[HiddenRegion]:
    kept: list[HiddenRegion] = []
    for region in sorted(regions, key=lambda item: -(item.x2 - item.x1) * (item.y2 - item.y1)):
        if not any(
            other.x1 <= region.x1 and other.y1 <= region.y1 and region.x2 <= other.x2 and region.y2 <= other.y2
            for other in kept
        ):
            kept.append(region)
    return kept


class _Filled:
    """Collects the boxes of the table."""

    def __init__(self, seen: SeenPeople, frames: NDArray[np.int64], boxes: NDArray[np.float64]) -> None:
        self.seen, self.frames, self.boxes = seen, frames, boxes
        self._frames: list[NDArray[np.int64]] = []
        self._boxes: list[NDArray[np.float64]] = []

    def take(self, chosen: NDArray[np.bool_]) -> None:
        """Add the boxes that were seen, of those chosen, (N,)."""
        self._add(self.frames[chosen], self.boxes[chosen])

    def bridge(self, row: int, following: int) -> None:
        """Add boxes between two, in a straight line at even speed."""
        if self.frames[following] - self.frames[row] < 2:
            return
        between = np.arange(self.frames[row] + 1, self.frames[following])
        start, end = self.time(row), self.time(following)
        length = end - start
        times = self.seen.seconds[between - self.seen.first_frame]
        share = (times - start) / length if length > 0 else np.full(len(between), 0.5)
        self._add(between, self.boxes[row] + share[:, None] * (self.boxes[following] - self.boxes[row]))

    def extend(self, chain: Sequence[int], forwards: bool) -> None:
        """Add boxes behind (or before) a chain: where the person was last seen, and where they were going."""
        row = chain[-1] if forwards else chain[0]
        now, here = self.time(row), self.boxes[row]
        times = self.seen.seconds
        index = int(self.frames[row] - self.seen.first_frame)
        if forwards:
            stop = int(np.searchsorted(times, now + EXTENDED_SECONDS, side="right"))
            rest = np.arange(index + 1, max(stop, index + 1))
        else:
            rest = np.arange(int(np.searchsorted(times, now - EXTENDED_SECONDS)), index)
        if not len(rest):
            return
        there = here + (times[rest] - now)[:, None] * self.speed(chain, forwards)
        grown = np.concatenate([np.minimum(here[:2], there[:, :2]), np.maximum(here[2:], there[:, 2:])], axis=1)
        self._add(rest + self.seen.first_frame, grown)

    def speed(self, chain: Sequence[int], forwards: bool) -> NDArray[np.float64]:
        """Pixels a second, (4,), that a box's sides move at the end (or start) of a chain; sizes do not change."""
        row = chain[-1] if forwards else chain[0]
        near = [other for other in chain if abs(self.time(other) - self.time(row)) <= _TREND_SECONDS]
        first, last = near[0], near[-1]
        seconds = self.time(last) - self.time(first)
        if seconds <= 0:
            return np.zeros(4)
        moved = (self.boxes[last] - self.boxes[first]) / seconds
        across, down = (moved[0] + moved[2]) / 2, (moved[1] + moved[3]) / 2
        most = _SPEED * (self.boxes[row][3] - self.boxes[row][1])
        return np.asarray(np.clip(np.array([across, down, across, down]), -most, most), np.float64)

    def time(self, row: int) -> float:
        """When a box was seen."""
        return float(self.seen.seconds[self.frames[row] - self.seen.first_frame])

    def distance(self, row: int, following: int) -> float:
        """How far the person of one box would have moved to be that of a later one, in heights; infinite if too far."""
        if self.frames[following] <= self.frames[row]:
            return math.inf
        seconds = self.time(following) - self.time(row)
        first, second = self.boxes[row], self.boxes[following]
        tall, other = first[3] - first[1], second[3] - second[1]
        if not 1 / _SIZE_RATIO <= tall / other <= _SIZE_RATIO:
            return math.inf
        # What is cut off by the edge of the picture moves one side only, so the nearest sides count.
        apart = np.abs(first - second)
        heights = float(np.hypot(min(apart[0], apart[2]), min(apart[1], apart[3])) / max(tall, other))
        return heights if heights <= 0.5 + _SPEED * seconds else math.inf

    def table(self) -> BoxTable:
        """All boxes."""
        if not self._frames:
            return BoxTable(np.zeros(0, np.int64), np.zeros((0, 4)))
        return BoxTable(np.concatenate(self._frames), np.concatenate(self._boxes))

    def _add(self, frames: NDArray[np.int64], boxes: NDArray[np.float64]) -> None:
        self._frames.append(frames)
        self._boxes.append(boxes)


def _join_chains(filled: _Filled, chains: Sequence[Sequence[int]]) -> None:
    """Extend all chains at both ends, and bridge each to the nearest before and behind that may be the same person."""
    starts = sorted(chains, key=lambda chain: filled.time(chain[0]))
    times = np.array([filled.time(chain[0]) for chain in starts])
    nearest_before: dict[int, tuple[float, int]] = {}
    bridges = set()
    for chain in chains:
        filled.extend(chain, forwards=True)
        filled.extend(chain, forwards=False)
        end, nearest = chain[-1], (math.inf, -1)
        for number in _soon_after(filled.time(end), times):
            start = starts[number][0]
            distance = filled.distance(end, start)
            nearest = min(nearest, (distance, start))
            nearest_before[start] = min(nearest_before.get(start, (math.inf, -1)), (distance, end))
        if nearest[0] < math.inf:
            bridges.add((end, nearest[1]))
    bridges |= {(end, start) for start, (distance, end) in nearest_before.items() if distance < math.inf}
    for end, start in sorted(bridges):
        filled.bridge(end, start)


def _soon_after(time: float, times: NDArray[np.float64]) -> Iterator[int]:
    start = int(np.searchsorted(times, time, side="left"))
    stop = int(np.searchsorted(times, time + BRIDGED_SECONDS, side="right"))
    yield from range(start, stop)
