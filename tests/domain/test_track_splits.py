"""Somebody put together from several tracks is taken apart into these, also where no frame divides them."""

import dataclasses
from pathlib import Path

import pytest

from biometric.domain.linked_people import link_people
from biometric.domain.person_edits import TracksEdit, apply_edits, join_people, split_frames, split_tracks
from biometric.entities import LinkKind, LinkScores, Notice, NoticeCode, Observation, ObservedClip, PerhapsSame
from biometric.errors import SplitRefused, UnknownPerson
from tests.builders import axis, observed_clip, person
from tests.domain.test_person_edits import facts, moved
from tests.fakes import MODEL_ID


@pytest.fixture
def tracks(tmp_path: Path) -> list[Observation]:
    """1 and 2 in the same frames, nearly at the same place (one person detected twice); 3 elsewhere, later."""
    return [
        person(1, tmp_path, axis(0), 0, 6),
        moved(person(2, tmp_path, axis(0), 0, 6), 110.0),
        person(3, tmp_path, axis(1), 20, 4),
    ]


@pytest.fixture
def linked(tracks: list[Observation], tmp_path: Path) -> ObservedClip:
    return observed_clip(tmp_path, *link_people(tracks, LinkScores(0.6, 0.4), MODEL_ID))


def test_a_double_detection_is_split_into_its_tracks_as_they_were(
    linked: ObservedClip, tracks: list[Observation], tmp_path: Path
) -> None:
    double, _ = linked.observations
    assert [part.kind for part in double.linked] == [LinkKind.DOUBLE] * 2
    split = split_tracks(linked, 1)
    # The first track keeps the number; 2 is taken by the other person of the clip, so that the second track is 3.
    first, other, second = split.observations
    assert (other, second.person) == (linked.observations[1], 3)
    assert facts(observed_clip(tmp_path, first)) == facts(observed_clip(tmp_path, tracks[0]))
    expected = dataclasses.replace(tracks[1], person=3)
    assert facts(observed_clip(tmp_path, second)) == facts(observed_clip(tmp_path, expected))
    assert split.warnings == (Notice(NoticeCode.TRACKS_SPLIT_BY_HAND, person=1, others="3"),)
    assert split.edited
    assert facts(join_people(split, [1, 3])) == facts(linked), "joining them again gives the same person"


def test_three_tracks_take_the_lowest_free_numbers_in_order_of_appearance(tmp_path: Path) -> None:
    parts = [person(number, tmp_path, axis(number), 10 * number) for number in (5, 1, 3)]
    joined = join_people(observed_clip(tmp_path, *parts, person(2, tmp_path, axis(6), 90)), [1, 3, 5])
    split = apply_edits(joined, [TracksEdit(1)])
    assert [(one.person, one.tracklet.first_frame) for one in split.observations] == [
        (1, 10),
        (2, 90),
        (3, 30),
        (4, 50),
    ]
    assert split.warnings[-1] == Notice(NoticeCode.TRACKS_SPLIT_BY_HAND, person=1, others="3, 4")
    assert all(one.template is not None and not one.linked for one in split.observations)


def test_a_track_without_a_usable_sample_is_taken_off_too(tmp_path: Path) -> None:
    pair = observed_clip(tmp_path, person(1, tmp_path, axis(0), 0), person(2, tmp_path, None, 30))
    joined = join_people(pair, [1, 2])
    first, second = split_tracks(joined, 1).observations
    assert (first.template is not None, second.template) == (True, None)
    assert second.refusals == {NoticeCode.TOO_SMALL: 4}


def test_nothing_is_known_any_more_of_who_may_be_the_same(linked: ObservedClip) -> None:
    one, other = linked.observations
    unsure = dataclasses.replace(
        linked,
        observations=(
            dataclasses.replace(one, perhaps=(PerhapsSame(2, 0.5),)),
            dataclasses.replace(other, perhaps=(PerhapsSame(1, 0.5),)),
        ),
    )
    assert [item.perhaps for item in split_tracks(unsure, 1).observations] == [(), (), ()]


def test_one_track_is_not_split_into_tracks(linked: ObservedClip) -> None:
    with pytest.raises(SplitRefused, match="Person 2 is one track"):
        split_tracks(linked, 2)
    with pytest.raises(UnknownPerson):
        split_tracks(linked, 9)
    assert split_frames(linked.observations[0]), "at a frame both could be split"
