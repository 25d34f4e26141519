"""SQL about references and their samples, to value types and back. Works inside the caller's transaction.

Vectors are stored as little-endian float32 blobs, so that a gallery can move between machines.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sqlite_utils import Database

from biometric.entities import BiometricReference, Template, Vector
from biometric.entities.enrolled import CROP_NAME
from biometric.errors import GalleryCorrupt, UnknownReference
from biometric.gallery import basis_rows, retention_rows, rows
from biometric.gallery.files import OPAQUE_ID, GalleryFiles
from biometric.gallery.records import IdentityRecord, ReferenceRecord, SampleRecord

Row = dict[str, Any]


def blob(vector: Vector) -> bytes:
    """Return the stored form of a (D,) float32 vector."""
    return np.asarray(vector, dtype="<f4").tobytes()


def unblob(data: bytes) -> Vector:
    """Return the (D,) float32 vector of a stored form."""
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def references(db: Database, files: GalleryFiles, number: int) -> list[BiometricReference]:
    """Return an identity's references, oldest first."""
    return [_reference(db, files, row) for row in _reference_rows(db, number)]


def latest_reference(db: Database, files: GalleryFiles, number: int) -> BiometricReference:
    """Return the reference that was added last to the identity of that row number, which has one."""
    sql = "SELECT max(number) FROM biometric_references WHERE identity_number = ?"
    [last] = db.execute(sql, [number]).fetchone()
    return _reference(db, files, next(db.query(_REFERENCES + "WHERE r.number = ?", [last])))


def vectors(db: Database, number: int, now: str) -> tuple[list[str], list[Vector], list[str]]:
    """Return ids, (D,) vectors and cameras of an identity's references that are matched with now, oldest first."""
    stored = [row for row in _reference_rows(db, number) if retention_rows.read_times(db, row["number"])[0] > now]
    return (
        [row["id"] for row in stored],
        [unblob(row["vector"]) for row in stored],
        [row["camera"] for row in stored],
    )


def read_records(db: Database, files: GalleryFiles) -> Iterator[tuple[IdentityRecord, Iterator[ReferenceRecord]]]:
    """Yield everything the gallery holds: each identity with its references, read one at a time."""
    for row in db.query("SELECT number, id, name, created_at, updated_at FROM identities ORDER BY number"):
        number = row.pop("number")
        yield IdentityRecord(**row), (_record(db, files, reference) for reference in _reference_rows(db, number))


def insert_reference(db: Database, owner: int, folder: str, record: ReferenceRecord) -> int:
    """Add a reference with its samples to the identity of that row number; `folder` is where its crops are.

    Returns:
        The reference's row number.
    """
    clip = [record.clip_digest, record.clip_name]
    db.execute("INSERT OR IGNORE INTO clips (digest, name) VALUES (?, ?)", clip)
    columns = {
        "id": record.id,
        "identity_number": owner,
        "clip_number": db.execute("SELECT number FROM clips WHERE digest = ? AND name = ?", clip).fetchone()[0],
        "folder": folder,
        "first_frame": record.first_frame,
        "last_frame": record.last_frame,
        "created_at": record.created_at,
        "sample_count": record.template.sample_count,
        "model_id": record.template.model_id,
        "camera": record.camera,
        "vector": blob(record.template.vector),
    }
    number = rows.insert(db, "biometric_references", columns)
    # Numbers of samples in the trash are not given again, so that each can come back as what it was.
    sql = "SELECT max(coalesce(max(number), 0), (SELECT coalesce(max(number), 0) FROM trashed_samples)) FROM samples"
    last = int(db.execute(sql).fetchone()[0])
    sql = (
        "INSERT INTO samples (number, reference_number, name, quality, frame_index, embedding) "
        "VALUES (?, ?, ?, ?, ?, ?)"
    )
    for place, sample in enumerate(record.samples, start=last + 1):
        values = (sample.name, float(sample.quality), sample.frame_index, blob(sample.embedding))
        db.execute(sql, [place, number, *values])
    if record.basis is not None:
        basis_rows.insert_basis(db, number, record.basis)
    return number


def cameras(db: Database) -> list[str]:
    """Return the names of the cameras by which references were seen, in order; the unknown one is left out."""
    sql = "SELECT DISTINCT camera FROM biometric_references WHERE camera <> '' ORDER BY camera"
    return [str(row[0]) for row in db.execute(sql)]


def known_references(db: Database, reference_ids: Iterable[str]) -> set[str]:
    """Return which of these reference ids are in the gallery."""
    sql = "SELECT id FROM biometric_references WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0] for row in db.execute(sql, [json.dumps(list(reference_ids))])}


def all_ids(db: Database) -> set[str]:
    """Return the ids of all references, in place and in the trash."""
    sql = "SELECT id FROM biometric_references UNION ALL SELECT id FROM trashed_references"
    return {str(row[0]) for row in db.execute(sql)}


def reference_number(db: Database, reference_id: str) -> tuple[int, int]:
    """Return the row numbers of a reference and of the identity that has it. Raises `UnknownReference`."""
    sql = "SELECT number, identity_number FROM biometric_references WHERE id = ?"
    row = db.execute(sql, [reference_id]).fetchone() if OPAQUE_ID.fullmatch(reference_id) else None
    if row is None:
        raise UnknownReference("This reference is not in the gallery any more. Reload the list of references.")
    return int(row[0]), int(row[1])


def numbers_of_identity(db: Database, owner: int) -> list[int]:
    """Return the row numbers of an identity's references, oldest first."""
    sql = "SELECT number FROM biometric_references WHERE identity_number = ? ORDER BY number"
    return [int(row[0]) for row in db.execute(sql, [owner])]


def count_samples(db: Database, numbers: Iterable[int]) -> int:
    """Return how many samples these references have."""
    sql = "SELECT count(*) FROM samples WHERE reference_number IN (SELECT value FROM json_each(?))"
    return int(db.execute(sql, [json.dumps(list(numbers))]).fetchone()[0])


def sample_number(db: Database, reference: int, name: str) -> int:
    """Return the row number of a reference's sample. Raises `UnknownReference`."""
    sql = "SELECT number FROM samples WHERE reference_number = ? AND name = ?"
    row = db.execute(sql, [reference, name]).fetchone() if CROP_NAME.fullmatch(name) else None
    if row is None:
        raise UnknownReference("This reference has no such sample any more. Reload the list of references.")
    return int(row[0])


def embeddings(db: Database, reference: int, *, without: int) -> tuple[str, list[Vector]]:
    """Return a reference's model and the (D,) embeddings of its samples but one, in the order they were stored."""
    model_id = db.execute("SELECT model_id FROM biometric_references WHERE number = ?", [reference]).fetchone()[0]
    sql = "SELECT embedding FROM samples WHERE reference_number = ? AND number <> ? ORDER BY number"
    return str(model_id), [unblob(row[0]) for row in db.execute(sql, [reference, without])]


def reference_ids(db: Database, numbers: Iterable[int]) -> dict[int, str]:
    """Return the ids of the references with these row numbers."""
    sql = "SELECT number, id FROM biometric_references WHERE number IN (SELECT value FROM json_each(?))"
    return dict(db.execute(sql, [json.dumps(list(numbers))]).fetchall())


def has_template(db: Database, reference_id: str, template: Template) -> bool:
    """Return whether the reference of that id has this very template."""
    row = db.execute("SELECT vector FROM biometric_references WHERE id = ?", [reference_id]).fetchone()
    return row is not None and bytes(row[0]) == blob(template.vector)


def ids_anywhere(db: Database, numbers: Iterable[int]) -> list[str]:
    """Return the ids of the references with these row numbers, in place or in the trash, in order."""
    listed = json.dumps(list(numbers))
    tables = ("biometric_references", "trashed_references")
    sql = " UNION ".join(
        f"SELECT id FROM {table} WHERE number IN (SELECT value FROM json_each(?1))"  # noqa: S608 - constants
        for table in tables
    )
    return sorted(str(row[0]) for row in db.execute(sql, [listed]))


_REFERENCES = """
    SELECT r.*, c.digest AS clip_digest, c.name AS clip_name
    FROM biometric_references r JOIN clips c ON c.number = r.clip_number
"""


def _reference_rows(db: Database, number: int) -> Iterator[Row]:
    sql = _REFERENCES + "WHERE r.identity_number = ? ORDER BY r.number"
    reference_rows: Iterator[Row] = db.query(sql, [number])
    return reference_rows


def _reference(db: Database, files: GalleryFiles, row: Row) -> BiometricReference:
    sql = "SELECT name, quality FROM samples WHERE reference_number = ? ORDER BY frame_index, name"
    samples = db.execute(sql, [row["number"]]).fetchall()
    crops = tuple(files.crop(row["folder"], row["id"], name) for name, _ in samples)
    best = max(range(len(samples)), key=lambda position: samples[position][1], default=None)
    owner = db.execute("SELECT id FROM identities WHERE number = ?", [row["identity_number"]]).fetchone()[0]
    match_until, keep_until = retention_rows.read_times(db, row["number"])
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
        camera=row["camera"],
        basis=basis_rows.read_basis(db, row["number"]),
        match_until=match_until,
        keep_until=keep_until,
    )


def _template(row: Row) -> Template:
    try:
        return Template(unblob(row["vector"]), row["model_id"], row["sample_count"])
    except ValueError as error:
        raise GalleryCorrupt(
            "The gallery's database is damaged (a stored template cannot be read: {error}). Restore its "
            "folder from a backup, or import an export into a new gallery folder.",
            error=error,
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
        camera=row["camera"],
        basis=basis_rows.read_basis(db, row["number"]),
    )
