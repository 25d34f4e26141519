"""Opens the gallery's SQLite database and gives access to it by `reading` (a snapshot) or `writing` (the write lock).

Connections live as long as one operation. That makes the gallery usable from any thread, lets a database that was
replaced by a restored backup be seen at once, and leaves nothing open; opening costs a few tenths of a millisecond.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from biometric.errors import GalleryBusy, GalleryCorrupt, GalleryUnavailable, StorageFull
from biometric.gallery.migrations import APPLICATION_ID, MIGRATIONS, migrate, schema_version
from biometric.gallery.protection import GalleryProtection, has_contents
from biometric.storage import describe_os_error, file_lock
from biometric.storage.private_folders import make_private_folder
from biometric.storage.sqlite_files import (
    BUSY_SECONDS,
    WAL_IS_SAFE,
    DatabaseFault,
    connect_database,
    create_database,
    database_fault,
    errors_as,
)

JOURNAL = "wal" if WAL_IS_SAFE else "delete"

_MAKING = ".making.lock"
"""Held while a gallery's database is made."""


class GalleryDatabase:
    """The database file of one gallery folder. Safe to use from several threads and processes."""

    def __init__(self, path: Path, protection: GalleryProtection, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._protection = protection
        self.journal = path.with_name(f"{path.name}-journal")
        self._busy_seconds = busy_seconds

    @contextmanager
    def reading(self) -> Iterator[Database | None]:
        """Yield a consistent snapshot, or None when there is no gallery yet (then nothing is created either).

        Raises:
            GalleryBusy, GalleryCorrupt, GalleryUnavailable, StorageFull: see `translate_errors` and `check_folder`.
        """
        with translate_errors():
            if not self._exists():
                yield None
                return
            with closing(self._current()) as db:
                db.execute("BEGIN")
                yield db if schema_version(db) > 0 else None
                db.rollback()

    @contextmanager
    def writing(self, busy_seconds: float | None = None) -> Iterator[Database]:
        """Hold the write lock of a gallery that is created or migrated as needed; commit at the end, or roll back.

        Raises:
            GalleryBusy, GalleryCorrupt, GalleryUnavailable, StorageFull: see `translate_errors` and `check_folder`.
        """
        with translate_errors():
            self._create()
            with closing(self._locked(self._busy_seconds if busy_seconds is None else busy_seconds)) as db:
                try:
                    migrate(db)
                    yield db
                    db.commit()
                except BaseException:
                    db.rollback()
                    raise

    def rewrite(self) -> None:
        """Write the file anew, so that free space in it holds nothing of former rows.

        Raises:
            GalleryBusy, GalleryCorrupt, GalleryUnavailable, StorageFull: see `translate_errors` and `check_folder`.
        """
        with translate_errors(), closing(self._connect(self._busy_seconds)) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _exists(self) -> bool:
        check_folder(self.path.parent)
        if not self.path.exists():
            return False
        if not self.path.is_file():
            raise GalleryUnavailable("{path} is not a file. Choose another gallery folder.", path=self.path)
        if not os.access(self.path, os.R_OK):
            raise GalleryUnavailable(
                "{path} may not be read. Change its permissions, or choose another folder.", path=self.path
            )
        return True

    def _current(self) -> Database:
        db = self._connect(self._busy_seconds)
        try:
            if not 0 < schema_version(db) < len(MIGRATIONS):
                return db
        except BaseException:
            db.close()
            raise
        db.close()
        with self.writing():
            pass
        return self._connect(self._busy_seconds)

    def make(self) -> None:
        """Make the file, without rows, where there is none. Raises as `writing`."""
        with translate_errors():
            self._create()

    def _create(self) -> None:
        """Make the file where there is none, so that it is encrypted or not before anybody writes rows to it."""
        if self._exists() and has_contents(self.path):
            return
        make_private_folder(self.path.parent)
        # Of a process with a key and one without, the second finds what the first has made.
        with file_lock(self.path.with_name(_MAKING), self._busy_seconds, keep=False):
            if has_contents(self.path):
                return
            self._protection.begin()
            create_database(self.path)
            with closing(self._connect(self._busy_seconds)) as db:
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _connect(self, busy_seconds: float) -> Database:
        connection = connect_database(self.path, busy_seconds, self._protection.database_key())
        return Database(connection, execute_plugins=False)

    def _locked(self, busy_seconds: float) -> Database:
        """Return a connection that holds the write lock of the file that is there now.

        The file may be replaced while another process is waited for: its lock was then of a file without a name.
        """
        while True:
            before = self._file()
            db = self._connect(busy_seconds)
            try:
                schema_version(db)  # before anything is changed in a file that may not be a gallery
                if db.execute("PRAGMA journal_mode").fetchone()[0] != JOURNAL:
                    db.execute(f"PRAGMA journal_mode = {JOURNAL}")
                # Not a plain BEGIN: of two that read first and write later, one would fail.
                db.execute("BEGIN IMMEDIATE")
                if self._file() == before:
                    return db
            except BaseException:
                db.close()
                raise
            db.close()

    def _file(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino


def check_folder(folder: Path) -> None:
    """Raise `GalleryUnavailable` when a path cannot be a gallery's folder; one that does not exist yet can."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        if not folder.is_symlink():
            return
        raise GalleryUnavailable(
            "The gallery's folder {folder} is a link that leads nowhere. Choose another gallery folder.", folder=folder
        ) from None
    except (OSError, ValueError) as error:
        reason = describe_os_error(error) if isinstance(error, OSError) else str(error)
        raise GalleryUnavailable(
            "The gallery's folder {folder!s:.200} cannot be used: {reason}. Choose another gallery folder.",
            folder=folder,
            reason=reason,
        ) from error
    if not stat.S_ISDIR(mode):
        raise GalleryUnavailable("{folder} is a file. Name the folder of a gallery.", folder=folder)
    if not os.access(folder, os.R_OK | os.X_OK):
        raise GalleryUnavailable(
            "The gallery's folder {folder} may not be read. Change its permissions, or choose another folder.",
            folder=folder,
        )


def holds_any(db: Database, needles: Collection[bytes]) -> bool:
    """Return whether a value of any row holds one of these byte strings."""
    for table in db.table_names():
        for row in db.execute(f"SELECT * FROM [{table}]"):  # noqa: S608 - the database's own names
            values = [value.encode() if isinstance(value, str) else value for value in row]
            if any(needle in value for value in values if isinstance(value, bytes) for needle in needles):
                return True
    return False


def translate_errors() -> AbstractContextManager[None]:
    """Turn errors of SQLite and of the file system into ours.

    Raises:
        GalleryBusy: another process held the lock for too long.
        GalleryCorrupt: the file is damaged, or is no gallery.
        StorageFull: the disk is full, or the folder cannot be written.
    """
    return errors_as(_from_sqlite, _from_system)


def _from_sqlite(error: Exception) -> GalleryBusy | GalleryCorrupt | StorageFull:
    fault = database_fault(error)
    if fault is DatabaseFault.BUSY:
        return GalleryBusy("Another process is using the gallery. Try again in a moment.")
    if fault is DatabaseFault.UNUSABLE:
        return StorageFull(
            "The gallery could not be read or written ({error}); nothing was changed. Free disk space or "
            "check the permissions of the gallery's folder, then try again.",
            error=error,
        )
    return GalleryCorrupt(
        "The gallery's database is damaged ({error}). Restore its folder from a backup, or import an "
        "export into a new gallery folder.",
        error=error,
    )


def _from_system(error: OSError) -> StorageFull:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull("The disk is full; nothing was changed. Free disk space, then try again.")
    return StorageFull(
        "The gallery's folder could not be written ({reason}); nothing was changed. Check that it is "
        "a folder and that you may write to it, then try again.",
        reason=error.strerror or error,
    )
