"""What erasing people does to sightings. Works inside the caller's transaction, while the rows are still there."""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from biometric.gallery import erasure_rows, sighting_links, verdict_rows
from biometric.gallery.files import GalleryFiles
from biometric.gallery.sighting_reading import probes_of_clip
from biometric.gallery.sighting_rows import LISTED


def sightings_of(db: Database, identities: Collection[int], references: Collection[int]) -> list[int]:
    """Return the sightings of identities, and those that show who these references show: in doubt they go, too."""
    found = set(sighting_links.numbers_of_people(db, identities))
    alike = {
        number
        for digest, boxes, template in verdict_rows.shown(db, references)
        for number, _, probe in probes_of_clip(db, digest)
        if number not in found and verdict_rows.may_show(probe, digest, boxes, template)
    }
    return sorted(found | (alike - sighting_links.owners(db, alike).keys()))


def collect(
    db: Database,
    files: GalleryFiles,
    numbers: Collection[int],
    vectors: list[bytes],
    crops: dict[str, set[str]],
    pictures: set[tuple[int, str]],
) -> list[str]:
    """Add vectors, crop names by clip digest, and (size, SHA-256) of crops of sightings; return their ids."""
    ids = []
    sql = f"SELECT id, folder, crop, clip_digest, vector FROM sightings WHERE number IN {LISTED} ORDER BY number"
    for sighting_id, folder, crop, digest, vector in db.execute(sql, [json.dumps(list(numbers))]).fetchall():
        ids.append(str(sighting_id))
        vectors.append(bytes(vector))
        if crop:
            crops[digest].add(crop)
            path = files.crop(folder, sighting_id, crop)
            data = files.read_if_intact(path) if path.is_file() else b""
            if data:
                pictures.add((len(data), hashlib.sha256(data).hexdigest()))
    return ids


def write_tombstones(db: Database, files: GalleryFiles, numbers: Collection[int], now: str) -> None:
    """Store a certificate of sightings that are about to be deleted by themselves: no backup brings them back."""
    vectors: list[bytes] = []
    pictures: set[tuple[int, str]] = set()
    ids = collect(db, files, numbers, vectors, defaultdict(set), pictures)
    certificate = erasure_rows.new_certificate(db, now, {erasure_rows.SIGHTING: ids}, vectors)
    digests = tuple(sorted(digest for _, digest in pictures))
    erasure_rows.insert_erasure(db, replace(certificate, pictures=digests, counts={"sightings": len(ids)}))


def forget_people(db: Database, identities: Collection[int]) -> None:
    """Let the sightings that stay say nothing of identities that are gone, whom they were compared with."""
    listed: list[Any] = [json.dumps(list(identities))]
    db.execute(f"UPDATE sightings SET identity_number = NULL WHERE identity_number IN {LISTED}", listed)
    db.execute(
        f"UPDATE sightings SET candidate_number = NULL, score = NULL, margin = NULL WHERE candidate_number IN {LISTED}",
        listed,
    )
