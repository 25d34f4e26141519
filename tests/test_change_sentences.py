"""Each change of a gallery has a sentence of its own, and another that says whether it can be undone."""

from pathlib import Path
from typing import Any

import pytest

from biometric.entities import ChangeKind, GalleryChange
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.change_sentences import describe_change, describe_undoing
from tests.made_galleries import reference


def change(kind: ChangeKind, *names: str, **values: Any) -> GalleryChange:
    given = {"id": 1, "when": "2026-03-01T09:00:00+00:00", "references": 1, "samples": 12, "expires": None}
    ids = tuple(f"{position:032x}" for position in range(len(names)))
    return GalleryChange(kind=kind, names=names, identity_ids=ids, **{**given, **values})


def test_each_kind_has_a_sentence_of_its_own() -> None:
    for names in ([], ["Ada"], ["Ada", "Ben"], ["Ada", "Ben", "Cy"]):
        sentences = {describe_change(change(kind, *names, undoes=7)) for kind in ChangeKind}
        assert len(sentences) == len(ChangeKind)
        assert all(text[0].isupper() and text[-1] == "." and "None" not in text for text in sentences)


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (ChangeKind.ENROLLED, ["Ada"], "Ada was enrolled with 12 samples."),
        (ChangeKind.REMOVED, ["Ada"], "Ada was removed with 1 reference."),
        (ChangeKind.MERGED, ["Ada", "Ben"], "Ada was merged into Ben, with 1 reference."),
        (ChangeKind.RENAMED, ["Ada", "Ada King"], "Ada was renamed to Ada King."),
        (ChangeKind.REFERENCE_MOVED, ["Ada", "Ben"], "A reference of Ada was given to Ben."),
        (ChangeKind.IMPORTED, ["Ada", "Ben"], "An export was imported: 1 reference of 2 people."),
        (ChangeKind.IMPORTED, ["Ada"], "An export was imported: 1 reference of Ada."),
        (ChangeKind.REMOVED, ["{first}"], "{first} was removed with 1 reference."),
        (ChangeKind.REMOVED, ["de Vries"], "de Vries was removed with 1 reference."),
    ],
)
def test_sentences(kind: ChangeKind, names: list[str], words: str) -> None:
    assert describe_change(change(kind, *names)) == words


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (ChangeKind.REMOVED, [], "Somebody who is gone was removed with 1 reference."),
        (ChangeKind.IMPORTED, [], "An export was imported: 1 reference of somebody who is gone."),
        (ChangeKind.MERGED, ["Ben"], "Somebody who is gone was merged into Ben, with 1 reference."),
        (ChangeKind.REFERENCE_MOVED, ["Ben"], "A reference was moved between Ben and somebody who is gone."),
        (ChangeKind.RENAMED, ["Ada King", "Ada King"], "Ada King was renamed."),
        (ChangeKind.RENAMED, [], "Somebody who is gone was renamed to somebody who is gone."),
    ],
)
def test_names_that_are_not_kept_are_not_needed(kind: ChangeKind, names: list[str], words: str) -> None:
    assert describe_change(change(kind, *names)) == words


def test_a_merge_whose_source_is_gone_still_names_the_target(tmp_path: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    ada, ben = (
        gallery.enroll(name, reference(tmp_path / "crops", seed)).identity for seed, name in enumerate(["Ada", "Ben"])
    )
    gallery.merge(ada.id, ben.id)
    gallery.empty_trash()
    sentences = [describe_change(line) for line in gallery.changes()]
    gallery.close()
    assert "Somebody who is gone was merged into Ben, with 1 reference." in sentences


def test_what_was_undone_is_said_again() -> None:
    removed = change(ChangeKind.REMOVED, "Ben")
    undone = change(ChangeKind.UNDONE, "Ben", id=2, undoes=1)
    assert describe_change(undone, removed) == "Undone: Ben was removed with 1 reference."
    assert describe_change(undone) == "Change 1 was undone (Ben)."
    again = change(ChangeKind.REDONE, "Ben", id=3, undoes=2)
    assert describe_change(again, removed) == "Made again: Ben was removed with 1 reference."
    assert describe_change(again) == "The change that 2 had undone was made again (Ben)."


def test_whether_a_change_can_be_undone_is_said() -> None:
    def said(**values: Any) -> str:
        return describe_undoing(change(ChangeKind.RENAMED, "Ada", "Ben", **values), "Tuesday")

    assert said() == "Cannot be undone."
    assert said(expires="x") == "Can be undone until Tuesday."
    assert said(expires="x", blocked_by=12) == "Undo change 12 first."
    assert said(expires="x", undone_by=12) == "Undone by change 12."
