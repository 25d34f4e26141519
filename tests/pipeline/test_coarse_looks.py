"""Looks at smaller pictures: only at people who are large and alone in what changes, and nobody is missed by them."""

from collections.abc import Sequence

import numpy as np
import pytest

from biometric.entities import Detection, Frame
from biometric.entities.boxes import iou
from biometric.pipeline.coarse_looks import FULL_SECONDS, WORTH_IT
from biometric.pipeline.sparse_detection import LookIntervals
from biometric.ports import CoarseDetector
from tests.pipeline.test_sparse_detection import USUAL, Oracle, Where, find, footage, noisy, still, walker

SECONDS = 20.0
near = walker(0.0, SECONDS, height=220, speed=15, y=80)
VISIBLE = 120.0
"""Height below which the coarse look of this test sees nobody."""


class CoarseOracle(Oracle):
    """Sees only large people in smaller pictures, in boxes that tremble more; somebody at `lost_at` not at all."""

    name, device = "oracle", "test"

    def __init__(self, *people: Where, lost_at: float = -1.0) -> None:
        super().__init__(*people)
        self.coarse, self.lost_at = list[int](), lost_at

    def detect_coarsely(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.coarse += [frame.index for frame in frames]
        found = [self._one(frame) for frame in frames]
        return [
            [item for item in items if item.box[3] - item.box[1] >= VISIBLE and not 0 < self.lost_at <= item.seconds]
            for items in found
        ]


def test_a_large_person_who_walks_on_is_looked_at_coarsely_between_full_looks() -> None:
    oracle, frames = CoarseOracle(near), footage(SECONDS, noisy, near)
    assert isinstance(oracle, CoarseDetector)
    sparse, found = find(oracle, frames)
    assert len(oracle.coarse) >= 10
    assert not set(oracle.coarse) & set(oracle.frames), "no look is made twice where all is as expected"
    assert sparse.counts.looked == len(oracle.coarse) + len(oracle.frames)
    assert sparse.counts.analysed == len(frames)
    full = [frame.seconds for frame in frames if frame.index in oracle.frames]
    assert np.diff(full).max() <= FULL_SECONDS + USUAL.bridged + 0.01
    for frame, item in zip(frames, found, strict=True):
        box = near(frame.seconds)
        assert box is not None
        assert iou(box, item.detections[0].box) > 0.7
        assert item.looked == (frame.index in oracle.frames), "coarse boxes serve no sample"


@pytest.mark.parametrize(
    ("person", "seconds", "intervals"),
    [
        (walker(0.0, SECONDS, height=100, speed=15), SECONDS, USUAL),
        (near, 0.4 * WORTH_IT, USUAL),
        (near, SECONDS, LookIntervals(bridged=0.0)),
    ],
    ids=["small", "too short to be worth it", "bridging switched off"],
)
def test_other_people_are_looked_at_in_full(person: Where, seconds: float, intervals: LookIntervals) -> None:
    oracle = CoarseOracle(person)
    find(oracle, footage(seconds, still, person), intervals)
    assert oracle.coarse == []


@pytest.mark.parametrize("speed", [25.0, 100.0])
def test_somebody_small_who_comes_beside_a_large_person_is_seen_as_soon_as_without(speed: float) -> None:
    far = walker(13.0, 15.0, height=60, speed=speed, x=400, y=60)
    frames, first = footage(SECONDS, noisy, near, far), []
    for oracle in (CoarseOracle(near, far), Oracle(near, far)):
        _, found = find(oracle, frames)
        seen = [frame.seconds for frame, item in zip(frames, found, strict=True) if len(item.detections) == 2]
        first.append((seen[0], len(seen)))
    assert first[0] == first[1]


def test_what_a_coarse_look_does_not_find_as_expected_is_looked_at_in_full() -> None:
    oracle, frames = CoarseOracle(near, lost_at=14.0), footage(SECONDS, noisy, near)
    _, found = find(oracle, frames)
    lost = [frame.index for frame in frames if frame.seconds >= 14.0 and frame.index in oracle.coarse]
    assert lost
    assert set(lost) <= set(oracle.frames)
    assert all(len(item.detections) == 1 for item in found)
