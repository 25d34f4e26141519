"""People are joined and split under the rule that strangers take a second word."""

from pathlib import Path

import pytest

from biometric.domain.person_editor import PersonEditor
from biometric.domain.person_edits import JoinEdit, SplitEdit, join_people, split_person
from biometric.entities import ObservedClip, Purpose, Threshold, ThresholdSource
from biometric.errors import InvalidInput, PeopleLookDifferent, PeopleSeenTogether, SplitRefused, UnknownPerson
from tests.builders import axis, observed_clip, person
from tests.domain.test_person_edits import facts

LIMITS = {None: 0.5, Path("strict"): 0.9999}


@pytest.fixture
def editor() -> PersonEditor:
    """Its threshold is 0.5, and 0.9999 in the gallery "strict"."""

    def threshold(purpose: Purpose, value: float | None, gallery: Path | None) -> Threshold:
        assert (purpose, value) == ("verification", None)
        return Threshold(LIMITS[gallery], ThresholdSource.MODEL_CARD)

    return PersonEditor(threshold)


@pytest.fixture
def observed(tmp_path: Path) -> ObservedClip:
    """1 and 2 look alike (0.98), 3 like nobody and is seen beside 2, 4 has no usable sample."""
    return observed_clip(
        tmp_path,
        person(1, tmp_path, axis(0), 0, 4),
        person(2, tmp_path, axis(0, 0.2), 10, 6),
        person(3, tmp_path, axis(2), 12, 4),
        person(4, tmp_path, None, 30, 4),
    )


def test_people_who_look_alike_are_joined_at_once(editor: PersonEditor, observed: ObservedClip) -> None:
    joined = editor.join(observed, [2, 1])
    assert facts(joined) == facts(join_people(observed, [1, 2]))
    assert len(joined.observations[0].kept) == 10
    assert len(observed.observations) == 4, "what was given stays as it is"


def test_the_threshold_of_the_gallery_counts(editor: PersonEditor, observed: ObservedClip) -> None:
    with pytest.raises(PeopleLookDifferent, match=r"1, 2 look like .* 0\.981, below the threshold of 1\.000"):
        editor.join(observed, [1, 2], gallery=Path("strict"))


def test_strangers_are_joined_only_by_force(editor: PersonEditor, observed: ObservedClip) -> None:
    with pytest.raises(PeopleLookDifferent, match=r"lowest score among them is 0\.000") as refused:
        editor.join(observed, [3, 1])
    assert (refused.value.score, refused.value.threshold.value) == (0.0, 0.5)
    assert facts(editor.join(observed, [1, 3], force=True)) == facts(join_people(observed, [1, 3]))


def test_who_cannot_be_compared_is_joined_only_by_force(editor: PersonEditor, observed: ObservedClip) -> None:
    with pytest.raises(PeopleLookDifferent, match="People 1, 4 cannot be compared") as refused:
        editor.join(observed, [1, 4])
    assert refused.value.score is None
    assert facts(editor.join(observed, [1, 4], force=True)) == facts(join_people(observed, [1, 4]))


@pytest.mark.parametrize("force", [False, True])
def test_force_changes_nothing_where_people_are_two(editor: PersonEditor, observed: ObservedClip, force: bool) -> None:
    with pytest.raises(PeopleSeenTogether, match="Person 2 and person 3 are two people"):
        editor.join(observed, [2, 3], force=force)
    with pytest.raises(UnknownPerson, match="no person 9"):
        editor.join(observed, [1, 9], force=force)
    for people in ([], [1], [1, 1]):
        with pytest.raises(InvalidInput, match="at least two"):
            editor.join(observed, people, force=force)


def test_one_person_is_split(editor: PersonEditor, observed: ObservedClip) -> None:
    assert facts(editor.split(observed, 2, 13)) == facts(split_person(observed, 2, 13))
    for frame in (-5, 10, 16, 2**40):
        with pytest.raises(SplitRefused, match=f"at frame {frame}: each part"):
            editor.split(observed, 2, frame)
    with pytest.raises(UnknownPerson):
        editor.split(observed, 9, 13)


def test_edits_are_made_in_their_order_with_the_numbers_of_then(editor: PersonEditor, observed: ObservedClip) -> None:
    edits = [JoinEdit(frozenset({1, 2})), SplitEdit(1, 13), JoinEdit(frozenset({1, 3}), forced=True)]
    with pytest.raises(PeopleSeenTogether):  # person 1 still has the frames in which 3 is seen
        editor.apply(observed, [*edits[:1], edits[2]])
    edited = editor.apply(observed, [*edits[:2], JoinEdit(frozenset({1, 4}), forced=True)])
    assert [(one.person, len(one.kept)) for one in edited.observations] == [(1, 7), (2, 3), (3, 4)]
    assert [notice.code.value for notice in edited.warnings] == ["joined_by_hand", "split_by_hand", "joined_by_hand"]
    with pytest.raises(PeopleLookDifferent):
        editor.apply(observed, [JoinEdit(frozenset({1, 3}))])
    assert editor.apply(observed, []) is observed
