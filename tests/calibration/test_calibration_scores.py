"""Which scores a calibration takes: people side by side, names, unlabelled clips, and one person with themselves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biometric.calibration import collection, compared_people
from biometric.calibration.collection import REPEATED, SAME_VISIT
from biometric.calibration.compared_people import ENROLLED, SAME_TIME, UNLABELLED, IdentitySummary
from biometric.domain.comparison import pool
from biometric.entities import BiometricReference, Template
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary
from biometric.errors import ModelMismatch
from tests.builders import axis, observed_clip, person

BOUND = 0.6
BOX = (0.0, 0.0, 50.0, 100.0)


def track(vector: np.ndarray, frames: range = range(10), left: float = 0.0) -> CalibrationTrack:
    return CalibrationTrack(vector, None, dict.fromkeys(frames, (left, 0.0, left + 50, 100.0)))


def clip(*tracks: CalibrationTrack, digest: str = "c") -> ClipSummary:
    return ClipSummary(digest, "m", tracks, 10.0)


def identity(*vectors: np.ndarray, digests: tuple[str, ...] = ("e",)) -> IdentitySummary:
    return IdentitySummary(np.stack(vectors), digests if len(digests) > 1 else digests * len(vectors))


def between(score: float, one: int = 0, other: int = 1) -> np.ndarray:
    """A unit vector whose cosine to `axis(one)` is `score`."""
    vector = score * axis(one) + np.sqrt(1 - score**2) * axis(other)
    return vector.astype(np.float32)


def test_people_seen_side_by_side_are_impostors_and_others_are_not() -> None:
    here, later = track(axis(0)), track(axis(2), range(20, 30))
    found = collection.collect([clip(here, track(between(0.3), left=200), later)], [], BOUND)
    assert found.sources == {SAME_TIME: 1}
    assert list(found.pairs.values()) == [pytest.approx(0.3, abs=1e-6)]
    assert found.people == 3


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ((0.0, 0.0, 50.0, 100.0), False),  # two boxes of one person
        ((10.0, 0.0, 60.0, 100.0), False),  # IoU 0.67
        ((0.0, 0.0, 50.0, 45.0), False),  # an upper body within a whole one: IoU 0.45, but never apart
        ((30.0, 0.0, 80.0, 100.0), True),  # 40 % of each is common
        ((200.0, 0.0, 250.0, 100.0), True),
    ],
)
def test_duplicate_boxes_of_one_person_are_not_two_people(other: tuple[float, ...], counts: bool) -> None:
    one = CalibrationTrack(axis(0), None, dict.fromkeys(range(10), BOX))
    two = CalibrationTrack(axis(1), None, dict.fromkeys(range(10), other))  # type: ignore[arg-type]
    assert bool(compared_people.side_by_side([one, two])[0, 1]) is counts


def test_tracks_that_ever_coincide_may_have_been_swapped() -> None:
    far = (200.0, 0.0, 250.0, 100.0)
    one = CalibrationTrack(axis(0), None, dict.fromkeys(range(10), BOX))
    two = CalibrationTrack(axis(1), None, {**dict.fromkeys(range(9), far), 9: BOX})
    assert not compared_people.side_by_side([one, two]).any()
    brief = CalibrationTrack(axis(1), None, dict.fromkeys(range(8, 12), far))
    assert not compared_people.side_by_side([one, brief]).any(), "two frames together are too few"


def test_names_are_impostors_by_their_best_references() -> None:
    ada, ben = identity(axis(0), axis(3)), identity(between(0.4, 0, 2), between(0.2, 3, 4))
    found = collection.collect([], [ada, ben], BOUND)
    assert found.sources == {ENROLLED: 1}
    assert list(found.pairs.values()) == [pytest.approx(0.4, abs=1e-6)]


def test_unlabelled_people_are_compared_with_names_of_other_clips_only() -> None:
    ada, ben = identity(axis(0), digests=("c",)), identity(axis(1), digests=("e",))
    found = collection.collect([clip(track(axis(2)))], [ada, ben], BOUND)
    assert found.sources == {ENROLLED: 1, UNLABELLED: 1}
    assert found.searches == {}, "not searched in the whole gallery"
    elsewhere = collection.collect([clip(track(between(0.5, 0, 2)), digest="x")], [ada, ben], BOUND)
    assert elsewhere.sources == {ENROLLED: 1, UNLABELLED: 2}
    assert list(elsewhere.searches.values()) == [pytest.approx(0.5, abs=1e-6)]


def test_promise_27_a_track_that_may_be_an_enrolled_person_counts_as_a_mistake_but_not_as_a_trial() -> None:
    ada, ben = identity(axis(0)), identity(axis(1))
    found = collection.collect([clip(track(between(0.9, 0, 2)))], [ada, ben], BOUND)
    assert found.doubtful == 1
    assert max(found.pairs.values()) < BOUND
    assert max(score for _, score in found.more_pairs) == pytest.approx(0.9, abs=1e-6)
    assert found.searches == {}
    assert [score for _, score in found.more_searches] == [pytest.approx(0.9, abs=1e-6)]
    assert found.people == 2


def test_promise_27_two_names_are_two_people_whatever_they_score() -> None:
    names = [identity(between(0.95, 0, number)) for number in range(1, 6)]
    found = collection.collect([], names, BOUND)
    assert (found.people, len(found.pairs)) == (5, 10)
    assert min(found.pairs.values()) > BOUND


def test_two_names_do_not_become_one_through_a_track_that_is_like_both() -> None:
    ada, ben = identity(axis(0)), identity(between(0.8))
    found = collection.collect([clip(track(between(0.95, 0, 1)))], [ada, ben], BOUND)
    assert found.people == 2
    assert (0, 1) in found.pairs


def test_a_stranger_seen_again_is_one_trial_but_every_score_counts() -> None:
    ada = identity(axis(0))
    views = [clip(track(between(0.3, 0, 1)), digest="x"), clip(track(between(0.2, 0, 1)), digest="y"),
             clip(track(between(0.1, 0, 2)), digest="z")]  # fmt: skip
    found = collection.collect(views, [ada], BOUND)
    assert sorted(found.searches.values()) == pytest.approx([0.1, 0.3], abs=1e-6)
    assert [score for _, score in found.more_searches] == [pytest.approx(0.2, abs=1e-6)]
    assert len(found.pairs) == 2


@pytest.mark.parametrize(("alike", "people"), [(0.45, 1), (0.35, 2)])
def test_tracks_are_one_trial_from_a_share_of_the_bound_on(alike: float, people: int) -> None:
    again = [clip(track(axis(1)), digest="x"), clip(track(between(alike, 1, 2)), digest="y")]
    assert collection.collect(again, [], BOUND).people == people


def test_somebody_beside_an_enrolled_person_is_an_impostor_however_alike() -> None:
    ada = identity(axis(0))
    twin = track(between(0.8, 0, 2), left=200)
    found = collection.collect([clip(track(axis(0)), twin)], [ada], BOUND)
    assert found.people == 2
    assert list(found.pairs.values()) == [pytest.approx(0.8, abs=1e-6)]


def test_a_person_who_was_lost_and_found_again_is_one_person() -> None:
    other = track(axis(1), range(40), left=300)
    again = track(between(0.9, 0, 2), range(20, 30))
    found = collection.collect([clip(track(axis(0), range(10)), again, other)], [], BOUND)
    assert found.people == 2
    assert found.sources == {SAME_TIME: 2}
    assert len(found.pairs) == 1


def test_a_clip_given_twice_counts_once() -> None:
    once = clip(track(axis(0)), track(axis(1), left=200))
    assert collection.collect([once, once], [], BOUND).sources == {SAME_TIME: 1}


def test_genuine_scores_are_kept_apart_by_visit() -> None:
    ada = identity(axis(0), between(0.7), between(0.9), digests=("one", "two", "two"))
    ben = identity(axis(3), between(0.95, 3, 4), digests=("one", "one"))
    walker = dataclasses.replace(track(axis(5)), halves=0.99)
    found = collection.collect([clip(walker)], [ada, ben], BOUND)
    repeated = sorted(score for _, score in found.genuine[REPEATED])
    assert repeated == pytest.approx([0.7, 0.9, 0.9], abs=1e-6)
    assert sorted(score for _, score in found.genuine[SAME_VISIT]) == pytest.approx([0.95, 0.95, 0.99], abs=1e-6)


def test_nothing_gives_nothing() -> None:
    found = collection.collect([], [], BOUND)
    assert (found.pairs, found.searches, found.sources, found.doubtful, found.people) == ({}, {}, {}, 0, 0)
    assert collection.collect([clip()], [], BOUND).people == 0


def test_an_observed_clip_is_reduced_to_what_is_compared(tmp_path: Path) -> None:
    people = (person(1, tmp_path, axis(1)), person(2, tmp_path, axis(2), count=3), person(3, tmp_path, None))
    made = compared_people.summarize_clip(observed_clip(tmp_path, *people))
    assert made.seconds == 10.0
    assert [one.halves for one in made.tracks] == [pytest.approx(1.0), None], "three samples have no two halves of two"
    assert made.tracks[0].boxes[0] == (100.0, 100.0, 180.0, 300.0)


def test_references_of_another_model_are_refused() -> None:
    template = Template(pool([axis(0)], "old").vector, "old", 1)
    reference = BiometricReference("r", "i", template, "d", "clip", 0, 9, "2026-01-01", ())
    with pytest.raises(ModelMismatch):
        compared_people.summarize_identity([reference], "new")
    assert compared_people.summarize_identity([reference], "old").digests == ("d",)
