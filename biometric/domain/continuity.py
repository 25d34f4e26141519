"""Which frames of a track show one person: split where appearance changes, joined where it is similar. Numpy only.

A tracker follows boxes, not people. When somebody leaves the picture or passes behind somebody else, it may continue
with another person's box; a template pooled over both would represent neither, and the answer would be wrong for one.
So appearance is compared before samples are chosen: every `MOMENT_SECONDS` of a track gives an embedding, and
neighbouring ones that are alike are summed. So a person who is seen briefly keeps samples of their own beside a person
who is seen for long.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biometric.domain.colour import cell_means
from biometric.domain.selection import Pick
from biometric.entities import Detection, Image
from biometric.entities.boxes import iou

MOMENT_SECONDS = 0.2
"""Each moment of a track gives one embedding, so that 0.4 s of somebody have one wherever moments begin."""

JUMP_OVERLAP = 0.5
JUMP_HEIGHT = 0.7
"""A box that keeps less than this overlap and this share of its height from one analysed frame to the next jumped."""

GRID_ROWS, GRID_COLUMNS, GRID_POINTS = 8, 4, 3
"""Cells of a crop whose mean colours are compared from frame to frame, and points a cell in each direction."""

SUDDEN_CHANGE = 16.0
"""Mean difference of two colour grids, of 255, from which a frame begins a new moment. Of one person in consecutive
frames at 10 a second, 19 of 20 stay below; of two people in one place, 19 of 20 lie above."""

FEW_EMBEDDINGS = 8
FEW_SIMILARITY = 0.8
"""Pooled embeddings, of fewer than this, that are linked to the rest must differ more to be another person's (by
this factor): the first moments of somebody who comes into the picture show only some of the body."""

COHERENCE = 0.1
"""Embeddings of each part of a cut score so much more among themselves than across it, or it is no cut: a model that
tells people apart less well wavers within one person as much as between two parts of the track."""

BLOCKS = 16
"""Most runs of alike embeddings that are kept apart in one track."""

SAMPLES_KEPT = 3
"""Samples kept per sample that is wanted while a track is followed."""


def jumps(earlier: Detection, later: Detection) -> bool:
    """Whether a track's next box is unlikely to be the same person: it lies elsewhere and has another size."""
    ratio = later.height / earlier.height
    return min(ratio, 1 / ratio) < JUMP_HEIGHT and iou(earlier.box, later.box) < JUMP_OVERLAP


def colour_grid(crop: Image) -> NDArray[np.float32]:
    """Mean colours of a (h, w, 3) uint8 crop's cells, (8, 4, 3) in 0…255: a description of appearance that is cheap to
    compare."""
    return cell_means(crop, GRID_ROWS, GRID_COLUMNS, GRID_POINTS)


def colour_change(earlier: NDArray[np.float32], later: NDArray[np.float32]) -> float:
    """Mean absolute difference of two colour grids, in [0, 255]."""
    return float(np.abs(later - earlier).mean())


@dataclass(slots=True, eq=False)
class _Block:
    """A run of embeddings that are alike: their sum, how many, first and last frame.

    `link` is the comparison score of its first embedding with the last one before it.
    """

    total: NDArray[np.float32]
    count: int
    first: int
    last: int
    link: float

    def direction(self) -> NDArray[np.float32]:
        return _direction(self.total)


@dataclass(frozen=True, slots=True, eq=False)
class TrackSegment:
    """The frames of a track that show one person, as runs from embedding to embedding: (first, last), both inclusive.

    `is_person` is False for a single embedding that resembles nobody else in the track.
    """

    runs: tuple[tuple[int, int], ...]
    is_person: bool

    def holds(self, frame: int) -> bool:
        """Whether a frame lies in one of the runs."""
        return any(first <= frame <= last for first, last in self.runs)


@dataclass(slots=True)
class AppearanceHistory:
    """The appearance of one track while it is followed, in bounded memory.

    Attributes:
        min_similarity: comparison score that two segments of one person's track at least have.
        samples: samples wanted per person.
        picks: samples kept so far, in frame order, spread over time and appearance.
    """

    min_similarity: float
    samples: int
    picks: list[Pick] = field(default_factory=list)
    _blocks: list[_Block] = field(default_factory=list)
    _last: NDArray[np.float32] | None = None

    def add(self, pick: Pick) -> None:
        """Take the next moment's sample, with its embedding."""
        row = pick.row
        if row is None:
            raise ValueError("expected a sample with an embedding, got one without")
        link = 1.0 if self._last is None else float(self._last @ row)
        self._last = row
        alike = (1.0 + self.min_similarity) / 2
        if self._blocks and float(self._blocks[-1].direction() @ row) >= alike:
            block = self._blocks[-1]
            block.total, block.count, block.last = block.total + row, block.count + 1, pick.frame
        else:
            self._blocks.append(_Block(row.copy(), 1, pick.frame, pick.frame, link))
            if len(self._blocks) > BLOCKS:
                self._merge_most_alike()
        if not pick.usable:
            return
        self.picks.append(pick)
        if len(self.picks) > max(SAMPLES_KEPT * self.samples, BLOCKS):
            self._drop_one()

    def segments(self) -> list[TrackSegment]:
        """Return the segments of the track, in order of first frame.

        The blocks are cut where the next one resembles neither the one before it nor what came before, and where the
        pooled embeddings before and after differ. Segments that are alike are joined, also when somebody else was
        between them. A segment of one embedding that resembles nobody is a person only where there is nothing larger.
        """
        segments = self._join_alike([segment for run in self._runs() for segment in self._cut_gradual(run)])
        largest = max((_count(segment) for segment in segments), default=0)
        return [
            TrackSegment(tuple((block.first, block.last) for block in segment), _count(segment) > 1 or largest == 1)
            for segment in segments
        ]

    def _runs(self) -> list[list[_Block]]:
        runs: list[list[_Block]] = []
        for block in self._blocks:
            if runs and max(block.link, _similarity(runs[-1], [block])) >= self.min_similarity:
                runs[-1].append(block)
            else:
                runs.append([block])
        return runs

    def _cut_gradual(self, run: list[_Block]) -> list[list[_Block]]:
        """Cut a run whose appearance drifts from one person's to another's, as when one slowly covers the other."""
        splits = []
        for split in range(1, len(run)):
            least = min(_count(run[:split]), _count(run[split:]))
            limit = self.min_similarity * (FEW_SIMILARITY if least < FEW_EMBEDDINGS else 1.0)
            if least > 1 and _tells_apart(run[:split], run[split:]):
                splits.append((_similarity(run[:split], run[split:]) - limit, split))
        excess, split = min(splits, default=(0.0, 0))
        if excess >= 0:
            return [run]
        return self._cut_gradual(run[:split]) + self._cut_gradual(run[split:])

    def _join_alike(self, segments: list[list[_Block]]) -> list[list[_Block]]:
        while len(segments) > 1:
            pairs = [
                (similarity, i, j)
                for j in range(len(segments))
                for i in range(j)
                if (similarity := _similarity(segments[i], segments[j])) >= self._least(segments[i], segments[j])
                or not _tells_apart(segments[i], segments[j])
            ]
            if not pairs:
                break
            _, first, second = max(pairs)
            segments[first] = sorted(segments[first] + segments.pop(second), key=lambda block: block.first)
        return segments

    def _least(self, first: Sequence[_Block], second: Sequence[_Block]) -> float:
        """Score from which two segments are one person's; single embeddings of one person score less than pooled."""
        return self.min_similarity * (FEW_SIMILARITY if min(_count(first), _count(second)) == 1 else 1.0)

    def _merge_most_alike(self) -> None:
        directions = np.stack([block.direction() for block in self._blocks])
        index = int((directions[1:] * directions[:-1]).sum(axis=1).argmax())
        earlier, later = self._blocks[index], self._blocks.pop(index + 1)
        earlier.total, earlier.count = earlier.total + later.total, earlier.count + later.count
        earlier.last = later.last

    def _drop_one(self) -> None:
        """Drop a sample of the block that has most: of its two that lie closest in time, the worse one."""
        members: list[list[int]] = [[] for _ in self._blocks]
        starts = np.array([block.first for block in self._blocks])
        for index, pick in enumerate(self.picks):
            members[int(np.searchsorted(starts, pick.frame, side="right")) - 1].append(index)
        fullest = max(members, key=len)
        closest = min(itertools.pairwise(fullest), key=lambda pair: self._gap(*pair))
        self.picks.pop(min(closest, key=lambda index: self.picks[index].quality))

    def _gap(self, first: int, second: int) -> int:
        return self.picks[second].frame - self.picks[first].frame


def _direction(total: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = total / max(float(np.linalg.norm(total)), 1e-6)
    return scaled


def _similarity(first: Sequence[_Block], second: Sequence[_Block]) -> float:
    totals = [np.sum([block.total for block in side], axis=0) for side in (first, second)]
    return float(_direction(totals[0]) @ _direction(totals[1]))


def _tells_apart(first: Sequence[_Block], second: Sequence[_Block]) -> bool:
    """Whether each of two parts is like itself: the mean score within it lies `COHERENCE` above that between them.

    A part of one embedding has nothing to compare.
    """
    totals = [np.sum([block.total for block in side], axis=0) for side in (first, second)]
    counts = [_count(side) for side in (first, second)]
    between = float(totals[0] @ totals[1]) / (counts[0] * counts[1])
    within = [
        (float(total @ total) - count) / (count * (count - 1))
        for total, count in zip(totals, counts, strict=True)
        if count > 1
    ]
    return all(score >= between + COHERENCE for score in within)


def _count(segment: Sequence[_Block]) -> int:
    return sum(block.count for block in segment)


def assign_frames(frames: Sequence[int], changes: Sequence[float], segments: Sequence[TrackSegment]) -> list[int]:
    """Return which segment each frame of a track belongs to, as its index in `segments`.

    Between the runs of two segments, the second one begins where the colours changed most.

    Args:
        frames: (N,) frame numbers of the track's detections, rising.
        changes: (N,) how much the colours of each detection differ from those of the one before.
        segments: of the same track, at least one.
    """
    runs = sorted((first, last, index) for index, segment in enumerate(segments) for first, last in segment.runs)
    owners = np.full(len(frames), runs[0][2])
    for (_, last, earlier), (first, _, later) in itertools.pairwise(runs):
        if earlier != later:
            between = slice(int(np.searchsorted(frames, last, "right")), int(np.searchsorted(frames, first, "right")))
            owners[between.start + int(np.argmax(changes[between])) :] = later
    return [int(owner) for owner in owners]
