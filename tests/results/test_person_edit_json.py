"""Edits as JSON: what an answer tells can be given back, and anything else is refused."""

from pathlib import Path
from typing import Any

import pytest

from biometric.domain.person_edits import JoinEdit, SplitEdit, TracksEdit, apply_edits
from biometric.errors import InvalidInput
from biometric.results.person_edit_json import edits_json, read_edits
from tests.builders import DAMAGED, axis, observed_clip, person


def test_what_is_told_can_be_given_back(tmp_path: Path) -> None:
    people = [person(number, tmp_path, axis(0), 10 * number, 6) for number in (1, 2, 3)]
    observed = observed_clip(tmp_path, *people)
    edits = (JoinEdit(frozenset({3, 1})), SplitEdit(2, 23), TracksEdit(1), SplitEdit(1, 12))
    edited = apply_edits(observed, edits)
    told = edits_json((DAMAGED, *edited.warnings))
    assert told == [
        {"edit": "join", "people": [1, 3], "person": 1},
        {"edit": "split", "person": 2, "frame": 23, "other": 3},
        {"edit": "split_tracks", "person": 1, "others": [4]},
        {"edit": "split", "person": 1, "frame": 12, "other": 5},
    ]
    assert read_edits(told) == edits
    assert apply_edits(observed, read_edits(told)).warnings == edited.warnings
    assert edits_json(observed.warnings) == []


def test_none_is_no_edit_and_force_is_said() -> None:
    assert read_edits(None) == read_edits([]) == ()
    assert read_edits([{"edit": "join", "people": [1, 2], "force": True}]) == (JoinEdit(frozenset({1, 2}), True),)


@pytest.mark.parametrize(
    "value",
    [
        "join 1,2",
        {"edit": "join", "people": [1, 2]},
        [{}],
        [None],
        [["join", 1, 2]],
        [{"edit": "merge", "people": [1, 2]}],
        [{"edit": ["join"], "people": [1, 2]}],
        [{"edit": None}],
        [{"edit": "join"}],
        [{"edit": "join", "people": "1,2"}],
        [{"edit": "join", "people": [1, "2"]}],
        [{"edit": "join", "people": [1, True]}],
        [{"edit": "join", "people": [1, 2.5]}],
        [{"edit": "join", "people": [1, None]}],
        [{"edit": "join", "people": [[1], 2]}],
        [{"edit": "join", "people": [1, 2], "force": "yes"}],
        [{"edit": "join", "people": [1, 2], "frame": 3}],
        [{"edit": "split", "person": 1}],
        [{"edit": "split_tracks"}],
        [{"edit": "split_tracks", "person": "1"}],
        [{"edit": "split_tracks", "person": 1, "frame": 3}],
        [{"edit": "split", "person": True, "frame": 3}],
        [{"edit": "split", "person": 1, "frame": "3"}],
        [{"edit": "split", "person": 1, "frame": 3, "force": True}],
        [{"edit": "split", "person": 1, "frame": 3, 5: 6}],
    ],
)
def test_anything_else_is_refused_with_an_example(value: Any) -> None:
    with pytest.raises(InvalidInput, match="edits must be a list" if not isinstance(value, list) else "An edit is"):
        read_edits(value)


def test_a_call_has_an_end() -> None:
    with pytest.raises(InvalidInput, match="at most 1000"):
        read_edits([{"edit": "split", "person": 1, "frame": 3}] * 1001)
