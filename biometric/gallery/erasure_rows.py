"""SQL about people who are gone: tombstones, by which an old export does not bring them back, and certificates.

A tombstone is a keyed digest of the opaque id of an identity or a reference: it holds no name and no template, and
says nothing to whoever does not have the id. Works inside the caller's transaction.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities.erasure import ErasureCertificate, UnreachedFile
from biometric.errors import GalleryCorrupt
from biometric.gallery import derivative_rows

IDENTITY, REFERENCE, TEMPLATE, SIGHTING = "identity", "reference", "template", "sighting"
_LISTED = "(SELECT value FROM json_each(?))"
VECTORS = (
    ("biometric_references", "vector"),
    ("trashed_references", "vector"),
    ("samples", "embedding"),
    ("trashed_samples", "embedding"),
    ("verdicts", "vector"),
    ("trashed_verdicts", "vector"),
    ("cohort_templates", "vector"),
    ("sightings", "vector"),
)
"""Tables and columns that hold vectors of people."""


def create_tables(db: Database) -> None:
    """Make the tables of the register, of tombstones and of certificates: a migration, which is never edited."""
    derivative_rows.create_tables(db)
    for statement in _TABLES.split(";;"):
        db.execute(statement)
    db.execute("INSERT INTO erasure_keys (key) VALUES (?)", [secrets.token_hex(32)])


_TABLES = """
CREATE TABLE erasure_keys (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
);;
CREATE TABLE erasures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    erased_at TEXT NOT NULL,
    document TEXT NOT NULL CHECK (typeof(document) = 'text')
);;
CREATE TABLE tombstones (
    digest TEXT PRIMARY KEY,
    erasure INTEGER NOT NULL REFERENCES erasures (number)
) WITHOUT ROWID;;
ALTER TABLE gallery ADD COLUMN restored TEXT NOT NULL DEFAULT ''
"""


def keyed_digest(key: str, kind: str, value: bytes) -> str:
    """Return the digest by which an id, or a stored vector, is recognised."""
    return hmac.new(bytes.fromhex(key), f"{kind}:".encode() + value, hashlib.sha256).hexdigest()


def keys(db: Database) -> list[str]:
    """Return the keys of digests, the gallery's own first; others came with tombstones of other galleries."""
    return [str(row[0]) for row in db.execute("SELECT key FROM erasure_keys ORDER BY number")]


def tombstone_of(db: Database, kind: str, opaque_id: str) -> int | None:
    """Return the number of the erasure that an identity or a reference went with, None where it was none."""
    for key in keys(db):
        digest = keyed_digest(key, kind, opaque_id.encode())
        row = db.execute("SELECT erasure FROM tombstones WHERE digest = ?", [digest]).fetchone()
        if row is not None:
            return int(row[0])
    return None


def has_tombstones(db: Database) -> bool:
    """Return whether anybody has one, so that others need not be asked for."""
    return db.execute("SELECT 1 FROM tombstones LIMIT 1").fetchone() is not None


def remove_tombstone(db: Database, kind: str, opaque_id: str) -> None:
    """Let an identity or a reference come back."""
    for key in keys(db):
        db.execute("DELETE FROM tombstones WHERE digest = ?", [keyed_digest(key, kind, opaque_id.encode())])


def insert_erasure(db: Database, certificate: ErasureCertificate) -> int:
    """Store a certificate with its tombstones; return its number."""
    row = {"id": certificate.id, "erased_at": certificate.erased_at, "document": _text(certificate)}
    number = int(str(db.table("erasures").insert(row).last_pk))
    for kind in (IDENTITY, REFERENCE, SIGHTING):
        for digest in certificate.digests.get(kind, ()):
            db.execute("INSERT OR REPLACE INTO tombstones (digest, erasure) VALUES (?, ?)", [digest, number])
    return number


def new_certificate(
    db: Database, now: str, opaque_ids: Mapping[str, Iterable[str]], vectors: Iterable[bytes]
) -> ErasureCertificate:
    """Return the certificate of people whose rows are still there; ids by their kind."""
    key = keys(db)[0]
    values = {kind: [opaque_id.encode() for opaque_id in ids] for kind, ids in opaque_ids.items()}
    values[TEMPLATE] = list(vectors)
    digests = {
        kind: tuple(sorted({keyed_digest(key, kind, value) for value in items})) for kind, items in values.items()
    }
    gallery_id = str(db.execute("SELECT id FROM gallery").fetchone()[0])
    return ErasureCertificate(uuid4().hex, gallery_id, now, digests=digests)


def read_erasures(db: Database) -> list[ErasureCertificate]:
    """Return all certificates, the latest first. Raises `GalleryCorrupt`."""
    sql = "SELECT document FROM erasures ORDER BY number DESC"
    return [_certificate(row[0]) for row in db.execute(sql)]


def read_erasure(db: Database, number: int) -> ErasureCertificate:
    """Return a certificate by its number. Raises `GalleryCorrupt`: there is none."""
    row = db.execute("SELECT document FROM erasures WHERE number = ?", [number]).fetchone()
    return _certificate(None if row is None else row[0])


def latest_number(db: Database) -> int:
    """Return the number of the latest erasure, 0 without one."""
    return int(db.execute("SELECT coalesce(max(number), 0) FROM erasures").fetchone()[0])


def add_outcome(db: Database, number: int, deleted: int, unreached: Iterable[UnreachedFile]) -> None:
    """Write down in a certificate how many files were deleted, and which were not."""
    certificate = read_erasure(db, number)
    counts = {**certificate.counts, "files": certificate.counts.get("files", 0) + deleted}
    known = {(file.path, file.digest) for file in certificate.unreached}
    added = tuple(file for file in unreached if (file.path, file.digest) not in known)
    update(db, replace(certificate, counts=counts, unreached=certificate.unreached + added))


def update(db: Database, certificate: ErasureCertificate) -> None:
    """Store a certificate anew."""
    db.execute("UPDATE erasures SET document = ? WHERE id = ?", [_text(certificate), certificate.id])


def count_remains(db: Database, certificate: ErasureCertificate, answered: Iterable[str]) -> dict[str, int]:
    """Return how many identities, references and templates of a certificate are here."""
    wanted = {kind: set(certificate.digests.get(kind, ())) for kind in (IDENTITY, REFERENCE, TEMPLATE, SIGHTING)}
    known = keys(db)

    def is_wanted(kind: str, value: bytes) -> bool:
        return any(keyed_digest(key, kind, value) in wanted[kind] for key in known)

    ids = [kind for kind, opaque_id in stored_ids(db) if is_wanted(kind, opaque_id.encode())]
    templates = sum(is_wanted(TEMPLATE, vector) for vector in _stored_vectors(db)) if wanted[TEMPLATE] else 0
    answers = sum(is_wanted(IDENTITY, identity_id.encode()) for identity_id in answered)
    counts = {"identities": ids.count(IDENTITY), "references": ids.count(REFERENCE)}
    return {**counts, "templates": templates, "answers": answers, "sightings": ids.count(SIGHTING)}


def _stored_vectors(db: Database) -> Iterator[bytes]:
    for table, column in VECTORS:
        for (vector,) in db.execute(f"SELECT {column} FROM {table}"):
            yield bytes(vector)


def stored_ids(db: Database) -> Iterator[tuple[str, str]]:
    """Yield (kind, id) of every identity and reference, in place and in the trash, and of every sighting."""
    places = (
        (IDENTITY, "identities"),
        (IDENTITY, "trashed_identities"),
        (REFERENCE, "biometric_references"),
        (REFERENCE, "trashed_references"),
        (SIGHTING, "sightings"),
    )
    for kind, table in places:
        for (opaque_id,) in db.execute(f"SELECT id FROM {table}"):
            yield kind, str(opaque_id)


def _text(certificate: ErasureCertificate) -> str:
    return json.dumps(certificate.as_dict(), ensure_ascii=False)


def _certificate(document: str | None) -> ErasureCertificate:
    try:
        return ErasureCertificate.from_dict(json.loads(document or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryCorrupt(
            "The gallery's database is damaged (a certificate of erasure cannot be read: {error}). Restore its folder "
            "from a backup, or import an export into a new gallery folder.",
            error=error,
        ) from error
