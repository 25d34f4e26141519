"""Which regions are hidden: gaps bridged, ends extended, margins, nothing outside the frame."""

import numpy as np
import pytest

from biometric.domain.hidden_regions import (
    EXTENDED_SECONDS,
    SeenPeople,
    bridged_boxes,
    regions_of,
    without_duplicates,
)
from biometric.entities import Detection, DetectionList
from biometric.entities.redaction import HiddenRegion

FPS = 10


def seen(*people: tuple[int, int, tuple[float, float, float, float], float], count: int = 60, first: int = 0):
    """(frame, track, box, confidence) of everybody, in frame order; ten frames a second."""
    detections = DetectionList(
        Detection(frame, box, confidence, number, frame / FPS)
        for number, (frame, _, box, confidence) in enumerate(people)
    )
    times = (first + np.arange(count)) / FPS
    return SeenPeople(first, times, detections, np.array([track for _, track, _, _ in people], np.int64))


def at(x: float, tall: float = 100.0) -> tuple[float, float, float, float]:
    return (x, 50.0, x + 40, 50.0 + tall)


def everybody(people: SeenPeople) -> np.ndarray:
    return np.ones(len(people.tracks), np.bool_)


def covered(table, frame: int, box: tuple[float, float, float, float]) -> bool:
    """Whether one box of the frame holds the box."""
    boxes = table.at(frame)
    near = np.array(box) + np.array([1e-6, 1e-6, -1e-6, -1e-6])
    return any((b[:2] <= near[:2]).all() and (b[2:] >= near[2:]).all() for b in boxes)


def test_a_gap_within_a_track_is_bridged_in_a_straight_line() -> None:
    people = seen((10, 1, at(100), 0.9), (20, 1, at(200), 0.9))
    table = bridged_boxes(people, everybody(people))
    for frame in range(10, 21):
        assert covered(table, frame, at(100 + 10 * (frame - 10)))


def test_a_gap_is_bridged_also_where_only_one_end_is_hidden() -> None:
    people = seen((10, 1, at(100), 0.9), (20, 1, at(200), 0.9))
    table = bridged_boxes(people, np.array([True, False]))
    assert all(len(table.at(frame)) for frame in range(10, 20))


def test_the_gap_between_two_tracks_of_one_person_is_bridged() -> None:
    people = seen(*[(frame, 1, at(100 + frame), 0.9) for frame in range(10)], (28, 2, at(128), 0.9), count=40)
    table = bridged_boxes(people, everybody(people))
    assert all(covered(table, frame, at(109)) or len(table.at(frame)) for frame in range(10, 28))
    assert covered(table, 20, at(119.0)) or np.abs(table.at(20)[:, 0] - 120).min() < 3


def test_people_far_from_each_other_or_of_other_sizes_are_not_bridged() -> None:
    for box in (at(900), (100.0, 50.0, 240.0, 450.0)):
        people = seen((5, 1, at(100), 0.9), (23, 2, box, 0.9))
        table = bridged_boxes(people, everybody(people))
        assert len(table.at(14)) == 0


def test_regions_stay_before_the_first_and_behind_the_last_box_and_grow_to_where_somebody_goes() -> None:
    people = seen(*[(frame, 1, at(100 + 5 * (frame - 20)), 0.9) for frame in range(20, 31)])
    table = bridged_boxes(people, everybody(people))
    held = round(EXTENDED_SECONDS * FPS)
    assert covered(table, 30 + held, at(150))
    assert covered(table, 30 + held, at(150 + 5 * held))
    assert covered(table, 20 - held, at(100))
    assert covered(table, 20 - held, at(100 - 5 * held))
    assert len(table.at(30 + held + 1)) == 0
    assert len(table.at(20 - held - 1)) == 0


def test_regions_end_with_the_footage() -> None:
    people = seen((100, 1, at(10), 0.9), (101, 1, at(10), 0.9), count=3, first=100)
    table = bridged_boxes(people, everybody(people))
    assert len(table.at(99)) == 0
    assert len(table.at(103)) == 0
    assert [len(table.at(frame)) for frame in (100, 101, 102)] == [1, 1, 1]


def test_uneven_times_are_bridged_by_time_and_not_by_number() -> None:
    detections = DetectionList([Detection(0, at(0), 0.9, 0, 0.0), Detection(3, at(90), 0.9, 0, 0.9)])
    people = SeenPeople(0, np.array([0.0, 0.1, 0.8, 0.9]), detections, np.array([1, 1]))
    table = bridged_boxes(people, everybody(people))
    assert covered(table, 1, at(10))
    assert covered(table, 2, at(80))


def test_nobody_gives_no_region() -> None:
    people = seen()
    table = bridged_boxes(people, everybody(people))
    assert len(table) == 0
    assert len(table.at(3)) == 0
    assert regions_of(table.at(3), 0.1, 100, 100) == []


def test_an_uncertain_box_over_a_shown_person_is_that_person_and_any_other_is_hidden() -> None:
    shown = np.array([True, False, False, False])
    people = seen(
        (5, 1, at(100), 0.9),
        (5, -1, at(103), 0.15),  # nearly the same box
        (5, -1, at(103), 0.6),  # as sure as somebody of their own
        (5, -1, at(125), 0.15),  # beside
    )
    assert without_duplicates(people, shown).tolist() == [False, False, True, True]


def test_the_margin_is_a_share_of_the_height_and_ends_at_the_frame() -> None:
    assert regions_of(np.array([[50.0, 60, 90, 160]]), 0.1, 320, 240) == [HiddenRegion(46, 50, 94, 170, 100.0)]
    assert regions_of(np.array([[50.0, 60, 60, 160]]), 0.3, 320, 240) == [HiddenRegion(40, 30, 70, 190, 100.0)]
    assert regions_of(np.array([[2.0, 60, 42, 235]]), 0.1, 320, 240) == [HiddenRegion(0, 42, 48, 240, 175.0)]
    assert regions_of(np.array([[400.0, 60, 440, 160]]), 0.1, 320, 240) == []


def test_a_region_within_another_one_is_left_out() -> None:
    boxes = np.array([[60.0, 70, 80, 120], [50.0, 60, 90, 160]])
    assert regions_of(boxes, 0.0, 320, 240) == [HiddenRegion(50, 60, 90, 160, 100.0)]


def test_boxes_in_frames_that_were_not_looked_at_are_refused() -> None:
    with pytest.raises(ValueError, match="looked at"):
        seen((70, 1, at(0), 0.9))
