"""Each change of a gallery has a sentence of its own."""

import pytest

from biometric.entities import ChangeKind, GalleryChange
from biometric.messages.change_sentences import SENTENCES, describe_change


def change(kind: ChangeKind, *names: str, number: int = 1, undoes: int | None = None) -> GalleryChange:
    ids = tuple(f"{position:032x}" for position in range(len(names)))
    return GalleryChange(number, kind, "2026-03-01T09:00:00+00:00", names, ids, 1, 12, None, undoes=undoes)


def test_each_kind_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(ChangeKind)
    assert len({describe_change(change(kind, "Ada", "Ben")) for kind in ChangeKind}) == len(ChangeKind)


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (ChangeKind.REMOVED, ["Ada"], "Ada was removed: 1 reference, 12 samples."),
        (ChangeKind.MERGED, ["Ada", "Ben"], "Ada was joined with Ben: 1 reference."),
        (ChangeKind.RENAMED, ["Ada", "Ada King"], "Ada was renamed to Ada King."),
        (ChangeKind.REFERENCE_MOVED, ["Ada", "Ben"], "A reference was moved from Ada to Ben."),
        (ChangeKind.IMPORTED, ["Ada", "Ben"], "An export was imported: 2 people, 1 reference."),
        (ChangeKind.IMPORTED, ["Ada"], "An export was imported: Ada, 1 reference."),
        (ChangeKind.RENAMED, [], "Somebody was renamed to somebody."),
        (ChangeKind.REMOVED, ["{first}"], "{first} was removed: 1 reference, 12 samples."),
    ],
)
def test_sentences(kind: ChangeKind, names: list[str], words: str) -> None:
    assert describe_change(change(kind, *names)) == words


def test_what_was_undone_is_said_again() -> None:
    removed = change(ChangeKind.REMOVED, "Ben")
    undone = change(ChangeKind.UNDONE, "Ben", number=2, undoes=1)
    assert describe_change(undone, removed) == "Undone: Ben was removed: 1 reference, 12 samples."
    assert describe_change(undone) == "A change of Ben was undone."
    again = change(ChangeKind.REDONE, "Ben", number=3, undoes=2)
    assert describe_change(again, removed) == "Made again: Ben was removed: 1 reference, 12 samples."
