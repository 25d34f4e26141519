"""SQL about identities and the gallery's model. Works inside the caller's transaction."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from biometric.entities import Identity, clean_name, name_key
from biometric.errors import ModelMismatch, NameTaken, UnknownIdentity
from biometric.errors.phrases import Phrase
from biometric.gallery.files import OPAQUE_ID, GalleryFiles

_CLOSE_NAMES = 5000
"""Most names that are compared letter by letter to suggest one."""

Row = dict[str, Any]


def insert(db: Database, table: str, columns: Mapping[str, Any]) -> int:
    """Add a row with these columns to a table; return its row number, which is the table's INTEGER PRIMARY KEY.

    Plain SQL: an import adds tens of thousands, and sqlite-utils asks for the schema each time.
    """
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are constants
    return int(str(db.execute(sql, list(columns.values())).lastrowid))


def model(db: Database) -> tuple[str, int] | None:
    """Return the model id and dimension of all templates here, or None when there are none."""
    row = db.execute("SELECT model_id, length(vector) FROM biometric_references ORDER BY number LIMIT 1").fetchone()
    return None if row is None else (str(row[0]), int(row[1]) // 4)


def check_model(db: Database, model_id: str, dimension: int | None = None) -> None:
    """Raise `ModelMismatch`, naming both models and what to do, unless `db` is empty or of that model."""
    stored = model(db)
    if stored is None:
        return
    if stored[0] != model_id:
        raise ModelMismatch(
            "This gallery holds templates of the model {stored_model}, not of {model_id}, and their "
            "scores cannot be compared. Use {stored_model} (set SIGHTLINE_EMBEDDER), or choose another "
            "gallery folder and enroll there.",
            stored_model=stored[0],
            model_id=model_id,
        )
    if dimension is not None and stored[1] != dimension:
        raise ModelMismatch(
            "This gallery's templates of {model_id} have {stored_length} numbers, the new one has "
            "{dimension}: they are of two different models. Use the weights the gallery was made with, "
            "or choose another gallery folder.",
            model_id=model_id,
            stored_length=stored[1],
            dimension=dimension,
        )


_IDENTITIES = """
    SELECT i.number, i.id, i.name, i.created_at, i.updated_at,
        (SELECT count(*) FROM biometric_references r WHERE r.identity_number = i.number) AS reference_count,
        (SELECT total(r.sample_count) FROM biometric_references r WHERE r.identity_number = i.number) AS sample_count,
        coalesce(
            (SELECT r.folder || '/' || r.id || '/' || s.name FROM biometric_references r
                JOIN samples s ON s.reference_number = r.number
                WHERE r.id = substr(i.cover, 1, 32) AND r.identity_number = i.number AND s.name = substr(i.cover, 34)),
            (SELECT r.folder || '/' || r.id || '/' || s.name FROM biometric_references r
                JOIN samples s ON s.reference_number = r.number WHERE r.identity_number = i.number
                ORDER BY r.number, s.quality DESC, s.number LIMIT 1)
        ) AS thumbnail
    FROM identities i
"""


def identities(db: Database, files: GalleryFiles) -> list[Identity]:
    """Return all identities by name."""
    return [_identity(row, files) for row in db.query(_IDENTITIES + "ORDER BY i.name_key")]


def identities_by_number(db: Database, files: GalleryFiles, numbers: Iterable[int]) -> dict[int, Identity]:
    """Return the identities of these row numbers."""
    wanted = json.dumps(list(numbers))
    sql = _IDENTITIES + "WHERE i.number IN (SELECT value FROM json_each(?))"  # noqa: S608 - two constants
    return {row["number"]: _identity(row, files) for row in db.query(sql, [wanted])}


def identity_by_name(db: Database, files: GalleryFiles, name: str) -> Identity:
    """Return the identity of that name. Raises `UnknownIdentity`, naming close ones."""
    key = name_key(name)
    for row in db.query(_IDENTITIES + "WHERE i.name_key = ?", [key]):
        return _identity(row, files)
    raise UnknownIdentity(
        "Nobody called {name} is enrolled. {suggestion}", name=clean_name(name), suggestion=_suggestion(db, key)
    )


def identity_by_id(db: Database, files: GalleryFiles, identity_id: str) -> Identity:
    """Return an identity. Raises `UnknownIdentity`."""
    number = identity_number(db, identity_id)
    return identities_by_number(db, files, [number])[number]


def identity_number(db: Database, identity_id: str) -> int:
    """Return the row number of an identity. Raises `UnknownIdentity`."""
    number = number_by_id(db, identity_id)
    if number is None:
        raise UnknownIdentity("This person is not in the gallery any more. Reload the list of enrolled people.")
    return number


def number_by_id(db: Database, identity_id: str) -> int | None:
    """Return the row number of the identity with that id, or None."""
    if OPAQUE_ID.fullmatch(identity_id) is None:
        return None
    row = db.execute("SELECT number FROM identities WHERE id = ?", [identity_id]).fetchone()
    return None if row is None else int(row[0])


def identity_id(db: Database, number: int) -> str:
    """Return the id of the identity with that row number, which is there."""
    return str(db.execute("SELECT id FROM identities WHERE number = ?", [number]).fetchone()[0])


def number_by_key(db: Database, key: str) -> int | None:
    """Return the row number of the identity with that `name_key`, or None."""
    row = db.execute("SELECT number FROM identities WHERE name_key = ?", [key]).fetchone()
    return None if row is None else int(row[0])


def insert_identity(db: Database, identity_id: str, name: str, created_at: str, updated_at: str) -> int:
    """Add an identity (name already cleaned and free) and return its row number."""
    sql = "INSERT INTO identities (id, name, name_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
    return int(str(db.execute(sql, [identity_id, name, name_key(name), created_at, updated_at]).lastrowid))


def _identity(row: Row, files: GalleryFiles) -> Identity:
    thumbnail = None if row["thumbnail"] is None else files.crop(*row["thumbnail"].split("/"))
    if thumbnail is not None and not thumbnail.is_file():
        thumbnail = None
    return Identity(
        id=row["id"],
        name=row["name"],
        reference_count=row["reference_count"],
        sample_count=int(row["sample_count"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        thumbnail=thumbnail,
    )


def _suggestion(db: Database, key: str) -> str:
    # Not those who were merged into somebody: they are enrolled, under another name.
    sql = "SELECT change FROM trashed_identities WHERE name_key = ? AND merged_into IS NULL ORDER BY change DESC"
    removed = db.execute(sql, [key]).fetchone()
    if removed is not None:
        return Phrase(
            "Somebody of that name is in the trash: undo change {change} to bring them back.", change=removed[0]
        )
    sql = "SELECT name_key, name FROM identities ORDER BY abs(length(name_key) - ?) LIMIT ?"
    names: dict[str, str] = dict(db.execute(sql, [len(key), _CLOSE_NAMES]).fetchall())
    if not names:
        return Phrase("The gallery is empty: enroll somebody first.")
    close = difflib.get_close_matches(key, names, n=3, cutoff=0.6)
    if close:
        return Phrase("Did you mean {names}?", names=" / ".join(names[match] for match in close))
    return Phrase("Look at the list of enrolled people, or enroll this person first.")


def require_free_name(db: Database, name: str, number: int | None) -> None:
    """Raise `NameTaken` where another identity than `number` has the name."""
    if number_by_key(db, name_key(name)) not in (None, number):
        raise NameTaken(
            "Somebody called {name} is already enrolled. Choose another name, or merge the two people.", name=name
        )


def require_owner(name: str, expected: str | None, actual: str | None) -> None:
    """Raise `NameTaken` or `UnknownIdentity` unless the identity of that name is the expected one."""
    if actual == expected:
        return
    if actual is None:
        raise UnknownIdentity("{name} was removed or renamed just now. Nothing was stored; try again.", name=name)
    raise NameTaken("Somebody called {name} was enrolled just now. Nothing was stored; try again.", name=name)
