"""SQL that says which crop files of the gallery have rows. Works inside the caller's transaction."""

import json
from collections.abc import Iterable

from sqlite_utils import Database


def known_crops(db: Database, ids_of_folders: Iterable[str]) -> dict[str, set[str]]:
    """Return which of these ids are references, in place or in the trash, or sightings, with their crops' names."""
    wanted = list(ids_of_folders)
    listed = [json.dumps(wanted)]
    ids: dict[int, str] = {}
    for table in ("biometric_references", "trashed_references"):
        sql = f"SELECT number, id FROM {table} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
        ids.update(db.execute(sql, listed).fetchall())
    crops: dict[str, set[str]] = {reference: set() for reference in ids.values()}
    listed = [json.dumps(list(ids))]
    for table in ("samples", "trashed_samples"):
        where = "reference_number IN (SELECT value FROM json_each(?))"
        sql = f"SELECT reference_number, name FROM {table} WHERE {where}"  # noqa: S608 - constants
        for number, name in db.execute(sql, listed):
            crops[ids[number]].add(name)
    return {**crops, **known_crops_of_sightings(db, wanted)}


def known_crops_of_sightings(db: Database, sighting_ids: Iterable[str]) -> dict[str, set[str]]:
    """Return which of these ids are sightings, with the names of their crops."""
    sql = "SELECT id, crop FROM sightings WHERE id IN (SELECT value FROM json_each(?))"
    found = db.execute(sql, [json.dumps(list(sighting_ids))]).fetchall()
    return {sighting: {crop} - {""} for sighting, crop in found}
