"""SQLite files that SQLCipher encrypts, page by page. Knows `sqlcipher3`, which is optional."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from biometric.errors import EncryptionLibraryMissing
from biometric.errors.phrases import Phrase

INSTALL_ENCRYPTION: Final = Phrase(
    'pip install "sightline[encryption]" (in a copy of the sources: make encryption-setup)'
)


def open_with_cipher(path: Path, key: bytes | None) -> sqlite3.Connection:
    """Open a file that is there, without implicit transactions.

    Args:
        key: 32 bytes, used as they are; None: the file is not encrypted.

    Raises:
        EncryptionLibraryMissing: `sqlcipher3` is not installed.
        sqlcipher3.Error: it cannot be opened. A wrong key shows at the first statement that reads.
    """
    connection = _library().connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        # Errors are raised; the library would also print them.
        connection.execute("PRAGMA cipher_log_level = NONE")
        if key is not None:
            connection.execute(f'PRAGMA key = "{_literal(key)}"')
    except BaseException:
        connection.close()
        raise
    return connection  # type: ignore[no-any-return] # of the same interface as those of sqlite3


def export_database(source: Path, source_key: bytes | None, target: Path, target_key: bytes | None) -> None:
    """Write all of a database into an empty file, encrypted with another key or not (None).

    Raises:
        EncryptionLibraryMissing: `sqlcipher3` is not installed.
        sqlcipher3.Error: one of both cannot be read or written; what was written is not the same.
    """
    with closing(open_with_cipher(source, source_key)) as db:
        key = "" if target_key is None else _literal(target_key)
        db.execute("ATTACH DATABASE ? AS target KEY ?", [f"{target.absolute().as_uri()}?mode=rw", key])
        db.execute("PRAGMA target.synchronous = OFF")  # the caller waits for the disk
        db.execute("BEGIN")
        db.execute("SELECT sqlcipher_export('target')")
        for name in ("user_version", "application_id"):
            value = int(db.execute(f"PRAGMA main.{name}").fetchone()[0])
            db.execute(f"PRAGMA target.{name} = {value}")
        db.execute("COMMIT")
    with closing(open_with_cipher(target, target_key)) as db:
        problem = str(db.execute("PRAGMA integrity_check").fetchone()[0])
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)


def cipher_errors(name: str) -> tuple[type[Exception], ...]:
    """Return the library's errors of a name of PEP 249; nothing where the library was never loaded."""
    library = sys.modules.get("sqlcipher3.dbapi2")
    return () if library is None else (getattr(library, name),)


def _literal(key: bytes) -> str:
    """Return a key as SQLCipher takes one from which it derives nothing."""
    return f"x'{key.hex()}'"


def _library() -> Any:
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        raise EncryptionLibraryMissing(
            "The gallery's database is encrypted, or is to be, which needs the package sqlcipher3. Install it with: "
            "{command}",
            command=INSTALL_ENCRYPTION,
        ) from error
    return dbapi2
