"""The library's SQLite database: schema, opening, and access by `reading` (a snapshot) or `writing` (the write lock).

Connections live as long as one operation. Migrations are numbered, each is applied in one transaction and never edited
once released.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

from sqlite_utils import Database

from biometric.errors import KeptFootageBusy, KeptFootageCorrupt, KeptFootageUnavailable, StorageFull
from biometric.storage import describe_os_error
from biometric.storage.sqlite_files import (
    BUSY_SECONDS,
    DatabaseFault,
    apply_migrations,
    connect_database,
    create_database,
    database_fault,
    errors_as,
    stored_version,
)

APPLICATION_ID = 0x51474C46
"""Marks the file as a library of Sightline (bytes "QGLF")."""

DATABASE_NAME = "library.sqlite3"

_INITIAL = """
CREATE TABLE library (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
);;
CREATE TABLE clips (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL,
    label TEXT NOT NULL,
    label_key TEXT NOT NULL,
    camera TEXT NOT NULL,
    camera_key TEXT NOT NULL,
    size INTEGER NOT NULL,
    duration REAL NOT NULL,
    frame_count INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    photograph INTEGER NOT NULL,
    recorded_at TEXT,
    kept_at TEXT NOT NULL,
    used_at TEXT NOT NULL
);;
CREATE INDEX clips_by_use ON clips (used_at);;
CREATE TABLE observations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    clip_number INTEGER NOT NULL REFERENCES clips (number) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    step INTEGER NOT NULL,
    spacing REAL NOT NULL,
    model_id TEXT NOT NULL,
    made_with TEXT NOT NULL,
    UNIQUE (clip_number, fingerprint)
);;
CREATE TABLE answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    observation_number INTEGER NOT NULL REFERENCES observations (number) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    given_at TEXT NOT NULL,
    gallery TEXT,
    threshold TEXT
);;
CREATE INDEX answers_of_observation ON answers (observation_number);;
CREATE TABLE answered_people (
    answer_number INTEGER NOT NULL REFERENCES answers (number) ON DELETE CASCADE,
    person INTEGER NOT NULL,
    decision TEXT,
    band TEXT NOT NULL,
    identity_id TEXT,
    erased INTEGER NOT NULL,
    found INTEGER NOT NULL,
    score REAL,
    margin REAL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    first_seconds REAL NOT NULL,
    last_seconds REAL NOT NULL,
    PRIMARY KEY (answer_number, person)
) WITHOUT ROWID;;
CREATE INDEX people_by_identity ON answered_people (identity_id) WHERE identity_id IS NOT NULL
"""


def _initial_schema(db: Database) -> None:
    for statement in _INITIAL.split(";;"):
        db.execute(statement)
    db.table("library").insert({"id": uuid4().hex, "revision": 0})


def _stretches(db: Database) -> None:
    """When people are in view, as JSON [[first, last], …] in seconds; of earlier answers it is not known."""
    db.execute("ALTER TABLE answered_people ADD COLUMN stretches TEXT NOT NULL DEFAULT '[]'")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_initial_schema, _stretches)
"""In order; the first has number 1. Append only."""


class LibraryDatabase:
    """The database file of one library folder. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        self._folder = folder
        self.path = folder / DATABASE_NAME
        self._busy_seconds = busy_seconds

    @contextmanager
    def reading(self) -> Iterator[Database | None]:
        """Yield a consistent snapshot, or None when there is no library yet (then nothing is created either).

        Raises:
            KeptFootageBusy, KeptFootageCorrupt, KeptFootageUnavailable, StorageFull: see `translate_errors`.
        """
        with translate_errors(self._folder):
            if not self._exists():
                yield None
                return
            with closing(self._connect(self._busy_seconds)) as db:
                db.execute("BEGIN")
                version = _schema_version(db)
                if version == len(MIGRATIONS):
                    yield db
                    db.rollback()
                    return
                db.rollback()
        with self.writing() as db:  # of an older version, or without tables
            yield db

    @contextmanager
    def writing(self, busy_seconds: float | None = None) -> Iterator[Database]:
        """Hold the write lock of a library that is created or migrated as needed; commit at the end, or roll back.

        Raises:
            KeptFootageBusy, KeptFootageCorrupt, KeptFootageUnavailable, StorageFull: see `translate_errors`.
        """
        with translate_errors(self._folder):
            self._create()
            with closing(self._connect(self._busy_seconds if busy_seconds is None else busy_seconds)) as db:
                _schema_version(db)  # before anything is changed in a file that may be another program's
                db.execute("BEGIN IMMEDIATE")
                try:
                    apply_migrations(db, APPLICATION_ID, _schema_version(db), MIGRATIONS)
                    before = db.conn.total_changes
                    yield db
                    if db.conn.total_changes > before:
                        db.execute("UPDATE library SET revision = revision + 1")
                    db.commit()
                except BaseException:
                    db.rollback()
                    raise

    def _exists(self) -> bool:
        if self._folder.is_symlink() and not self._folder.exists():
            raise KeptFootageUnavailable(
                "The folder of the library, {folder}, is a link that leads nowhere. Set SIGHTLINE_LIBRARY.",
                folder=self._folder,
            )
        if not self._folder.exists():
            return False
        if not self._folder.is_dir():
            raise KeptFootageUnavailable(
                "{folder} is a file. Set SIGHTLINE_LIBRARY to a folder for the library of footage.", folder=self._folder
            )
        if not self.path.exists():
            return False
        if not self.path.is_file() or not os.access(self.path, os.R_OK):
            raise KeptFootageUnavailable(
                "{path} may not be read. Change its permissions, or set SIGHTLINE_LIBRARY to another folder.",
                path=self.path,
            )
        return True

    def _create(self) -> None:
        self._exists()
        create_database(self.path)

    def _connect(self, busy_seconds: float) -> Database:
        return Database(connect_database(self.path, busy_seconds), execute_plugins=False)


def _schema_version(db: Database) -> int:
    version = stored_version(db, APPLICATION_ID)
    if version is None:
        raise KeptFootageCorrupt(
            "The file {database_name} is not a library of Sightline. Set SIGHTLINE_LIBRARY to another folder.",
            database_name=DATABASE_NAME,
        )
    if version > len(MIGRATIONS):
        raise KeptFootageCorrupt(
            "The library of footage was written by a newer version of Sightline (schema {version}; this "
            "version knows {known}). Install that version, or set SIGHTLINE_LIBRARY to another folder.",
            version=version,
            known=len(MIGRATIONS),
        )
    return version


def translate_errors(folder: Path) -> AbstractContextManager[None]:
    """Turn errors of SQLite and of the file system into ours.

    Raises:
        KeptFootageBusy: another process held the lock for too long.
        KeptFootageCorrupt: the file is damaged, or is no library.
        StorageFull: the disk is full, or the folder cannot be written.
    """
    return errors_as(partial(_from_sqlite, folder), partial(_from_system, folder))


def _from_system(folder: Path, error: OSError) -> StorageFull:
    return StorageFull(
        "The library of footage could not be written ({reason}); nothing was changed in it. Free "
        "disk space, or check the permissions of {folder}.",
        reason=describe_os_error(error),
        folder=folder,
    )


def _from_sqlite(folder: Path, error: Exception) -> KeptFootageBusy | KeptFootageCorrupt | StorageFull:
    fault = database_fault(error)
    if fault is DatabaseFault.BUSY:
        return KeptFootageBusy("Another process is using the library of footage. Try again in a moment.")
    if fault is DatabaseFault.UNUSABLE:
        return StorageFull(
            "The library of footage could not be read or written ({error}); nothing was changed in it. "
            "Free disk space, or check the permissions of {folder}.",
            error=error,
            folder=folder,
        )
    return KeptFootageCorrupt(
        "The database of the library of footage is damaged ({error}). Move the folder {folder} away, "
        "or set SIGHTLINE_LIBRARY to another one; the gallery does not depend on it.",
        error=error,
        folder=folder,
    )
