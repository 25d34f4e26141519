"""SQL that writes analyses and sightings. Works inside the caller's transaction; see `sighting_schema`."""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from biometric.entities.life_cycle import BasisRecord
from biometric.entities.names import clean_label
from biometric.entities.sightings import NewAnalysis, NewSighting, SightingDecision
from biometric.gallery import rows
from biometric.gallery.records import stored_time
from biometric.gallery.reference_rows import blob
from biometric.gallery.verdict_rows import packed_track

LISTED = "(SELECT value FROM json_each(?))"
HELD = "~"
"""A `keep_until` later than any time."""


def store_analysis(db: Database, analysis_id: str, analysis: NewAnalysis, basis: BasisRecord) -> int:
    """Add an analysis, or renew the one of the same clip, frames and settings; return its row number."""
    begins = analysis.time.begins_at
    columns: dict[str, Any] = {
        "clip_digest": analysis.clip_digest,
        "clip_name": clean_label(analysis.clip_name),
        "clip_id": analysis.clip_id,
        "camera": analysis.camera,
        "begins_at": "" if begins is None else begins.isoformat(timespec="milliseconds"),
        "time_source": analysis.time.source.value,
        "zone_assumed": int(analysis.time.zone_assumed),
        "first_frame": analysis.frames.first,
        "last_frame": analysis.frames.last,
        "model_id": analysis.model_id,
        "made_with": analysis.made_with,
        "analysed_at": basis.recorded_at,
        "legal_basis": basis.basis.legal_basis.value,
        "purpose": basis.basis.purpose,
        "responsible": basis.basis.responsible,
        "note": basis.basis.note,
        "entry_point": basis.entry_point.value,
    }
    sql = (
        "SELECT number FROM analyses WHERE clip_digest = ? AND first_frame = ? AND last_frame = ? AND model_id = ? "
        "AND made_with = ?"
    )
    key = [columns[name] for name in ("clip_digest", "first_frame", "last_frame", "model_id", "made_with")]
    same = db.execute(sql, key).fetchone()
    if same is None:
        return rows.insert(db, "analyses", {"id": analysis_id, **columns})
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE analyses SET {names} WHERE number = ?", [*columns.values(), same[0]])
    return int(same[0])


def insert_sighting(db: Database, analysis: tuple[int, str], sighting_id: str, columns: Mapping[str, Any]) -> int:
    """Add a sighting to an analysis (row number, id); return its row number. `columns`: of `sighting_columns`."""
    return rows.insert(
        db, "sightings", {"id": sighting_id, "analysis_number": analysis[0], "folder": analysis[1], **columns}
    )


def update_sighting(db: Database, number: int, columns: Mapping[str, Any]) -> None:
    """Set columns of a sighting."""
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE sightings SET {names} WHERE number = ?", [*columns.values(), number])


def sighting_columns(db: Database, analysis: NewAnalysis, person: NewSighting) -> dict[str, Any]:
    """Return what is stored of a new sighting, but its place and its times of keeping."""
    begins = analysis.time.at(person.stretches[0].first_seconds)
    ends = analysis.time.at(person.stretches[-1].last_seconds)
    stretches = [
        (item.first_frame, item.last_frame, item.first_seconds, item.last_seconds) for item in person.stretches
    ]
    template, detail = person.probe.template, person.detail
    return {
        "person": person.person,
        "camera": analysis.camera,
        "clip_digest": analysis.clip_digest,
        "begins_at": "" if begins is None else stored_time(begins),
        "ends_at": "" if ends is None else stored_time(ends),
        "stretches": json.dumps(stretches),
        "track": packed_track(person.probe),
        "model_id": template.model_id,
        "sample_count": template.sample_count,
        "vector": blob(template.vector),
        "crop": person.crop_name,
        "height": None if detail is None else detail.height,
        "sharpness": None if detail is None else detail.sharpness,
        "detail_samples": None if detail is None else detail.samples,
        **decision_columns(db, person.decision),
    }


def decision_columns(db: Database, decision: SightingDecision | None) -> dict[str, Any]:
    """Return how a decision is stored; who is not enrolled any more is nobody."""
    if decision is None:
        return {
            **dict.fromkeys(("identity_number", "candidate_number", "score", "margin", "threshold", "rate")),
            **dict.fromkeys(("decision", "threshold_source", "rate_kind", "calibrated_on", "adaptation"), ""),
        }
    threshold = decision.threshold
    found, candidate = (
        None if item is None else rows.number_by_id(db, item) for item in (decision.identity_id, decision.candidate_id)
    )
    return {
        "decision": decision.decision.value,
        "identity_number": found,
        "candidate_number": candidate,
        "score": decision.score,
        "margin": decision.margin,
        "threshold": threshold.value,
        "threshold_source": threshold.source.value,
        "rate": threshold.rate,
        "rate_kind": threshold.rate_kind.value,
        "calibrated_on": threshold.calibrated_on,
        "adaptation": str(threshold.adaptation),
    }


def insert_pairs(db: Database, pairs: Iterable[tuple[int, int]]) -> None:
    """Say which sightings were in view at once."""
    for first, second in pairs:
        low, high = sorted((first, second))
        sql = (
            "INSERT INTO sighting_pairs (first_number, second_number) VALUES (?, ?) "
            "ON CONFLICT (first_number, second_number) DO NOTHING"
        )
        if low != high:
            db.execute(sql, [low, high])


def delete_sightings(db: Database, numbers: Collection[int]) -> list[tuple[str, str]]:
    """Delete sightings, and analyses without any; return where crops are to be deleted after the commit."""
    listed = [json.dumps(list(numbers))]
    places = db.execute(f"SELECT folder, id FROM sightings WHERE number IN {LISTED}", listed).fetchall()
    analyses = db.execute(f"SELECT DISTINCT analysis_number FROM sightings WHERE number IN {LISTED}", listed).fetchall()
    db.execute(f"DELETE FROM sightings WHERE number IN {LISTED}", listed)
    delete_empty_analyses(db, [int(row[0]) for row in analyses])
    return [(str(folder), str(sighting)) for folder, sighting in places]


def delete_empty_analyses(db: Database, numbers: Collection[int]) -> None:
    """Delete those of these analyses that have no sightings."""
    db.execute(
        f"DELETE FROM analyses WHERE number IN {LISTED} "
        "AND NOT EXISTS (SELECT 1 FROM sightings s WHERE s.analysis_number = analyses.number)",
        [json.dumps(list(numbers))],
    )


def revision(db: Database) -> int:
    """Return a number that rises with each sighting that is added, changed or deleted; 0 before the first."""
    return int(db.execute("SELECT coalesce(max(revision), 0) FROM sighting_changes").fetchone()[0])
