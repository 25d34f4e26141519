"""The gallery's SQL: rows to value types and back. Every function works inside the caller's transaction.

Vectors are stored as little-endian float32 blobs, so that a gallery can move between machines.
"""

import difflib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlite_utils import Database

from biometric.entities import BiometricReference, Identity, Template, Vector, clean_name, name_key
from biometric.errors import GalleryCorrupt, ModelMismatch, UnknownIdentity
from biometric.gallery.archive import IdentityRecord, ReferenceRecord, SampleRecord
from biometric.gallery.files import GalleryFiles

_CLOSE_NAMES = 5000
"""Most names that are compared letter by letter to suggest one."""

Row = dict[str, Any]


def now() -> str:
    """Return the time as it is stored: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def blob(vector: Vector) -> bytes:
    """Return the stored form of a (D,) float32 vector."""
    return np.asarray(vector, dtype="<f4").tobytes()


def unblob(data: bytes) -> Vector:
    """Return the (D,) float32 vector of a stored form."""
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def model(db: Database) -> tuple[str, int] | None:
    """Return the model id and dimension of all templates here, or None when there are none."""
    found = db.execute("SELECT model_id, length(vector) FROM biometric_references ORDER BY number LIMIT 1").fetchone()
    return None if found is None else (str(found[0]), int(found[1]) // 4)


def check_model(db: Database, model_id: str, dimension: int | None = None) -> None:
    """Raise `ModelMismatch`, naming both models and the way out, unless `db` is empty or of that model."""
    here = model(db)
    if here is None:
        return
    if here[0] != model_id:
        raise ModelMismatch(
            f"This gallery holds templates of the model {here[0]}, not of {model_id}, and their scores cannot be "
            f"compared. Use {here[0]} (set SIGHTLINE_EMBEDDER), or choose another gallery folder and enroll there."
        )
    if dimension is not None and here[1] != dimension:
        raise ModelMismatch(
            f"This gallery's templates of {model_id} have {here[1]} numbers, the new one has {dimension}: they are of "
            "two different models. Use the weights the gallery was made with, or choose another gallery folder."
        )


_IDENTITIES = """
    SELECT i.number, i.id, i.name, i.created_at, i.updated_at,
        (SELECT count(*) FROM biometric_references r WHERE r.identity_number = i.number) AS reference_count,
        (SELECT total(r.sample_count) FROM biometric_references r WHERE r.identity_number = i.number) AS sample_count,
        (SELECT r.folder || '/' || r.id || '/' || s.name FROM biometric_references r
            JOIN samples s ON s.reference_number = r.number WHERE r.identity_number = i.number
            ORDER BY s.quality DESC, s.number LIMIT 1) AS thumbnail
    FROM identities i
"""


def identities(db: Database, files: GalleryFiles) -> list[Identity]:
    """Return all identities by name."""
    return [_identity(row, files) for row in db.query(_IDENTITIES + "ORDER BY i.name_key")]


def identities_by_number(db: Database, files: GalleryFiles, numbers: Iterable[int]) -> dict[int, Identity]:
    """Return the identities of these row numbers."""
    wanted = json.dumps(list(numbers))
    sql = _IDENTITIES + "WHERE i.number IN (SELECT value FROM json_each(?))"  # noqa: S608 - two constants
    found = db.query(sql, [wanted])
    return {row["number"]: _identity(row, files) for row in found}


def identity_by_name(db: Database, files: GalleryFiles, name: str) -> Identity:
    """Return the identity of that name. Raises `UnknownIdentity`, naming close ones."""
    key = name_key(name)
    for row in db.query(_IDENTITIES + "WHERE i.name_key = ?", [key]):
        return _identity(row, files)
    raise UnknownIdentity(f"Nobody called {clean_name(name)} is enrolled. {_suggestion(db, key)}")


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
    found = db.execute("SELECT number FROM identities WHERE id = ?", [identity_id]).fetchone()
    return None if found is None else int(found[0])


def number_by_key(db: Database, key: str) -> int | None:
    """Return the row number of the identity with that `name_key`, or None."""
    found = db.execute("SELECT number FROM identities WHERE name_key = ?", [key]).fetchone()
    return None if found is None else int(found[0])


def references(db: Database, files: GalleryFiles, number: int) -> list[BiometricReference]:
    """Return an identity's references, oldest first."""
    return [_reference(db, files, row) for row in _reference_rows(db, number)]


def latest_reference(db: Database, files: GalleryFiles, number: int) -> BiometricReference:
    """Return the reference that was added last to the identity of that row number, which has one."""
    sql = "SELECT max(number) FROM biometric_references WHERE identity_number = ?"
    [last] = db.execute(sql, [number]).fetchone()
    return _reference(db, files, next(db.query(_REFERENCES + "WHERE r.number = ?", [last])))


def vectors(db: Database, number: int) -> tuple[list[str], list[Vector]]:
    """Return ids and (D,) vectors of an identity's references, oldest first."""
    found = list(_reference_rows(db, number))
    return [row["id"] for row in found], [unblob(row["vector"]) for row in found]


def records(db: Database, files: GalleryFiles) -> Iterator[IdentityRecord]:
    """Yield everything the gallery holds, one identity at a time."""
    for row in db.query("SELECT number, id, name, created_at, updated_at FROM identities ORDER BY number"):
        number = row.pop("number")
        held = tuple(_record(db, files, reference) for reference in _reference_rows(db, number))
        yield IdentityRecord(references=held, **row)


def insert_identity(db: Database, identity_id: str, name: str, created_at: str, updated_at: str) -> int:
    """Add an identity (name already cleaned and free) and return its row number."""
    row = {"id": identity_id, "name": name, "name_key": name_key(name)}
    return int(db["identities"].insert(row | {"created_at": created_at, "updated_at": updated_at}).last_pk)


def insert_reference(db: Database, number: int, folder: str, record: ReferenceRecord) -> None:
    """Add a reference with its samples to the identity of that row number; `folder` is where its crops are."""
    columns = {"digest": record.clip_digest, "name": record.clip_name}
    clip = db["clips"].lookup(columns, pk="number")
    reference = db["biometric_references"].insert(
        {
            "id": record.id,
            "identity_number": number,
            "clip_number": clip,
            "folder": folder,
            "first_frame": record.first_frame,
            "last_frame": record.last_frame,
            "created_at": record.created_at,
            "sample_count": record.template.sample_count,
            "model_id": record.template.model_id,
            "vector": blob(record.template.vector),
        }
    )
    db["samples"].insert_all(
        {
            "reference_number": reference.last_pk,
            "name": sample.name,
            "quality": float(sample.quality),
            "frame_index": sample.frame_index,
            "embedding": blob(sample.embedding),
        }
        for sample in record.samples
    )


def known_references(db: Database, reference_ids: Iterable[str]) -> set[str]:
    """Return which of these reference ids are in the gallery."""
    sql = "SELECT id FROM biometric_references WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0] for row in db.execute(sql, [json.dumps(list(reference_ids))])}


def reference_ids(db: Database, numbers: Iterable[int]) -> dict[int, str]:
    """Return the ids of the references with these row numbers."""
    sql = "SELECT number, id FROM biometric_references WHERE number IN (SELECT value FROM json_each(?))"
    return dict(db.execute(sql, [json.dumps(list(numbers))]).fetchall())


def delete_identity(db: Database, number: int) -> list[tuple[str, str]]:
    """Delete an identity's rows and return (folder, reference id) of the crops to delete after the commit."""
    sql = "SELECT folder, id FROM biometric_references WHERE identity_number = ?"
    places = [(str(folder), str(reference)) for folder, reference in db.execute(sql, [number]).fetchall()]
    sql = "SELECT DISTINCT clip_number FROM biometric_references WHERE identity_number = ?"
    clips = [int(row[0]) for row in db.execute(sql, [number])]
    db.execute("DELETE FROM biometric_references WHERE identity_number = ?", [number])
    db.execute("DELETE FROM identities WHERE number = ?", [number])
    db.execute(
        "DELETE FROM clips WHERE number IN (SELECT value FROM json_each(?)) "
        "AND NOT EXISTS (SELECT 1 FROM biometric_references r WHERE r.clip_number = clips.number)",
        [json.dumps(clips)],
    )
    return places


_REFERENCES = """
    SELECT r.*, c.digest AS clip_digest, c.name AS clip_name
    FROM biometric_references r JOIN clips c ON c.number = r.clip_number
"""


def _reference_rows(db: Database, number: int) -> Iterator[Row]:
    sql = _REFERENCES + "WHERE r.identity_number = ? ORDER BY r.number"
    found: Iterator[Row] = db.query(sql, [number])
    return found


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


def _reference(db: Database, files: GalleryFiles, row: Row) -> BiometricReference:
    sql = "SELECT name, quality FROM samples WHERE reference_number = ? ORDER BY frame_index, name"
    samples = db.execute(sql, [row["number"]]).fetchall()
    crops = tuple(files.crop(row["folder"], row["id"], name) for name, _ in samples)
    best = max(range(len(samples)), key=lambda position: samples[position][1], default=None)
    owner = db.execute("SELECT id FROM identities WHERE number = ?", [row["identity_number"]]).fetchone()[0]
    return BiometricReference(
        id=row["id"],
        identity_id=owner,
        template=_template(row),
        clip_digest=row["clip_digest"],
        clip_name=row["clip_name"],
        first_frame=row["first_frame"],
        last_frame=row["last_frame"],
        created_at=row["created_at"],
        crops=crops,
        best_crop=None if best is None else crops[best],
    )


def _template(row: Row) -> Template:
    try:
        return Template(unblob(row["vector"]), row["model_id"], row["sample_count"])
    except ValueError as error:
        raise GalleryCorrupt(
            f"The gallery's database is damaged (a stored template cannot be read: {error}). "
            "Restore its folder from a backup, or import an export into a new gallery folder."
        ) from error


def _record(db: Database, files: GalleryFiles, row: Row) -> ReferenceRecord:
    sql = "SELECT name, quality, frame_index, embedding FROM samples WHERE reference_number = ? ORDER BY number"
    samples = tuple(
        SampleRecord(name, quality, frame, unblob(data), files.crop(row["folder"], row["id"], name))
        for name, quality, frame, data in db.execute(sql, [row["number"]])
    )
    return ReferenceRecord(
        id=row["id"],
        template=_template(row),
        clip_digest=row["clip_digest"],
        clip_name=row["clip_name"],
        first_frame=row["first_frame"],
        last_frame=row["last_frame"],
        created_at=row["created_at"],
        samples=samples,
    )


def _suggestion(db: Database, key: str) -> str:
    sql = "SELECT name_key, name FROM identities ORDER BY abs(length(name_key) - ?) LIMIT ?"
    names: dict[str, str] = dict(db.execute(sql, [len(key), _CLOSE_NAMES]).fetchall())
    if not names:
        return "The gallery is empty: enroll somebody first."
    close = difflib.get_close_matches(key, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(names[match] for match in close)}?"
    return "Look at the list of enrolled people, or enroll this person first."
