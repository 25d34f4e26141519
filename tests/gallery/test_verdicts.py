"""Verdicts in a gallery: stored, replaced, undone, kept with their people, gone with them, in no export."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biometric.entities import (
    ChangeKind,
    Decision,
    NewVerdict,
    ProbeRecord,
    Template,
    Verdict,
    VerdictWord,
)
from biometric.entities.actors import Actor, Channel, acting_as
from biometric.errors import GalleryCorrupt, ModelMismatch, UndoRefused, UnknownIdentity, UnknownVerdict
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.change_sentences import describe_change
from biometric.messages.verdict_sentences import describe_review, describe_verdict
from tests.conftest import PROJECT
from tests.made_galleries import MODEL, check, reference, traces_in, unit

WRONG, CONFIRMED, UNDECIDED = VerdictWord.WRONG, VerdictWord.CONFIRMED, VerdictWord.UNDECIDED


def probe(seed: int, *, digest: str | None = None, left: float = 0.0, model_id: str = MODEL) -> ProbeRecord:
    """A probe of the made clip `seed` (or another), whose person is box 0 of frames 0 to 9."""
    frames = np.arange(10, dtype=np.int32)
    boxes = np.tile(np.array([left, 0, left + 80, 200], np.float32), (10, 1))
    return ProbeRecord(
        *(f"{seed:064x}" if digest is None else digest, f"{seed}.mp4", 1, frames, np.zeros(10, np.int32), boxes),
        Template(unit(seed), model_id, 2),
    )


def verdict(identity_id: str, word: VerdictWord, about: ProbeRecord, reference_id: str | None = None) -> NewVerdict:
    return NewVerdict(word, identity_id, reference_id, about, "identification", 0.75, 0.5, Decision.IDENTIFIED)


def said(gallery: SQLiteGallery) -> list[tuple[str, str]]:
    return [(str(item.word), item.name) for item in gallery.verdicts()]


def test_a_verdict_is_stored_as_it_was_given(gallery: SQLiteGallery, clips: Path) -> None:
    ada, stored, _, _ = gallery.enroll("Ada", reference(clips, 1))
    given = verdict(ada.id, WRONG, probe(7), stored.id)
    held, change = gallery.save_verdict(given)
    again = SQLiteGallery(gallery.folder).verdicts()
    for read in (held, *again):
        assert (read.word, read.identity_id, read.reference_id, read.name) == (WRONG, ada.id, stored.id, "Ada")
        assert (read.purpose, read.score, read.threshold, read.decision) == (
            *("identification", 0.75, 0.5, Decision.IDENTIFIED),
        )
        for name in ("frames", "box_indices", "boxes"):
            assert (getattr(read.probe, name) == getattr(given.probe, name)).all()
        assert (read.probe.template.vector == unit(7)).all()
        assert (read.probe.clip_digest, read.probe.clip_name, read.probe.person) == (f"{7:064x}", "7.mp4", 1)
        assert datetime.fromisoformat(read.created_at).tzinfo == UTC
    assert [item.id for item in again] == [held.id]
    assert (change.kind, change.names, change.can_be_undone) == (ChangeKind.VERDICT_WRONG, ("Ada",), True)
    assert describe_change(change) == "It was said that somebody is not Ada."
    gallery.rename(ada.id, "Ada Lovelace")
    assert said(gallery) == [("wrong", "Ada Lovelace")]
    check(gallery)


def test_an_absent_gallery_has_no_verdicts_and_takes_none(gallery: SQLiteGallery) -> None:
    assert gallery.verdicts() == []
    with pytest.raises(UnknownIdentity):
        gallery.save_verdict(verdict("a" * 32, WRONG, probe(7)))
    with pytest.raises(UnknownIdentity):
        gallery.remove_verdict(1)
    assert not gallery.folder.exists()


def test_what_cannot_be_stored_is_refused_and_changes_nothing(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    before = gallery.revision()
    with pytest.raises(UnknownIdentity):
        gallery.save_verdict(verdict("b" * 32, WRONG, probe(7)))
    with pytest.raises(ModelMismatch):
        gallery.save_verdict(verdict(ada.id, WRONG, probe(7, model_id="model-b")))
    for number in (1, 0, -1, 2**63, 2**200):
        with pytest.raises(UnknownVerdict, match="List the verdicts"):
            gallery.remove_verdict(number)
    assert gallery.revision() == before
    # A reference that was removed meanwhile is no reason to lose what was said.
    assert gallery.save_verdict(verdict(ada.id, WRONG, probe(7), "c" * 32)).verdict.reference_id is None


def test_verdicts_are_replaced_withdrawn_undone_and_made_again(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    first = gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    second = gallery.save_verdict(verdict(ada.id, CONFIRMED, probe(7)))
    assert said(gallery) == [("confirmed", "Ada")]
    with pytest.raises(UndoRefused, match="replaced, withdrawn or deleted"):
        gallery.undo(first.change.id)
    undone = gallery.undo(second.change.id)
    assert said(gallery) == [("wrong", "Ada")]
    gallery.undo(undone.id)
    assert said(gallery) == [("confirmed", "Ada")]
    withdrawn = gallery.remove_verdict(second.verdict.id)
    assert (said(gallery), withdrawn.kind) == ([], ChangeKind.VERDICT_WITHDRAWN)
    with pytest.raises(UnknownVerdict):
        gallery.remove_verdict(second.verdict.id)
    gallery.undo()
    assert said(gallery) == [("confirmed", "Ada")]
    assert [item.id for item in gallery.verdicts()] == [second.verdict.id]
    check(gallery)


def test_confirming_somebody_else_replaces_a_confirmation(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    ben, _, _, _ = gallery.enroll("Ben", reference(clips, 2))
    gallery.save_verdict(verdict(ada.id, CONFIRMED, probe(7)))
    gallery.save_verdict(verdict(ben.id, UNDECIDED, probe(7)))
    change = gallery.save_verdict(verdict(ben.id, CONFIRMED, probe(7))).change
    assert (said(gallery), change.names) == ([("confirmed", "Ben")], ("Ben", "Ada"))
    gallery.undo()
    assert said(gallery) == [("undecided", "Ben"), ("confirmed", "Ada")]


def test_verdicts_and_other_changes_do_not_stand_in_each_others_way(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, enrolled = gallery.enroll("Ada", reference(clips, 1))
    gallery.enroll("Ben", reference(clips, 2))
    one = gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    renamed = gallery.rename(ada.id, "Ada L")
    two = gallery.save_verdict(verdict(ada.id, WRONG, probe(8)))
    assert all(change.blocked_by is None for change in gallery.changes() if change.id != enrolled.id)
    gallery.undo(one.change.id)  # neither the renaming nor the verdict on somebody else hinders
    gallery.undo(renamed.id)  # nor does that undoing
    assert [(item.name, item.id) for item in gallery.verdicts()] == [("Ada", two.verdict.id)]
    gallery.undo(enrolled.id)
    assert gallery.verdicts() == []
    gallery.undo(gallery.changes()[0].id)
    assert said(gallery) == [("wrong", "Ada")]
    check(gallery)


def test_verdicts_wait_while_their_person_is_in_the_trash(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    removed = gallery.remove(ada.id)
    assert gallery.verdicts() == []
    gallery.undo(removed.id)
    assert said(gallery) == [("wrong", "Ada")]


def test_a_merge_takes_verdicts_along_and_undoing_it_gives_them_back(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    ben, _, _, _ = gallery.enroll("Ben", reference(clips, 2))
    replaced = gallery.save_verdict(verdict(ada.id, UNDECIDED, probe(7)))
    gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    merged = gallery.merge(ada.id, ben.id)
    assert said(gallery) == [("wrong", "Ben")]
    gallery.undo(merged.id)
    assert said(gallery) == [("wrong", "Ada")]
    gallery.undo(replaced.change.id + 1)
    assert said(gallery) == [("undecided", "Ada")]


def test_erasing_somebody_erases_what_was_said_of_them(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    ben, _, _, _ = gallery.enroll("Ben", reference(clips, 2))
    gallery.save_verdict(verdict(ada.id, UNDECIDED, probe(7, digest="d1" * 32)))
    gallery.save_verdict(verdict(ada.id, WRONG, probe(7, digest="d1" * 32)))  # the other one is in the trash
    kept = gallery.save_verdict(verdict(ben.id, WRONG, probe(8))).verdict
    gallery.erase(ada.id)
    assert [item.id for item in gallery.verdicts()] == [kept.id]
    assert_nowhere(gallery, b"d1" * 32, ada.id.encode(), b"Ada", unit(7).astype("<f4").tobytes())
    check(gallery)


ENROLLED = {
    "before": lambda gallery, cleo, judge: (gallery.enroll("Cleo", cleo), judge()),
    "after": lambda gallery, cleo, judge: (judge(), gallery.enroll("Cleo", cleo)),
}


@pytest.mark.parametrize("when", ENROLLED)
@pytest.mark.parametrize("frames", ["the same", "others"])
def test_erasing_somebody_erases_verdicts_on_their_own_footage(
    gallery: SQLiteGallery, clips: Path, when: str, frames: str
) -> None:
    """A verdict "this is not Ada" holds the template of somebody who was enrolled as Cleo."""
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    cleo = reference(clips, 3)
    about = probe(3)
    if frames == "others":  # no frame in common, and not the same template, but the same look in the same clip
        vector = unit(3) + 0.3 * unit(4)
        about = ProbeRecord(
            *(about.clip_digest, "Clip-Marker", 1, about.frames + 50, about.box_indices, about.boxes),
            Template(vector / np.linalg.norm(vector), MODEL, 2),
        )
    ENROLLED[when](gallery, cleo, lambda: gallery.save_verdict(verdict(ada.id, WRONG, about)))
    other = gallery.save_verdict(verdict(ada.id, WRONG, probe(5, digest=about.clip_digest, left=500))).verdict
    other_by_crops = ProbeRecord(
        *(about.clip_digest, "c", 2, probe(3).frames, about.box_indices + 1, about.boxes + 900),
        Template(unit(6), MODEL, 2),
    )
    kept = gallery.save_verdict(verdict(ada.id, WRONG, other_by_crops)).verdict
    change = next(item for item in gallery.changes() if item.kind is ChangeKind.VERDICT_WRONG)
    gallery.erase(gallery.find("Cleo").id)
    assert_nowhere(gallery, b"Clip-Marker", about.template.vector.astype("<f4").tobytes())
    remaining = {item.id for item in gallery.verdicts()}
    assert kept.id in remaining
    assert other.id not in remaining  # box 0 of Cleo's frames
    assert change.can_be_undone  # of the verdict that stays
    assert {item.kind for item in gallery.changes() if item.can_be_undone} == {
        *(ChangeKind.VERDICT_WRONG, ChangeKind.ENROLLED),
    }
    check(gallery)


def test_what_is_replaced_goes_when_its_time_is_over(tmp_path: Path, clips: Path) -> None:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    gallery = SQLiteGallery(tmp_path / "gallery", clock=lambda: now[0])
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    gallery.save_verdict(verdict(ada.id, UNDECIDED, probe(7, digest="d1" * 32)))
    copy = probe(7)  # an equal template
    gallery.save_verdict(verdict(ada.id, WRONG, copy))
    now[0] += timedelta(days=8)
    assert said(gallery) == [("wrong", "Ada")]
    assert_nowhere(gallery, b"d1" * 32)
    gallery.remove_verdict(gallery.verdicts()[0].id)
    gallery.empty_trash()
    assert_nowhere(gallery, unit(7).astype("<f4").tobytes())
    with pytest.raises(UndoRefused):
        gallery.undo()


def test_exports_hold_no_verdicts(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    gallery.save_verdict(verdict(ada.id, WRONG, probe(7, digest="d1" * 32)))
    archive = gallery.export(tmp_path / "export.zip")
    other = SQLiteGallery(tmp_path / "other")
    other.import_(archive)
    assert (other.find("Ada").id, other.verdicts()) == (ada.id, [])
    assert_nowhere(other, b"d1" * 32)
    gallery.import_(archive)
    assert said(gallery) == [("wrong", "Ada")]  # importing takes nothing away


@pytest.mark.parametrize(
    "damage", ["track = X'00'", "vector = X'0000'", "word = 'perhaps'", "decision = ''", "score = 'x'", "threshold = 9"]
)
def test_a_damaged_verdict_is_said(gallery: SQLiteGallery, clips: Path, damage: str) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute(f"UPDATE verdicts SET {damage}")
    with pytest.raises(GalleryCorrupt, match="a verdict cannot be read"):
        gallery.verdicts()


SCRIPT = """
import sys
from pathlib import Path
from biometric.entities import VerdictWord
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_verdicts import probe, verdict
gallery = SQLiteGallery(Path(sys.argv[1]))
ada, ben = gallery.find("Ada"), gallery.find("Ben")
for turn in range(6):
    gallery.save_verdict(verdict(ada.id, list(VerdictWord)[turn % 3], probe(7)))
    gallery.save_verdict(verdict(ben.id, VerdictWord.CONFIRMED, probe(100 + int(sys.argv[2]) + turn)))
"""


def test_promise_21_verdicts_of_two_processes_on_one_comparison_are_one(gallery: SQLiteGallery, clips: Path) -> None:
    for number, name in enumerate(("Ada", "Ben"), start=1):
        gallery.enroll(name, reference(clips, number))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    runs = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(gallery.folder), str(first)], cwd=PROJECT, env=environment)
        for first in (0, 50)
    ]
    assert [run.wait(120) for run in runs] == [0, 0]
    verdicts = gallery.verdicts()
    assert len([item for item in verdicts if item.name == "Ada"]) == 1
    assert len([item for item in verdicts if item.name == "Ben"]) == 12
    assert len(gallery.changes(1000)) == 2 + 24
    check(gallery)


def assert_nowhere(gallery: SQLiteGallery, *markers: bytes) -> None:
    """No file of the gallery holds a marker."""
    assert traces_in(gallery, *markers) == []


def test_a_reference_that_goes_for_good_leaves_no_pointer(gallery: SQLiteGallery, clips: Path) -> None:
    ada, first, _, _ = gallery.enroll("Ada", reference(clips, 1))
    second = gallery.enroll("Ada", reference(clips, 2)).reference
    held: Verdict = gallery.save_verdict(verdict(ada.id, WRONG, probe(7), second.id)).verdict
    assert held.reference_id == second.id
    gallery.remove_reference(second.id)
    assert gallery.verdicts()[0].reference_id is None
    gallery.undo()
    assert gallery.verdicts()[0].reference_id == second.id
    gallery.remove_reference(second.id)
    gallery.empty_trash()
    assert [item.reference_id for item in gallery.verdicts()] == [None]
    assert [item.id for item in gallery.references(ada.id)] == [first.id]


def test_a_verdict_says_who_gave_it(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    with acting_as(Actor("eve", Channel.PAGE, is_user=True)):
        gallery.save_verdict(verdict(ada.id, WRONG, probe(7)))
    with acting_as(Actor("root", Channel.COMMAND)):
        gallery.save_verdict(verdict(ada.id, CONFIRMED, probe(8)))
    latest, first = gallery.verdicts()
    assert (latest.by, latest.by_user, first.by, first.by_user) == ("root", False, "eve", True)
    assert describe_verdict(first) == "eve said that this is not Ada."
    assert describe_verdict(latest) == "You said that this is Ada."
    assert describe_review([latest])[0].startswith("You said that this is Ada. (root, ")
    assert describe_review([]) == ["Nobody has judged this answer. A machine's answer alone is a proposal."]
    gallery.remove(ada.id)
    gallery.undo()
    assert [item.by for item in gallery.verdicts()] == ["root", "eve"]
