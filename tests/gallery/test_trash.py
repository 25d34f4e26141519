"""What is removed can be brought back: every operation and its undoing, the trash, its end, and erasing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from biometric.entities import ChangeKind, GalleryChange
from biometric.errors import (
    UndoRefused,
)
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import check, reference, template

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


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "crops"


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
    "enroll_new": (
        lambda g, ada, ben, refs, c: g.enroll("Cy", reference(c, 4)).change,
        *(ChangeKind.ENROLLED, ("Cy",), (1, 2), {"Ada": 2, "Ben": 1, "Cy": 1}),
    ),
    "enroll_existing": (
        lambda g, ada, ben, refs, c: g.enroll("ben", reference(c, 4)).change,
        *(ChangeKind.ENROLLED, ("Ben",), (1, 2), {"Ada": 2, "Ben": 2}),
    ),
}


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
