"""Reads what kept footage holds of one person, for that person: answers about them, and what was measured of them."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from biometric.entities import Observation, ObservedClip
from biometric.entities.subject_parts import IN_REPORT, SubjectItem, SubjectPicture, template_item
from biometric.footage_store import forgetting
from biometric.footage_store.library_rows import Row, query

TABLES: Final[Mapping[str, str]] = {
    "clips": IN_REPORT + "kept_answers",
    "observations": IN_REPORT + "kept_observations",
    "answers": IN_REPORT + "kept_answers",
    "answered_people": IN_REPORT + "kept_answers",
    "library": "the id of the library, and a count of its changes",
}
"""Of each table of a library, the section of the report, or why it is not there."""

_ANSWERS = """
    SELECT kind, given_at, decision, score, p.first_frame, p.last_frame, first_seconds, last_seconds, model_id,
        label AS clip_name, digest AS clip_sha256, clips.camera, recorded_at AS captured_at, kept_at
    FROM answered_people p JOIN answers ON answer_number = answers.number
    JOIN observations o ON observation_number = o.number JOIN clips ON clip_number = clips.number
    WHERE identity_id IN (SELECT value FROM json_each(?)) ORDER BY answers.number
"""


def answers(db: Database, identity_ids: Collection[str]) -> list[SubjectItem]:
    """Return the kept answers that name these identities."""
    return [dict(row) for row in query(db, _ANSWERS, [json.dumps(list(identity_ids))])]


def rows_of(db: Database, identity_ids: Collection[str], digests: Collection[str]) -> list[Row]:
    """Return the observations that may hold somebody, each once, with `people` as of `forgetting.observations_of`."""
    found: dict[str, Row] = {}
    for identity_id in identity_ids:
        for row in forgetting.observations_of(db, identity_id, digests):
            people = {*json.loads(found.get(row["id"], row)["people"]), *json.loads(row["people"])}
            found[row["id"]] = {**row, "people": json.dumps(sorted(people))}
    return list(found.values())


def measured(
    row: Row, observed: ObservedClip, crops: Collection[str]
) -> Iterator[tuple[SubjectItem, list[SubjectPicture]]]:
    """Yield what an observation holds of somebody, with the pictures."""
    for person in forgetting.people_of(observed, json.loads(row["people"]), crops):
        pictures: list[SubjectPicture] = []
        yield _person(row, observed, person, pictures), pictures


def _person(row: Row, observed: ObservedClip, person: Observation, pictures: list[SubjectPicture]) -> dict[str, Any]:
    samples = []
    for sample in person.samples:
        item: dict[str, Any] = {"frame": sample.detection.frame_index, "quality": sample.quality}
        item |= {"kept": sample.kept, "vector": sample.embedding}
        if sample.crop is not None:
            picture = SubjectPicture(f"pictures/{row['id']}/{sample.crop.name}", partial(_load, sample.crop))
            pictures.append(picture)
            item["picture"] = picture.name
        samples.append(item)
    template = person.template
    return {
        "clip_name": row["label"],
        "clip_sha256": row["digest"],
        "first_frame": person.tracklet.first_frame,
        "last_frame": person.tracklet.last_frame,
        "frames_analysed": [observed.frames.first, observed.frames.last],
        "detections": [
            {"frame": item.frame_index, "box": [float(side) for side in item.box]}
            for item in person.tracklet.detections
        ],
        "template": None
        if template is None
        else template_item(template.model_id, template.sample_count, template.vector),
        "samples": samples,
    }


def _load(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
