"""The register of what was written about people, tombstones and certificates of a gallery."""

import json
import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from biometric.cli import gallery_erasure
from biometric.entities.erasure import DerivativeKind, ErasureCertificate, NewDerivative, Unreached
from biometric.erasing.people_eraser import ErasureCheck
from biometric.errors import StorageFull
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.transactions import GalleryTransactions
from biometric.storage import byte_search, file_digest
from tests.made_galleries import check, reference, traces_in


def written(folder: Path, *names: str) -> dict[Path, str]:
    """Files of some results, with their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(f"{name} names Ada".encode())
    return {folder / name: file_digest(folder / name) for name in names}


def enroll(gallery: SQLiteGallery, clips: Path, name: str, seed: int) -> str:
    return gallery.enroll(name, reference(clips, seed)).identity.id


@pytest.fixture
def gallery(tmp_path: Path) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


def test_promise_23_erasing_deletes_what_names_somebody_and_only_that(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path
) -> None:
    ada, ben = enroll(gallery, clips, "Ada", 1), enroll(gallery, clips, "Ben", 2)
    about_ada = written(tmp_path / "query" / "one", "a.json", "a.mp4")
    about_ben = written(tmp_path / "query" / "two", "b.json")
    by_crop = written(tmp_path / "query" / "three", "00000001_00.jpg", "c.json")
    gallery.record(NewDerivative(DerivativeKind.RESULTS, about_ada, frozenset({ada})))
    gallery.record(NewDerivative(DerivativeKind.RESULTS, about_ben, frozenset({ben})))
    gallery.record(NewDerivative(DerivativeKind.RESULTS, by_crop, clip_digest=f"{1:064x}"))
    export = gallery.export(tmp_path / "all.zip")
    gallery.erase(ada, by="root")
    assert not any(path.exists() for path in (*about_ada, *by_crop))
    assert not (tmp_path / "query" / "one").exists()
    assert all(path.exists() for path in about_ben)
    certificate = gallery.erasure_of(ada)
    assert certificate is not None
    assert (certificate.by, certificate.expired) == ("root", False)
    assert certificate.counts == {"identities": 1, "references": 1, "samples": 2, "files": 4}
    assert [(file.why, file.path) for file in certificate.unreached] == [(Unreached.HANDED_OUT, str(export))]
    assert set(gallery.remains(certificate).values()) == {0}
    text = json.dumps(certificate.as_dict())
    assert "Ada" not in text
    assert ada not in text
    assert ErasureCertificate.from_dict(json.loads(text)) == certificate
    check(gallery)


def test_a_file_that_is_another_now_or_gone_is_listed(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    ada = enroll(gallery, clips, "Ada", 1)
    files = written(tmp_path / "reports", "moved.html", "changed.html", "linked.html")
    secret = tmp_path / "secret"
    secret.write_text("somebody else's")
    moved, changed, linked = files
    gallery.record(NewDerivative(DerivativeKind.REPORT, files, frozenset({ada})))
    moved.rename(tmp_path / "elsewhere.html")
    changed.write_text("edited by hand")
    linked.unlink()
    linked.symlink_to(secret)
    gallery.erase(ada)
    assert changed.exists()
    assert linked.is_symlink()
    assert secret.exists()
    certificate = gallery.erasure_of(ada)
    assert certificate is not None
    outcomes = {file.path: file.why for file in certificate.unreached}
    assert outcomes == {
        str(moved.parent): Unreached.GONE,
        str(changed): Unreached.CHANGED,
        str(linked): Unreached.CHANGED,
    }
    assert {file.path for file in gallery.retry_deleting()} == {str(changed), str(linked)}
    changed.unlink()
    assert {file.path for file in gallery.retry_deleting()} == {str(linked)}


def test_promise_23_the_end_of_the_trash_deletes_what_names_somebody(clips: Path, tmp_path: Path) -> None:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    gallery = SQLiteGallery(tmp_path / "gallery", trash_time=timedelta(days=7), clock=lambda: now[0])
    ada = enroll(gallery, clips, "Ada", 1)
    files = written(tmp_path / "query" / "one", "a.json")
    gallery.record(NewDerivative(DerivativeKind.RESULTS, files, frozenset({ada})))
    gallery.remove(ada)
    assert all(path.exists() for path in files)  # it can still be undone
    now[0] += timedelta(days=8)
    gallery.identities()
    assert not any(path.exists() for path in files)
    certificate = gallery.erasure_of(ada)
    assert certificate is not None
    assert certificate.expired


@pytest.mark.parametrize("how", ["erase", "empty the trash"])
def test_promise_23_an_old_export_does_not_bring_somebody_back(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, how: str
) -> None:
    ada, ben = enroll(gallery, clips, "Ada", 1), enroll(gallery, clips, "Ben", 2)
    export = gallery.export(tmp_path / "all.zip")
    if how == "erase":
        gallery.erase(ada)
    else:
        gallery.remove(ada)
        gallery.empty_trash()
    gallery.remove(ben)
    report = gallery.import_(export)
    assert (report.identities, report.left_out_people, report.left_out_references) == (1, 1, 1)
    assert [person.name for person in gallery.identities()] == ["Ben"]
    report = gallery.import_(export, resurrect=True)
    assert (report.identities, report.left_out_people) == (1, 0)
    assert gallery.erasure_of(ada) is None
    assert gallery.import_(export).already_there == 2


def test_a_moved_reference_does_not_come_back_under_its_former_person(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path
) -> None:
    ada = enroll(gallery, clips, "Ada", 1)
    gallery.enroll("Ada", reference(clips, 3))
    export = gallery.export(tmp_path / "all.zip")
    moved = gallery.references(ada)[1].id
    gallery.move_reference(moved, new_name="Cleo")
    gallery.erase(gallery.find("Cleo").id)
    report = gallery.import_(export)
    assert (report.references, report.left_out_references) == (0, 1)


def test_a_tombstone_tells_nothing_without_the_id(gallery: SQLiteGallery, clips: Path) -> None:
    ada = enroll(gallery, clips, "Ada Lovelace", 1)
    held = gallery.references(ada)[0]
    gallery.erase(ada)
    needles = (b"Ada Lovelace", ada.encode(), held.id.encode(), held.template.vector.tobytes())
    assert traces_in(gallery, *needles) == []
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM tombstones").fetchone() == (2,)


def test_recording_is_no_change_of_the_gallery(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    nothing = NewDerivative(DerivativeKind.REPORT, written(tmp_path / "r", "r.pdf"))
    assert gallery.record(nothing) is None
    assert not gallery.folder.exists()
    enroll(gallery, clips, "Ada", 1)
    before = gallery.revision(), len(gallery.changes())
    assert gallery.record(nothing) is not None
    assert (gallery.revision(), len(gallery.changes())) == before


def test_somebody_is_erased_although_the_file_cannot_be_written_anew(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = enroll(gallery, clips, "Ada Lovelace", 1)
    results = written(tmp_path / "query" / "one", "a.json")
    gallery.record(NewDerivative(DerivativeKind.RESULTS, results, frozenset({ada})))

    def full(*_: object) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(GalleryTransactions, "rewrite_if", full)
    gallery.erase(ada)
    assert gallery.erasure_of(ada) is not None
    assert not any(path.exists() for path in results)


@pytest.mark.parametrize("place", ["query", "temp"])
def test_what_cannot_be_read_is_said_and_never_taken_for_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = tmp_path / place
    folder.mkdir()
    (folder / "locked.bin").write_bytes(b"\xff\xfe Ada")
    (folder / "\udcff.json").write_bytes(b'{"people": "\xff"}')
    real = byte_search.found_in

    def found_in(path: Path, needles: Collection[bytes]) -> set[bytes]:
        if path.name == "locked.bin":
            raise PermissionError(13, "denied", str(path))
        return real(path, needles)

    monkeypatch.setattr(byte_search, "found_in", found_in)
    unread: list[Path] = []
    assert byte_search.files_holding(folder, [b"Ada"], unread) == []
    assert unread == [folder / "locked.bin"]
    check = ErasureCheck(ErasureCertificate("a" * 32, "", "2026-01-01"), {}, (), (), 0, tuple(unread))
    assert (check.passed, check.found) == (False, False)
    said = gallery_erasure._check_lines(check)
    assert said[0].endswith("nothing was found in what could be read.")
    assert any("could not be read" in line and "locked.bin" in line for line in said)


def test_a_folder_that_cannot_be_listed_is_among_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    unread: list[Path] = []
    assert list(byte_search.files_below(tmp_path, unread)) == []
    assert unread == [tmp_path / "closed"]
