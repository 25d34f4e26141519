"""SQLite files of this program: made for the owner alone, opened with one set of settings, brought to their schema.

A file carries two numbers: `application_id`, which says whose it is, and `user_version`, how many migrations were
applied. Functions here raise `sqlite3.Error` and `OSError`; callers say what they mean for their file. With a key, they
raise the errors of SQLCipher's library, which is another one: `database_errors` are those of both.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol, TypeVar

from biometric.storage.cipher_files import cipher_errors, open_with_cipher
from biometric.storage.lock_keeping_reads import register_database
from biometric.storage.private_folders import make_private_folder

BUSY_SECONDS = 20.0
"""How long an operation waits for another process before it gives up."""

WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)
"""SQLite 3.7.0 to 3.51.2 can corrupt a database when a WAL is reset (https://sqlite.org/wal.html, "WAL-reset bug")."""

_PRAGMAS = (
    "foreign_keys = ON",
    "secure_delete = ON",  # what is erased must not stay readable in free pages
    "synchronous = EXTRA",  # also syncs the folder after the journal is gone: acknowledged means on disk
    "temp_store = MEMORY",  # no biometric data in temporary files
    "trusted_schema = OFF",
    "cell_size_check = ON",
)


class _Executes(Protocol):
    """A connection, or what a library wraps around it."""

    def execute(self, sql: str, /) -> Any:
        """Run one statement and return its cursor."""


Db = TypeVar("Db", bound=_Executes)


def create_database(path: Path) -> None:
    """Make folder and file, private to the owner, where they are not there. Raises `OSError`.

    A file that is there is not opened: closing it would end all locks that SQLite holds on it in this process, also
    those of other threads (https://sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled").
    """
    make_private_folder(path.parent)
    # SQLite gives its journal the permissions of the database, so this one call protects both.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def connect_database(path: Path, busy_seconds: float, key: bytes | None = None) -> sqlite3.Connection:
    """Open a file that is there, without implicit transactions.

    Args:
        key: 32 bytes with which the file is encrypted, or is to be where it is empty; None: it is not.

    Raises:
        sqlite3.Error, or the same one of SQLCipher: it cannot be opened, such as with a wrong key.
        EncryptionLibraryMissing: a key was given, and the library is not there.
    """
    register_database(path)
    if key is None:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    else:
        connection = open_with_cipher(path, key)
    try:
        connection.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def opens_with(path: Path, key: bytes) -> bool:
    """Whether a key opens an encrypted file; True for an empty one."""
    try:
        with closing(connect_database(path, BUSY_SECONDS, key)) as db:
            db.execute("SELECT count(*) FROM sqlite_master")
    except cipher_errors("DatabaseError") as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
            return False
        raise
    return True


def copy_database(source: Path, destination: Path, key: bytes | None = None) -> None:
    """Copy a database into another file, as one transaction of it; writers wait. Raises `sqlite3.Error`, `OSError`.

    Args:
        key: with which both are encrypted, or None.
    """
    create_database(destination)
    with (
        closing(connect_database(source, BUSY_SECONDS, key)) as reading,
        closing(connect_database(destination, BUSY_SECONDS, key)) as writing,
    ):
        reading.backup(writing, pages=-1, sleep=0.01)


def stored_version(db: _Executes, application_id: int) -> int | None:
    """Return how many migrations were applied: 0 for a file without any table, None for another program's file."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    if application == application_id:
        return version
    is_new = version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    return 0 if is_new else None


def apply_migrations(db: Db, application_id: int, version: int, migrations: Sequence[Callable[[Db], None]]) -> None:
    """Apply the migrations after the first `version` ones; the caller holds the write lock (`BEGIN IMMEDIATE`)."""
    if version == 0:
        db.execute(f"PRAGMA application_id = {application_id}")
    for number, migration in enumerate(migrations[version:], start=version + 1):
        migration(db)
        db.execute(f"PRAGMA user_version = {number}")


class DatabaseFault(Enum):
    """What an error of SQLite says about its file."""

    BUSY = auto()
    UNUSABLE = auto()
    """It cannot be read or written: a full disk, permissions, a failing device."""
    DAMAGED = auto()


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNUSABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
}


def database_errors(name: str = "Error") -> tuple[type[Exception], ...]:
    """Return the errors of a name of PEP 249, as `except` takes them: of SQLite's library, and of SQLCipher's."""
    return (getattr(sqlite3, name), *cipher_errors(name))


@contextmanager
def errors_as(
    of_database: Callable[[Exception], Exception], of_system: Callable[[OSError], Exception]
) -> Iterator[None]:
    """Raise, in place of errors of SQLite or SQLCipher and of the file system, what the functions make of them.

    `ProgrammingError` stays: it is an error of the program, not of the data.
    """
    try:
        yield
    except database_errors("ProgrammingError"):
        raise
    except database_errors() as error:
        raise of_database(error) from error
    except OSError as error:
        raise of_system(error) from error


def database_fault(error: Exception) -> DatabaseFault:
    """Return what an error says about the file."""
    # Extended codes carry the primary one in their low byte.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in _BUSY:
        return DatabaseFault.BUSY
    return DatabaseFault.UNUSABLE if code in _UNUSABLE else DatabaseFault.DAMAGED
