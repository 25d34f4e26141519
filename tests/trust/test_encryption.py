"""Promise 26: an encrypted gallery shows nothing without its key, and nothing that is done to it goes unnoticed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biometric.clips.crops import JpegCropStore, encoded
from biometric.entities import NewReference
from biometric.errors import (
    BiometricError,
    EmptyGallery,
    EncryptionLibraryMissing,
    GalleryCorrupt,
    GalleryNotEncrypted,
    InvalidInput,
    InvalidSetting,
    KeyMissing,
    StorageFull,
    WrongKey,
)
from biometric.gallery import erasure_keeping, protecting
from biometric.gallery.backing_up import back_up, restore
from biometric.gallery.encryption_keys import KeySource, make_key_file
from biometric.gallery.opening import ProtectionChanges
from biometric.gallery.protection import StoredPictures
from biometric.gallery.repository import SQLiteGallery
from biometric.retention_duty import delete_overdue
from biometric.settings import Settings
from tests.conftest import PROJECT
from tests.lawful import ENROLL_OPTIONS
from tests.made_galleries import check, reference, template, unit

pytest.importorskip("sqlcipher3")

SECRET = "a passphrase of a shop"


@pytest.fixture
def keys(tmp_path: Path) -> list[KeySource]:
    for number in range(2):
        make_key_file(tmp_path / f"key-{number}")
    return [KeySource(tmp_path / "key-0"), KeySource(tmp_path / "key-1")]


def fill(folder: Path, key: KeySource | None, names: tuple[str, ...] = ("Adelheid", "Benedikt")) -> SQLiteGallery:
    gallery = SQLiteGallery(folder, key=key)
    folder.parent.mkdir(exist_ok=True)
    for seed, name in enumerate(names, start=1):
        gallery.enroll(name, reference(folder.parent / "crops", seed, marker=b"somebodys-picture"))
    return gallery


def state(folder: Path) -> dict[str, str]:
    """Digest of each file by its path: what must be the same where nothing was changed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def told_by(folder: Path, seed: int = 1) -> set[str]:
    """What the bytes of all files tell of who is enrolled."""
    traces = {
        "name": b"Adelheid",
        "purpose": b"tests",
        "picture": b"somebodys-picture",
        "JPEG": b"\xff\xd8\xff\xe0crop",  # three bytes are found by chance in what is encrypted
        "template": unit(seed).astype("<f4").tobytes(),
        "schema": b"CREATE TABLE",
        "file name": b".mp4",
        "private key": b"PRIVATE KEY",
    }
    whole = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {what for what, trace in traces.items() if trace in whole}


def test_promise_26_no_file_of_an_encrypted_gallery_tells_who_is_in_it(tmp_path: Path, keys: list[KeySource]) -> None:
    fill(tmp_path / "plain", None)
    assert told_by(tmp_path / "plain") >= {"name", "picture", "JPEG", "template", "schema", "file name", "private key"}
    gallery = fill(tmp_path / "new", keys[0])
    gallery.remove(gallery.find("Benedikt").id)  # into the trash, and the history
    assert told_by(tmp_path / "new") == set()
    assert check(gallery) == {"Adelheid": 1}
    assert gallery.search(template(1), 1)[0].identity.name == "Adelheid"
    protecting.encrypt(tmp_path / "plain", keys[0])
    assert told_by(tmp_path / "plain") == set()
    assert check(SQLiteGallery(tmp_path / "plain", key=keys[0])) == {"Adelheid": 1, "Benedikt": 1}


def test_promise_26_a_write_in_progress_leaves_nothing_to_read_on_the_disk(
    tmp_path: Path, keys: list[KeySource]
) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    with gallery.transactions.writing() as write:
        write.db.execute("PRAGMA cache_spill = 1")
        write.db.execute("PRAGMA cache_size = 1")
        for number in range(200):
            name = f"Adelheid the {number}"
            write.db.execute("INSERT INTO clips (digest, name) VALUES (?, ?)", [name * 20, name * 20])
        journal = gallery.folder / "gallery.sqlite3-journal"
        assert journal.stat().st_size > 1000
        assert told_by(gallery.folder) == set()


def test_promise_26_what_does_not_fit_is_told_and_changes_nothing(tmp_path: Path, keys: list[KeySource]) -> None:
    fill(tmp_path / "g", keys[0])
    fill(tmp_path / "p", KeySource(passphrase=SECRET))
    fill(tmp_path / "plain", None)
    before = state(tmp_path)
    refused: list[tuple[str, KeySource | None, type[BiometricError], str]] = [
        ("g", None, KeyMissing, "SIGHTLINE_KEY_FILE"),
        ("g", keys[1], WrongKey, "not the key file"),
        ("g", KeySource(passphrase=SECRET), WrongKey, "SIGHTLINE_KEY_FILE"),
        ("g", KeySource(tmp_path / "nowhere"), InvalidSetting, "cannot be read"),
        ("g", KeySource(tmp_path / "crops" / "1-0.jpg"), InvalidSetting, "exactly 32 bytes"),
        ("p", None, KeyMissing, "SIGHTLINE_PASSPHRASE"),
        ("p", keys[0], WrongKey, "SIGHTLINE_PASSPHRASE"),
        ("p", KeySource(passphrase=SECRET + "s"), WrongKey, "not the passphrase"),
        ("plain", keys[0], GalleryNotEncrypted, "gallery encrypt"),
        ("plain", KeySource(passphrase=SECRET), GalleryNotEncrypted, "gallery encrypt"),
    ]
    for folder, key, error, words in refused:
        gallery = SQLiteGallery(tmp_path / folder, key=key)
        operations: list[Callable[[], object]] = [
            gallery.identities,
            lambda gallery=gallery: gallery.search(template(1), 1),  # type: ignore[misc]
            lambda gallery=gallery: gallery.enroll("Cleo", reference(tmp_path / "crops", 0)),  # type: ignore[misc]
            lambda gallery=gallery: back_up(gallery, tmp_path / "b.zip"),  # type: ignore[misc]
            lambda gallery=gallery: gallery.audit.verify(),  # type: ignore[misc]
        ]
        for operation in operations:
            with pytest.raises(error, match=words):
                operation()
    crops = [path for path in before if "crops" not in path]
    assert {name: digest for name, digest in state(tmp_path).items() if "crops" not in name} == {
        name: before[name] for name in crops
    }


def test_a_key_is_one_of_both_and_a_passphrase_is_long(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="one key"):
        KeySource(tmp_path / "key", SECRET)
    assert KeySource(passphrase=" Schlu\u0308ssel \n") == KeySource(passphrase="Schl\u00fcssel")
    with pytest.raises(InvalidInput, match="10 characters"):
        fill(tmp_path / "g", KeySource(passphrase="short"))
    assert not (tmp_path / "g" / "gallery.sqlite3").exists()


def test_a_key_file_is_never_replaced_nor_readable_by_others(tmp_path: Path) -> None:
    make_key_file(tmp_path / "key")
    assert len((tmp_path / "key").read_bytes()) == 32
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidInput, match="never replaced"):
        make_key_file(tmp_path / "key")
    with pytest.raises(StorageFull, match="could not be written"):
        make_key_file(tmp_path / "none" / "key")


@pytest.mark.parametrize("attack", ["cut", "byte", "exchanged", "nonce", "of another gallery", "plain", "empty"])
def test_promise_26_a_picture_that_was_changed_is_refused(tmp_path: Path, keys: list[KeySource], attack: str) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    other = fill(tmp_path / "other", keys[0])
    crops = [crop for one in gallery.identities() for held in gallery.references(one.id) for crop in held.crops]
    pictures = StoredPictures(keys[0])
    whole = crops[0].read_bytes()
    assert pictures.read(crops[0]).startswith(b"\xff\xd8\xff")
    changed = {
        "cut": whole[:-1],
        "byte": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
        "exchanged": crops[2].read_bytes(),
        "nonce": whole[:20] + bytes([whole[20] ^ 1]) + whole[21:],
        "of another gallery": next(other.folder.rglob("*.jpg")).read_bytes(),
        "plain": b"\xff\xd8\xff another picture",
        "empty": whole[:20],
    }
    crops[0].write_bytes(changed[attack])
    with pytest.raises(GalleryCorrupt, match=crops[0].name):
        pictures.read(crops[0])
    with pytest.raises(GalleryCorrupt, match=crops[0].name):
        gallery.export(tmp_path / "export.zip")
    assert not (tmp_path / "export.zip").exists()
    before = crops[0].read_bytes()
    with pytest.raises(GalleryCorrupt, match=crops[0].name):
        protecting.rekey(gallery.folder, keys[0], keys[1])
    assert crops[0].read_bytes() == before
    gallery.remove(next(one.id for one in gallery.identities() if crops[0].parent.parent.name == one.id))
    gallery.empty_trash()  # what the message advises
    protecting.rekey(gallery.folder, keys[0], keys[1])
    assert sum(check(SQLiteGallery(gallery.folder, key=keys[1])).values()) == 1


@pytest.mark.parametrize("place", [0, 20, 100, 5000, -5000, -20])
def test_promise_26_a_database_that_was_changed_or_cut_off_is_refused(
    tmp_path: Path, keys: list[KeySource], place: int
) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    database = gallery.folder / "gallery.sqlite3"
    whole = database.read_bytes()

    def read_everything() -> None:
        back_up(SQLiteGallery(tmp_path / "g", key=keys[0]), tmp_path / "b.zip")

    read_everything()
    data = bytearray(whole)
    data[place] ^= 1
    database.write_bytes(data)
    with pytest.raises(GalleryCorrupt):
        read_everything()
    database.write_bytes(whole[: place % len(whole)] or b"xy")
    with pytest.raises(GalleryCorrupt):
        read_everything()


@pytest.mark.parametrize("attack", ["gone", "cut", "other", "keys", "cost", "empty", "list"])
def test_promise_26_keys_that_were_changed_or_lost_are_told(tmp_path: Path, keys: list[KeySource], attack: str) -> None:
    gallery = fill(tmp_path / "g", KeySource(passphrase=SECRET))
    fill(tmp_path / "other", KeySource(passphrase=SECRET))
    header = gallery.folder / "encryption.json"
    text = header.read_text()
    stored = json.loads(text)
    wrapped = stored["generations"][0]["keys"]
    changed = {
        "cut": text[:-20],
        "other": (tmp_path / "other" / "encryption.json").read_text(),
        "keys": text.replace(wrapped, wrapped[:-1] + ("0" if wrapped[-1] != "0" else "1")),
        "cost": text.replace('"cost": 17', '"cost": 40'),
        "empty": "",
        "list": "[]",
    }
    if attack == "gone":
        header.unlink()
    else:
        header.write_text(changed[attack])
    with pytest.raises(WrongKey if attack == "keys" else GalleryCorrupt):
        SQLiteGallery(gallery.folder, key=KeySource(passphrase=SECRET)).identities()
    header.write_text(text)
    assert check(gallery) == {"Adelheid": 1, "Benedikt": 1}


KILLED_AT_EVERY_INSTANT = """
import os, shutil, sys
from pathlib import Path
from biometric.errors import BiometricError, GalleryLocked
from biometric.gallery import protecting
from biometric.gallery.encryption_keys import KeySource
from biometric.gallery.repository import SQLiteGallery
from biometric.storage import remove_leftovers
from tests.dying import die_at
from tests.made_galleries import check, template

root, what = Path(sys.argv[1]), sys.argv[2]
keys = [KeySource(root / "key-0"), KeySource(root / "key-1")]
before, after, work = {
    "encrypt": (None, keys[0], lambda folder: protecting.encrypt(folder, keys[0])),
    "rekey": (keys[0], keys[1], lambda folder: protecting.rekey(folder, *keys)),
    "decrypt": (keys[0], None, lambda folder: protecting.decrypt(folder, keys[0])),
}[what]
resuming = {"encrypt": keys[0], "rekey": keys[0], "decrypt": keys[0]}[what]


def opens(folder, key):
    try:
        gallery = SQLiteGallery(folder, key=key)
        gallery.identities()
    except GalleryLocked:
        return False
    assert gallery.search(template(1), 1)[0].identity.name == "Adelheid"
    for one in gallery.identities():
        for held in gallery.references(one.id):
            for crop in held.crops:
                assert b"somebodys-picture" in gallery.transactions.files.read(crop)
    assert gallery.audit.verify().intact
    return True


instant = completed = 0
while not completed:
    instant += 1
    folder = root / "work" / str(instant)
    shutil.copytree(root / "gallery", folder)
    child = os.fork()
    if child == 0:
        die_at(instant, ("replace", "unlink", "fsync", "link"))
        try:
            work(folder)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    completed = status == 0
    assert completed or os.WIFSIGNALED(status), status
    ways = [key for key in {before, resuming, after} if opens(folder, key)]
    assert len(ways) == 1, (instant, ways)
    if ways == [after] and after is not resuming or not (folder / "encryption.json").exists() and what == "decrypt":
        pass  # the last step was done
    else:
        # It can be written to meanwhile, and goes on when the same is called again.
        gallery = SQLiteGallery(folder, key=ways[0])
        gallery.rename(gallery.find("Benedikt").id, "Ben")
        try:
            work(folder)
        except BiometricError as error:
            assert what == "encrypt" and "already" in str(error), error
        assert gallery.folder and SQLiteGallery(folder, key=after).find("Ben")
    if after is not None:
        whole = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert not any(trace in whole for trace in (b"somebodys-picture", b"Adelheid", b"CREATE TABLE")), instant
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        remove_leftovers(place)  # as the next writer does
    check(SQLiteGallery(folder, key=after))
    assert opens(folder, after)
    shutil.rmtree(folder)
print(instant)
"""


@pytest.mark.parametrize("what", ["encrypt", "rekey", "decrypt"])
def test_promise_26_a_kill_at_any_instant_leaves_a_gallery_that_one_key_opens(
    tmp_path: Path, keys: list[KeySource], what: str
) -> None:
    fill(tmp_path / "gallery", None if what == "encrypt" else keys[0])
    (tmp_path / "work").mkdir()
    command = [sys.executable, "-c", KILLED_AT_EVERY_INSTANT, str(tmp_path), what]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert int(run.stdout) > 20


WRITER = """
import sys
from pathlib import Path
from biometric.errors import GalleryLocked
from biometric.gallery.encryption_keys import KeySource
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import reference

root = Path(sys.argv[1])
gallery = SQLiteGallery(root / "g", key=KeySource(root / "key-0"))
for number in range(10_000):
    try:
        gallery.enroll(f"Person {number}", reference(root / "crops-of-writer", number))
    except GalleryLocked as error:
        print("refused", type(error).__name__, flush=True)
        break
    print(number, flush=True)
"""


def test_promise_26_what_another_process_stored_during_a_change_of_keys_is_there(
    tmp_path: Path, keys: list[KeySource]
) -> None:
    fill(tmp_path / "g", keys[0])
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(3)]
        protecting.rekey(tmp_path / "g", keys[0], keys[1])
        acknowledged += writer.stdout.readlines()
    assert acknowledged[-1] == "refused WrongKey\n"
    stored = check(SQLiteGallery(tmp_path / "g", key=keys[1]))
    assert stored == {"Adelheid": 1, "Benedikt": 1, **{f"Person {int(line)}": 1 for line in acknowledged[:-1]}}


STARTED_TOGETHER = """
import os, sys
from pathlib import Path
from biometric.errors import GalleryLocked
from biometric.gallery.encryption_keys import KeySource
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import check, reference

root = Path(sys.argv[1])
ways = [None, KeySource(root / "key-0"), KeySource(root / "key-1")]
won = set()
for attempt in range(30):
    folder = root / f"g{attempt}"
    begin, go = os.pipe()
    children = []
    for number, key in enumerate(ways):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(begin, 1)  # until the parent closes its end
            try:
                SQLiteGallery(folder, key=key).enroll(f"Person {number}", reference(root / f"c{attempt}-{number}", 1))
            except GalleryLocked:
                os._exit(1)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(2)
            os._exit(0)
        children.append(child)
    os.close(go)
    os.close(begin)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(codes) == [0, 1, 1], codes
    winner = codes.index(0)
    won.add(winner)
    assert check(SQLiteGallery(folder, key=ways[winner])) == {f"Person {winner}": 1}
print(len(won))
"""


def test_promise_26_of_starts_with_and_without_a_key_one_makes_the_gallery(
    tmp_path: Path, keys: list[KeySource]
) -> None:
    command = [sys.executable, "-c", STARTED_TOGETHER, str(tmp_path)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr[-3000:]


def test_promise_26_backups_stay_encrypted_and_are_restored_under_the_key_of_today(
    tmp_path: Path, keys: list[KeySource]
) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    report = back_up(gallery, tmp_path / "b", as_folder=True)
    assert report.encrypted
    assert told_by(tmp_path / "b") == set()
    plain = fill(tmp_path / "plain", None)
    assert not back_up(plain, tmp_path / "plain.zip").encrypted
    assert restore(tmp_path / "b", SQLiteGallery(tmp_path / "same", key=keys[0])).backup.encrypted
    assert check(SQLiteGallery(tmp_path / "same", key=keys[0])) == {"Adelheid": 1, "Benedikt": 1}
    with pytest.raises(KeyMissing, match="backup is encrypted"):
        restore(tmp_path / "b", SQLiteGallery(tmp_path / "without"))
    protecting.rekey(gallery.folder, keys[0], keys[1])
    today = SQLiteGallery(gallery.folder, key=keys[1])
    today.enroll("Cleo", reference(tmp_path / "crops", 7))
    before = state(gallery.folder)
    with pytest.raises(WrongKey, match="--backup-key-file"):
        restore(tmp_path / "b", today, replace=True)
    with pytest.raises(WrongKey):
        restore(tmp_path / "b", SQLiteGallery(gallery.folder, key=keys[0]), replace=True)  # not "damaged"
    assert state(gallery.folder) == before
    assert restore(tmp_path / "b", today, replace=True, key=keys[0]).replaced
    assert check(today) == {"Adelheid": 1, "Benedikt": 1}
    assert today.search(template(2), 1)[0].identity.name == "Benedikt"
    assert today.audit.verify().intact
    assert told_by(gallery.folder) == set()
    restore(tmp_path / "plain.zip", today, replace=True, another=True)  # a backup of before it was encrypted
    assert told_by(gallery.folder) == set()
    assert check(today) == {"Adelheid": 1, "Benedikt": 1}
    restore(tmp_path / "b", SQLiteGallery(tmp_path / "decrypted"), key=keys[0])
    assert check(SQLiteGallery(tmp_path / "decrypted")) == {"Adelheid": 1, "Benedikt": 1}


def test_promise_26_exports_erasure_and_the_audit_trail_work_as_without(tmp_path: Path, keys: list[KeySource]) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    gallery.export(tmp_path / "e.zip")
    other = SQLiteGallery(tmp_path / "other", key=KeySource(passphrase=SECRET))
    assert other.import_(tmp_path / "e.zip").identities == 2
    assert check(other) == {"Adelheid": 1, "Benedikt": 1}
    assert told_by(other.folder) == set()
    adelheid = gallery.find("Adelheid").id
    jpegs = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "crops").glob("1-*.jpg")}
    assert set(gallery.holding([b"Adelheid"], [])) == {gallery.folder / "gallery.sqlite3"}
    assert len(gallery.holding([b"somebodys-picture"], [])) == 4
    gallery.erase(adelheid)
    certificate = gallery.erasure_of(adelheid)
    assert certificate is not None
    assert set(certificate.pictures) == jpegs, "copies of pictures elsewhere are found by these"
    assert set(gallery.remains(certificate).values()) == {0}
    assert gallery.holding([b"Adelheid", unit(1).astype("<f4").tobytes()], []) == []
    assert gallery.audit.verify().intact
    gallery.audit.rotate_key()
    assert gallery.audit.verify().intact
    assert told_by(gallery.folder) == set()


@pytest.mark.parametrize("encrypted", [True, False])
def test_others_can_write_while_the_files_of_a_gallery_are_searched(
    tmp_path: Path, keys: list[KeySource], monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    key = keys[0] if encrypted else None
    gallery, search = fill(tmp_path / "g", key), erasure_keeping.files_holding
    other = SQLiteGallery(gallery.folder, key=key, busy_seconds=0)

    def searched(root: Path, needles: list[bytes], unread: list[Path]) -> list[Path]:
        other.rename(other.find("Benedikt").id, "Benno")
        return search(root, needles, unread)

    monkeypatch.setattr(erasure_keeping, "files_holding", searched)
    assert len(gallery.holding([b"somebodys-picture"], [])) == 4
    assert gallery.find("Benno").name == "Benno"


def test_pictures_are_shown_from_encrypted_and_other_folders(tmp_path: Path, keys: list[KeySource]) -> None:
    import numpy as np

    image = np.full((60, 30, 3), 90, np.uint8)
    made: NewReference = reference(tmp_path / "crops", 1)
    for sample in made.samples:
        sample.source.write_bytes(encoded(image, 95))
    gallery = SQLiteGallery(tmp_path / "g", key=keys[0])
    stored = gallery.enroll("Ada", made)
    store = JpegCropStore(StoredPictures(keys[0]).read)
    assert store.load(stored.reference.crops[0]).shape == (60, 30, 3)
    assert store.load(made.samples[0].source).shape == (60, 30, 3)
    with pytest.raises(KeyMissing):
        JpegCropStore(StoredPictures(None).read).load(stored.reference.crops[0])


def test_what_is_done_twice_or_to_nothing_is_refused(tmp_path: Path, keys: list[KeySource]) -> None:
    for work in (
        lambda: protecting.encrypt(tmp_path / "none", keys[0]),
        lambda: protecting.decrypt(tmp_path / "none", keys[0]),
    ):
        with pytest.raises(EmptyGallery):
            work()
    folder = fill(tmp_path / "g", None).folder
    for refused in (lambda: protecting.decrypt(folder, keys[0]), lambda: protecting.rekey(folder, *keys)):
        with pytest.raises(GalleryNotEncrypted):
            refused()
    make_key_file(folder / "key")
    with pytest.raises(InvalidInput, match="own folder"):
        protecting.encrypt(folder, KeySource(folder / "key"))
    (folder / "key").unlink()
    with pytest.raises(InvalidInput, match="own folder"):
        ProtectionChanges(Settings(gallery=folder)).make_key_file(folder / "key")
    assert not (folder / "key").exists()
    assert protecting.encrypt(folder, keys[0]) == 4
    with pytest.raises(InvalidInput, match="already"):
        protecting.encrypt(folder, keys[0])
    for source in (lambda: protecting.rekey(folder, keys[1], keys[1]), lambda: protecting.decrypt(folder, keys[1])):
        with pytest.raises(WrongKey):
            source()
    assert check(SQLiteGallery(folder, key=keys[0])) == {"Adelheid": 1, "Benedikt": 1}


def test_without_the_package_it_is_said_how_to_install_it(
    tmp_path: Path, keys: list[KeySource], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = fill(tmp_path / "g", keys[0])
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    with pytest.raises(EncryptionLibraryMissing, match="encryption"):
        gallery.identities()
    plain = fill(tmp_path / "plain", None)
    before = state(plain.folder)
    with pytest.raises(EncryptionLibraryMissing, match="encryption"):
        protecting.encrypt(plain.folder, keys[0])
    assert state(plain.folder) == before


def sightline(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("SIGHTLINE_") or "SHARED" in name}
    own |= {"SIGHTLINE_DATA": str(root / "data"), "SIGHTLINE_TEMP": str(root / "temp"), **environment}
    given: dict[str, Any] = {"input": SECRET + "\n", "capture_output": True, "text": True, "timeout": 120}
    return subprocess.run([sys.executable, "-m", "biometric", *words], cwd=PROJECT, env=own, check=False, **given)


def test_promise_26_the_commands_from_key_to_restored_backup(tmp_path: Path) -> None:
    key, passphrase = {"SIGHTLINE_KEY_FILE": str(tmp_path / "key")}, {"SIGHTLINE_PASSPHRASE": SECRET}
    gallery = tmp_path / "data" / "gallery"
    assert sightline(tmp_path, "gallery", "new-key", str(tmp_path / "key")).returncode == 0
    fill(gallery, None)
    wrong = sightline(tmp_path, "gallery", "list", **key)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "not encrypted" in wrong.stderr
    assert wrong.stderr.count("\n") == 1
    done = sightline(tmp_path, "gallery", "encrypt", "--json", **key)
    assert json.loads(done.stdout) == {"gallery": str(gallery), "encrypted": True, "pictures": 4}
    assert told_by(gallery) == set()
    assert "Adelheid" in sightline(tmp_path, "gallery", "list", **key).stdout
    missing = sightline(tmp_path, "gallery", "list")
    assert missing.returncode == 2
    assert "SIGHTLINE_KEY_FILE" in missing.stderr
    backup = sightline(tmp_path, "gallery", "backup", str(tmp_path / "b.zip"), **key)
    assert "It is encrypted" in backup.stdout
    rekeyed = sightline(tmp_path, "gallery", "rekey", "--passphrase-stdin", **key)
    assert rekeyed.returncode == 0, rekeyed.stderr
    assert sightline(tmp_path, "gallery", "list", **key).returncode == 2
    assert "Gave the gallery another key" in sightline(tmp_path, "audit", "show", **passphrase).stdout
    words = ["gallery", "restore", str(tmp_path / "b.zip"), "--replace"]
    assert "--backup-key-file" in sightline(tmp_path, *words, **passphrase).stderr
    restored = sightline(tmp_path, *words, "--backup-key-file", str(tmp_path / "key"), **passphrase)
    assert restored.returncode == 0, restored.stderr
    assert sightline(tmp_path, "gallery", "decrypt", **passphrase).returncode == 0
    assert "Benedikt" in sightline(tmp_path, "gallery", "list").stdout


@pytest.mark.real
def test_promise_26_enrolling_and_identifying_a_real_clip_in_an_encrypted_gallery(tmp_path: Path) -> None:
    key = {"SIGHTLINE_KEY_FILE": str(tmp_path / "key")}
    sightline(tmp_path, "gallery", "new-key", str(tmp_path / "key"))
    assert sightline(tmp_path, "demo", str(tmp_path / "demo")).returncode == 0
    clip = str(sorted((tmp_path / "demo").glob("*.mp4"))[0])
    enrolled = sightline(tmp_path, "enroll", clip, "Adelheid", "--person", "1", *ENROLL_OPTIONS, **key)
    assert enrolled.returncode == 0, enrolled.stderr
    assert told_by(tmp_path / "data" / "gallery") == set()
    found = sightline(tmp_path, "identify", clip, "--json", **key)
    assert "Adelheid" in found.stdout, found.stderr
    words = ["verify", clip, "Adelheid", "--person", "1", "--report", str(tmp_path / "r.html")]
    reported = sightline(tmp_path, *words, **key)
    assert reported.returncode == 0, reported.stderr
    assert (tmp_path / "r.html").read_text("utf-8").count("data:image/jpeg") >= 2


def test_a_program_whose_gallery_is_locked_does_not_start(tmp_path: Path, keys: list[KeySource]) -> None:
    from biometric.bootstrap import build

    fill(tmp_path / "g", keys[0])
    settings = Settings(gallery=tmp_path / "g", temp=tmp_path / "temp", data=tmp_path / "data")
    with pytest.raises(KeyMissing):
        delete_overdue(build(settings))
