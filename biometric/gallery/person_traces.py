"""What rows and crops say of people who are to be erased: by what their traces are recognised elsewhere.

Works inside the caller's transaction, while the rows are still there.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from sqlite_utils import Database

from biometric.entities.erasure import Derivative, PersonTraces
from biometric.gallery import derivative_rows, erasure_rows, sighting_erasing, sighting_rows
from biometric.gallery.files import GalleryFiles

_LISTED = "(SELECT value FROM json_each(?))"
_TABLES = ("biometric_references", "trashed_references")


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """What people have in the gallery, enrolled and in the trash.

    Attributes:
        identity_ids, reference_ids, sighting_ids: opaque ids.
        created_at: when the first of them was enrolled; "" for nobody.
        vectors: of their references, samples and sightings, as they are stored.
        sightings: row numbers.
    """

    identity_ids: tuple[str, ...]
    reference_ids: tuple[str, ...]
    created_at: str
    vectors: tuple[bytes, ...]
    traces: PersonTraces
    sightings: tuple[int, ...] = ()
    sighting_ids: tuple[str, ...] = ()


def read_owned(
    db: Database, files: GalleryFiles, identities: Collection[int], references: Collection[int] = ()
) -> OwnedRows:
    """Return what these identities, and these references of others, have."""
    people = json.dumps(list(identities))
    ids: list[str] = []
    names: set[str] = set()
    created: list[str] = []
    for table in ("identities", "trashed_identities"):
        for row in db.execute(f"SELECT id, name, created_at FROM {table} WHERE number IN {_LISTED}", [people]):
            ids.append(row[0])
            names.add(row[1])
            created.append(row[2])
    sql = f"SELECT DISTINCT name FROM journal_people WHERE name IS NOT NULL AND identity_number IN {_LISTED}"
    names |= {str(row[0]) for row in db.execute(sql, [people])}
    numbers = [*references]
    for table in _TABLES:
        sql = f"SELECT number FROM {table} WHERE identity_number IN {_LISTED}"
        numbers += [int(row[0]) for row in db.execute(sql, [people])]
    reference_ids, vectors, crops, pictures = _of_references(db, files, numbers)
    sightings = sighting_erasing.sightings_of(db, identities, numbers if identities else ())
    sighting_ids = sighting_erasing.collect(db, files, sightings, vectors, crops, pictures)
    traces = PersonTraces(
        tuple(ids),
        tuple(sorted(names)),
        len(reference_ids),
        {digest: frozenset(found) for digest, found in crops.items()},
        frozenset(pictures),
        tuple(derivative_rows.read(db, derivative_rows.about(db, ids, crops if ids else {}))),
    )
    owned = tuple(ids), tuple(reference_ids), min(created, default=""), tuple(vectors), traces
    return OwnedRows(*owned, tuple(sightings), tuple(sighting_ids))


def _of_references(
    db: Database, files: GalleryFiles, numbers: Iterable[int]
) -> tuple[list[str], list[bytes], dict[str, set[str]], set[tuple[int, str]]]:
    """Return ids, vectors, crop names by clip digest, and (size, SHA-256) of crops, of references."""
    ids: list[str] = []
    vectors: list[bytes] = []
    crops: dict[str, set[str]] = defaultdict(set)
    pictures: set[tuple[int, str]] = set()
    for number in sorted(set(numbers)):
        for table in _TABLES:
            sql = (
                f"SELECT r.id, r.folder, r.vector, c.digest FROM {table} r JOIN clips c ON c.number = r.clip_number "
                "WHERE r.number = ?"
            )
            for reference_id, folder, vector, digest in db.execute(sql, [number]).fetchall():
                ids.append(reference_id)
                vectors.append(bytes(vector))
                for name, embedding in _samples(db, number):
                    vectors.append(embedding)
                    crops[digest].add(name)
                    crop = files.crop(folder, reference_id, name)
                    data = files.read_if_intact(crop) if crop.is_file() else b""
                    if data:
                        pictures.add((len(data), hashlib.sha256(data).hexdigest()))
    return ids, vectors, crops, pictures


def _samples(db: Database, reference: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for table in ("samples", "trashed_samples"):
        sql = f"SELECT name, embedding FROM {table} WHERE reference_number = ?"
        found += [(str(name), bytes(embedding)) for name, embedding in db.execute(sql, [reference])]
    return found


def begin_erasure(
    db: Database,
    files: GalleryFiles,
    now: str,
    identities: Collection[int],
    references: Collection[int] = (),
    *,
    by: str = "",
    expired: bool = False,
) -> tuple[bool, list[tuple[str, str]]]:
    """Store tombstones and certificate of people whose rows are about to be deleted, and mark what names them.

    Args:
        identities: row numbers.
        references: row numbers of references that are deleted although their person stays.

    Their sightings are deleted, and others do not say any more that they were compared with them.

    Returns:
        Whether files of the register are to be deleted after the commit, and where crops of sightings are.
    """
    owned = read_owned(db, files, identities, references)
    if not owned.identity_ids and not owned.reference_ids:
        return False, []
    opaque_ids = {
        erasure_rows.IDENTITY: owned.identity_ids,
        erasure_rows.REFERENCE: owned.reference_ids,
        erasure_rows.SIGHTING: owned.sighting_ids,
    }
    certificate = erasure_rows.new_certificate(db, now, opaque_ids, owned.vectors)
    samples = len(owned.vectors) - len(owned.reference_ids) - len(owned.sighting_ids)
    certificate = replace(
        certificate,
        by=by,
        expired=expired,
        pictures=tuple(sorted(digest for _, digest in owned.traces.pictures)),
        counts={
            "identities": len(owned.identity_ids),
            "references": len(owned.reference_ids),
            "samples": samples,
            **({"sightings": len(owned.sighting_ids)} if owned.sighting_ids else {}),
        },
    )
    erasure = erasure_rows.insert_erasure(db, certificate)
    numbers: list[int] = []
    if owned.identity_ids:
        crops = owned.traces.crops
        numbers = derivative_rows.about(db, owned.identity_ids, crops)
        derivative_rows.mark(db, numbers, erasure)
        handed_out = [item for item in _of_everybody(db) if item.written_at >= owned.created_at]
        listed = [file for item in handed_out for file in derivative_rows.handed_out(item)]
        erasure_rows.add_outcome(db, erasure, 0, listed)
        sighting_erasing.forget_people(db, [*identities])
    return bool(numbers), sighting_rows.delete_sightings(db, owned.sightings)


def _of_everybody(db: Database) -> list[Derivative]:
    return derivative_rows.read(db, derivative_rows.of_everybody(db))
