"""People joined and split by hand, worked out by hand and whatever the order."""

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.person_edits import (
    JoinEdit,
    SplitEdit,
    apply_edits,
    join_people,
    least_score,
    split_frames,
    split_person,
)
from biometric.entities import Detection, Notice, NoticeCode, Observation, ObservedClip, Tracklet
from biometric.errors import InvalidInput, UnknownPerson
from tests.builders import TOO_SMALL, axis, observed_clip, person


def moved(observation: Observation, left: float) -> Observation:
    """The same person with boxes at another place."""

    def at(detection: Detection) -> Detection:
        return dataclasses.replace(detection, box=(left, 100.0, left + 80, 300.0))

    samples = tuple(dataclasses.replace(sample, detection=at(sample.detection)) for sample in observation.samples)
    track = Tracklet(observation.tracklet.track_id, tuple(map(at, observation.tracklet.detections)))
    return dataclasses.replace(observation, samples=samples, tracklet=track)


def facts(observed: ObservedClip) -> list[tuple[object, ...]]:
    """What an observation says of its people, templates bit by bit."""
    return [
        (
            one.person,
            [(item.frame_index, item.box) for item in one.tracklet.detections],
            [(sample.detection.crop_name, sample.kept) for sample in one.samples],
            None if one.template is None else (one.template.vector.tobytes(), one.template.sample_count),
            one.refused_count,
        )
        for one in observed.observations
    ]


@pytest.fixture
def observed(tmp_path: Path) -> ObservedClip:
    """1 in frames 0–3, 2 in 10–15, 3 in 2–5 at another place than 1, 4 in 30–33 without a usable sample."""
    return observed_clip(
        tmp_path,
        person(1, tmp_path, axis(0), 0, 4),
        person(2, tmp_path, axis(1), 10, 6),
        person(3, tmp_path, axis(2), 2, 4),
        person(4, tmp_path, None, 30, 4),
    )


def test_two_people_become_one_under_the_lower_number(observed: ObservedClip) -> None:
    joined = join_people(observed, [2, 1])
    assert [one.person for one in joined.observations] == [1, 3, 4]
    one, *others = joined.observations
    assert others == [observed.observations[2], observed.observations[3]]
    assert [detection.frame_index for detection in one.tracklet.detections] == [0, 1, 2, 3, 10, 11, 12, 13, 14, 15]
    assert one.template is not None
    assert one.template.sample_count == 10
    # Four samples along one axis and six along another: their mean lies at (4, 6), of length √52.
    np.testing.assert_allclose(one.template.vector[:3], np.array([4, 6, 0]) / np.sqrt(52), atol=1e-6)
    assert joined.warnings == (Notice(NoticeCode.JOINED_BY_HAND, person=1, people="1, 2"),)
    assert joined.edited
    assert not observed.edited


def test_somebody_without_a_usable_sample_adds_frames_and_refusals(observed: ObservedClip) -> None:
    one = join_people(observed, [1, 4]).observations[0]
    assert one.template is not None
    assert (one.template.sample_count, one.refusals) == (4, {NoticeCode.TOO_SMALL: 4})
    assert one.tracklet.last_frame == 33


def test_people_at_different_places_in_the_same_frames_are_two(observed: ObservedClip) -> None:
    with pytest.raises(InvalidInput, match=r"Person 1 and person 3 are two people: .* in the same frames \(2\)"):
        join_people(observed, [1, 2, 3])


def test_a_double_detection_is_one_person_with_the_more_confident_boxes(tmp_path: Path) -> None:
    first = person(1, tmp_path, axis(0), 0, 4)
    second = moved(person(2, tmp_path, axis(0), 2, 4), 110.0)  # 70 of 80 pixels in common: an IoU of 7/9
    confident = tuple(dataclasses.replace(item, confidence=0.95) for item in second.tracklet.detections[:1])
    track = Tracklet(2, (*confident, *second.tracklet.detections[1:]))
    joined = join_people(observed_clip(tmp_path, first, dataclasses.replace(second, tracklet=track)), [1, 2])
    boxes = {item.frame_index: item.box[0] for item in joined.observations[0].tracklet.detections}
    assert boxes == {0: 100.0, 1: 100.0, 2: 110.0, 3: 100.0, 4: 110.0, 5: 110.0}
    assert len(joined.observations[0].kept) == 8


@pytest.mark.parametrize(("people", "kind"), [([1], InvalidInput), ([2, 2], InvalidInput), ([1, 9], UnknownPerson)])
def test_what_cannot_be_joined(observed: ObservedClip, people: list[int], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        join_people(observed, people)


def test_one_person_becomes_two_with_the_lowest_free_number(observed: ObservedClip) -> None:
    split = split_person(observed, 2, 12)
    assert [one.person for one in split.observations] == [1, 2, 3, 4, 5]
    second, fifth = split.observations[1], split.observations[4]
    assert [item.frame_index for item in second.tracklet.detections] == [10, 11]
    assert [item.frame_index for item in fifth.tracklet.detections] == [12, 13, 14, 15]
    assert second.template is not None
    assert fifth.template is not None
    assert (second.template.sample_count, fifth.template.sample_count) == (2, 4)
    assert split.observations[0] == observed.observations[0]
    assert split.warnings == (Notice(NoticeCode.SPLIT_BY_HAND, person=2, other=5, frame=12),)


@pytest.mark.parametrize("frame", [0, 10, 16, 99])
def test_both_parts_need_a_usable_sample(observed: ObservedClip, frame: int) -> None:
    with pytest.raises(InvalidInput, match="each part needs at least one usable sample"):
        split_person(observed, 2, frame)


def test_nobody_of_that_number_is_split(observed: ObservedClip) -> None:
    with pytest.raises(UnknownPerson):
        split_person(observed, 7, 12)


def test_refused_samples_go_with_their_part(tmp_path: Path) -> None:
    whole = person(1, tmp_path, axis(0), 0, 6)
    samples = [
        dataclasses.replace(sample, refusal=TOO_SMALL, embedding=None) if place in (0, 4) else sample
        for place, sample in enumerate(whole.samples)
    ]
    counted = dataclasses.replace(whole, samples=tuple(samples), refusals=Counter({NoticeCode.TOO_SMALL: 50}))
    early, late = split_person(observed_clip(tmp_path, counted), 1, 3).observations
    assert (early.refused_count, late.refused_count) == (49, 1), "48 more were only counted"


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 5])))
def test_property_the_order_of_joining_makes_no_difference(tmp_path: Path, order: tuple[int, ...]) -> None:
    people = (person(number, tmp_path, axis(number, 0.3 * number), 10 * number, 3 + number) for number in (1, 2, 3, 5))
    observed = observed_clip(tmp_path, *people)
    at_once = join_people(observed, {1, 2, 5})
    first, second, third = order
    step = join_people(observed, [first, second])
    assert facts(join_people(step, [min(first, second), third])) == facts(at_once)


@pytest.mark.parametrize(("first", "second"), [((0, 4), (4, 1)), ((0, 1), (50, 7)), ((3, 9), (20, 2))])
def test_property_join_then_split_gives_the_same_two(
    tmp_path: Path, first: tuple[int, int], second: tuple[int, int]
) -> None:
    left = person(1, tmp_path, axis(0, 0.2), *first)
    right = moved(person(2, tmp_path, axis(1, 0.5), *second), 500.0)
    observed = observed_clip(tmp_path, left, right, person(3, tmp_path, axis(2), 90, 3))
    joined = join_people(observed, [1, 2])
    assert second[0] in split_frames(joined.observations[0]), "it is offered where the second one comes"
    assert facts(split_person(joined, 1, second[0])) == facts(observed)
    edits = [JoinEdit(frozenset({1, 2})), SplitEdit(1, second[0])]
    assert facts(apply_edits(observed, edits)) == facts(observed)
    assert apply_edits(observed, []) is observed


def test_a_split_is_offered_between_samples_where_the_box_moves_most(tmp_path: Path) -> None:
    whole = person(1, tmp_path, axis(0), 0, 8)
    left = [100.0, 102.0, 104.0, 400.0, 402.0, 404.0, 406.0, 408.0]
    track = Tracklet(
        1,
        tuple(
            dataclasses.replace(item, box=(x, 100.0, x + 80, 300.0))
            for item, x in zip(whole.tracklet.detections, left, strict=True)
        ),
    )
    kept = dataclasses.replace(whole, tracklet=track, samples=(whole.samples[1], whole.samples[6]))
    assert split_frames(kept) == (3,)
    assert split_frames(dataclasses.replace(kept, samples=kept.samples[:1])) == ()


def test_the_lowest_score_among_people_tells_strangers(observed: ObservedClip, tmp_path: Path) -> None:
    assert least_score(observed, [1, 2]) == pytest.approx(0.0, abs=1e-6)
    assert least_score(observed, [1, 4]) is None, "somebody has no template"
    alike = observed_clip(tmp_path, person(1, tmp_path, axis(0)), person(2, tmp_path, axis(0), 20))
    assert least_score(alike, [2, 1]) == pytest.approx(1.0)
