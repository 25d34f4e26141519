"""The queue's SQLite database: schema, opening, and access by `reading` or `writing` (the write lock).

It lies beside the library's database in a file of its own, so that a busy queue never makes the library wait.
Migrations are numbered, each is applied in one transaction and never edited once released.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from biometric.errors import JobQueueBusy, JobQueueCorrupt, StorageFull
from biometric.storage import describe_os_error
from biometric.storage.sqlite_files import (
    BUSY_SECONDS,
    WAL_IS_SAFE,
    DatabaseFault,
    apply_migrations,
    connect_database,
    create_database,
    database_fault,
    errors_as,
    stored_version,
)

APPLICATION_ID = 0x51474C4A
"""Marks the file as a queue of Sightline (bytes "QGLJ")."""

DATABASE_NAME = "jobs.sqlite3"

_INITIAL = """
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    needs TEXT NOT NULL,
    place TEXT NOT NULL,
    beats INTEGER NOT NULL,
    beat_at REAL NOT NULL
) WITHOUT ROWID;;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    request TEXT NOT NULL,
    needs TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    take_overs INTEGER NOT NULL DEFAULT 0,
    run INTEGER NOT NULL DEFAULT 1,
    worker TEXT REFERENCES workers (id),
    cancelling INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    failure TEXT,
    result TEXT,
    changed INTEGER NOT NULL,
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK (state = 'running' OR cancelling = 0)
);;
CREATE INDEX jobs_to_fetch ON jobs (needs, id) WHERE state = 'waiting';;
CREATE UNIQUE INDEX jobs_of_worker ON jobs (worker) WHERE worker IS NOT NULL;;
CREATE INDEX jobs_by_change ON jobs (changed);;
CREATE INDEX jobs_by_state ON jobs (state);;
CREATE TABLE changes (number INTEGER NOT NULL);;
INSERT INTO changes VALUES (0);;
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID
"""


def _initial_schema(db: sqlite3.Connection) -> None:
    for statement in _INITIAL.split(";;"):
        db.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_initial_schema,)
"""In order; the first has number 1. Append only."""


class QueueDatabase:
    """The database file of one queue. Safe to use from several threads and processes.

    Args:
        clock: tells seconds since 1970, for what people are shown and for how long a job waits to be tried again.
    """

    def __init__(
        self, folder: Path, busy_seconds: float = BUSY_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self.path = folder / DATABASE_NAME
        self._busy_seconds = busy_seconds
        self._clock = clock

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Yield a consistent snapshot, or None where there is no queue yet (then nothing is created either)."""
        with self._translated():
            if not self.path.exists():
                yield None
                return
            with closing(self._connect()) as db:
                db.execute("BEGIN")
                if _schema_version(db) == len(MIGRATIONS):
                    yield db
                    db.rollback()
                    return
                db.rollback()
        with self.writing() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock of a queue that is created or migrated as needed; commit at the end, or roll back."""
        with self._translated():
            is_new = not self.path.exists()
            create_database(self.path)
            with closing(self._connect()) as db:
                version = _schema_version(db)  # before anything is changed in a file that may be another program's
                if is_new and WAL_IS_SAFE:
                    db.execute("PRAGMA journal_mode = WAL")
                db.execute("BEGIN IMMEDIATE")
                try:
                    version = _schema_version(db)
                    apply_migrations(db, APPLICATION_ID, version, MIGRATIONS)
                    yield db
                    db.commit()
                except BaseException:
                    db.rollback()
                    raise

    def _connect(self) -> sqlite3.Connection:
        db = connect_database(self.path, self._busy_seconds)
        db.row_factory = sqlite3.Row
        db.create_function("now", 0, self._clock)
        return db

    def _translated(self) -> AbstractContextManager[None]:
        return errors_as(self._from_sqlite, self._from_system)

    def _from_system(self, error: OSError) -> StorageFull:
        return StorageFull(
            "The queue of clips could not be written ({reason}); nothing was changed in it. Free disk space, or "
            "check the permissions of {folder}.",
            reason=describe_os_error(error),
            folder=self.folder,
        )

    def _from_sqlite(self, error: Exception) -> JobQueueBusy | JobQueueCorrupt | StorageFull:
        fault = database_fault(error)
        if fault is DatabaseFault.BUSY:
            return JobQueueBusy("Another process is using the queue of clips. Try again in a moment.")
        if fault is DatabaseFault.UNUSABLE:
            return StorageFull(
                "The queue of clips could not be read or written ({error}); nothing was changed in it. Free disk "
                "space, or check the permissions of {folder}.",
                error=error,
                folder=self.folder,
            )
        return JobQueueCorrupt(
            "The queue of clips is damaged ({error}). Move {path} away and analyse the folders again: clips whose "
            "answers the library keeps take moments.",
            error=error,
            path=self.path,
        )


def _schema_version(db: sqlite3.Connection) -> int:
    version = stored_version(db, APPLICATION_ID)
    if version is None:
        raise JobQueueCorrupt(
            "The file {database_name} is not a queue of Sightline. Set SIGHTLINE_LIBRARY to another folder.",
            database_name=DATABASE_NAME,
        )
    if version > len(MIGRATIONS):
        raise JobQueueCorrupt(
            "The queue of clips was written by a newer version of Sightline (schema {version}; this version knows "
            "{known}). Install that version, or set SIGHTLINE_LIBRARY to another folder.",
            version=version,
            known=len(MIGRATIONS),
        )
    return version
