"""Helpers of the gallery's tests: references with real crop files, and the state of a folder that must hold."""

import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from biometric.entities import GivenBasis, NewReference, NewSample, Template
from biometric.entities.sighting_queries import SightingFilter
from biometric.gallery.repository import SQLiteGallery
from biometric.storage.sqlite_files import connect_database
from tests.lawful import TEST_BASIS

DIMENSION = 16
MODEL = "model-a"
JPEG = b"\xff\xd8\xff\xe0" + b"crop" * 50 + b"\xff\xd9"


def unit(seed: int, dimension: int = DIMENSION) -> np.ndarray:
    """A random direction, the same for the same seed."""
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def template(seed: int, model_id: str = MODEL, dimension: int = DIMENSION) -> Template:
    return Template(unit(seed, dimension), model_id, 2)


def reference(
    folder: Path, seed: int, model_id: str = MODEL, dimension: int = DIMENSION, samples: int = 2, marker: bytes = b""
) -> NewReference:
    """A reference whose vector is `unit(seed)`, with crops that really are in `folder`."""
    folder.mkdir(exist_ok=True)
    kept = []
    for frame in range(samples):
        source = folder / f"{seed}-{frame}.jpg"
        source.write_bytes(JPEG + marker + str((seed, frame)).encode())
        vector = unit(1000 * seed + frame, dimension)
        kept.append(NewSample(f"{frame:08d}_00.jpg", source, 0.5 + frame / 10, frame, vector))
    return NewReference(
        Template(unit(seed, dimension), model_id, max(1, samples)),
        tuple(kept),
        f"{seed:064x}",
        f"{seed}.mp4",
        0,
        9,
        given=GivenBasis(TEST_BASIS),
    )


def traces_in(gallery: SQLiteGallery, *traces: bytes) -> list[bytes]:
    """Those of these bytes that are in some file of the gallery.

    Opaque ids and digests (32 to 64 hexadecimal digits) stay in the audit trail by design: they count elsewhere only.
    """
    files = [path for path in gallery.folder.rglob("*") if path.is_file()]
    whole = b"".join(path.read_bytes() for path in files)
    database = gallery.folder / "gallery.sqlite3"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite3"
        shutil.copy(database, copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("DROP TRIGGER audit_records_are_not_deleted")
            connection.execute("DELETE FROM audit_records")
            connection.commit()
        rest = copy.read_bytes() + b"".join(path.read_bytes() for path in files if path != database)
    opaque = re.compile(rb"[0-9a-f]{32,64}")
    return [trace for trace in traces if trace in (rest if opaque.fullmatch(trace) else whole)]


def connected(gallery: SQLiteGallery) -> sqlite3.Connection:
    """A connection of its own to a gallery's database, encrypted or not."""
    return connect_database(gallery.folder / "gallery.sqlite3", 1.0, gallery.transactions.protection.database_key())


def trashed_crops(gallery: SQLiteGallery) -> set[Path]:
    """The files of all samples in the trash."""
    sql = """
        SELECT r.folder, r.id, s.name FROM trashed_samples s JOIN (SELECT number, folder, id FROM trashed_references
            UNION ALL SELECT number, folder, id FROM biometric_references) r ON r.number = s.reference_number
    """
    with closing(connected(gallery)) as connection:
        return {gallery.folder.joinpath(*place) for place in connection.execute(sql)}


def check(gallery: SQLiteGallery) -> dict[str, int]:
    """Assert that rows (also those in the trash) and files agree exactly; return the number of references by name."""
    people = gallery.identities()
    expected = {crop for one in people for held in gallery.references(one.id) for crop in held.crops}
    expected |= trashed_crops(gallery)
    kept, total = gallery.sightings.find(SightingFilter(limit=10_000))
    assert len(kept) == total
    expected |= {sighting.crop for sighting in kept if sighting.crop is not None}
    assert all(one.reference_count == len(gallery.references(one.id)) > 0 for one in people)
    assert all(crop.stat().st_size > 0 for crop in expected)
    files = {path for path in gallery.folder.rglob("*") if path.is_file()}
    own = {gallery.folder / name for name in ("gallery.sqlite3", "signing-key.pem", "encryption.json")}
    assert files - expected <= own, files - expected
    folders = {path for path in gallery.folder.rglob("*") if path.is_dir()} - {gallery.folder / ".pending"}
    assert folders == {parent for crop in expected for parent in (crop.parent, crop.parent.parent)}
    with closing(connected(gallery)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    return {one.name: one.reference_count for one in people}
