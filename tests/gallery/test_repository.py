"""The gallery on real folders: what is stored, what is refused, and what other processes and crashes may do to it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import NewReference, Template
from biometric.errors import (
    EmptyGallery,
    GalleryBusy,
    GalleryCorrupt,
    GalleryUnavailable,
    InvalidCamera,
    InvalidInput,
    InvalidName,
    ModelMismatch,
    NameTaken,
    StorageFull,
    UnknownIdentity,
)
from biometric.gallery.archive import open_archive
from biometric.gallery.repository import SQLiteGallery
from biometric.ports import Gallery
from tests.made_galleries import JPEG, MODEL, check, reference, template, traces_in, unit

TESTS = Path(__file__).resolve().parent.parent


def names(gallery: SQLiteGallery) -> list[str]:
    return [identity.name for identity in gallery.identities()]


# The empty case


def test_an_absent_gallery_is_empty_and_asking_creates_nothing(gallery: SQLiteGallery) -> None:
    port: Gallery = gallery
    assert port.identities() == []
    assert port.search(template(1), 5) == []
    port.check_model("any")
    with pytest.raises(UnknownIdentity, match="The gallery is empty"):
        port.find("Ada")
    for ask in (port.references, port.remove, lambda each: port.rename(each, "x"), lambda each: port.merge(each, "y")):
        with pytest.raises(UnknownIdentity):
            ask("0" * 32)
    with pytest.raises(UnknownIdentity):
        port.scores(template(1), "0" * 32)
    with pytest.raises(EmptyGallery):
        port.export(gallery.folder.parent / "export.zip")
    port.close()
    assert list(gallery.folder.parent.iterdir()) == []


def test_a_database_file_without_tables_is_an_empty_gallery(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.folder.mkdir()
    (gallery.folder / "gallery.sqlite3").touch()
    assert gallery.identities() == []
    gallery.enroll("Ada", reference(clips, 1))
    assert check(gallery) == {"Ada": 1}


# Enrolling


def test_enroll_stores_everything(gallery: SQLiteGallery, clips: Path) -> None:
    given = reference(clips, 1, samples=3)
    identity, stored, existed, _ = gallery.enroll("  Ada   Lovelace ", given)
    assert not existed
    assert (identity.name, identity.reference_count, identity.sample_count) == ("Ada Lovelace", 1, 3)
    assert identity.thumbnail == stored.best_crop == stored.crops[2]  # the sample of highest quality
    assert identity == gallery.find("ada lovelace") == gallery.identities()[0]
    [kept] = gallery.references(identity.id)
    assert np.array_equal(kept.template.vector, given.template.vector)
    assert (kept.template.model_id, kept.template.sample_count) == (MODEL, 3)
    assert (kept.clip_digest, kept.clip_name, kept.first_frame, kept.last_frame) == (given.clip_digest, "1.mp4", 0, 9)
    assert [crop.name for crop in kept.crops] == [f"{frame:08d}_00.jpg" for frame in range(3)]
    assert [crop.read_bytes() for crop in kept.crops] == [sample.source.read_bytes() for sample in given.samples]
    assert kept.crops[0].parent == gallery.folder / identity.id / kept.id
    assert check(gallery) == {"Ada Lovelace": 1}


def test_enroll_an_existing_name_adds_a_reference(gallery: SQLiteGallery, clips: Path) -> None:
    first, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    again, stored, existed, _ = gallery.enroll("ADA", reference(clips, 2))
    assert existed
    assert (again.id, again.name, again.reference_count) == (first.id, "Ada", 2)
    assert [each.id for each in gallery.references(first.id)][-1] == stored.id
    assert check(gallery) == {"Ada": 2}


def test_a_reference_without_samples_is_stored(gallery: SQLiteGallery, clips: Path) -> None:
    identity, stored, _, _ = gallery.enroll("Ada", reference(clips, 1, samples=0))
    assert (identity.thumbnail, stored.crops, stored.best_crop) == (None, (), None)
    assert gallery.search(template(1), 1)[0].identity == identity


def test_a_crop_deleted_by_hand_is_no_thumbnail(gallery: SQLiteGallery, clips: Path) -> None:
    identity, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    assert identity.thumbnail is not None
    identity.thumbnail.unlink()
    assert gallery.find("Ada").thumbnail is None


def test_sample_embeddings_are_stored_as_float32(gallery: SQLiteGallery, clips: Path) -> None:
    given = reference(clips, 1)
    gallery.enroll("Ada", given)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        blobs = [row[0] for row in connection.execute("SELECT embedding FROM samples ORDER BY number")]
    assert [np.frombuffer(blob, "<f4").tolist() for blob in blobs] == [
        each.embedding.tolist() for each in given.samples
    ]


def test_files_and_folders_are_for_the_owner_only(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    for path in [gallery.folder, *gallery.folder.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_name_that_is_not_utf8_on_disk_does_not_hinder(gallery: SQLiteGallery, clips: Path) -> None:
    given = reference(clips, 1)
    given = NewReference(given.template, given.samples, given.clip_digest, "caf\udce9.mp4", 0, 9)
    _, stored, _, _ = gallery.enroll("Ada", given)
    assert stored.clip_name == "caf?.mp4"


def test_a_reference_keeps_its_camera_through_trash_and_undo(gallery: SQLiteGallery, clips: Path) -> None:
    assert gallery.cameras() == []
    for name, seed, camera in (("Ada", 1, "Yard"), ("Ada", 2, ""), ("Ben", 3, "Door"), ("Ben", 4, "Yard")):
        gallery.enroll(name, replace(reference(clips, seed), camera=camera))
    assert gallery.cameras() == ["Door", "Yard"]
    ben = gallery.find("Ben").id
    change = gallery.remove(ben)
    assert gallery.cameras() == ["Yard"]
    gallery.undo(change.id)
    assert [held.camera for held in gallery.references(ben)] == ["Door", "Yard"]
    assert [held.camera for held in SQLiteGallery(gallery.folder).references(gallery.find("Ada").id)] == ["Yard", ""]


def test_a_camera_that_cannot_be_used_is_refused_and_nothing_is_stored(gallery: SQLiteGallery, clips: Path) -> None:
    for camera in ("x" * 101, "a\x07b"):
        with pytest.raises(InvalidCamera):
            gallery.enroll("Ada", replace(reference(clips, 1), camera=camera))
    assert gallery.is_empty()


def test_enroll_refuses_another_model_and_changes_nothing(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    with pytest.raises(ModelMismatch, match=r"model-a.*model-b"):
        gallery.enroll("Ben", reference(clips, 2, model_id="model-b"))
    with pytest.raises(ModelMismatch, match="have 16 numbers, the new one has 8"):
        gallery.enroll("Ben", reference(clips, 2, dimension=8))
    assert check(gallery) == {"Ada": 1}
    gallery.remove(gallery.find("Ada").id)
    gallery.enroll("Ben", reference(clips, 2, model_id="model-b"))  # an emptied gallery takes any model
    assert check(gallery) == {"Ben": 1}


def test_enroll_refuses_what_is_wrong_and_changes_nothing(gallery: SQLiteGallery, clips: Path) -> None:
    good = reference(clips, 1)

    def with_sample(**changes: Any) -> NewReference:
        return replace(good, samples=(replace(good.samples[0], **changes),))

    for changes in (
        {"name": "../../evil.jpg"},
        {"name": "crop.jpg"},
        {"embedding": unit(1, 8)},
        {"embedding": np.full(16, np.nan, np.float32)},
        {"embedding": np.zeros(16, np.float32)},
        {"quality": float("nan")},
        {"frame_index": -1},
    ):
        with pytest.raises(ValueError, match="expected"):
            with_sample(**changes)
    with pytest.raises(ValueError, match="expected each crop name once"):
        replace(good, samples=(good.samples[0], good.samples[0]))
    with pytest.raises(ValueError, match="expected 0 <= first frame"):
        replace(good, first_frame=10)
    with pytest.raises(InvalidInput, match="no longer on disk"):
        gallery.enroll("Ada", with_sample(source=clips / "gone.jpg"))
    with pytest.raises(InvalidName):
        gallery.enroll(" ", good)
    assert not gallery.folder.exists()


# Names


def test_size_counts_identities_not_references(tmp_path: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    assert (gallery.size(), gallery.reference_count(), gallery.is_empty()) == (0, 0, True)
    assert not (tmp_path / "gallery").exists()
    for name in ("Ada", "Ada", "Ben"):
        gallery.enroll(name, reference(tmp_path, 0))
    assert (gallery.size(), gallery.reference_count(), gallery.is_empty()) == (2, 3, False)


@pytest.mark.parametrize("name", ["../x", "..", "/etc/passwd", "<img src=x onerror=alert(1)>", "=cmd()", "a" * 100])
def test_promise_10_names_are_labels_never_paths(gallery: SQLiteGallery, clips: Path, name: str) -> None:
    identity, stored, _, _ = gallery.enroll(name, reference(clips, 1))
    assert identity.name == name
    assert gallery.find(name).id == identity.id
    assert set(identity.id) <= set("0123456789abcdef")
    assert len(identity.id) == len(stored.id) == 32
    assert check(gallery) == {name: 1}  # among others: every file is below an opaque id


@pytest.mark.parametrize("name", ["", "  \t ", "a\0b", "a" * 101, "a" * 300, "a\u202eb", "a\x1bb", "\ud800"])
def test_promise_10_unusable_names_are_refused(gallery: SQLiteGallery, clips: Path, name: str) -> None:
    with pytest.raises(InvalidName):
        gallery.enroll(name, reference(clips, 1))
    assert not gallery.folder.exists()
    gallery.enroll("Ada", reference(clips, 1))
    with pytest.raises(InvalidName):
        gallery.rename(gallery.find("Ada").id, name)
    assert check(gallery) == {"Ada": 1}


def test_promise_10_nfc_and_nfd_twins_are_one_person(gallery: SQLiteGallery, clips: Path) -> None:
    composed, decomposed = "Zoë", unicodedata.normalize("NFD", "Zoë")
    assert composed != decomposed
    gallery.enroll(decomposed, reference(clips, 1))
    _, _, existed, _ = gallery.enroll(composed, reference(clips, 2))
    assert existed
    assert check(gallery) == {composed: 2}
    assert gallery.find(decomposed.upper()).name == composed


def test_an_unknown_name_suggests_close_ones(gallery: SQLiteGallery, clips: Path) -> None:
    for seed, name in enumerate(["Ada Lovelace", "Ben"]):
        gallery.enroll(name, reference(clips, seed))
    with pytest.raises(UnknownIdentity, match=r"Nobody called Ada Lovelas is enrolled. Did you mean Ada Lovelace\?"):
        gallery.find("Ada  Lovelas")
    with pytest.raises(UnknownIdentity, match="Look at the list"):
        gallery.find("Wolfgang")


def test_identities_are_listed_by_name(gallery: SQLiteGallery, clips: Path) -> None:
    for seed, name in enumerate(["ben", "Ada", "Cy"]):
        gallery.enroll(name, reference(clips, seed))
    assert names(gallery) == ["Ada", "ben", "Cy"]


# Changing


def test_rename(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    ben, _, _, _ = gallery.enroll("Ben", reference(clips, 2))
    assert gallery.rename(ada.id, " Ada  King ").names == ("Ada", "Ada King")
    assert gallery.rename(ada.id, "ADA KING").names == ("Ada King", "ADA KING")  # its own name, spelt otherwise
    with pytest.raises(NameTaken, match="merge"):
        gallery.rename(ada.id, "bEN")
    with pytest.raises(UnknownIdentity):
        gallery.rename("0" * 32, "Cy")
    assert check(gallery) == {"ADA KING": 1, "Ben": 1}
    assert gallery.search(template(1), 1)[0].identity.name == "ADA KING"
    assert ben.id == gallery.find("Ben").id


def test_merge_keeps_every_reference_and_file(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    twin, moved, _, _ = gallery.enroll("Ada again", reference(clips, 2))
    assert gallery.search(template(2), 1)[0].identity.id == twin.id
    assert gallery.merge(twin.id, ada.id).names == ("Ada again", "Ada")
    merged = gallery.find("Ada")
    assert (merged.id, merged.name, merged.reference_count) == (ada.id, "Ada", 2)
    assert [crop.is_file() for held in gallery.references(ada.id) for crop in held.crops] == [True] * 4
    best = gallery.search(template(2), 5)
    assert [(each.identity.id, each.reference_id) for each in best] == [(ada.id, moved.id)]
    assert check(gallery) == {"Ada": 2}
    with pytest.raises(InvalidInput, match="themselves"):
        gallery.merge(ada.id, ada.id)
    for pair in ((twin.id, ada.id), (ada.id, twin.id)):
        with pytest.raises(UnknownIdentity):
            gallery.merge(*pair)
    gallery.erase(ada.id)  # the merged reference's files lie in the other identity's folder
    assert check(gallery) == {}


def test_erase_leaves_no_trace_in_rows_files_or_pages(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ben", reference(clips, 2))
    ada, _, _, _ = gallery.enroll("Ada Trace-Marker", reference(clips, 1))
    gallery.erase(ada.id)
    assert check(gallery) == {"Ben": 1}
    for ask in (gallery.remove, gallery.erase):
        with pytest.raises(UnknownIdentity):
            ask(ada.id)
    database = (gallery.folder / "gallery.sqlite3").read_bytes()
    traces = (b"Trace-Marker", unit(1).tobytes(), f"{1:064x}".encode(), ada.id.encode())
    assert traces_in(gallery, *traces) == []
    assert unit(2).tobytes() in database


def test_erase_leaves_foreign_files_alone(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1))
    note = gallery.folder / ada.id / "note.txt"
    note.write_text("mine")
    gallery.erase(ada.id)
    assert [path.name for path in note.parent.iterdir()] == ["note.txt"]


# Searching


def test_search_is_exact_and_takes_each_identitys_best_reference(gallery: SQLiteGallery, clips: Path) -> None:
    owners = {}
    for seed in range(40):
        identity, stored, _, _ = gallery.enroll(f"P{seed % 9}", reference(clips, seed, samples=0))
        owners[seed] = (identity.id, stored.id)
    probe = template(7000)
    best: dict[str, tuple[float, str]] = {}
    for seed, (identity_id, reference_id) in owners.items():
        score = float(unit(seed) @ probe.vector)
        best[identity_id] = max(best.get(identity_id, (-2.0, "")), (score, reference_id))
    expected = sorted(((score, who, held) for who, (score, held) in best.items()), reverse=True)
    for count in (1, 5, 9, 50):
        found = gallery.search(probe, count)
        assert [(each.identity.id, each.reference_id) for each in found] == [each[1:] for each in expected[:count]]
        assert [each.score for each in found] == pytest.approx([each[0] for each in expected[:count]], abs=1e-6)
        assert [each.rank for each in found] == list(range(1, len(found) + 1))
    first = gallery.search(probe, 1)[0]
    scores = gallery.scores(probe, first.identity.id)
    assert scores[0] == (first.reference_id, pytest.approx(first.score, abs=1e-6))
    assert [score for _, score in scores] == sorted((score for _, score in scores), reverse=True)
    assert len(scores) == first.identity.reference_count


def test_promise_19_nothing_never_matches_someone(gallery: SQLiteGallery, clips: Path) -> None:
    assert gallery.search(template(1), 5) == []
    gallery.enroll("Ada", reference(clips, 1))
    assert gallery.search(template(1), 0) == []
    for vector in (np.zeros(16), np.full(16, np.nan), np.full(16, np.inf)):
        with pytest.raises(ValueError, match="unit length"):
            Template(vector.astype(np.float32), MODEL, 1)
    for other in (template(1, model_id="model-b"), template(1, dimension=8)):
        with pytest.raises(ModelMismatch):
            gallery.search(other, 5)
        with pytest.raises(ModelMismatch):
            gallery.scores(other, gallery.find("Ada").id)
    with pytest.raises(ModelMismatch, match=r"model-a.*SIGHTLINE_EMBEDDER"):
        gallery.check_model("model-b")
    gallery.check_model(MODEL)
    gallery.remove(gallery.find("Ada").id)
    assert gallery.search(template(1, model_id="model-b"), 5) == []


@pytest.mark.parametrize("damage", [np.zeros(16), np.full(16, np.nan), np.full(8, 0.5)])
def test_promise_19_a_damaged_stored_vector_is_said_not_compared(
    gallery: SQLiteGallery, clips: Path, damage: np.ndarray
) -> None:
    for seed in (1, 2, 3):
        gallery.enroll(f"P{seed}", reference(clips, seed))
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        blob = damage.astype("<f4").tobytes()
        connection.execute("UPDATE biometric_references SET vector = ? WHERE number = 2", [blob])
    with pytest.raises(GalleryCorrupt, match="Restore"):
        gallery.search(template(1), 5)
    with pytest.raises(GalleryCorrupt, match="Restore"):
        gallery.references(gallery.find("P2").id)


def test_promise_18_the_index_is_disposable(gallery: SQLiteGallery, clips: Path) -> None:
    for seed in (1, 2):
        gallery.enroll(f"P{seed}", reference(clips, seed))
    expected = gallery.search(template(1), 5)
    (gallery.folder / "gallery.faiss").write_bytes(b"no index file is ever read")
    gallery.close()
    assert gallery.search(template(1), 5) == expected
    assert SQLiteGallery(gallery.folder).search(template(1), 5) == expected


TRIGGER = """
CREATE TRIGGER reference_changed AFTER UPDATE OF identity_number, vector ON biometric_references BEGIN
    DELETE FROM changes WHERE reference_number = NEW.number;
    INSERT INTO changes (reference_number) VALUES (NEW.number);
END
"""


def test_promise_18_refresh_reads_only_what_changed(gallery: SQLiteGallery, clips: Path) -> None:
    for seed in (9, 0, 1, 2, 3, 4):
        gallery.enroll(f"P{seed}", reference(clips, seed))
    gallery.search(template(1), 1)
    # A vector that cannot be read, which no change tells of: building the index anew would fail on it.
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute("DROP TRIGGER reference_changed")
        connection.execute("UPDATE biometric_references SET vector = zeroblob(64) WHERE number = 1")
        connection.execute(TRIGGER)
    with pytest.raises(GalleryCorrupt):
        SQLiteGallery(gallery.folder).search(template(1), 1)
    other = SQLiteGallery(gallery.folder)  # as another process would
    other.enroll("New", reference(clips, 50))
    assert gallery.search(template(50), 1)[0].identity.name == "New"
    other.remove(other.find("New").id)
    other.merge(other.find("P1").id, other.find("P2").id)
    assert {each.identity.name for each in gallery.search(template(50), 9)} == {"P9", "P0", "P2", "P3", "P4"}
    assert gallery.search(template(1), 1)[0].identity.name == "P2"


def test_promise_18_a_restored_backup_is_seen(gallery: SQLiteGallery, clips: Path) -> None:
    database = gallery.folder / "gallery.sqlite3"
    gallery.enroll("Ada", reference(clips, 1))
    backup = database.read_bytes()
    gallery.enroll("Ben", reference(clips, 2))
    assert len(gallery.search(template(2), 5)) == 2
    restored = database.with_name("restored")
    restored.write_bytes(backup)
    restored.replace(database)
    gallery.enroll("Cy", reference(clips, 3))  # the same revision as Ben's, in another history
    best = gallery.search(template(3), 5)
    assert [each.identity.name for each in best] == ["Cy", "Ada"]
    assert best[0].score == pytest.approx(1.0)


# Faults of the disk and the file


def test_a_damaged_database_is_said(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    database = gallery.folder / "gallery.sqlite3"
    whole = database.read_bytes()
    database.write_bytes(b"not a database at all" * 100)
    for ask in (gallery.identities, lambda: gallery.enroll("Ben", reference(clips, 2))):
        with pytest.raises(GalleryCorrupt, match="damaged"):
            ask()
    database.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(GalleryCorrupt, match="damaged"):
        gallery.identities()


def test_a_folder_that_is_a_file_is_said(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "file").touch()
    gallery = SQLiteGallery(tmp_path / "file")
    for ask in (gallery.identities, gallery.is_empty, lambda: gallery.enroll("Ada", reference(clips, 1))):
        with pytest.raises(GalleryUnavailable, match="is a file"):
            ask()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pipe", "is a file"),
        ("loop", "cannot be used"),
        ("dangling", "leads nowhere"),
        ("x" * 300, "the name is too long"),
        ("file/gallery", "cannot be used"),
        ("odd", "is not a file"),
        ("a\0b", "cannot be used"),
    ],
)
def test_a_folder_that_cannot_be_a_gallery_is_said(tmp_path: Path, clips: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "odd" / "gallery.sqlite3").mkdir(parents=True)
    gallery = SQLiteGallery(tmp_path / name)
    for ask in (
        gallery.identities,
        gallery.is_empty,
        lambda: gallery.search(template(1), 1),
        lambda: gallery.check_model("model-a"),
        lambda: gallery.export(tmp_path / "export.zip"),
        lambda: gallery.enroll("Ada", reference(clips, 1)),
    ):
        with pytest.raises(GalleryUnavailable, match=words):
            ask()
    assert not (tmp_path / "nowhere").exists()


def test_a_gallery_that_may_not_be_read_is_said(
    gallery: SQLiteGallery, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    for ask in (gallery.identities, lambda: gallery.enroll("Ada", reference(clips, 1))):
        with pytest.raises(GalleryUnavailable, match="may not be read"):
            ask()


@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_a_full_disk_undoes_everything(
    gallery: SQLiteGallery, clips: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    new = reference(clips, 2)
    real, calls = getattr(os, call), []

    def fails_later(*arguments: object, **keywords: object) -> object:
        calls.append(arguments)
        if len(calls) in (2, 3):
            raise OSError(28, "No space left on device")
        return real(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails_later)
        with pytest.raises(StorageFull, match="disk is full; nothing was changed"):
            gallery.enroll("Ben", new)
    assert check(gallery) == {"Ada": 1}
    gallery.enroll("Ben", new)
    assert check(gallery) == {"Ada": 1, "Ben": 1}


ENROLL_WITHIN_THE_SIZE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.made_galleries import reference
from biometric.errors import StorageFull
from biometric.gallery.repository import SQLiteGallery

root = Path(sys.argv[2])
new = reference(root / "crops", 2, samples=100)
size = (root / "gallery" / "gallery.sqlite3").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    SQLiteGallery(root / "gallery").enroll("Ben", new)
except StorageFull as error:
    print(error)
"""


def test_a_database_that_may_not_grow_is_a_full_disk(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    command = [sys.executable, "-c", ENROLL_WITHIN_THE_SIZE, str(TESTS), str(clips.parent)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, check=True)
    assert "Free disk space" in done.stdout
    assert check(gallery) == {"Ada": 1}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_can_be_read_but_not_written(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    (gallery.folder / "gallery.sqlite3").chmod(0o400)
    gallery.folder.chmod(0o500)
    try:
        assert names(gallery) == ["Ada"]
        with pytest.raises(StorageFull):
            gallery.enroll("Ben", reference(clips, 2))
    finally:
        gallery.folder.chmod(0o700)


def test_a_gallery_held_by_another_process_is_said(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    impatient = SQLiteGallery(gallery.folder, busy_seconds=0.05)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryBusy, match="Try again"):
            impatient.enroll("Ben", reference(clips, 2))
        assert names(impatient) == ["Ada"]  # readers go on
    assert check(gallery) == {"Ada": 1}


# Kills, threads and processes

ENROLL_AND_DIE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.made_galleries import reference
from biometric.gallery.repository import SQLiteGallery
from tests.dying import die_at

root = Path(sys.argv[2])
new = reference(root / "crops", 2)
CALLS = ("fsync", "replace", "mkdir", "open", "unlink", "rmdir")

for instant in range(1, 100):
    child = os.fork()
    if child == 0:
        gallery = SQLiteGallery(root / str(instant))
        ada = gallery.enroll("Ada", new)
        if sys.argv[3] == "empty_trash":
            gallery.remove_sample(ada.reference.id, new.samples[0].name)
            gallery.rename(gallery.enroll("Ben", new).identity.id, "Benjamin")
            gallery.remove(gallery.find("Benjamin").id)
        die_at(instant, CALLS)
        if sys.argv[3] == "enroll":
            gallery.enroll("Ben", new)
        else:
            getattr(gallery, sys.argv[3])(*([ada.identity.id] if sys.argv[3] == "erase" else []))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    print(instant, flush=True)
"""


@pytest.mark.parametrize("action", ["enroll", "erase", "empty_trash"])
def test_promise_20_kill_9_at_every_file_operation_leaves_nothing_half_done(
    tmp_path: Path, clips: Path, action: str
) -> None:
    command = [sys.executable, "-c", ENROLL_AND_DIE, str(TESTS), str(tmp_path), action]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, check=True)
    instants = [int(line) for line in done.stdout.split()]
    assert len(instants) >= (10 if action == "enroll" else 5)
    whole = {"enroll": {"Ada": 1, "Ben": 1}, "erase": {}, "empty_trash": {"Ada": 1}}[action]
    outcomes = []
    for instant in instants:
        gallery = SQLiteGallery(tmp_path / str(instant))
        gallery.identities()  # opening it sweeps
        outcomes.append(check(gallery))
        assert (
            len(list(gallery.folder.rglob("*.jpg")))
            in {"enroll": (2, 4), "erase": (0, 2), "empty_trash": (1, 4)}[action]
        )
        assert outcomes[-1] in ({"Ada": 1}, whole), instant
        gallery.enroll("Cy", reference(clips, 3))
        assert check(gallery)["Cy"] == 1
    assert {"Ada": 1} in outcomes
    assert whole in outcomes


ENROLL_FOREVER = """
import itertools, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.made_galleries import reference
from biometric.gallery.repository import SQLiteGallery

gallery = SQLiteGallery(Path(sys.argv[2]) / "gallery")
new = reference(Path(sys.argv[2]) / "crops", 1)
for number in itertools.count(int(sys.argv[3])):
    gallery.enroll(f"P{number}", new)
    print(number, flush=True)
"""


def test_promise_20_kill_9_at_any_instant_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance, acknowledged, gallery = random.Random(20), [], SQLiteGallery(tmp_path / "gallery")
    for life in range(6):
        command = [sys.executable, "-c", ENROLL_FOREVER, str(TESTS), str(tmp_path), str(1000 * life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent) as process:
            assert process.stdout is not None
            acknowledged.append(int(process.stdout.readline()))
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        gallery.identities()
        stored = check(gallery)
        assert {f"P{number}" for number in acknowledged} <= set(stored)
        assert len(stored) <= len(acknowledged) + life + 1  # at most the one under way besides


def test_sweeping_touches_only_what_follows_our_patterns(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    nested = SQLiteGallery(gallery.folder / "site")
    nested.enroll("Ben", reference(clips, 2))
    inner = SQLiteGallery(gallery.folder / ("e" * 32))
    inner.enroll("Cy", reference(clips, 3))
    orphan = gallery.folder / ("0" * 32) / ("1" * 32)
    orphan.mkdir(parents=True)
    for name in ("00000001_00.jpg", "00000002_00.jpg.part"):
        (orphan / name).write_bytes(JPEG)
    kept = [orphan.parent / "note.txt", gallery.folder / ("f" * 32), gallery.folder / "holiday.jpg"]
    for path in kept:
        path.write_text("mine")
    outside = gallery.folder.parent / "outside"
    outside.mkdir()
    (outside / "00000001_00.jpg").write_bytes(JPEG)
    (gallery.folder / ("a" * 32)).symlink_to(outside)
    gallery.identities()
    assert (orphan / "00000001_00.jpg").exists()  # nobody died, so nothing is walked
    (gallery.folder / ".pending" / ("d" * 32)).touch()
    gallery.identities()
    assert not orphan.exists()
    assert all(path.exists() for path in [*kept, outside / "00000001_00.jpg"])
    assert check(nested) == {"Ben": 1}
    assert names(inner) == ["Cy"]
    assert list((gallery.folder / ".pending").iterdir()) == []


def test_sweeping_waits_for_nobody(gallery: SQLiteGallery, clips: Path) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    marker = gallery.folder / ".pending" / ("d" * 32)
    marker.touch()
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert names(gallery) == ["Ada"]
        assert time.monotonic() - started < 5
        assert marker.exists()
    gallery.identities()
    assert not marker.exists()


ENROLL_MANY = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.made_galleries import reference
from biometric.gallery.repository import SQLiteGallery

root, process = Path(sys.argv[2]), int(sys.argv[3])
gallery = SQLiteGallery(root / "gallery")
new = reference(root / f"crops{process}", process)
for number in range(25):
    gallery.enroll("Everybody" if number % 2 else f"P{process}-{number}", new)
"""


def test_promise_21_concurrent_enrollments_of_four_processes_all_land(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENROLL_MANY, str(TESTS), str(tmp_path)]
    processes = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, cwd=TESTS.parent) for number in range(4)
    ]
    gallery = SQLiteGallery(tmp_path / "gallery")
    while any(process.poll() is None for process in processes):
        found = gallery.search(template(0), 5)  # reading and searching go on meanwhile
        assert all(each.identity.name for each in found)
        time.sleep(0.02)
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    stored = check(gallery)
    assert stored.pop("Everybody") == 4 * 12
    assert stored == {f"P{process}-{number}": 1 for process in range(4) for number in range(0, 25, 2)}
    assert len(gallery.search(template(0), 1000)) == 4 * 13 + 1


ENROLL_ONE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.made_galleries import reference
from biometric.errors import NameTaken
from biometric.gallery.repository import SQLiteGallery

root, process = Path(sys.argv[2]), int(sys.argv[3])
gallery = SQLiteGallery(root / "gallery")
new = reference(root / f"crops{process}", process)
for number in range(20):
    try:
        gallery.enroll(f"P{number}", new, owner=None)
    except NameTaken:
        continue
    print(number)
"""


def test_promise_21_a_new_name_goes_to_one_of_several_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENROLL_ONE, str(TESTS), str(tmp_path)]
    processes = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, cwd=TESTS.parent) for number in range(3)
    ]
    enrolled = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(enrolled) == list(range(20))
    assert check(SQLiteGallery(tmp_path / "gallery")) == {f"P{number}": 1 for number in range(20)}


def test_an_enrollment_goes_only_to_the_expected_owner_of_a_name(gallery: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 1), owner=None)
    for owner in (None, "0" * 32):
        with pytest.raises(NameTaken, match="Somebody called ADA was enrolled just now"):
            gallery.enroll("ADA", reference(clips, 2), owner=owner)
    assert gallery.enroll("ADA", reference(clips, 2), owner=ada.id)[0].id == ada.id
    gallery.remove(ada.id)
    with pytest.raises(UnknownIdentity, match="removed or renamed just now"):
        gallery.enroll("Ada", reference(clips, 2), owner=ada.id)
    assert gallery.is_empty()


def test_the_cover_stays_when_better_pictures_are_added(gallery: SQLiteGallery, clips: Path) -> None:
    ada = gallery.enroll("Ada", reference(clips, 1, samples=2)).identity
    assert ada.thumbnail is not None
    again = gallery.enroll("Ada", reference(clips, 2, samples=5)).identity  # later samples have a higher quality
    assert again.reference_count == 2
    assert again.thumbnail == ada.thumbnail


def test_promise_21_threads_share_one_gallery(gallery: SQLiteGallery, clips: Path) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                gallery.enroll("Everybody" if turn % 2 else f"T{number}-{turn}", new[number])
                assert gallery.search(template(number), 3)
                assert gallery.identities()
        except BaseException as error:  # noqa: BLE001 - carried to the main thread
            failures.append(error)

    new = [reference(clips, number) for number in range(4)]
    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(check(gallery).values()) == 20
    assert len(gallery.search(template(0), 99)) == 13


def test_promise_22_an_export_made_during_writes_is_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENROLL_FOREVER, str(TESTS), str(tmp_path), "0"]
    gallery = SQLiteGallery(tmp_path / "gallery")
    exports = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS.parent) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in range(3):
            process.stdout.readline()  # one more than were removed, however slow the writer
            exports.append(gallery.export(tmp_path / f"{number}.zip"))
            for identity in gallery.identities()[:1]:
                gallery.remove(identity.id)
        process.kill()
    for number, export in enumerate(exports):
        copy = SQLiteGallery(tmp_path / f"copy{number}")
        report = copy.import_(export)
        with open_archive(export) as archive:
            expected = {identity.name: 1 for identity in archive.identities}
        assert check(copy) == expected
        assert report.identities == report.references == len(expected) > 0
        assert copy.search(template(1), 1)[0].score == pytest.approx(1.0)
