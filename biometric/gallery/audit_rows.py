"""SQL about the audit trail and the signers of exports. Works inside the caller's transaction."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from biometric.entities.audit import AuditHead, AuditQuery
from biometric.gallery.audit_chain import Row

_ROW = "number, CAST(record AS BLOB)"
"""Bytes, because somebody may have written what is no text."""
_QUERY = (
    ("since", "json_extract(record, '$.time') >= ?"),
    ("until", "json_extract(record, '$.time') < ?"),
    ("who", "json_extract(record, '$.who') = ? COLLATE NOCASE"),
    ("action", "json_extract(record, '$.action') = ?"),
    ("person", "EXISTS (SELECT 1 FROM json_each(record, '$.people') WHERE value = ?)"),
)


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited.

    The triggers keep mistakes out; whoever may write the file can drop them, which is what the chain is for.
    """
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
CREATE TABLE audit_records (
    number INTEGER PRIMARY KEY,
    record TEXT NOT NULL CHECK (typeof(record) = 'text')
);;
CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    count INTEGER NOT NULL,
    time TEXT NOT NULL,
    public_key TEXT NOT NULL,
    signature TEXT NOT NULL
);;
CREATE TABLE export_signers (
    public_key TEXT PRIMARY KEY,
    gallery TEXT NOT NULL,
    first_seen TEXT NOT NULL
);;
CREATE TRIGGER audit_records_are_not_changed BEFORE UPDATE ON audit_records BEGIN
    SELECT RAISE(ABORT, 'audit records are not changed');
END;;
CREATE TRIGGER audit_records_are_not_deleted BEFORE DELETE ON audit_records BEGIN
    SELECT RAISE(ABORT, 'audit records are not deleted');
END
"""


def insert_record(db: Database, number: int, text: str) -> None:
    """Add a record at the end."""
    db.execute("INSERT INTO audit_records (number, record) VALUES (?, ?)", [number, text])


def last_record(db: Database) -> Row | None:
    """Return the record with the highest number, None where there is none."""
    row = db.execute(f"SELECT {_ROW} FROM audit_records ORDER BY number DESC LIMIT 1").fetchone()  # noqa: S608
    return None if row is None else _row(*row)


def records(db: Database) -> Iterator[Row]:
    """Yield all records in order."""
    for row in db.execute(f"SELECT {_ROW} FROM audit_records ORDER BY number"):  # noqa: S608
        yield _row(*row)


def find_records(db: Database, query: AuditQuery, limit: int, offset: int) -> tuple[list[Row], int]:
    """Return records that a query wants, the latest first, and how many there are."""
    conditions = [(sql, getattr(query, name)) for name, sql in _QUERY if getattr(query, name)]
    wanted = " AND ".join(sql for sql, _ in conditions) or "1"
    where = f"CASE WHEN json_valid(record) THEN {wanted} ELSE 1 END"  # one that somebody damaged is shown always
    values: list[Any] = [value for _, value in conditions]
    total = int(db.execute(f"SELECT count(*) FROM audit_records WHERE {where}", values).fetchone()[0])  # noqa: S608
    sql = f"SELECT {_ROW} FROM audit_records WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?"  # noqa: S608
    return [_row(*row) for row in db.execute(sql, [*values, limit, offset])], total


def _row(number: int, record: bytes) -> Row:
    return int(number), record.decode("utf-8", "surrogateescape")


def read_end(db: Database) -> AuditHead | None:
    """Return the signed end of the trail, None where there is none."""
    row = db.execute("SELECT number, hash, count, time, public_key, signature FROM audit_head").fetchone()
    if row is None:
        return None
    number, count = (value if isinstance(value, int) else -1 for value in (row[0], row[2]))
    hash_, time, public_key, signature = (str(value) for value in (row[1], *row[3:]))
    return AuditHead(gallery_id(db), number, hash_, count, time, public_key, signature)


def write_end(db: Database, head: AuditHead) -> None:
    """Set the signed end of the trail."""
    values = [head.number, head.hash, head.count, head.time, head.public_key, head.signature]
    db.execute("INSERT OR REPLACE INTO audit_head VALUES (1, ?, ?, ?, ?, ?, ?)", values)


def names(db: Database, people: Sequence[str]) -> dict[str, str]:
    """Return the names, by id, of those of these identities who are enrolled or in the trash."""
    found: dict[str, str] = {}
    for table in ("trashed_identities", "identities"):
        sql = f"SELECT id, name FROM {table} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - one of two
        found.update((str(key), str(name)) for key, name in db.execute(sql, [json.dumps(list(people))]))
    return found


def gallery_id(db: Database) -> str:
    """Return the gallery's own id."""
    return str(db.execute("SELECT id FROM gallery").fetchone()[0])


def signers(db: Database) -> dict[str, str]:
    """Return the galleries whose exports were imported before, by their public key."""
    return {str(key): str(gallery) for key, gallery in db.execute("SELECT public_key, gallery FROM export_signers")}


def note_signer(db: Database, public_key: str, gallery: str, now: str) -> None:
    """Remember whose export was imported."""
    db.execute("INSERT OR IGNORE INTO export_signers VALUES (?, ?, ?)", [public_key, gallery, now])
