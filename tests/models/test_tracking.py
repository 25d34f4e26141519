"""ByteTrack through our port: identities over time, fresh state, ended tracks, detections handed back untouched."""

from pathlib import Path

import numpy as np

from biometric.entities import Detection, Frame
from biometric.models.tracking import ByteTracker


def frame(index: int) -> Frame:
    return Frame(index, np.zeros((480, 640, 3), np.uint8), index / 10)


def walker(index: int, x: float, confidence: float = 0.9, number: int = 0) -> Detection:
    return Detection(index, (x, 100.0, x + 60, 300.0), confidence, number)


def test_two_walkers_keep_their_identities_and_their_boxes(tmp_path: Path) -> None:
    tracker = ByteTracker(10, tmp_path)
    seen: dict[int, list[Detection]] = {}
    for index in range(20):
        detections = [walker(index, 50 + 5 * index), walker(index, 500 - 5 * index, number=1)]
        for track_id, detection in tracker.update(frame(index), detections):
            assert detection in detections
            seen.setdefault(track_id, []).append(detection)
    assert len(seen) == 2
    for detections in seen.values():
        assert len({detection.box_index for detection in detections}) == 1
        assert len(detections) >= 19


def test_state_is_fresh_per_clip(tmp_path: Path) -> None:
    first, second = ByteTracker(10, tmp_path), ByteTracker(10, tmp_path)
    for index in range(3):
        (one,) = first.update(frame(index), [walker(index, 50)])
    (other,) = second.update(frame(0), [walker(0, 300)])
    assert one[0] == other[0] == 1


def test_a_track_ends_once_after_a_second_out_of_sight_and_nobody_is_nobody(tmp_path: Path) -> None:
    tracker = ByteTracker(10, tmp_path)
    for index in range(5):
        tracker.update(frame(index), [walker(index, 50)])
    assert tracker.ended() == []
    ended = []
    for index in range(5, 30):
        assert tracker.update(frame(index), []) == []
        ended += tracker.ended()
    assert ended == [1]


def test_a_person_hidden_for_half_a_second_stays_the_same(tmp_path: Path) -> None:
    tracker = ByteTracker(10, tmp_path)
    ids = set()
    for index in range(20):
        detections = [] if 8 <= index < 13 else [walker(index, 50 + index)]
        ids |= {track_id for track_id, _ in tracker.update(frame(index), detections)}
    assert len(ids) == 1


def test_doubtful_detections_start_nobody(tmp_path: Path) -> None:
    tracker = ByteTracker(10, tmp_path)
    for index in range(10):
        assert tracker.update(frame(index), [walker(index, 50, confidence=0.3)]) == []
