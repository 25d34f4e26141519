"""SQL about the register of derivatives: what was written about whom, outside the gallery. Works inside a transaction.

A derivative whose person is deleted gets the erasure's number (`erasure`) in the same transaction: from then on its
files are to be deleted (`derivative_files`), also by the next process where this one is killed.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities.erasure import Derivative, DerivativeKind, NewDerivative, Unreached, UnreachedFile

_LISTED = "(SELECT value FROM json_each(?))"


def create_tables(db: Database) -> None:
    """Make the tables: part of a migration, which is never edited."""
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
CREATE TABLE derivatives (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    written_at TEXT NOT NULL,
    clip_digest TEXT NOT NULL,
    everybody INTEGER NOT NULL,
    erasure INTEGER
);;
CREATE INDEX derivatives_of_clip ON derivatives (clip_digest);;
CREATE INDEX derivatives_to_delete ON derivatives (erasure) WHERE erasure IS NOT NULL;;
CREATE TABLE derivative_files (
    derivative INTEGER NOT NULL REFERENCES derivatives (number) ON DELETE CASCADE,
    path TEXT NOT NULL,
    file_name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (derivative, path)
) WITHOUT ROWID;;
CREATE INDEX derivatives_of_path ON derivative_files (path);;
CREATE TABLE derivative_people (
    derivative INTEGER NOT NULL REFERENCES derivatives (number) ON DELETE CASCADE,
    identity_id TEXT NOT NULL,
    PRIMARY KEY (derivative, identity_id)
) WITHOUT ROWID;;
CREATE INDEX derivatives_of_identity ON derivative_people (identity_id)
"""


def insert_derivative(db: Database, derivative: NewDerivative, now: str) -> str:
    """Add a line and return its id; earlier lines lose the files that were overwritten with something else."""
    derivative_id = uuid4().hex
    row = {
        "id": derivative_id,
        "kind": derivative.kind.value,
        "written_at": now,
        "clip_digest": derivative.clip_digest,
        "everybody": int(derivative.everybody),
    }
    number = int(str(db.table("derivatives").insert(row).last_pk))
    _forget_overwritten(db, derivative.files)
    _insert_files(db, number, derivative.files)
    for identity_id in derivative.identity_ids:
        db.execute("INSERT INTO derivative_people (derivative, identity_id) VALUES (?, ?)", [number, identity_id])
    _delete_empty(db)
    return derivative_id


def add_files(db: Database, derivative_id: str, files: Mapping[Path, str]) -> None:
    """Add copies to a line; one that is gone takes none."""
    row = db.execute("SELECT number FROM derivatives WHERE id = ?", [derivative_id]).fetchone()
    if row is not None:
        _forget_overwritten(db, files)
        _insert_files(db, int(row[0]), files)


def about(db: Database, identity_ids: Collection[str], crops: Mapping[str, Collection[str]]) -> list[int]:
    """Return the numbers of lines about people: those that name them, and those with a crop of them.

    Args:
        crops: names of their crops by the digest of the clip that they are from.
    """
    sql = f"SELECT derivative FROM derivative_people WHERE identity_id IN {_LISTED}"  # noqa: S608
    found = {int(row[0]) for row in db.execute(sql, [json.dumps(list(identity_ids))])}
    for digest, names in crops.items():
        sql = (
            "SELECT DISTINCT derivative FROM derivatives JOIN derivative_files ON derivative = number "  # noqa: S608
            f"WHERE clip_digest = ? AND file_name IN {_LISTED}"
        )
        found |= {int(row[0]) for row in db.execute(sql, [digest, json.dumps(list(names))])}
    return sorted(found)


def of_everybody(db: Database) -> list[int]:
    """Return the numbers of the lines that hold all who were enrolled when they were written."""
    return [int(row[0]) for row in db.execute("SELECT number FROM derivatives WHERE everybody ORDER BY number")]


def read(db: Database, numbers: Iterable[int]) -> list[Derivative]:
    """Return lines of the register."""
    found = []
    for number in numbers:
        row = db.execute(
            "SELECT id, kind, written_at, everybody FROM derivatives WHERE number = ?", [number]
        ).fetchone()
        files = db.execute("SELECT path, digest FROM derivative_files WHERE derivative = ?", [number]).fetchall()
        held = {Path(path): str(digest) for path, digest in files}
        found.append(Derivative(row[0], DerivativeKind(row[1]), row[2], held, bool(row[3])))
    return found


def mark(db: Database, numbers: Iterable[int], erasure: int) -> None:
    """Let the files of these lines be deleted, and the lines name nobody any more."""
    listed = json.dumps(list(numbers))
    db.execute(
        f"UPDATE derivatives SET erasure = ? WHERE erasure IS NULL AND number IN {_LISTED}",  # noqa: S608
        [erasure, listed],
    )
    db.execute(f"DELETE FROM derivative_people WHERE derivative IN {_LISTED}", [listed])  # noqa: S608


def marked(db: Database, *, tried: bool = False) -> list[tuple[int, int]]:
    """Return (number, erasure) of the lines whose files are to be deleted, or where that was tried in vain."""
    sql = f"SELECT number, abs(erasure) FROM derivatives WHERE erasure {'<' if tried else '>'} 0 ORDER BY number"  # noqa: S608
    return [(int(number), int(erasure)) for number, erasure in db.execute(sql)]


def try_again(db: Database) -> None:
    """Let files whose deletion was tried in vain be deleted with the others."""
    db.execute("UPDATE derivatives SET erasure = -erasure WHERE erasure < 0")


def give_up(db: Database, number: int) -> None:
    """Say that the deletion of a line's files was tried in vain."""
    db.execute("UPDATE derivatives SET erasure = -abs(erasure) WHERE number = ?", [number])


def delete_files(db: Database, number: int, files: Iterable[Path]) -> None:
    """Strike files off a line; a line without files goes."""
    for path in files:
        db.execute("DELETE FROM derivative_files WHERE derivative = ? AND path = ?", [number, str(path)])
    _delete_empty(db)


def _insert_files(db: Database, number: int, files: Mapping[Path, str]) -> None:
    for path, digest in files.items():
        db.execute(
            "INSERT OR REPLACE INTO derivative_files (derivative, path, file_name, digest) VALUES (?, ?, ?, ?)",
            [number, str(path), path.name, digest],
        )


def written_until(db: Database, kind: DerivativeKind, when: str) -> list[int]:
    """Return the numbers of the lines of a kind that were written until a time, oldest first."""
    sql = "SELECT number FROM derivatives WHERE kind = ? AND written_at <= ? ORDER BY number"
    return [int(row[0]) for row in db.execute(sql, [kind.value, when])]


def paths_written_after(db: Database, when: str) -> set[Path]:
    """Return the files of the lines that were written after a time."""
    sql = "SELECT path FROM derivative_files JOIN derivatives ON number = derivative WHERE written_at > ?"
    return {Path(row[0]) for row in db.execute(sql, [when])}


def _forget_overwritten(db: Database, files: Mapping[Path, str]) -> None:
    for path, digest in files.items():
        db.execute("DELETE FROM derivative_files WHERE path = ? AND digest <> ?", [str(path), digest])


def _delete_empty(db: Database) -> None:
    sql = "DELETE FROM derivatives WHERE NOT EXISTS (SELECT 1 FROM derivative_files WHERE derivative = number)"
    db.execute(sql)


def handed_out(derivative: Derivative) -> list[UnreachedFile]:
    """Return an export or a backup as what erasing leaves: where it was written, or that it is not there any more."""
    found = []
    for path, digest in derivative.files.items():
        why = Unreached.HANDED_OUT if path.exists() else Unreached.GONE
        place = path if why is Unreached.HANDED_OUT else path.parent
        found.append(UnreachedFile(derivative.kind, derivative.written_at, why, str(place), digest))
    return found


def everything(db: Database) -> list[int]:
    """Return the numbers of all lines, oldest first."""
    return [int(row[0]) for row in db.execute("SELECT number FROM derivatives ORDER BY number")]
