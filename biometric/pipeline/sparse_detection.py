"""Looks for people only in frames that may show something new; between them it says where they are.

Two kinds of frames need no detector: those that show what the last one looked at shows, and those between two looks at
people who walk on as before. Everything is decided from the frames themselves, so that the same clip
always gives the same answer.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain.bridging import Look, between, next_look, unchanged
from biometric.domain.picture_change import MOVED_CELLS, SOLID_CELLS, SceneMemory, is_solid
from biometric.entities import Detection, Frame, Image, LookCounts
from biometric.pipeline.coarse_looks import CoarseLooks, changes_elsewhere
from biometric.pipeline.small_pictures import Cells, SmallPictures
from biometric.pipeline.streaming import Found
from biometric.ports import CoarseDetector, Detector

OCCUPIED_SECONDS = 1.0
"""Most seconds from one look at somebody who has just stopped to the next."""

STILL_SHARE = 0.25
"""Share of the time for which somebody has been standing still after which to look again, if that is longer."""

MOVING_CELLS = 4
"""Changed cells that lie together, from which somebody who is known, or near to it, may have moved."""

NOTHING = np.zeros((1, 1), np.bool_)
"""Cells that have changed, of a frame of which that is known."""

_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class LookIntervals:
    """Most seconds from one look of the detector to the next.

    Attributes:
        quiet: where nobody was found and nothing changes.
        bridged: where everybody walks on as predicted; 0: whatever changes is looked at.
    """

    quiet: float = 5.0
    bridged: float = 0.4

    def __str__(self) -> str:
        return f"every {self.quiet:g} s where quiet, {self.bridged:g} s where bridged"


class SparseDetector:
    """Finds the people of one clip's analysed frames, which come in order. One instance a clip."""

    def __init__(self, detector: Detector, pictures: SmallPictures, intervals: LookIntervals) -> None:
        self._counted: Counter[str] = Counter()
        self._detector, self._pictures, self._intervals = detector, pictures, intervals
        self._scene = SceneMemory()
        self._coarse_looks = CoarseLooks()
        self._look: Look | None = None
        self._look_cells: Cells | None = None
        self._image: Image | None = None
        self._cells: Cells | None = None
        self._seconds = self._changed_seconds = 0.0
        self._latest: list[Detection] = []

    @property
    def counts(self) -> LookCounts:
        """How many frames were looked at so far, and why not the others."""
        counted = self._counted
        return LookCounts(counted["looked"], counted["unchanged"], counted["bridged"], counted["moved"])

    def find(self, chunk: Sequence[Frame]) -> list[Found]:
        """Return the people of each frame of the next chunk."""
        cells, fresh = self._seen(chunk)
        changed, certain, elsewhere = self._compare(chunk, cells, fresh)
        results: list[Found | None] = [None] * len(chunk)
        gap: list[int] = []
        wanted = self._looks(chunk, changed, certain)
        coarse = self._coarse(chunk, wanted, certain, elsewhere)
        looks = self._detect(chunk, [number for number in wanted if number not in coarse])
        looks |= self._detect(chunk, sorted(coarse), coarsely=True)
        for number in changed:
            if number not in looks:
                gap.append(number)
                continue
            if number in coarse and not self._as_expected(chunk[number], looks[number]):
                coarse.remove(number)
                looks |= self._detect(chunk, [number])
            if gap and not self._bridge(chunk, gap, chunk[number], looks[number], results):
                for inner, detections in self._detect(chunk, gap).items():
                    results[inner] = self._take(chunk[inner], cells[inner], detections)
            results[number] = self._take(chunk[number], cells[number], looks[number], number not in coarse)
            gap = []
        return [self._carried(frame, found) for frame, found in zip(chunk, results, strict=True)]

    def _seen(self, chunk: Sequence[Frame]) -> tuple[list[Cells], list[bool]]:
        """Return the cells of each frame, and whether it has a picture of its own; one may stand for several frames."""
        cells, fresh = list[Cells](), list[bool]()
        for frame in chunk:
            fresh.append(self._cells is None or frame.image is not self._image)
            latest = self._pictures.cells(frame.image) if self._cells is None or fresh[-1] else self._cells
            cells.append(latest)
            self._image, self._cells = frame.image, latest
        return cells, fresh

    def _compare(
        self, chunk: Sequence[Frame], cells: Sequence[Cells], fresh: Sequence[bool]
    ) -> tuple[list[int], set[int], set[int]]:
        """Return the frames that differ from the one looked at or are due, those of them that must be looked at, and
        those in which something has changed beside the people known.
        """
        changed, certain, elsewhere = [], set(), set()
        rest, least = self._rest(), self._least_cells()
        for number, frame in enumerate(chunk):
            if not fresh[number]:
                continue
            changes = NOTHING if frame.quiet and self._stay() else self._scene.changes(cells[number])
            due = frame.seconds - self._seconds >= rest - _ROUNDING
            moved = changes.mean() >= MOVED_CELLS
            new = is_solid(changes, least)
            if new or due:
                changed.append(number)
                self._scene.look(cells[number])
                self._seconds = frame.seconds
                self._changed_seconds = frame.seconds if new else self._changed_seconds
                self._counted["moved"] += bool(moved)
            if due or moved:
                certain.add(number)
            elif new and self._look is not None and changes_elsewhere(self._look, frame, changes):
                elsewhere.add(number)
        return changed, certain, elsewhere

    def _least_cells(self) -> int:
        """Return from how many changed cells a picture has changed."""
        return MOVING_CELLS if self._look is None or self._look.detections else SOLID_CELLS

    def _stay(self) -> bool:
        """Whether people are known for long: packets and both ends of a group of frames tell that they still stand."""
        return self._look is not None and bool(self._look.known) and self._look.known_for_long

    def _rest(self) -> float:
        """Return after how many seconds an unchanged picture is looked at again."""
        if self._look is None or not self._look.known:
            return self._intervals.quiet
        still = STILL_SHARE * (self._look.seconds - self._changed_seconds)
        return min(max(OCCUPIED_SECONDS, still), self._intervals.quiet) if self._look.known_for_long else 0.0

    def _looks(self, chunk: Sequence[Frame], changed: Sequence[int], certain: set[int]) -> list[int]:
        """Return the frames to look at first: where people walk on undisturbed, one in each `bridged` seconds."""
        if self._look is None or not self._look.steady:
            return list(changed)
        looks, latest = [], self._look.seconds
        for position, number in enumerate(changed, start=1):
            following = changed[position] if position < len(changed) else None
            too_late = following is None or chunk[following].seconds - latest > self._intervals.bridged + _ROUNDING
            if too_late or number in certain:
                looks.append(number)
                latest = chunk[number].seconds
        return looks

    def _coarse(self, chunk: Sequence[Frame], looks: Sequence[int], certain: set[int], elsewhere: set[int]) -> set[int]:
        """Return the looks for which a smaller picture is enough; what has changed elsewhere on the way counts."""
        if not isinstance(self._detector, CoarseDetector) or self._intervals.bridged == 0:
            return set()
        spans = zip([-1, *looks], looks, strict=False)
        busy = {chunk[last].index for first, last in spans if any(first < number <= last for number in elsewhere)}
        full = {chunk[number].index for number in certain}
        chosen = self._coarse_looks.choose(self._look, [chunk[number] for number in looks], full, busy)
        return {number for number in looks if chunk[number].index in chosen}

    def _as_expected(self, frame: Frame, detections: Sequence[Detection]) -> bool:
        """Whether a look shows everybody who was there where they were expected, and nobody else."""
        look = self._look
        return look is not None and next_look(look, detections, frame.seconds).follows(look) is not None

    def _bridge(
        self,
        chunk: Sequence[Frame],
        gap: Sequence[int],
        end: Frame,
        detections: Sequence[Detection],
        results: list[Found | None],
    ) -> bool:
        """Fill the frames between the latest look and the next one, `end`; return whether that is certain."""
        if self._look is None:
            return False
        pairs = next_look(self._look, detections, end.seconds).follows(self._look)
        if pairs is None:
            return False
        for number in gap:
            results[number] = Found(between(pairs, chunk[number]), looked=False)
        self._counted["bridged"] += len(gap)
        return True

    def _take(self, frame: Frame, cells: Cells, detections: list[Detection], full: bool = True) -> Found:
        """Keep what a look found; boxes of a coarse one are too coarse for samples."""
        self._counted["looked"] += 1
        before, self._look = self._look, next_look(self._look, detections, frame.seconds)
        if before is not None and self._look_cells is not None and len(self._look.known) <= len(before.known):
            people = _places([*before.detections, *detections], frame, cells.shape)
            self._scene.learn(cells, self._look_cells, people, frame.seconds - before.seconds)
        self._look_cells = cells
        return Found(detections, looked=full)

    def _carried(self, frame: Frame, found: Found | None) -> Found:
        if found is None:
            self._counted["unchanged"] += 1
            found = Found(unchanged(self._latest, frame), looked=False)
        self._latest = found.detections
        return found

    def _detect(
        self, chunk: Sequence[Frame], numbers: Sequence[int], coarsely: bool = False
    ) -> dict[int, list[Detection]]:
        if not numbers:
            return {}
        frames, detector = [chunk[number] for number in numbers], self._detector
        if coarsely and isinstance(detector, CoarseDetector):
            found = detector.detect_coarsely(frames)
        else:
            found = detector.detect(frames)
        return dict(zip(numbers, found, strict=True))


def _places(detections: Sequence[Detection], frame: Frame, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return in which cells somebody is, with a margin of a cell."""
    places = np.zeros(shape, np.bool_)
    height, width = frame.image.shape[:2]
    across, down = shape[1] / width, shape[0] / height
    for x1, y1, x2, y2 in (item.box for item in detections):
        rows = slice(max(0, int(y1 * down) - 1), int(y2 * down) + 2)
        places[rows, max(0, int(x1 * across) - 1) : int(x2 * across) + 2] = True
    return places
