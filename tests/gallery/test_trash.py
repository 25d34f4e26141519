"""What is removed can be brought back: every operation and its undoing, the trash, its end, and erasing."""

import base64
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.domain.comparison import pool
from biometric.entities import ChangeKind, GalleryChange
from biometric.errors import (
    BiometricError,
    EmptyGallery,
    InvalidCamera,
    InvalidInput,
    InvalidName,
    ModelMismatch,
    NameTaken,
    UndoRefused,
    UnknownIdentity,
    UnknownReference,
)
from biometric.gallery.repository import SQLiteGallery
from biometric.ports import Gallery
from tests.made_galleries import check, reference, template, traces_in, unit

TESTS = Path(__file__).resolve().parent.parent
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that goes on by a second whenever it is asked, and by `days` when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def advance(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gallery(tmp_path: Path, clock: Clock) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery", clock=clock)


def state(gallery: SQLiteGallery) -> list[list[tuple[Any, ...]]]:
    """Every live row, and every crop that belongs to one."""
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        tables = ("identities", "biometric_references", "samples", "clips")
        rows = [connection.execute(f"SELECT * FROM {table} ORDER BY number").fetchall() for table in tables]
    crops = [
        (crop, crop.read_bytes())
        for identity in gallery.identities()
        for held in gallery.references(identity.id)
        for crop in held.crops
    ]
    return [*rows, crops]


def found(gallery: SQLiteGallery, seed: int) -> list[tuple[str, float]]:
    return [(hit.identity.name, round(hit.score, 5)) for hit in gallery.search(template(seed), 9)]


def two_people(gallery: SQLiteGallery, clips: Path) -> tuple[str, str, list[str]]:
    """Ada with two references of three samples, Ben with one; return ids of both and of all references."""
    ada, first, _, _ = gallery.enroll("Ada", reference(clips, 1, samples=3))
    _, second, _, _ = gallery.enroll("Ada", reference(clips, 2, samples=3))
    ben, third, _, _ = gallery.enroll("Ben", reference(clips, 3, samples=1))
    return ada.id, ben.id, [first.id, second.id, third.id]


SAMPLE = "00000001_00.jpg"

Operation = Callable[[SQLiteGallery, str, str, list[str], Path], GalleryChange]

OPERATIONS: dict[str, tuple[Operation, ChangeKind, tuple[str, ...], tuple[int, int], dict[str, int]]] = {
    "remove": (lambda g, ada, ben, refs, c: g.remove(ada), ChangeKind.REMOVED, ("Ada",), (2, 6), {"Ben": 1}),
    "remove_reference": (
        lambda g, ada, ben, refs, c: g.remove_reference(refs[0]),
        *(ChangeKind.REFERENCE_REMOVED, ("Ada",), (1, 3), {"Ada": 1, "Ben": 1}),
    ),
    "remove_last_reference": (
        lambda g, ada, ben, refs, c: g.remove_reference(refs[2]),
        *(ChangeKind.REFERENCE_REMOVED, ("Ben",), (1, 1), {"Ada": 2}),
    ),
    "remove_sample": (
        lambda g, ada, ben, refs, c: g.remove_sample(refs[0], SAMPLE),
        *(ChangeKind.SAMPLE_REMOVED, ("Ada",), (0, 1), {"Ada": 2, "Ben": 1}),
    ),
    "remove_last_sample": (
        lambda g, ada, ben, refs, c: g.remove_sample(refs[2], "00000000_00.jpg"),
        *(ChangeKind.SAMPLE_REMOVED, ("Ben",), (1, 1), {"Ada": 2}),
    ),
    "move_reference": (
        lambda g, ada, ben, refs, c: g.move_reference(refs[0], ben),
        *(ChangeKind.REFERENCE_MOVED, ("Ada", "Ben"), (1, 3), {"Ada": 1, "Ben": 2}),
    ),
    "move_last_reference": (
        lambda g, ada, ben, refs, c: g.move_reference(refs[2], ada),
        *(ChangeKind.REFERENCE_MOVED, ("Ben", "Ada"), (1, 1), {"Ada": 3}),
    ),
    "move_to_new_person": (
        lambda g, ada, ben, refs, c: g.move_reference(refs[0], new_name=" Cy  "),
        *(ChangeKind.REFERENCE_MOVED, ("Ada", "Cy"), (1, 3), {"Ada": 1, "Ben": 1, "Cy": 1}),
    ),
    "merge": (
        lambda g, ada, ben, refs, c: g.merge(ada, ben),
        *(ChangeKind.MERGED, ("Ada", "Ben"), (2, 6), {"Ben": 3}),
    ),
    "rename": (
        lambda g, ada, ben, refs, c: g.rename(ada, "Ada King"),
        *(ChangeKind.RENAMED, ("Ada", "Ada King"), (0, 0), {"Ada King": 2, "Ben": 1}),
    ),
    "set_cover": (
        lambda g, ada, ben, refs, c: g.set_cover(ada, refs[1], "00000000_00.jpg"),
        *(ChangeKind.COVER_CHOSEN, ("Ada",), (0, 1), {"Ada": 2, "Ben": 1}),
    ),
    "set_camera": (
        lambda g, ada, ben, refs, c: g.set_camera(refs[0], " Hall "),
        *(ChangeKind.CAMERA_NAMED, ("Ada",), (1, 0), {"Ada": 2, "Ben": 1}),
    ),
    "enroll_new": (
        lambda g, ada, ben, refs, c: g.enroll("Cy", reference(c, 4)).change,
        *(ChangeKind.ENROLLED, ("Cy",), (1, 2), {"Ada": 2, "Ben": 1, "Cy": 1}),
    ),
    "enroll_existing": (
        lambda g, ada, ben, refs, c: g.enroll("ben", reference(c, 4)).change,
        *(ChangeKind.ENROLLED, ("Ben",), (1, 2), {"Ada": 2, "Ben": 2}),
    ),
}


def test_a_camera_is_named_once_and_the_rest_of_the_reference_stays(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, (first, *_) = two_people(gallery, clips)
    before = gallery.references(ada)[0]
    change = gallery.set_camera(first, " Hall  door ")
    named = gallery.references(ada)[0]
    assert (before.camera, named.camera, gallery.cameras()) == ("", "Hall door", ["Hall door"])
    assert (named.template.vector == before.template.vector).all()
    assert (named.crops, named.created_at) == (before.crops, before.created_at)
    with pytest.raises(InvalidInput, match="from that camera already"):
        gallery.set_camera(first, "Hall door")
    with pytest.raises(InvalidCamera):
        gallery.set_camera(first, "x" * 101)
    with pytest.raises(UnknownReference):
        gallery.set_camera("0" * 32, "Hall")
    assert gallery.changes()[0].id == change.id, "what was refused is no change"
    gallery.undo()
    assert gallery.references(ada)[0].camera == ""


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_change_is_recorded_and_undone_and_done_again(gallery: SQLiteGallery, clips: Path, name: str) -> None:
    ada, ben, references = two_people(gallery, clips)
    operate, kind, names, counts, people = OPERATIONS[name]
    before, answers = state(gallery), [found(gallery, seed) for seed in (1, 3)]
    change = operate(gallery, ada, ben, references, clips)
    assert (change.kind, change.names, (change.references, change.samples)) == (kind, names, counts)
    assert (change.can_be_undone, change.undone_by, change.blocked_by) == (True, None, None)
    assert change == gallery.changes()[0]
    assert check(gallery) == people
    after, answers_after = state(gallery), [found(gallery, seed) for seed in (1, 3)]
    assert after != before

    undone = gallery.undo(change.id)
    assert (undone.kind, undone.undoes, undone.names) == (ChangeKind.UNDONE, change.id, names)
    assert check(gallery) == {"Ada": 2, "Ben": 1}
    assert state(gallery)[:3] == before[:3]
    assert [found(gallery, seed) for seed in (1, 3)] == answers
    assert not gallery.changes()[1].can_be_undone
    with pytest.raises(UndoRefused, match="undone already"):
        gallery.undo(change.id)

    redone = gallery.undo(undone.id)
    assert (redone.kind, redone.undoes, redone.can_be_undone) == (ChangeKind.REDONE, undone.id, False)
    assert state(gallery)[:3] == after[:3]
    assert [found(gallery, seed) for seed in (1, 3)] == answers_after
    assert gallery.undo().undoes == change.id  # as if it had been made now
    assert state(gallery)[:3] == before[:3]
    assert check(gallery) == {"Ada": 2, "Ben": 1}


# Single operations


def test_a_gallery_that_is_not_there_has_no_history_and_no_trash(gallery: SQLiteGallery) -> None:
    port: Gallery = gallery
    assert (port.changes(), port.trash(), port.revision()) == ([], [], "")
    with pytest.raises(UndoRefused, match="nothing to undo"):
        port.undo()
    for ask in (port.remove_reference, lambda each: port.remove_sample(each, SAMPLE), port.erase):
        with pytest.raises(UnknownIdentity, match="Nobody is enrolled yet"):
            ask("0" * 32)
    assert not gallery.folder.exists()


def test_what_is_not_there_is_refused_and_changes_nothing(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    before, history = state(gallery), gallery.changes()
    nobody = "0" * 32
    refusals: list[tuple[type[BiometricError], Callable[[], object]]] = [
        (UnknownReference, lambda: gallery.remove_reference(nobody)),
        (UnknownReference, lambda: gallery.remove_sample(nobody, SAMPLE)),
        (UnknownReference, lambda: gallery.remove_sample(references[0], "00000009_00.jpg")),
        (UnknownReference, lambda: gallery.move_reference(nobody, ada)),
        (UnknownIdentity, lambda: gallery.move_reference(references[0], nobody)),
        (NameTaken, lambda: gallery.move_reference(references[0], new_name="bEN")),
        (InvalidName, lambda: gallery.move_reference(references[0], new_name=" ")),
        (InvalidInput, lambda: gallery.move_reference(references[0], ada)),
        (InvalidInput, lambda: gallery.move_reference(references[0])),
        (InvalidInput, lambda: gallery.move_reference(references[0], ben, new_name="Cy")),
        (UnknownIdentity, lambda: gallery.set_cover(nobody, references[0], SAMPLE)),
        (UnknownReference, lambda: gallery.set_cover(ada, nobody, SAMPLE)),
        (UnknownReference, lambda: gallery.set_cover(ada, references[0], "00000009_00.jpg")),
        (InvalidInput, lambda: gallery.set_cover(ben, references[0], SAMPLE)),
        (UnknownIdentity, lambda: gallery.erase(nobody)),
        (UndoRefused, lambda: gallery.undo(99)),
        (UndoRefused, lambda: gallery.undo(-1)),
        (UndoRefused, lambda: gallery.undo(2**70)),
        *(
            (UnknownReference, lambda text=text, ask=ask: ask(text))
            for text in ("", "\ud800", "a\0b", "%", references[0].upper())
            for ask in (
                gallery.remove_reference,
                lambda text: gallery.remove_sample(text, SAMPLE),
                lambda text: gallery.remove_sample(references[0], text),
                lambda text: gallery.set_cover(ada, references[0], text),
            )
        ),
        *((UnknownIdentity, lambda text=text: gallery.erase(text)) for text in ("", "\ud800", "a\0b", "../x")),
    ]
    for error, ask in refusals:
        with pytest.raises(error):
            ask()
    assert state(gallery) == before
    assert gallery.changes() == history == gallery.changes(2**70)
    assert (gallery.changes(0), gallery.changes(-1)) == ([], [])


def test_a_template_is_pooled_from_the_samples_that_remain(gallery: SQLiteGallery, clips: Path) -> None:
    given = reference(clips, 1, samples=3)
    _, stored, _, _ = gallery.enroll("Ada", given)
    gallery.remove_sample(stored.id, given.samples[1].name)
    [held] = gallery.references(gallery.find("Ada").id)
    expected = pool([given.samples[0].embedding, given.samples[2].embedding], "model-a")
    assert np.array_equal(held.template.vector, expected.vector)
    assert held.template.sample_count == 2 == gallery.find("Ada").sample_count
    assert [crop.name for crop in held.crops] == [given.samples[0].name, given.samples[2].name]
    assert gallery.search(expected, 1)[0].score == pytest.approx(1.0)


def test_samples_removed_before_their_reference_stay_in_the_trash(gallery: SQLiteGallery, clips: Path) -> None:
    _, stored, _, _ = gallery.enroll("Ada", reference(clips, 1, samples=3))
    sample = gallery.remove_sample(stored.id, SAMPLE)
    whole = gallery.remove_reference(stored.id)
    assert [(item.change.id, item.references, item.samples) for item in gallery.trash()] == [
        *((whole.id, 1, 2), (sample.id, 0, 1))
    ]
    gallery.undo(whole.id)
    assert gallery.find("Ada").sample_count == 2
    gallery.undo(sample.id)
    assert gallery.find("Ada").sample_count == 3
    assert check(gallery) == {"Ada": 1}


def test_a_chosen_cover_is_shown_while_its_sample_is_there(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    best = gallery.find("Ada").thumbnail
    gallery.set_cover(ada, references[1], SAMPLE)
    chosen = gallery.find("Ada").thumbnail
    assert chosen is not None
    assert (chosen.parent.name, chosen.name) == (references[1], SAMPLE)
    assert gallery.identities()[0].thumbnail == chosen
    removed = gallery.remove_sample(references[1], SAMPLE)
    assert gallery.find("Ada").thumbnail == best
    gallery.undo(removed.id)
    assert gallery.find("Ada").thumbnail == chosen
    gallery.move_reference(references[1], ben)
    assert gallery.find("Ada").thumbnail == best


def test_the_trash_is_in_no_answer(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    gallery.remove(ada)
    assert (gallery.size(), gallery.reference_count(), found(gallery, 1)) == (1, 1, found(gallery, 1)[:1])
    assert [name for name, _ in found(gallery, 1)] == ["Ben"]
    with pytest.raises(UnknownIdentity):
        gallery.references(ada)
    with pytest.raises(UnknownIdentity, match=r"Nobody called Ada is enrolled\. .* in the trash: undo change 4 to"):
        gallery.find("Ada")
    gallery.export(tmp_path / "all.zip")
    other = SQLiteGallery(tmp_path / "other")
    assert other.import_(tmp_path / "all.zip").references == 1
    gallery.remove(ben)
    assert gallery.is_empty()
    with pytest.raises(EmptyGallery):
        gallery.export(tmp_path / "none.zip")
    assert references


def test_the_trash_shows_what_it_holds_and_until_when(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    gallery.merge(ada, ben)  # takes nobody's pictures away
    removed = gallery.remove_reference(references[0])
    [item] = gallery.trash()
    assert item.change == removed
    assert (item.references, item.samples) == (1, 3)
    assert [(path.parent.name, path.name[:8]) for path in item.pictures] == [
        (references[0], f"{frame:08d}") for frame in (2, 1, 0)
    ]
    assert removed.expires is not None
    assert datetime.fromisoformat(removed.expires) - datetime.fromisoformat(removed.when) == timedelta(days=7)


# Undoing


def test_the_latest_is_undone_first_and_undoings_do_not_count(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    renamed, moved = gallery.rename(ben, "Benjamin"), gallery.move_reference(references[0], ben)
    assert [gallery.undo().undoes for _ in range(5)] == [moved.id, renamed.id, 3, 2, 1]
    assert gallery.is_empty()
    with pytest.raises(UndoRefused, match="nothing to undo"):
        gallery.undo()
    assert ada not in [identity.id for identity in gallery.identities()]


def test_undoing_out_of_order_is_refused_and_names_the_change_in_the_way(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    removed = gallery.remove_reference(references[0])
    renamed = gallery.rename(ada, "Ada King")
    other = gallery.rename(ben, "Benjamin")
    assert [(change.id, change.can_be_undone) for change in gallery.changes()[:3]] == [
        *((other.id, True), (renamed.id, True), (removed.id, False))
    ]
    with pytest.raises(UndoRefused, match=f"Undo change {renamed.id} first") as refusal:
        gallery.undo(removed.id)
    assert refusal.value.blocked_by == renamed.id
    gallery.undo(renamed.id)
    gallery.undo(removed.id)
    assert {identity.name: identity.reference_count for identity in gallery.identities()} == {"Ada": 2, "Benjamin": 1}


def test_changes_are_made_again_in_the_reverse_order_of_undoing(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _ = two_people(gallery, clips)
    first, second = gallery.rename(ada, "Ada 1"), gallery.rename(ada, "Ada 2")
    second_undone, first_undone = gallery.undo(second.id), gallery.undo(first.id)
    with pytest.raises(UndoRefused, match=f"Undo change {first_undone.id} first"):
        gallery.undo(second_undone.id)
    gallery.undo(first_undone.id)
    gallery.undo(second_undone.id)
    assert gallery.find("Ada 2").id == ada
    assert [gallery.undo().undoes, gallery.undo().undoes] == [second.id, first.id]
    gallery.rename(ada, "Ada 3")
    with pytest.raises(UndoRefused, match="Undo change"):
        gallery.undo(gallery.changes()[1].id)


def test_a_name_that_was_given_to_somebody_else_is_not_taken_back(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, _ = two_people(gallery, clips)
    removed, renamed = gallery.remove(ada), gallery.rename(ben, "Benjamin")
    for seed, name in ((4, "ADA"), (5, "ben")):
        gallery.enroll(name, reference(clips, seed))
    before = state(gallery)
    for change, name in ((removed, "Ada"), (renamed, "Ben")):
        with pytest.raises(NameTaken, match=f"Somebody else is called {name} now.*another name, then undo"):
            gallery.undo(change.id)
    assert state(gallery) == before
    gallery.rename(gallery.find("ADA").id, "Ada the second")
    gallery.undo(removed.id)
    assert check(gallery) == {"Ada": 2, "Ada the second": 1, "Benjamin": 1, "ben": 1}


def test_what_another_model_made_is_not_brought_back_among_others(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    removed = gallery.remove(ada.id)
    gallery.enroll("Ben", reference(clips, 2, model_id="model-b"))
    with pytest.raises(ModelMismatch):
        gallery.undo(removed.id)
    assert check(gallery) == {"Ben": 1}


def test_importing_is_undone_and_takes_out_of_the_trash(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    _, ben, references = two_people(gallery, clips)
    whole = state(gallery)
    gallery.export(tmp_path / "all.zip")
    gallery.remove(ben)
    gallery.remove_reference(references[0])
    report = gallery.import_(tmp_path / "all.zip")
    assert (report.identities, report.references, report.already_there) == (1, 2, 1)
    assert check(gallery) == {"Ada": 2, "Ben": 1}
    assert state(gallery)[1:3] == whole[1:3]
    assert gallery.trash() == []
    undone = gallery.undo(report.change_id)
    assert (undone.undoes, check(gallery)) == (report.change_id, {"Ada": 1})
    assert gallery.import_(tmp_path / "all.zip").references == 2
    assert gallery.import_(tmp_path / "all.zip").change_id is None  # nothing new is no change
    assert gallery.changes()[0].kind is ChangeKind.IMPORTED


def test_importing_somebody_whose_name_is_taken_meanwhile(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    gallery.export(tmp_path / "all.zip")
    gallery.remove(ada.id)
    gallery.enroll("ada", reference(clips, 2))
    assert gallery.import_(tmp_path / "all.zip").renamed == (("Ada", "Ada (2)"),)
    assert check(gallery) == {"ada": 1, "Ada (2)": 1}
    assert gallery.find("Ada (2)").id == ada.id


def change_anything(gallery: SQLiteGallery, chance: random.Random, clips: Path) -> GalleryChange:
    """Do one operation with what is there, chosen by chance; it may be refused."""
    people = gallery.identities()
    name = f"P{chance.randrange(4)}"
    kind = chance.randrange(8) if people else 0
    if kind == 0:
        new = reference(clips, chance.randrange(10, 17), samples=chance.randint(1, 3))
        return gallery.enroll(name, new).change
    person, other = chance.choice(people), chance.choice(people)
    held = chance.choice(gallery.references(person.id))
    sample = chance.choice(held.crops).name
    operations: list[Callable[[], GalleryChange]] = [
        lambda: gallery.remove(person.id),
        lambda: gallery.remove_reference(held.id),
        lambda: gallery.remove_sample(held.id, sample),
        lambda: gallery.move_reference(held.id, *([] if kind % 2 else [other.id]), new_name=name if kind % 2 else None),
        lambda: gallery.merge(person.id, other.id),
        lambda: gallery.rename(person.id, name),
        lambda: gallery.set_cover(person.id, held.id, sample),
    ]
    return chance.choice(operations)()


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_is_undone_in_reverse_order(gallery: SQLiteGallery, clips: Path, seed: int) -> None:
    """Random changes, some undone and some of these done again; then all are undone: each state is what it was."""
    chance = random.Random(seed)
    two_people(gallery, clips)
    stack: list[tuple[GalleryChange, Any]] = []
    for _ in range(40):
        before = state(gallery)
        if stack and chance.random() < 0.2:
            change, former = stack.pop()
            undone = gallery.undo()
            assert (undone.undoes, state(gallery)[:3]) == (change.id, former[:3])
            if chance.random() < 0.5:
                gallery.undo(undone.id)
                assert state(gallery)[:3] == before[:3]
                stack.append((change, former))
            continue
        try:
            stack.append((change_anything(gallery, chance, clips), before))
        except InvalidInput:
            assert state(gallery) == before
    check(gallery)
    assert len(stack) > 10
    for change, before in reversed(stack):
        gallery.undo(change.id)
        assert state(gallery)[:3] == before[:3], change
    assert check(gallery) == {"Ada": 2, "Ben": 1}
    assert found(gallery, 1) == found(SQLiteGallery(gallery.folder, clock=lambda: START), 1)


# The end of what is in the trash


def bytes_of(gallery: SQLiteGallery) -> bytes:
    return b"".join(path.read_bytes() for path in gallery.folder.rglob("*") if path.is_file())


def assert_no_trace(gallery: SQLiteGallery, *traces: bytes) -> None:
    assert traces_in(gallery, *traces) == []


def test_what_is_expired_is_gone_at_the_next_opening(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    gallery.enroll("Ben", reference(clips, 2))
    ada, stored, _, _ = gallery.enroll("Ada Trace-Marker", reference(clips, 1, marker=b"Crop-Marker"))
    traces = (b"Trace-Marker", b"Crop-Marker", unit(1).tobytes(), unit(1000).tobytes(), ada.id.encode())
    removed = gallery.remove(ada.id)
    assert all(trace in bytes_of(gallery) for trace in traces)
    clock.advance(6.9)
    assert [item.change.id for item in gallery.trash()] == [removed.id]
    clock.advance(0.2)
    assert gallery.identities()[0].name == "Ben"  # reading is enough
    assert_no_trace(gallery, *traces, stored.id.encode(), f"{1:064x}".encode())
    assert check(gallery) == {"Ben": 1}
    assert gallery.trash() == []
    with pytest.raises(UndoRefused, match="its time is over"):
        gallery.undo(removed.id)
    [line] = [change for change in gallery.changes() if change.id == removed.id]
    assert (line.names, line.identity_ids, line.references, line.expires) == ((), (), 1, None)


def test_expired_samples_and_references_leave_the_rest(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    _, _, references = two_people(gallery, clips)
    gallery.remove_sample(references[0], SAMPLE)
    gallery.remove_reference(references[1])
    clock.advance(8)
    gallery.rename(gallery.find("Ada").id, "Ada King")
    assert check(gallery) == {"Ada King": 1, "Ben": 1}
    assert gallery.find("Ada King").sample_count == 2
    assert_no_trace(gallery, unit(1001).tobytes(), unit(2).tobytes(), references[1].encode())
    with pytest.raises(UndoRefused, match="its time is over"):
        gallery.undo(5)
    assert gallery.undo().kind is ChangeKind.UNDONE
    assert gallery.find("Ada").reference_count == 1


def test_what_is_removed_again_is_kept_from_then_on(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    ada, _, _ = two_people(gallery, clips)
    removed = gallery.remove(ada)
    undone = gallery.undo()
    clock.advance(5)
    gallery.undo(undone.id)
    clock.advance(5)
    assert [item.change.id for item in gallery.trash()] == [removed.id]
    gallery.undo(removed.id)
    gallery.undo(gallery.changes()[0].id)
    clock.advance(8)
    assert (gallery.trash(), check(gallery)) == ([], {"Ben": 1})
    assert_no_trace(gallery, b"Ada", unit(1).tobytes())


def test_the_end_of_somebody_is_the_end_of_all_that_was_theirs(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    ada, _, references = two_people(gallery, clips)
    patient = SQLiteGallery(gallery.folder, trash_time=timedelta(days=30), clock=clock)
    patient.remove_sample(references[1], SAMPLE)
    patient.remove_reference(references[0])
    gallery.remove(ada)
    clock.advance(8)
    assert (gallery.trash(), check(gallery)) == ([], {"Ben": 1})
    assert_no_trace(
        gallery, b"Ada", *(each for seed in (1, 2) for each in (unit(seed).tobytes(), base64_of(unit(seed))))
    )


def test_a_former_template_is_kept_no_longer_than_its_reference(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    _, _, references = two_people(gallery, clips)
    patient = SQLiteGallery(gallery.folder, trash_time=timedelta(days=30), clock=clock)
    patient.remove_sample(references[0], SAMPLE)
    gallery.remove_reference(references[0])
    clock.advance(8)
    assert (gallery.trash(), check(gallery)) == ([], {"Ada": 1, "Ben": 1})
    assert_no_trace(gallery, base64_of(unit(1)), unit(1001).tobytes())


def test_undoing_too_late_is_refused_also_when_the_gallery_is_in_use(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    ada, _, _ = two_people(gallery, clips)
    removed = gallery.remove(ada)
    clock.advance(8)
    refusals: list[UndoRefused] = []

    def undo() -> None:
        try:
            gallery.undo(removed.id)
        except UndoRefused as error:
            refusals.append(error)

    thread = threading.Thread(target=undo)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that reading it first deletes nothing
        thread.start()
        time.sleep(0.3)
    thread.join()
    assert ["its time is over" in str(error) for error in refusals] == [True]


def test_an_expired_change_keeps_no_former_name(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    ada, _, _, _ = gallery.enroll("Former-Name", reference(clips, 1))
    gallery.rename(ada.id, "Ada")
    assert gallery.changes()[0].names == ("Former-Name", "Ada")
    clock.advance(8)
    gallery.identities()
    assert_no_trace(gallery, b"Former-Name", b"former-name")
    assert gallery.changes()[0].names == ("Ada", "Ada")


def test_without_a_trash_what_is_removed_is_gone_at_once(tmp_path: Path, clips: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery", trash_time=timedelta(0))
    ada, stored, _, change = gallery.enroll("Trace-Marker", reference(clips, 1, samples=3))
    assert (change.can_be_undone, change.expires) == (False, None)
    gallery.remove_sample(stored.id, SAMPLE)
    assert_no_trace(gallery, unit(1001).tobytes())
    assert gallery.find("Trace-Marker").sample_count == 2
    removed = gallery.remove(ada.id)
    assert (removed.expires, gallery.trash()) == (None, [])
    assert_no_trace(gallery, b"Trace-Marker", unit(1).tobytes(), unit(1000).tobytes())
    with pytest.raises(UndoRefused, match="nothing to undo"):
        gallery.undo()
    assert check(gallery) == {}


def test_the_trash_can_be_emptied(gallery: SQLiteGallery, clips: Path) -> None:
    ada, ben, references = two_people(gallery, clips)
    gallery.remove_sample(references[0], SAMPLE)
    gallery.rename(ben, "Benjamin")
    removed = gallery.remove(ada)
    emptied = gallery.empty_trash()
    assert (emptied.kind, emptied.references, emptied.samples) == (ChangeKind.TRASH_EMPTIED, 2, 6)
    assert gallery.trash() == []
    assert check(gallery) == {"Benjamin": 1}
    assert_no_trace(gallery, b"Ada", unit(1).tobytes(), unit(1001).tobytes())
    with pytest.raises(UndoRefused):
        gallery.undo(removed.id)
    gallery.undo()
    assert check(gallery) == {"Ben": 1}
    assert gallery.empty_trash().samples == 0


def test_erasing_leaves_nothing_of_somebody_anywhere(gallery: SQLiteGallery, clips: Path) -> None:
    given = reference(clips, 1, samples=3, marker=b"Crop-Marker")
    ada, first, _, _ = gallery.enroll("Former-Marker", given)
    gallery.enroll("Former-Marker", reference(clips, 2, marker=b"Crop-Marker"))
    twin, _, _, _ = gallery.enroll("Twin-Marker", reference(clips, 4))
    ben, _, _, _ = gallery.enroll("Ben", reference(clips, 3))
    gallery.remove_sample(first.id, SAMPLE)
    pooled = gallery.references(ada.id)[0].template.vector
    gallery.rename(ada.id, "Name-Marker")
    gallery.remove_reference(first.id)
    gallery.merge(twin.id, ada.id)
    gallery.undo(gallery.undo().id)
    gallery.rename(ben.id, "Benjamin")
    erased = gallery.erase(ada.id)
    assert (erased.kind, erased.names, erased.references, erased.samples) == (ChangeKind.ERASED, (), 3, 7)
    vectors = [unit(seed) for seed in (1, 2, 4, 1000, 1001, 1002, 2000, 2001, 4000, 4001)]
    assert_no_trace(
        gallery,
        *(b"Marker", b"marker", ada.id.encode(), twin.id.encode(), first.id.encode(), f"{1:064x}".encode(), b"1.mp4"),
        *(vector.astype("<f4").tobytes() for vector in [*vectors, pooled]),
        *(base64_of(vector) for vector in [*vectors, pooled]),
    )
    assert check(gallery) == {"Benjamin": 1}
    assert [(change.kind, change.names) for change in gallery.changes() if change.names] == [
        *((ChangeKind.RENAMED, ("Ben", "Benjamin")), (ChangeKind.ENROLLED, ("Ben",)))
    ]
    assert gallery.undo().names == ("Ben", "Benjamin")
    with pytest.raises(UnknownIdentity):
        gallery.erase(ada.id)


def base64_of(vector: np.ndarray) -> bytes:
    return base64.b64encode(vector.astype("<f4").tobytes())[:-4]


def test_erasing_takes_references_whose_former_templates_another_change_holds(
    gallery: SQLiteGallery, clips: Path
) -> None:
    ada, ben, references = two_people(gallery, clips)
    gallery.remove_sample(references[0], SAMPLE)  # Ada's change keeps the template from before
    gallery.move_reference(references[0], ben)
    gallery.erase(ben)
    assert check(gallery) == {"Ada": 1}
    assert_no_trace(gallery, unit(1).tobytes(), base64_of(unit(1)), unit(1001).tobytes(), b"Ben")
    with pytest.raises(UndoRefused):
        gallery.undo(4)
    assert ada == gallery.find("Ada").id


def test_somebody_in_the_trash_can_be_erased(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _ = two_people(gallery, clips)
    removed = gallery.remove(ada)
    assert gallery.erase(ada).references == 2
    assert_no_trace(gallery, b"Ada", unit(1).tobytes())
    assert (check(gallery), gallery.trash()) == ({"Ben": 1}, [])
    with pytest.raises(UndoRefused, match="cannot be undone"):
        gallery.undo(removed.id)


def test_a_change_before_one_that_cannot_be_undone_any_more(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    ada, ben, _ = two_people(gallery, clips)
    patient = SQLiteGallery(gallery.folder, trash_time=timedelta(days=30), clock=clock)
    renamed, merged = patient.rename(ada, "Ada King"), gallery.merge(ben, ada)
    clock.advance(8)
    with pytest.raises(UndoRefused, match=f"change {merged.id} came later.*so this one cannot either") as refusal:
        patient.undo(renamed.id)
    assert refusal.value.blocked_by == merged.id


# Others at the same time


def test_an_expired_gallery_that_is_in_use_can_be_read(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    ada, _, _ = two_people(gallery, clips)
    gallery.remove(ada)
    clock.advance(8)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert [identity.name for identity in gallery.identities()] == ["Ben"]
        assert time.monotonic() - started < 5
    assert gallery.trash() == []
    assert_no_trace(gallery, b"Ada", unit(1).tobytes())


def test_the_revision_tells_of_every_change_by_anybody(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    other = SQLiteGallery(gallery.folder, clock=clock)
    revisions = [gallery.revision()]
    ada, ben, references = two_people(other, clips)
    revisions.append(gallery.revision())
    for name, (operate, *_) in OPERATIONS.items():
        change = operate(other, ada, ben, references, clips)
        revisions.append(gallery.revision())
        other.undo(change.id)
        revisions.append(gallery.revision())
        assert len(set(revisions)) == len(revisions), name
    assert gallery.revision() == gallery.revision() == other.revision()
    gallery.identities()
    gallery.search(template(1), 1)
    gallery.export(gallery.folder.parent / "all.zip")
    assert gallery.revision() == revisions[-1]
    clock.advance(8)
    assert gallery.revision() not in revisions


CHANGE_FOREVER = """
import random, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from biometric.errors import InvalidInput
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import reference

root, chance = Path(sys.argv[2]), random.Random(int(sys.argv[3]))
gallery = SQLiteGallery(root / "gallery")
new = [reference(root / f"crops{sys.argv[3]}", seed) for seed in range(4)]
for turn in range(int(sys.argv[4])):
    try:
        people = gallery.identities()
        kind = chance.randrange(5) if people else 0
        if kind == 0:
            gallery.enroll(f"P{chance.randrange(6)}", chance.choice(new))
        elif kind == 1:
            gallery.remove(chance.choice(people).id)
        elif kind == 2:
            gallery.undo()
        elif kind == 3:
            gallery.erase(chance.choice(people).id)
        else:
            held = gallery.references(chance.choice(people).id)[0]
            gallery.remove_sample(held.id, held.crops[0].name)
    except InvalidInput:
        pass
    print(turn, flush=True)
"""


def changing(root: Path, seed: int, turns: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHANGE_FOREVER, str(TESTS), str(root), str(seed), str(turns)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS.parent)


def test_promise_21_two_processes_change_undo_and_erase_at_once(tmp_path: Path) -> None:
    processes = [changing(tmp_path, seed, 60) for seed in range(2)]
    for process in processes:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    gallery = SQLiteGallery(tmp_path / "gallery")
    check(gallery)
    assert found(gallery, 1) == found(SQLiteGallery(gallery.folder), 1)


def test_promise_20_kill_9_between_changes_and_undoings_leaves_nothing_half_done(tmp_path: Path) -> None:
    chance = random.Random(9)
    for life in range(6):
        with changing(tmp_path, life, 10_000) as process:
            assert process.stdout is not None
            for _ in range(5):
                process.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            os.kill(process.pid, signal.SIGKILL)
        gallery = SQLiteGallery(tmp_path / "gallery")
        gallery.identities()
        check(gallery)
        while True:
            try:
                gallery.undo()
            except UndoRefused:
                break
        check(gallery)
