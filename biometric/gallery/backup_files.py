"""A backup as files: a folder, or one zip file, of the same contents.

    backup.json                                 format, version, when, how many, SHA-256 of every other file
    gallery.sqlite3                             the database of that moment
    encryption.json                             of an encrypted gallery: its keys, which its master key opens
    <identity id>/<reference id>/NumFrame_BB.jpg  the crops that its rows name

A backup may come from any source, so only files of these names are taken, each announced with its SHA-256.
"""

import hashlib
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from biometric.entities.backups import BackupReport
from biometric.entities.enrolled import CROP_NAME
from biometric.errors import ArchiveInvalid
from biometric.errors.phrases import Phrase
from biometric.gallery.encryption_keys import HEADER_NAME
from biometric.storage import describe_os_error, file_digest
from biometric.storage.lock_keeping_reads import open_keeping_locks
from biometric.storage.sqlite_files import BUSY_SECONDS, connect_database

FORMAT, VERSION = "sightline-backup", 1
MANIFEST, DATABASE = "backup.json", "gallery.sqlite3"
_MOST_MANIFEST_BYTES = 4_000_000_000
_MOST_GROWTH, _SMALL = 40, 1_000_000
"""How many times a member may grow when unpacked, and the bytes below which that does not matter: we compress none."""
_MEMBER = re.compile(
    rf"(gallery\.sqlite3|encryption\.json)|[0-9a-f]{{32}}/[0-9a-f]{{32}}/{CROP_NAME.pattern}", re.ASCII
)


def crops_of(database: Path, key: bytes | None = None) -> Iterator[str]:
    """Yield the crops that the rows of a database, encrypted with that key, name, enrolled and in the trash."""
    sql = """
        SELECT r.folder, r.id, s.name FROM
            (SELECT reference_number, name FROM samples UNION ALL
             SELECT reference_number, name FROM trashed_samples) s
        JOIN (SELECT number, folder, id FROM biometric_references UNION ALL
              SELECT number, folder, id FROM trashed_references) r ON r.number = s.reference_number
        UNION ALL SELECT folder, id, crop FROM sightings WHERE crop <> ''
    """
    with closing(connect_database(database, BUSY_SECONDS, key)) as connection:
        for folder, reference, name in connection.execute(sql):
            yield f"{folder}/{reference}/{name}"


def write_manifest(folder: Path, report: BackupReport) -> Mapping[str, str]:
    """Write `backup.json` about the other files of a folder; return their SHA-256 by name. Raises `OSError`."""
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in names.keys() - set(filter(_MEMBER.fullmatch, names)):
        names.pop(name).unlink()  # made when the copy was verified, such as a key that signs nothing
    digests = {name: file_digest(path) for name, path in sorted(names.items())}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": report.made_at,
        "identities": report.identities,
        "references": report.references,
        "encrypted": report.encrypted,
        "files": digests,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    (folder / MANIFEST).chmod(0o600)
    return digests


def pack(folder: Path, destination: Path) -> None:
    """Write the files of a folder as one zip file, and read all of it back.

    Raises:
        OSError: it cannot be written.
        ArchiveInvalid: what was read back is not what was written.
    """
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    with _opened(destination) as archive:
        for name, digest in read_manifest(archive)[1].items():
            with archive.open(name) as file:
                _require(hashlib.file_digest(file, "sha256").hexdigest() == digest, name)


def unpack(source: Path, folder: Path) -> BackupReport:
    """Copy the files of a backup, a folder or a file, into an empty folder, each compared with its SHA-256.

    Raises:
        ArchiveInvalid: it is no backup, is damaged, or holds something else.
        OSError: the folder cannot be written.
    """
    with _opened(source) as archive:
        report, digests = read_manifest(archive)
        for name, digest in digests.items():
            target = folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with archive.open(name) as file, target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
            target.chmod(0o600)
            _require(file_digest(target) == digest, name)
    return report


class FolderArchive:
    """A folder, read like a zip file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        """Open a file of it; links are not followed."""
        path = self._folder / name
        if path.is_symlink() or not path.is_file():
            raise FileNotFoundError(name)
        return open_keeping_locks(path)


def read_manifest(archive: Any) -> tuple[BackupReport, dict[str, str]]:
    """Return what a backup says of itself, and the SHA-256 of its files by name. Raises `ArchiveInvalid`."""
    try:
        with archive.open(MANIFEST) as file:
            stored = json.loads(file.read(_MOST_MANIFEST_BYTES))
        _require(stored["format"] == FORMAT and stored["version"] == VERSION, MANIFEST)
        digests = {str(name): str(digest) for name, digest in stored["files"].items()}
        counts = int(stored["identities"]), int(stored["references"])
        report = BackupReport(str(stored["made_at"]), *counts, len(digests), None, HEADER_NAME in digests)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _refusal(Phrase("its {name} cannot be read", name=MANIFEST)) from error
    for name in digests:
        _require(_MEMBER.fullmatch(name) is not None, name[:120])
    _require(DATABASE in digests, DATABASE)
    return report, digests


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    """Open a backup for reading. Raises `ArchiveInvalid` for what goes wrong while it is read."""
    try:
        if source.is_dir():
            yield FolderArchive(source)
            return
        if source.exists() and not source.is_file():
            raise _refusal(Phrase("it is a device or a pipe"))
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                grown = member.file_size > _MOST_GROWTH * max(member.compress_size, _SMALL)
                _require(not grown, member.filename[:120])
            yield archive
    except (FileNotFoundError, KeyError) as error:
        raise _refusal(Phrase("a file of it is missing")) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refusal(Phrase("it is damaged or no backup: {error}", error=error)) from error
    except PermissionError as error:
        raise _refusal(Phrase("it cannot be read: {reason}", reason=describe_os_error(error))) from error


def _require(is_so: bool, name: str) -> None:
    if not is_so:
        raise _refusal(Phrase("{name!r} is not what a backup holds, or is damaged", name=name))


def _refusal(problem: Phrase) -> ArchiveInvalid:
    return ArchiveInvalid("This is no backup of a gallery that can be restored: {problem}.", problem=problem)
