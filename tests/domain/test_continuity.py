"""A track that is two people is cut, a person who is half hidden for a while is not."""

import numpy as np
import pytest

from biometric.domain.continuity import TrackSegment, jumps, people
from biometric.domain.selection import Pick, Refused
from biometric.entities import Detection
from tests.builders import axis

IMAGE = np.zeros((2, 2, 3), np.uint8)


def detection(frame: int, box=(100.0, 100.0, 200.0, 400.0)) -> Detection:
    return Detection(frame, box, 0.9)


def segment(first: int, *numbers: int) -> TrackSegment:
    """A segment with one pick a frame, of the person on that axis."""
    detections = [detection(first + index) for index in range(len(numbers))]
    rows = np.stack([axis(number) for number in numbers]) if numbers else np.zeros((0, 8), np.float32)
    return TrackSegment(detections, [Pick(item, IMAGE, 0.9, 1.0) for item in detections], rows, [])


def unseen(first: int, count: int) -> TrackSegment:
    detections = [detection(first + index) for index in range(count)]
    refused = [Refused(item, "too small", 0.1) for item in detections]
    return TrackSegment(detections, [], np.zeros((0, 8), np.float32), refused)


@pytest.mark.parametrize(
    ("box", "jumped"),
    [
        ((100.0, 100.0, 200.0, 400.0), False),
        ((130.0, 105.0, 230.0, 400.0), False),
        ((400.0, 100.0, 500.0, 400.0), False),
        ((100.0, 100.0, 200.0, 290.0), False),
        ((180.0, 100.0, 230.0, 230.0), True),
        ((100.0, 0.0, 400.0, 700.0), True),
    ],
)
def test_a_jump_is_another_place_and_another_size(box, jumped: bool) -> None:
    assert jumps(detection(0), detection(1, box)) is jumped


def test_parts_that_look_alike_are_one_person_again() -> None:
    (person,) = people([segment(0, 1, 1), segment(2, 1, 1)], 0.5)
    assert [item.frame_index for item in person.detections] == [0, 1, 2, 3]
    assert person.rows.shape == (4, 8)


def test_parts_that_look_different_are_two_people() -> None:
    first, second = people([segment(0, 1, 1), segment(2, 2, 2)], 0.5)
    assert [item.frame_index for item in first.detections] == [0, 1]
    assert [item.frame_index for item in second.detections] == [2, 3]


def test_a_change_of_looks_without_a_jump_is_cut_too_and_several_times() -> None:
    parts = people([segment(0, 1, 1, 1, 2, 2, 2, 3, 3, 3)], 0.5)
    assert [part.rows.argmax(axis=1).tolist() for part in parts] == [[1] * 3, [2] * 3, [3] * 3]


def test_a_part_without_samples_stays_with_its_neighbour() -> None:
    for order in ([unseen(0, 2), segment(2, 1, 1)], [segment(0, 1, 1), unseen(2, 2)]):
        (person,) = people(order, 0.5)
        assert len(person.detections) == 4
        assert len(person.refused) == 2
        assert len(person.picks) == 2
    (nobody,) = people([unseen(0, 2), unseen(2, 1)], 0.5)
    assert (len(nobody.detections), nobody.picks) == (3, [])
    assert people([], 0.5) == []
