"""SQL that reads everything a gallery holds about one person, for that person. Works inside the caller's transaction.

Other people are left out: of whoever was compared, seen or changed together with the person only how many they were.
`TABLES` says of each table where it is in the report, or why not; a test compares it with the schema.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from sqlite_utils import Database

from biometric.entities.erasure import Derivative
from biometric.entities.subject_parts import IN_REPORT, SubjectItem, SubjectPart, SubjectPicture, template_item
from biometric.gallery import (
    basis_rows,
    derivative_rows,
    person_traces,
    retention_rows,
    subject_sightings,
    subject_trail,
    verdict_rows,
)
from biometric.gallery.files import GalleryFiles
from biometric.gallery.reference_rows import unblob

_LISTED = "(SELECT value FROM json_each(?))"
TABLES: Final[Mapping[str, str]] = {
    "identities": IN_REPORT + "identity",
    "trashed_identities": IN_REPORT + "identity",
    "biometric_references": IN_REPORT + "references",
    "trashed_references": IN_REPORT + "references",
    "clips": IN_REPORT + "references",
    "samples": IN_REPORT + "references",
    "trashed_samples": IN_REPORT + "references",
    "reference_bases": IN_REPORT + "references",
    "reference_times": IN_REPORT + "references",
    "analyses": IN_REPORT + "sightings",
    "sightings": IN_REPORT + "sightings",
    "sighting_pairs": IN_REPORT + "sightings",
    "sighting_references": IN_REPORT + "sightings",
    "sighting_verdicts": IN_REPORT + "sightings",
    "sighting_groups": IN_REPORT + "sightings",
    "grouped_sightings": IN_REPORT + "sightings",
    "verdicts": IN_REPORT + "verdicts",
    "trashed_verdicts": IN_REPORT + "verdicts",
    "journal": IN_REPORT + "history",
    "journal_people": IN_REPORT + "history",
    "audit_records": IN_REPORT + "audit",
    "retention": IN_REPORT + "retention",
    "person_retention": IN_REPORT + "retention",
    "derivatives": IN_REPORT + "files",
    "derivative_files": IN_REPORT + "files",
    "derivative_people": IN_REPORT + "files",
    "gallery": "the id of the gallery, and a count of its changes",
    "changes": "which rows an index has to read again, by number",
    "sighting_changes": "which rows an index has to read again, by number",
    "different_groups": "which unknown people somebody said to be different: about others as much",
    "calibrations": "numbers that were fitted over everybody, from which nobody can be told",
    "calibrations_in_force": "which calibration is in force",
    "learnt_cameras": "means over five people or more",
    "cohorts": "of templates of strangers",
    "cohort_templates": "templates of strangers, with no name: erasing somebody deletes those that are like theirs",
    "default_basis": "what enrollments rest on, of nobody in particular; that of each reference is in the report",
    "audit_head": "the signed end of the audit trail",
    "export_signers": "keys of other galleries",
    "erasures": "certificates of people who were erased",
    "erasure_keys": "keys of the digests in certificates",
    "tombstones": "keyed digests of people who were erased",
}
"""Of each table of a gallery, the section of the report, or why it is not there."""


def read_person(db: Database, files: GalleryFiles, identities: list[int], encrypted: bool) -> SubjectPart:
    """Return what is held about the identities of these row numbers, the first of which is the person's own."""
    owned = person_traces.read_owned(db, files, identities)
    persons = people(db, identities)
    references, pictures = _references(db, files, identities)
    sightings, seen = subject_sightings.read(db, files, identities)
    derivatives = [*owned.traces.derivatives]
    everybody = derivative_rows.read(db, derivative_rows.of_everybody(db))
    derivatives += [item for item in everybody if item.written_at >= owned.created_at]
    reference_ids = frozenset(owned.reference_ids)
    sections = {
        "identity": tuple(persons),
        "references": tuple(references),
        "sightings": tuple(sightings),
        "comparisons": tuple(subject_sightings.compared(db, identities)),
        "verdicts": tuple(_verdicts(db, identities)),
        "history": tuple(subject_trail.history(db, identities)),
        "audit": tuple(subject_trail.audit(db, frozenset(owned.identity_ids), reference_ids)),
        "retention": (_retention(db, identities),),
        "files": tuple(map(file_item, derivatives)),
    }
    return SubjectPart(persons[0]["name"], sections, (*pictures, *seen), encrypted)


def file_item(derivative: Derivative) -> SubjectItem:
    """Return a line of the register, without paths, which may name others."""
    files = [
        {"ending": path.suffix, "sha256": digest, "still_there": path.is_file()}
        for path, digest in derivative.files.items()
    ]
    return {
        "what": derivative.kind.value,
        "written_at": derivative.written_at,
        "holds_everybody": derivative.everybody,
        "files": files,
    }


def people(db: Database, identities: list[int]) -> list[dict[str, Any]]:
    """Return what is stored of these identities themselves, enrolled or in the trash, in this order."""
    listed = json.dumps(identities)
    found: dict[int, dict[str, Any]] = {}
    sql = f"SELECT number, id, name, created_at, updated_at FROM identities WHERE number IN {_LISTED}"
    for number, *values in db.execute(sql, [listed]):
        found[number] = {**_identity(*values), "in_trash": False}
    sql = (
        "SELECT t.number, t.id, t.name, t.created_at, t.updated_at, j.changed_at, j.expires_at, "
        "(SELECT id FROM identities WHERE number = t.merged_into UNION ALL "
        "SELECT id FROM trashed_identities WHERE number = t.merged_into) "
        f"FROM trashed_identities t JOIN journal j ON j.id = t.change WHERE t.number IN {_LISTED}"
    )
    for number, *values, since, until, merged in db.execute(sql, [listed]):
        trash = {"in_trash": True, "merged_into": merged, "in_trash_since": since, "in_trash_until": until}
        found[number] = {**_identity(*values), **trash}
    return [found[number] for number in identities if number in found]


def _identity(identity_id: str, name: str, created: str, updated: str) -> dict[str, Any]:
    return {"id": identity_id, "name": name, "created_at": created, "changed_at": updated}


def _references(
    db: Database, files: GalleryFiles, identities: Collection[int]
) -> tuple[list[SubjectItem], list[SubjectPicture]]:
    items: list[SubjectItem] = []
    pictures: list[SubjectPicture] = []
    for row in _reference_rows(db, identities):
        samples = list(_samples(db, row["number"]))
        for sample in samples:
            picture = subject_sightings.crop_picture(files, files.crop(row["folder"], row["id"], sample["file"]))
            sample["picture"] = picture.name
            pictures.append(picture)
        items.append(_reference(db, row, samples))
    return items, pictures


def _reference(db: Database, row: Mapping[str, Any], samples: list[dict[str, Any]]) -> SubjectItem:
    match_until, keep_until = retention_rows.read_times(db, row["number"])
    basis = basis_rows.read_basis(db, row["number"])
    captured = subject_sightings.captured(db, row["digest"])
    return {
        "id": row["id"],
        "enrolled_at": row["created_at"],
        "basis": subject_sightings.basis_item(basis),
        "clip_name": row["name"],
        "clip_sha256": row["digest"],
        "first_frame": row["first_frame"],
        "last_frame": row["last_frame"],
        "camera": row["camera"],
        **captured,
        "match_until": match_until,
        "keep_until": keep_until,
        "in_trash": bool(row["trashed"]),
        "in_trash_until": row["expires_at"],
        "template": template_item(row["model_id"], row["sample_count"], unblob(row["vector"])),
        "samples": samples,
    }


def _reference_rows(db: Database, identities: Collection[int]) -> Iterator[Mapping[str, Any]]:
    columns = "r.number, r.id, r.folder, r.first_frame, r.last_frame, r.created_at, r.sample_count, r.model_id"
    columns += ", r.vector, r.camera, c.digest, c.name"
    listed = json.dumps(list(identities))
    for table, trash, join in (
        ("biometric_references", "0 AS trashed, NULL AS expires_at", ""),
        ("trashed_references", "1 AS trashed, j.expires_at", "JOIN journal j ON j.id = r.change"),
    ):
        sql = f"SELECT {columns}, {trash} FROM {table} r JOIN clips c ON c.number = r.clip_number {join} "
        yield from list(db.query(f"{sql} WHERE r.identity_number IN {_LISTED} ORDER BY r.number", [listed]))


def _samples(db: Database, reference: int) -> Iterator[dict[str, Any]]:
    for table, trashed in (("samples", False), ("trashed_samples", True)):
        sql = f"SELECT name, quality, frame_index, embedding FROM {table} WHERE reference_number = ? ORDER BY number"
        for name, quality, frame, embedding in db.execute(sql, [reference]).fetchall():
            yield {
                "file": name,
                "frame": frame,
                "quality": quality,
                "in_trash": trashed,
                "vector": unblob(embedding),
            }


def _verdicts(db: Database, identities: Collection[int]) -> Iterator[SubjectItem]:
    """Yield what was said of comparisons with the person; footage and template only where it is the person's."""
    listed = json.dumps(list(identities))
    for table in verdict_rows.TABLES:
        for row in list(db.query(f"SELECT * FROM {table} WHERE identity_number IN {_LISTED}", [listed])):
            item = {
                "said": row["word"],
                "said_at": row["created_at"],
                "asked": row["purpose"],
                "decision": row["decision"],
                "score": row["score"],
                "threshold": row["threshold"],
                "in_trash": table != "verdicts",
            }
            if row["word"] == "confirmed":
                item |= {"clip_name": row["clip_name"], "clip_sha256": row["clip_digest"]}
                item |= subject_sightings.track_item(row["track"])
                item["template"] = template_item(row["model_id"], row["sample_count"], unblob(row["vector"]))
            yield item


def _retention(db: Database, identities: list[int]) -> SubjectItem:
    everybody = retention_rows.read_retention(db)
    sql = (
        "SELECT matching_days, keeping_days, held_since, hold_reason FROM person_retention "
        f"WHERE identity_number IN {_LISTED} ORDER BY held_since DESC LIMIT 1"
    )
    row = db.execute(sql, [json.dumps(identities)]).fetchone() or (None, None, "", "")
    return {
        "matching_days": everybody.matching_days if row[0] is None else row[0],
        "keeping_days": everybody.keeping_days if row[1] is None else row[1],
        "own_days": row[0] is not None or row[1] is not None,
        "legal_hold_since": row[2] or None,
        "legal_hold_reason": row[3],
    }
