"""Detections in columns read like a tuple of detections and take little memory."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from biometric.entities import Detection, DetectionList, Tracklet


def detection(frame: int) -> Detection:
    """A detection whose every attribute has a value of its own."""
    given = Detection(frame, (1.1, 2.2 + frame, 30.3, 400.4 + frame), 0.123456789, 3)
    extra = {field.name: frame / 7 for field in dataclasses.fields(Detection)[4:]}
    return dataclasses.replace(given, **extra)


def test_a_list_reads_like_a_tuple_of_the_same_detections() -> None:
    given = tuple(detection(frame) for frame in range(0, 50, 5))
    kept = DetectionList(given)
    assert kept == given
    assert tuple(kept) == given
    assert (kept[0], kept[-1], len(kept)) == (given[0], given[-1], 10)
    assert kept[2:5] == given[2:5]
    assert kept != given[:-1]
    assert list(kept.frames) == list(range(0, 50, 5))
    with pytest.raises(IndexError):
        kept[10]


def test_chosen_detections_are_a_list_of_their_own() -> None:
    given = [detection(frame) for frame in range(6)]
    kept = DetectionList(given)
    chosen = kept.where(np.array([False, True, True, False, False, True]))
    assert chosen == [given[1], given[2], given[5]]
    chosen.append(detection(9))
    assert len(kept) == 6


def test_four_hours_of_one_person_take_less_than_12_mb() -> None:
    tracemalloc.start()
    try:
        kept = DetectionList(detection(frame) for frame in range(14_400))
        tracklet = Tracklet(1, kept)
        per_detection = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    assert (tracklet.first_frame, tracklet.last_frame) == (0, 14_399)
    assert per_detection < 80, "144,000 detections of four hours at 10 a second take 144,000 times as much"
