"""SQL that reads sightings, with whose they are. Works inside the caller's transaction; see `sighting_schema`."""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from biometric.entities.adaptation import ScoreAdaptation
from biometric.entities.decisions import Decision, RateKind, Threshold, ThresholdSource
from biometric.entities.life_cycle import BasisRecord, EnrollmentBasis, EntryPoint, LegalBasis
from biometric.entities.links import Stretch
from biometric.entities.people import Template
from biometric.entities.picture_detail import PictureDetail
from biometric.entities.sightings import ClipTime, Naming, Sighting, SightingDecision, TimeSource
from biometric.entities.verdicts import ProbeRecord, VerdictWord
from biometric.errors import GalleryCorrupt
from biometric.gallery.files import GalleryFiles
from biometric.gallery.reference_rows import unblob
from biometric.gallery.sighting_rows import HELD, LISTED
from biometric.gallery.verdict_rows import unpacked_track

ENROLLED = """(SELECT max(r.identity_number) FROM sighting_references l
    JOIN biometric_references r ON r.number = l.reference_number WHERE l.sighting_number = s.number)"""
CONFIRMED = f"""(SELECT v.identity_number FROM sighting_verdicts l JOIN verdicts v ON v.number = l.verdict_number
    JOIN identities i ON i.number = v.identity_number
    WHERE l.sighting_number = s.number AND v.word = '{VerdictWord.CONFIRMED.value}' ORDER BY v.number DESC LIMIT 1)"""
MERGED = """coalesce((SELECT coalesce(u.merged_into, t.merged_into) FROM trashed_identities t
    LEFT JOIN trashed_identities u ON u.number = t.merged_into WHERE t.number = s.identity_number),
    s.identity_number)"""
"""Whom the machine identified, as who they were merged into, at most twice; the trash forgets it with the merge."""
IDENTIFIED = f"""(SELECT i.number FROM identities i WHERE s.identity_number IS NOT NULL AND i.number = {MERGED}
    AND NOT EXISTS (SELECT 1 FROM sighting_verdicts l JOIN verdicts v ON v.number = l.verdict_number
        WHERE l.sighting_number = s.number AND v.word = '{VerdictWord.WRONG.value}'
        AND v.identity_number = i.number))"""
WHO = f"coalesce({ENROLLED}, {CONFIRMED}, {IDENTIFIED})"
"""The row number of the enrolled identity that a sighting `s` is of, or NULL."""

_READ = f"""
    SELECT s.*, a.clip_name, a.clip_id, a.begins_at AS clip_begins_at, a.time_source, a.zone_assumed, a.analysed_at,
        a.legal_basis, a.purpose, a.responsible, a.note, a.entry_point,
        {ENROLLED} AS enrolled, {CONFIRMED} AS confirmed, {IDENTIFIED} AS identified
    FROM sightings s JOIN analyses a ON a.number = s.analysis_number
"""

Row = dict[str, Any]


def numbers_of(db: Database, sighting_ids: Collection[str]) -> dict[str, int]:
    """Return the row numbers of those of these ids that are there."""
    sql = f"SELECT id, number FROM sightings WHERE id IN {LISTED}"
    return {str(row[0]): int(row[1]) for row in db.execute(sql, [json.dumps(list(sighting_ids))])}


def read_sightings(db: Database, files: GalleryFiles, numbers: Collection[int]) -> dict[int, Sighting]:
    """Return the sightings of these row numbers that are there."""
    listed = json.dumps(list(numbers))
    stored = list(db.query(f"{_READ} WHERE s.number IN {LISTED}", [listed]))
    people = {row[column] for row in stored for column in _PEOPLE} - {None}
    ids = dict(db.execute(f"SELECT number, id FROM identities WHERE number IN {LISTED}", [json.dumps(sorted(people))]))
    partners, refused = partners_of(db, numbers), not_people(db, numbers)
    return {
        row["number"]: _sighting(row, files, ids, partners[row["number"]], refused[row["number"]]) for row in stored
    }


_PEOPLE = ("enrolled", "confirmed", "identified", "identity_number", "candidate_number")


def partners_of(db: Database, numbers: Collection[int]) -> dict[int, list[str]]:
    """Return the ids of the sightings that were in view at once with each of these."""
    found: dict[int, list[str]] = defaultdict(list)
    listed = json.dumps(list(numbers))
    for own, other in (("first_number", "second_number"), ("second_number", "first_number")):
        sql = f"SELECT p.{own}, s.id FROM sighting_pairs p JOIN sightings s ON s.number = p.{other} WHERE p.{own} IN "
        for number, sighting_id in db.execute(f"{sql}{LISTED} ORDER BY s.number", [listed]):
            found[number].append(sighting_id)
    return found


def not_people(db: Database, numbers: Collection[int]) -> dict[int, set[str]]:
    """Return the ids of the identities that each of these sightings was said not to be."""
    sql = (
        "SELECT l.sighting_number, i.id FROM sighting_verdicts l JOIN verdicts v ON v.number = l.verdict_number "
        f"JOIN identities i ON i.number = v.identity_number WHERE v.word = ? AND l.sighting_number IN {LISTED}"
    )
    found: dict[int, set[str]] = defaultdict(set)
    for number, identity_id in db.execute(sql, [VerdictWord.WRONG.value, json.dumps(list(numbers))]):
        found[number].add(identity_id)
    return found


def probes_of_clip(db: Database, digest: str) -> Iterator[tuple[int, int, ProbeRecord]]:
    """Yield number, analysis and probe of each sighting of a clip."""
    sql = (
        "SELECT s.*, a.clip_name FROM sightings s JOIN analyses a ON a.number = s.analysis_number "
        "WHERE s.clip_digest = ? ORDER BY s.number"
    )
    for row in list(db.query(sql, [digest])):
        yield row["number"], row["analysis_number"], _probe(row)


def _sighting(
    row: Row, files: GalleryFiles, ids: Mapping[int, str], partners: Iterable[str], refused: Iterable[str]
) -> Sighting:
    try:
        named = {
            Naming.ENROLLED: row["enrolled"],
            Naming.CONFIRMED: row["confirmed"],
            Naming.IDENTIFIED: row["identified"],
        }
        naming = next((way for way, number in named.items() if number is not None), Naming.NOBODY)
        crop = files.crop(row["folder"], row["id"], row["crop"]) if row["crop"] else None
        begins = datetime.fromisoformat(row["clip_begins_at"]) if row["clip_begins_at"] else None
        basis = EnrollmentBasis(LegalBasis(row["legal_basis"]), row["purpose"], row["responsible"], row["note"])
        return Sighting(
            id=row["id"],
            clip_digest=row["clip_digest"],
            clip_name=row["clip_name"],
            clip_id=row["clip_id"],
            camera=row["camera"],
            time=ClipTime(begins, TimeSource(row["time_source"]), bool(row["zone_assumed"])),
            stretches=tuple(Stretch(*item) for item in json.loads(row["stretches"])),
            probe=_probe(row),
            crop=crop if crop is not None and crop.is_file() else None,
            decision=_decision(row, ids),
            detail=None
            if row["height"] is None
            else PictureDetail(row["height"], row["sharpness"], row["detail_samples"]),
            identity_id=ids.get(named.get(naming) or 0),
            naming=naming,
            not_people=frozenset(refused),
            seen_at_once=tuple(partners),
            kept_at=row["kept_at"],
            keep_until="" if row["keep_until"] == HELD else row["keep_until"],
            basis=BasisRecord(basis, row["analysed_at"], EntryPoint(row["entry_point"])),
        )
    except (TypeError, ValueError) as error:
        raise _damaged(error) from error


def _decision(row: Row, ids: Mapping[int, str]) -> SightingDecision | None:
    if not row["decision"]:
        return None
    threshold = Threshold(
        row["threshold"],
        ThresholdSource(row["threshold_source"]),
        rate=row["rate"],
        rate_kind=RateKind(row["rate_kind"]),
        calibrated_on=row["calibrated_on"],
        adaptation=ScoreAdaptation.read(row["adaptation"]),
    )
    found, candidate = (ids.get(row[name] or 0) for name in ("identity_number", "candidate_number"))
    return SightingDecision(Decision(row["decision"]), found, candidate, row["score"], row["margin"], threshold)


def _probe(row: Row) -> ProbeRecord:
    try:
        frames, box_indices, boxes = unpacked_track(row["track"])
        template = Template(unblob(row["vector"]), row["model_id"], row["sample_count"])
        return ProbeRecord(row["clip_digest"], row["clip_name"], row["person"], frames, box_indices, boxes, template)
    except (TypeError, ValueError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> GalleryCorrupt:
    return GalleryCorrupt(
        "The gallery's database is damaged (a sighting cannot be read: {error}). Restore its folder from a backup.",
        error=error,
    )
