"""SQL that reads the sightings of one person, for that person: those that are certainly theirs.

Sightings that only may show them, which erasing deletes, too, may as well show somebody else: they are not read.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from biometric.entities.life_cycle import BasisRecord
from biometric.entities.sightings import Sighting
from biometric.entities.subject_parts import SubjectItem, SubjectPicture, template_item
from biometric.gallery import group_rows, sighting_links, sighting_reading
from biometric.gallery.files import GalleryFiles
from biometric.gallery.sighting_rows import LISTED
from biometric.gallery.verdict_rows import unpacked_track


def read(
    db: Database, files: GalleryFiles, identities: Collection[int]
) -> tuple[list[SubjectItem], list[SubjectPicture]]:
    """Return the sightings of these identities, and their pictures."""
    numbers = sighting_links.numbers_of_people(db, identities)
    groups = group_rows.groups_of(db, numbers)
    items: list[SubjectItem] = []
    pictures: list[SubjectPicture] = []
    for number, sighting in sighting_reading.read_sightings(db, files, numbers).items():
        item = _item(sighting)
        if sighting.crop is not None:
            pictures.append(crop_picture(files, sighting.crop))
            item["picture"] = pictures[-1].name
        group = groups.get(number)
        if group is not None:
            state = group_rows.state_of(db, group)
            item |= {"group": group, "group_state": None if state is None else state.value}
        items.append(item)
    return items, pictures


def compared(db: Database, identities: Collection[int]) -> Iterator[SubjectItem]:
    """Yield with which scores the person was the closest to somebody else who was seen; not who, where or when."""
    own = set(sighting_links.numbers_of_people(db, identities))
    sql = (
        "SELECT number, score, threshold, decision, model_id, kept_at FROM sightings "
        f"WHERE candidate_number IN {LISTED} ORDER BY number"
    )
    for number, score, threshold, decision, model, kept in db.execute(sql, [json.dumps(list(identities))]).fetchall():
        if number not in own:
            yield {
                "compared_at": kept,
                "score": score,
                "threshold": threshold,
                "decision": decision,
                "model": model,
            }


def captured(db: Database, digest: str) -> dict[str, Any]:
    """Return when a clip was recorded, as far as an analysis of it knows."""
    sql = "SELECT begins_at, time_source FROM analyses WHERE clip_digest = ? AND begins_at <> '' ORDER BY number DESC"
    row = db.execute(f"{sql} LIMIT 1", [digest]).fetchone()
    return {"captured_at": None if row is None else row[0], "captured_by": None if row is None else row[1]}


def crop_picture(files: GalleryFiles, path: Path) -> SubjectPicture:
    """Return a crop of the gallery as a picture of a report."""
    return SubjectPicture(f"pictures/{path.parent.name}/{path.name}", partial(_load, files, path))


def _load(files: GalleryFiles, path: Path) -> bytes:
    try:
        return files.read_if_intact(path)
    except OSError:
        return b""


def basis_item(record: BasisRecord | None) -> SubjectItem | None:
    """Return a recorded basis; None where none was."""
    if record is None:
        return None
    return {
        "legal_basis": record.basis.legal_basis.value,
        "purpose": record.basis.purpose,
        "responsible": record.basis.responsible,
        "note": record.basis.note,
        "recorded_at": record.recorded_at,
        "recorded_by": record.entry_point.value,
    }


def track_item(stored: bytes) -> dict[str, Any]:
    """Return the frames and boxes of a stored track."""
    frames, _, boxes = unpacked_track(stored)
    return {"frames": frames.tolist(), "boxes": boxes.tolist()}


def _item(sighting: Sighting) -> dict[str, Any]:
    begins, ends, decision, detail = sighting.begins_at, sighting.ends_at, sighting.decision, sighting.detail
    recorded, template = sighting.time.begins_at, sighting.template
    return {
        "id": sighting.id,
        "seen_from": None if begins is None else begins.isoformat(),
        "seen_until": None if ends is None else ends.isoformat(),
        "camera": sighting.camera,
        "clip_name": sighting.clip_name,
        "clip_sha256": sighting.clip_digest,
        "captured_at": None if recorded is None else recorded.isoformat(),
        "captured_by": sighting.time.source.value,
        "stretches": [
            {
                "first_frame": item.first_frame,
                "last_frame": item.last_frame,
                "first_seconds": item.first_seconds,
                "last_seconds": item.last_seconds,
            }
            for item in sighting.stretches
        ],
        "named_by": sighting.naming.value,
        "decision": None if decision is None else decision.decision.value,
        "score": None if decision is None else decision.score,
        "threshold": None if decision is None else decision.threshold.value,
        "others_in_view": len(sighting.seen_at_once),
        "height": None if detail is None else detail.height,
        "kept_at": sighting.kept_at,
        "keep_until": sighting.keep_until or None,
        "basis": basis_item(sighting.basis),
        "frames": sighting.probe.frames.tolist(),
        "boxes": sighting.probe.boxes.tolist(),
        "template": template_item(template.model_id, template.sample_count, template.vector),
    }
