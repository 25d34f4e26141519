"""People put together from tracks, and taken apart again, keep what each track was."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.linked_people import link_people
from biometric.domain.person_edits import join_people, split_person
from biometric.entities import LinkKind, LinkScores, NoticeCode, Observation, ObservedClip, PerhapsSame, Stretch
from tests.builders import axis, observed_clip, person
from tests.fakes import MODEL_ID

LIMITS = LinkScores(0.6, 0.4)


def linked(*tracks: Observation) -> tuple[Observation, ...]:
    return link_people(tracks, LIMITS, MODEL_ID)


@pytest.fixture
def returning(tmp_path: Path) -> list[Observation]:
    """1 and 3 look alike (0.8) and are seen after each other, with 2 between them, who is in view beside 1 and 3."""
    return [
        person(1, tmp_path, axis(0), 0, 10),
        person(2, tmp_path, axis(1), 5, 40),
        person(3, tmp_path, axis(0, 0.75), 40, 6),
    ]


def test_somebody_who_comes_back_is_one_person_with_both_stretches(returning: list[Observation]) -> None:
    first, second = linked(*returning)
    assert (first.person, second.person) == (1, 2)
    assert first.stretches == (Stretch(0, 9, 0.0, 0.9), Stretch(40, 45, 4.0, 4.5))
    assert [(part.kind, part.score) for part in first.linked] == [(LinkKind.SCORE, pytest.approx(0.8))] * 2
    assert first.link_score == pytest.approx(0.8)
    assert len(first.tracklet.detections) == 16
    assert first.template is not None
    assert first.template.sample_count == len(first.kept) == 16
    # ten samples along axis 0, six at (0.8, 0.6) to axis 7: their mean lies at (14.8, 3.6)
    np.testing.assert_allclose(first.template.vector[[0, 7]], np.array([14.8, 3.6]) / np.hypot(14.8, 3.6), atol=1e-6)
    assert second == dataclasses.replace(returning[1], person=2)
    assert (second.linked, second.stretches) == ((), (Stretch(5, 44, 0.5, 4.4),))


def test_people_are_numbered_anew_by_first_appearance(returning: list[Observation], tmp_path: Path) -> None:
    late = person(4, tmp_path, axis(3), 60)
    assert [one.person for one in linked(*returning, late)] == [1, 2, 3]


def test_a_short_gap_is_no_gap_in_a_stretch(tmp_path: Path) -> None:
    (one,) = linked(person(1, tmp_path, axis(0), 0, 10), person(2, tmp_path, axis(0), 19, 5))
    assert one.stretches == (Stretch(0, 23, 0.0, 2.3),)
    assert len(one.linked) == 2


def test_an_uncertain_link_is_told_on_both(tmp_path: Path) -> None:
    first, second = linked(person(1, tmp_path, axis(0), 0, 5), person(2, tmp_path, axis(0, 1.732), 50, 5))
    assert first.perhaps == (PerhapsSame(2, pytest.approx(0.5, abs=1e-3)),)
    assert second.perhaps == (PerhapsSame(1, first.perhaps[0].score),)


def test_splitting_at_the_link_gives_the_tracks_back(returning: list[Observation], tmp_path: Path) -> None:
    observed = observed_clip(tmp_path, *linked(*returning))
    split = split_person(observed, 1, 40)
    first, second, third = split.observations
    for part, track in ((first, returning[0]), (third, returning[2])):
        assert part.linked == ()
        assert part.samples == track.samples
        assert part.template is not None
        assert track.template is not None
        np.testing.assert_allclose(part.template.vector, track.template.vector, atol=1e-6)
        assert list(part.tracklet.detections) == list(track.tracklet.detections)
    assert second == observed.observations[1]


def test_splitting_within_a_track_keeps_the_links_of_each_part(tmp_path: Path) -> None:
    tracks = [person(number, tmp_path, axis(0), 30 * number, 10) for number in (1, 2, 3)]
    observed = observed_clip(tmp_path, *linked(*tracks))
    first, second = split_person(observed, 1, 65).observations
    assert [part.observation.tracklet.last_frame for part in first.linked] == [39, 64]
    assert [part.observation.tracklet.first_frame for part in second.linked] == [65, 90]
    assert all(part.observation.template is not None for part in (*first.linked, *second.linked))
    assert [len(part.observation.samples) for part in first.linked] == [10, 5]


def test_joining_by_hand_is_the_same_person_as_linking(tmp_path: Path) -> None:
    alike = [person(1, tmp_path, axis(0), 0, 4), person(2, tmp_path, axis(0, 0.5), 30, 4)]
    (by_score,) = linked(*alike)
    (by_hand,) = join_people(observed_clip(tmp_path, *alike), [1, 2]).observations
    assert by_hand.stretches == by_score.stretches
    assert [part.kind for part in by_hand.linked] == [LinkKind.HAND] * 2
    assert by_hand.link_score == pytest.approx(by_score.link_score)
    assert by_hand.template is not None
    assert by_score.template is not None
    assert by_hand.template.vector.tobytes() == by_score.template.vector.tobytes()


def perhaps_the_same(tmp_path: Path) -> ObservedClip:
    """1, 2 and 3: 3 may be 1 or 2."""
    people = [person(number, tmp_path, axis(number), 30 * number, 4) for number in (1, 2, 3)]
    told = {1: (PerhapsSame(3, 0.5),), 2: (PerhapsSame(3, 0.45),), 3: (PerhapsSame(1, 0.5), PerhapsSame(2, 0.45))}
    return observed_clip(tmp_path, *(dataclasses.replace(one, perhaps=told[one.person]) for one in people))


def test_what_is_told_of_somebody_joined_follows_them(tmp_path: Path) -> None:
    observed = perhaps_the_same(tmp_path)
    first, third = join_people(observed, [1, 2]).observations
    assert (first.perhaps, third.perhaps) == ((PerhapsSame(3, 0.5),), (PerhapsSame(1, 0.5),))
    second, one = sorted(join_people(observed, [1, 3]).observations, key=lambda item: -item.person)
    assert (one.perhaps, second.perhaps) == ((PerhapsSame(2, 0.45),), (PerhapsSame(1, 0.45),))
    (whole,) = join_people(observed, [1, 2, 3]).observations
    assert whole.perhaps == ()


def test_nothing_is_told_of_somebody_who_was_split(tmp_path: Path) -> None:
    people = split_person(perhaps_the_same(tmp_path), 3, 92).observations
    assert [one.perhaps for one in people] == [()] * 4


def test_refused_samples_of_tracks_are_counted_together(tmp_path: Path) -> None:
    base, double = person(1, tmp_path, axis(0), 0, 5), person(2, tmp_path, None, 1, 4)
    moved = [dataclasses.replace(item, box=base.tracklet.detections[0].box) for item in double.tracklet.detections]
    covering = dataclasses.replace(double, tracklet=dataclasses.replace(double.tracklet, detections=tuple(moved)))
    (one,) = linked(base, covering)
    assert [(part.kind, part.score) for part in one.linked] == [(LinkKind.DOUBLE, None)] * 2
    assert one.link_score is None
    assert one.refusals == {NoticeCode.TOO_SMALL: 4}
    assert one.stretches == (Stretch(0, 4, 0.0, 0.4),)


def test_nobody_links_to_nobody() -> None:
    assert link_people((), LIMITS, MODEL_ID) == ()
