"""Backups of a gallery: while it is written to, verified, restored over another, and killed at any instant."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from biometric import cli
from biometric.entities.audit import AuditQuery
from biometric.errors import ArchiveInvalid, EmptyGallery, GalleryCorrupt, InvalidInput, OnLegalHold
from biometric.gallery import backing_up, backup_files
from biometric.gallery.backing_up import back_up, restore
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.working_copies import noted, sweep_copies, working_folder
from biometric.storage import file_digest
from tests.conftest import PROJECT
from tests.made_galleries import check, reference, template


def enroll(gallery: SQLiteGallery, root: Path, name: str, seed: int) -> str:
    return gallery.enroll(name, reference(root / "crops", seed)).identity.id


@pytest.fixture
def gallery(tmp_path: Path) -> SQLiteGallery:
    made = SQLiteGallery(tmp_path / "gallery")
    for name, seed in (("Ada", 1), ("Ben", 2)):
        enroll(made, tmp_path, name, seed)
    return made


@pytest.mark.parametrize("name", ["backup.zip", "backup"])
def test_promise_22_a_backup_is_restored_with_all_that_it_held(
    gallery: SQLiteGallery, tmp_path: Path, name: str
) -> None:
    gallery.remove(gallery.find("Ben").id)
    report = back_up(gallery, tmp_path / name, as_folder=name == "backup")
    assert (report.identities, report.references) == (1, 1)
    assert report.probe_score == pytest.approx(1.0, abs=1e-3)
    enroll(gallery, tmp_path, "Cleo", 3)
    restored = SQLiteGallery(tmp_path / "elsewhere")
    result = restore(tmp_path / name, restored)
    assert (result.identities, result.left_out, result.replaced) == (1, 0, False)
    assert check(restored) == {"Ada": 1}
    assert restored.search(template(1), 1)[0].identity.name == "Ada"
    restored.undo()  # the trash came along
    assert check(restored) == {"Ada": 1, "Ben": 1}
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_gallery_whose_references_have_all_expired_is_backed_up_and_restored(tmp_path: Path) -> None:
    """Seven days after the last enrollment nothing is matched with any more; a backup is no less needed."""
    made = SQLiteGallery(tmp_path / "gallery", clock=lambda: datetime.now(UTC) - timedelta(days=20))
    enroll(made, tmp_path, "Ada", 1)
    gallery = SQLiteGallery(made.folder)
    assert gallery.search(template(1), 1) == []
    assert back_up(gallery, tmp_path / "b.zip").probe_score == pytest.approx(1.0, abs=1e-3)
    restored = SQLiteGallery(tmp_path / "restored")
    assert restore(tmp_path / "b.zip", restored).identities == 1
    assert check(restored) == {"Ada": 1}


def test_a_gallery_is_replaced_only_when_told_and_open_ones_notice(gallery: SQLiteGallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "b.zip")
    enroll(gallery, tmp_path, "Cleo", 3)
    assert gallery.search(template(3), 1)[0].identity.name == "Cleo"
    before = gallery.revision()
    with pytest.raises(InvalidInput, match="already"):
        restore(tmp_path / "b.zip", SQLiteGallery(gallery.folder))
    assert check(gallery) == {"Ada": 1, "Ben": 1, "Cleo": 1}
    assert restore(tmp_path / "b.zip", SQLiteGallery(gallery.folder), replace=True).replaced
    assert check(gallery) == {"Ada": 1, "Ben": 1}
    assert gallery.revision() != before
    assert gallery.search(template(3), 1)[0].identity.name != "Cleo"


def test_who_was_erased_since_is_not_brought_back(gallery: SQLiteGallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "b.zip")
    ada = gallery.find("Ada").id
    gallery.erase(ada)
    certificate = gallery.erasure_of(ada)
    assert certificate is not None
    result = restore(tmp_path / "b.zip", gallery, replace=True)
    assert result.left_out == 2  # the person and the reference
    assert check(gallery) == {"Ben": 1}
    assert gallery.erasure_of(ada) is not None
    lost = SQLiteGallery(tmp_path / "lost")
    assert restore(tmp_path / "b.zip", lost, erased=[certificate]).left_out == 2
    assert check(lost) == {"Ben": 1}
    assert set(lost.remains(certificate).values()) == {0}


def test_nothing_is_changed_by_what_is_no_backup(gallery: SQLiteGallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "b.zip")
    back_up(gallery, tmp_path / "folder", as_folder=True)
    bad: list[Path] = [gallery.export(tmp_path / "export.zip"), tmp_path / "nothing.zip"]
    cut = tmp_path / "cut.zip"
    cut.write_bytes((tmp_path / "b.zip").read_bytes()[:-500])
    changed = tmp_path / "changed.zip"
    data = bytearray((tmp_path / "b.zip").read_bytes())
    place = data.index(b"cropcrop")
    data[place] ^= 1
    changed.write_bytes(data)
    named = tmp_path / "named.zip"
    with zipfile.ZipFile(tmp_path / "b.zip") as source, zipfile.ZipFile(named, "w") as target:
        manifest = json.loads(source.read("backup.json"))
        manifest["files"]["../../escaped"] = next(iter(manifest["files"].values()))
        target.writestr("backup.json", json.dumps(manifest))
        target.writestr("../../escaped", "x")
    lacking = tmp_path / "lacking"
    shutil.copytree(tmp_path / "folder", lacking)
    next(lacking.rglob("*.jpg")).unlink()
    linked = tmp_path / "linked"
    shutil.copytree(tmp_path / "folder", linked)
    crop = next(linked.rglob("*.jpg"))
    crop.unlink()
    crop.symlink_to("/etc/passwd")
    for path in (*bad, cut, changed, named, lacking, linked):
        with pytest.raises(ArchiveInvalid):
            restore(path, gallery, replace=True)
        assert check(gallery) == {"Ada": 1, "Ben": 1}
    with pytest.raises(EmptyGallery):
        back_up(SQLiteGallery(tmp_path / "none"), tmp_path / "c.zip")
    with pytest.raises(InvalidInput):
        back_up(gallery, gallery.folder / "inside.zip")
    with pytest.raises(InvalidInput):
        back_up(gallery, tmp_path / "folder", as_folder=True)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_damaged_gallery_is_kept_beside_the_restored_one(gallery: SQLiteGallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "b.zip")
    (gallery.folder / "gallery.sqlite3").write_bytes(b"damaged" * 1000)
    with pytest.raises(GalleryCorrupt):
        gallery.identities()
    restore(tmp_path / "b.zip", gallery, replace=True)
    assert check(gallery) == {"Ada": 1, "Ben": 1}
    assert len(list(tmp_path.glob("gallery.damaged-*"))) == 1


def test_promise_22_backups_made_during_writes_are_whole(gallery: SQLiteGallery, tmp_path: Path) -> None:
    ended = threading.Event()
    other = SQLiteGallery(gallery.folder)

    def write() -> None:
        number = 10
        while not ended.is_set():
            added = enroll(other, tmp_path, f"P{number}", number)
            if number % 2:
                other.erase(added)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(6):
            back_up(gallery, tmp_path / f"{number}.zip")
    finally:
        ended.set()
        writer.join()
    for number in range(6):
        copy = SQLiteGallery(tmp_path / f"copy-{number}")
        restore(tmp_path / f"{number}.zip", copy)
        assert check(copy).items() >= {"Ada": 1, "Ben": 1}.items()
    check(gallery)


KILLED = """
import sys
from pathlib import Path
from biometric.gallery.backing_up import back_up, restore
from biometric.gallery.repository import SQLiteGallery
from tests.dying import die_at
gallery, backup = SQLiteGallery(Path(sys.argv[1])), Path(sys.argv[2])
gallery.identities()
die_at(int(sys.argv[4]), ("replace", "rename", "unlink", "rmdir", "mkdir", "link", "fsync", "open", "close"))
if sys.argv[3] == "restore":
    restore(backup, gallery, replace=True)
elif sys.argv[3] == "backup":
    back_up(gallery, backup)
elif sys.argv[3] == "export":
    gallery.export(backup)
else:
    SQLiteGallery(gallery.folder.with_name("other")).import_(backup)
"""


def killed(folder: Path, backup: Path, action: str, instant: int) -> bool:
    """Do it in a process that is killed before its `instant`-th call; return whether it got to its end."""
    arguments = [sys.executable, "-c", KILLED, str(folder), str(backup), action, str(instant)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(arguments, env=environment, cwd=PROJECT, capture_output=True).returncode == 0


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8, 12, 17, 23, 29, 36, 43, 51, 60, 75, 95, 120, 150])
def test_promise_20_a_killed_restore_leaves_the_one_gallery_or_the_other(
    gallery: SQLiteGallery, tmp_path: Path, step: int
) -> None:
    back_up(gallery, tmp_path / "b.zip")
    enroll(gallery, tmp_path, "Cleo", 3)
    gallery.erase(gallery.find("Ben").id)
    whole = killed(gallery.folder, tmp_path / "b.zip", "restore", step)
    after = SQLiteGallery(gallery.folder)
    after.sweep_copies()
    found = check(after)
    assert found == {"Ada": 1} if whole else found in ({"Ada": 1}, {"Ada": 1, "Cleo": 1})
    enroll(after, tmp_path, "Dora", 4)
    assert check(after).keys() >= {"Ada", "Dora"}


@pytest.mark.parametrize("step", [1, 4, 9, 15, 22, 30])
def test_promise_20_a_killed_backup_leaves_no_half_one(gallery: SQLiteGallery, tmp_path: Path, step: int) -> None:
    killed(gallery.folder, tmp_path / "b.zip", "backup", step)
    if (tmp_path / "b.zip").exists():
        restore(tmp_path / "b.zip", SQLiteGallery(tmp_path / "copy"))
    gallery.sweep_copies()
    assert check(gallery) == {"Ada": 1, "Ben": 1}
    back_up(gallery, tmp_path / "next.zip")


def test_a_restored_gallery_goes_on_with_its_audit_trail(gallery: SQLiteGallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "b.zip")
    enroll(gallery, tmp_path, "Cleo", 3)
    gallery.erase(gallery.find("Ben").id)
    before = gallery.audit.records(AuditQuery())[1]
    restore(tmp_path / "b.zip", gallery, replace=True)
    assert gallery.audit.records(AuditQuery())[1] == before + 1
    assert gallery.audit.verify().intact


def test_promise_22_references_that_no_longer_match_are_backed_up_and_restored(tmp_path: Path) -> None:
    weeks_ago = datetime.now(UTC) - timedelta(days=40)
    old = SQLiteGallery(tmp_path / "gallery", clock=lambda: weeks_ago)
    enroll(old, tmp_path, "Ada", 1)
    back_up(old, tmp_path / "b.zip")
    restored = SQLiteGallery(tmp_path / "elsewhere")
    restore(tmp_path / "b.zip", restored)
    assert restored.purge_overdue().references == 0  # not before it was shown
    assert check(restored) == {"Ada": 1}
    assert back_up(restored, tmp_path / "again.zip").probe_score == pytest.approx(1.0, abs=1e-3)


def test_a_damaged_crop_is_sound_again_after_restoring(gallery: SQLiteGallery, tmp_path: Path) -> None:
    crop = gallery.references(gallery.find("Ada").id)[0].crops[0]
    sound = crop.read_bytes()
    back_up(gallery, tmp_path / "b.zip")
    crop.write_bytes(sound[:50])
    restore(tmp_path / "b.zip", gallery, replace=True)
    assert crop.read_bytes() == sound


def test_who_is_erased_while_a_backup_is_written_has_it_listed(
    gallery: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = gallery.find("Ada").id
    write_manifest = backup_files.write_manifest

    def erase_meanwhile(*arguments: Any) -> Any:
        gallery.erase(ada)
        return write_manifest(*arguments)

    monkeypatch.setattr(backup_files, "write_manifest", erase_meanwhile)
    back_up(gallery, tmp_path / "b.zip")
    certificate = gallery.erasure_of(ada)
    assert certificate is not None
    assert [Path(file.path) for file in certificate.unreached] == [tmp_path / "b.zip"]


def test_who_is_erased_while_a_backup_is_restored_is_left_out(
    gallery: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(gallery, tmp_path / "b.zip")
    ada = gallery.find("Ada").id
    link_or_copy, erased = backing_up.link_or_copy, []

    def erase_meanwhile(*arguments: Any) -> None:
        if not erased:
            erased.append(gallery.erase(ada))
        link_or_copy(*arguments)

    monkeypatch.setattr(backing_up, "link_or_copy", erase_meanwhile)
    for crop in gallery.references(gallery.find("Ben").id)[0].crops:
        crop.write_bytes(b"damaged")  # so that there is one to put back
    assert restore(tmp_path / "b.zip", gallery, replace=True).left_out == 2
    assert check(gallery) == {"Ben": 1}
    assert gallery.erasure_of(ada) is not None
    assert gallery.audit.verify().intact


@pytest.mark.parametrize("forgery", ["missing", "number", "bomb"])
def test_a_file_that_only_looks_like_a_backup_is_refused(gallery: SQLiteGallery, tmp_path: Path, forgery: str) -> None:
    back_up(gallery, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    crop = next(name for name in members if name.endswith(".jpg"))
    manifest = json.loads(members["backup.json"])
    if forgery == "missing":
        del members[crop]
    elif forgery == "number":
        manifest["identities"] = float("inf")
    else:
        members[crop] = bytes(100_000_000)
        manifest["files"][crop] = hashlib.sha256(members[crop]).hexdigest()
    members["backup.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(tmp_path / "forged.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ArchiveInvalid, match="no backup of a gallery that can be restored"):
        restore(tmp_path / "forged.zip", SQLiteGallery(tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("action", ["backup", "export", "import"])
def test_what_a_killed_process_left_of_copies_goes_with_the_next_start(
    gallery: SQLiteGallery, tmp_path: Path, action: str
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    SQLiteGallery(gallery.folder).export(tmp_path / "whole.zip")
    target = tmp_path / "whole.zip" if action == "import" else stick / "copy.zip"
    left, step = 0, 20
    while not killed(gallery.folder, target, action, step):
        left += bool(leftovers(tmp_path))
        for folder in (gallery.folder, tmp_path / "other"):
            SQLiteGallery(folder).sweep_copies()
        assert leftovers(tmp_path) == []
        step += 23
    assert left > 1, "some were killed while there was a copy"
    assert not (gallery.folder / ".copies").exists()
    check(gallery)


_LEFT = (".partial", ".place", ".lock")


def leftovers(folder: Path) -> list[Path]:
    """What is left of copies; locks of the key's file lie in the gallery's folder itself."""
    return [path for path in folder.rglob("*") if path.name.endswith(_LEFT) and path.parent.name != "other"]


def test_a_copy_on_a_medium_that_was_taken_out_goes_when_it_is_back(gallery: SQLiteGallery, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    step = 30
    while killed(gallery.folder, tmp_path / "stick" / "b.zip", "backup", step) or not leftovers(tmp_path / "stick"):
        step += 5
    (tmp_path / "stick").rename(tmp_path / "away")
    gallery.sweep_copies()
    assert leftovers(tmp_path / "away")
    (tmp_path / "away").rename(tmp_path / "stick")
    gallery.sweep_copies()
    assert leftovers(tmp_path) == []


def test_a_copy_that_is_being_made_is_left_alone(gallery: SQLiteGallery, tmp_path: Path) -> None:
    with noted(tmp_path, gallery.folder), working_folder(gallery.folder) as folder:
        sweep_copies(gallery.folder)
        assert folder.is_dir()
    assert not (gallery.folder / ".copies").exists()


# What is newer than the backup, or of somebody else


def test_holds_that_are_newer_than_the_backup_stay_and_those_of_the_backup_come_back(
    gallery: SQLiteGallery, tmp_path: Path
) -> None:
    gallery.hold(gallery.find("Ben").id, "case 1")
    back_up(gallery, tmp_path / "b.zip")
    gallery.release(gallery.find("Ben").id)
    gallery.hold(gallery.find("Ada").id, "case 2")
    assert restore(tmp_path / "b.zip", gallery, replace=True).held == 2
    assert {one.name: one.hold_reason for one in gallery.lifetimes()} == {"Ada": "case 2", "Ben": "case 1"}


@pytest.mark.parametrize("what", ["person", "reference"])
def test_a_backup_that_lacks_what_is_held_is_refused(gallery: SQLiteGallery, tmp_path: Path, what: str) -> None:
    back_up(gallery, tmp_path / "b.zip")
    held = enroll(gallery, tmp_path, "Cleo" if what == "person" else "Ada", 3)
    gallery.hold(held)
    before = check(gallery)
    with pytest.raises(OnLegalHold, match="Cleo" if what == "person" else "Ada"):
        restore(tmp_path / "b.zip", gallery, replace=True)
    assert check(gallery) == before
    gallery.release(held)
    restore(tmp_path / "b.zip", gallery, replace=True)
    assert check(gallery) == {"Ada": 1, "Ben": 1}


def test_who_was_held_at_the_time_of_the_backup_and_erased_since_stays_erased(
    gallery: SQLiteGallery, tmp_path: Path
) -> None:
    ben = gallery.find("Ben").id
    gallery.hold(ben)
    back_up(gallery, tmp_path / "b.zip")
    gallery.release(ben)
    gallery.erase(ben)
    report = restore(tmp_path / "b.zip", gallery, replace=True)
    assert (check(gallery), report.held) == ({"Ada": 1}, 0)


def test_another_gallerys_backup_takes_the_place_only_where_that_is_said(
    gallery: SQLiteGallery, tmp_path: Path
) -> None:
    other = SQLiteGallery(tmp_path / "other")
    enroll(other, tmp_path, "Mallory", 9)
    back_up(other, tmp_path / "b.zip")
    with pytest.raises(InvalidInput, match="another gallery"):
        restore(tmp_path / "b.zip", gallery, replace=True)
    assert check(gallery) == {"Ada": 1, "Ben": 1}
    assert gallery.audit.verify().intact
    restore(tmp_path / "b.zip", gallery, replace=True, another=True)
    assert check(gallery) == {"Mallory": 1}


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER reference_added AFTER INSERT ON biometric_references BEGIN DELETE FROM identities; END",
        "CREATE TRIGGER mine AFTER INSERT ON biometric_references BEGIN SELECT 1; END",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE TABLE mine (number)",
    ],
)
def test_a_backup_whose_database_acts_by_itself_is_refused(
    gallery: SQLiteGallery, tmp_path: Path, planted: str
) -> None:
    folder = tmp_path / "b"
    back_up(gallery, folder, as_folder=True)
    with closing(sqlite3.connect(folder / "gallery.sqlite3")) as db:
        db.execute("DROP TRIGGER reference_added")
        db.execute(planted)
        db.commit()
    manifest = json.loads((folder / "backup.json").read_text())
    manifest["files"]["gallery.sqlite3"] = file_digest(folder / "gallery.sqlite3")
    (folder / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(ArchiveInvalid, match=r"which no gallery has"):
        restore(folder, SQLiteGallery(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_restore_says_that_nothing_signed_the_backup(
    gallery: SQLiteGallery, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(gallery, tmp_path / "b.zip")
    monkeypatch.setenv("SIGHTLINE_GALLERY", str(tmp_path / "new"))
    assert cli.main(["gallery", "restore", str(tmp_path / "b.zip")]) == 0
    assert "Backups are not signed" in capsys.readouterr().out
