"""Each tracker through our port: identities over time, fresh state, ended tracks, detections handed back untouched."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biometric import bootstrap
from biometric.entities import Detection, Frame
from biometric.entities.tracker_names import TRACKERS
from biometric.errors import InvalidSetting
from biometric.models.store import ModelStore
from biometric.models.tracking import BotSortTracker
from biometric.ports import Tracker
from biometric.settings import Settings
from tests.fakes import FakeEmbedder

NewTracker = Callable[[], Tracker]


@pytest.fixture(params=TRACKERS)
def new_tracker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewTracker:
    """What the setting makes, at 10 analysed frames a second."""
    if request.param.startswith("roboflow-"):
        pytest.importorskip("trackers")
    monkeypatch.setattr(ModelStore, "embedder", lambda self: FakeEmbedder())
    settings = Settings(tracker=request.param, cache=tmp_path, data=tmp_path, offline=True)
    factory = bootstrap.build_crop_adapters(settings)[2]
    return lambda: factory(10.0)


def frame(index: int) -> Frame:
    return Frame(index, np.zeros((480, 640, 3), np.uint8), index / 10)


def walker(index: int, x: float, confidence: float = 0.9, number: int = 0) -> Detection:
    return Detection(index, (x, 100.0, x + 60, 300.0), confidence, number)


def test_two_walkers_keep_their_identities_and_their_boxes(new_tracker: NewTracker) -> None:
    tracker = new_tracker()
    seen: dict[int, list[Detection]] = {}
    for index in range(20):
        detections = [walker(index, 50 + 5 * index), walker(index, 500 - 5 * index, number=1)]
        for track_id, detection in tracker.update(frame(index), detections):
            assert detection in detections
            seen.setdefault(track_id, []).append(detection)
    assert len(seen) == 2
    for detections in seen.values():
        assert len({detection.box_index for detection in detections}) == 1
        assert len(detections) >= 17, "the first ones may wait until they are confirmed"


def test_state_is_fresh_per_clip(new_tracker: NewTracker) -> None:
    first, second = new_tracker(), new_tracker()
    for index in range(4):
        one = first.update(frame(index), [walker(index, 50)])
    for index in range(4):
        other = second.update(frame(index), [walker(index, 300)])
    assert [track for track, _ in one] == [track for track, _ in other]


def test_a_track_ends_once_after_a_second_out_of_sight_and_nobody_is_nobody(new_tracker: NewTracker) -> None:
    tracker = new_tracker()
    for index in range(5):
        tracker.update(frame(index), [walker(index, 50)])
    assert tracker.ended() == []
    ended = []
    for index in range(5, 30):
        assert tracker.update(frame(index), []) == []
        ended += tracker.ended()
    assert len(ended) == 1


def test_a_person_hidden_for_half_a_second_stays_the_same(new_tracker: NewTracker) -> None:
    tracker = new_tracker()
    ids = set()
    for index in range(20):
        detections = [] if 8 <= index < 13 else [walker(index, 50 + index)]
        ids |= {track_id for track_id, _ in tracker.update(frame(index), detections)}
    assert len(ids) == 1


def test_doubtful_detections_start_nobody(new_tracker: NewTracker) -> None:
    tracker = new_tracker()
    for index in range(10):
        assert tracker.update(frame(index), [walker(index, 50, confidence=0.3)]) == []


def test_a_picture_without_anybody_before_and_between(new_tracker: NewTracker) -> None:
    tracker = new_tracker()
    assert tracker.update(frame(0), []) == []
    assert tracker.ended() == []
    for index in range(1, 6):
        tracked = tracker.update(frame(index), [walker(index, 50)])
    assert len(tracked) == 1


@pytest.mark.parametrize(("looks_the_same", "follows"), [(None, False), (True, True), (False, False)])
def test_appearance_decides_where_boxes_do_not(tmp_path: Path, looks_the_same: bool | None, follows: bool) -> None:
    """Somebody moves by a third of a width and is found with little confidence: too little to be followed by boxes."""
    axis_of = (lambda grey: 0) if looks_the_same else (lambda grey: int(grey > 100))
    embedder = None if looks_the_same is None else FakeEmbedder(axis_of)
    tracker = BotSortTracker(10, tmp_path, embedder, 0.6)
    for index in range(5):
        tracker.update(frame(index), [walker(index, 50)])
    white = Frame(5, np.full((480, 640, 3), 255, np.uint8), 0.5)
    assert bool(tracker.update(white, [walker(5, 68, confidence=0.3)])) is follows


def test_a_tracker_whose_package_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackers", None)
    factory = bootstrap.build_crop_adapters(Settings(tracker="roboflow-botsort", cache=tmp_path, data=tmp_path))[2]
    with pytest.raises(InvalidSetting, match="pip install trackers"):
        factory(10.0)


def test_a_tracker_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="SIGHTLINE_TRACKER must be bytetrack, botsort"):
        Settings(tracker="sort")


@pytest.mark.parametrize("tracker", ["botsort", "botsort-reid", "ocsort"])
def test_a_tracker_whose_library_is_missing_says_what_to_install(
    tracker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biometric.models.tracking.ultralytics_version", lambda: None)
    monkeypatch.setattr(ModelStore, "embedder", lambda self: FakeEmbedder())
    factory = bootstrap.build_crop_adapters(Settings(tracker=tracker, cache=tmp_path, data=tmp_path, offline=True))[2]
    with pytest.raises(InvalidSetting, match=r"pip install .*bytetrack needs neither"):
        factory(10.0)
