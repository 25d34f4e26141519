"""Takes what was measured of somebody out of a kept observation: crops, templates and embeddings."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from biometric.entities import Observation, ObservedClip
from biometric.footage_store import observation_files
from biometric.footage_store.library_rows import Row, query


def observations_of(db: Database, identity_id: str, digests: Collection[str]) -> list[Row]:
    """Return the observations of clips of these digests, and those in which an identity was found.

    Each has `people`: the numbers of those found to be that identity, as JSON.
    """
    sql = """
        SELECT o.number, o.id, clips.id AS clip_id, clips.digest, file, label, (
            SELECT json_group_array(person) FROM answers JOIN answered_people ON answer_number = answers.number
            WHERE observation_number = o.number AND found AND identity_id = :identity
        ) AS people
        FROM observations o JOIN clips ON clip_number = clips.number
        WHERE people <> '[]' OR clips.digest IN (SELECT value FROM json_each(:digests))
    """
    return query(db, sql, {"identity": identity_id, "digests": json.dumps(list(digests))})


def people_of(observed: ObservedClip, people: Collection[int], crops: Collection[str]) -> list[Observation]:
    """Return those of these numbers, and those with one of these crops."""
    return [person for person in observed.observations if person.person in people or _crop_names(person) & set(crops)]


def strip(folder: Path, observed: ObservedClip, people: Collection[int], crops: Collection[str]) -> bool:
    """Take people out of the observation in a folder: those of these numbers, and those with one of these crops.

    Their crops go first, then the file is written anew. Returns whether there was anybody. Raises `OSError`.
    """
    gone = people_of(observed, people, crops)
    if not gone:
        return False
    for person in gone:
        for name in _crop_names(person):
            (folder / name).unlink(missing_ok=True)
    stripped = tuple(_without_measures(person) if person in gone else person for person in observed.observations)
    path = folder / observation_files.OBSERVATION_NAME
    observation_files.rewrite(observation_files.pack(replace(observed, observations=stripped)), path)
    return True


def _crop_names(person: Observation) -> set[str]:
    parts = [person, *(part.observation for part in person.linked)]
    return {sample.crop.name for part in parts for sample in part.samples if sample.crop is not None}


def _without_measures(person: Observation) -> Observation:
    """Return a person of whom only is left when and where somebody was in view."""
    linked = tuple(replace(part, observation=_without_measures(part.observation)) for part in person.linked)
    return replace(person, samples=(), template=None, refusals=Counter(), linked=linked, perhaps=())
