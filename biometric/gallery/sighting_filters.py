"""SQL that chooses sightings: by person, time, camera and clip. Works inside the caller's transaction."""

# ruff: noqa: S608 - names of tables and columns are constants; values are bound

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from biometric.entities.sighting_queries import SightingFilter
from biometric.gallery import rows, trash_rows
from biometric.gallery.records import stored_time
from biometric.gallery.sighting_reading import WHO
from biometric.gallery.sighting_rows import LISTED

_PERHAPS = f"""s.number IN (SELECT number FROM sightings WHERE identity_number IN {LISTED}
    UNION SELECT l.sighting_number FROM sighting_references l
        JOIN biometric_references r ON r.number = l.reference_number WHERE r.identity_number = ?
    UNION SELECT l.sighting_number FROM sighting_verdicts l
        JOIN verdicts v ON v.number = l.verdict_number WHERE v.identity_number = ?)"""
"""Whose name could be that of an identity: few of many, by indices of the tables."""

_ORDER = "ORDER BY s.begins_at = '', s.begins_at DESC, s.number DESC"


def page(db: Database, wanted: SightingFilter, now: str) -> tuple[list[int], int]:
    """Return the row numbers of a part of the list, the latest first, and how many there are in all.

    Raises `UnknownIdentity`.
    """
    where, values = _where(db, wanted, now)
    total = db.execute(f"SELECT count(*) FROM sightings s WHERE {where}", values).fetchone()[0]
    sql = f"SELECT s.number FROM sightings s WHERE {where} {_ORDER} LIMIT ? OFFSET ?"
    return [int(row[0]) for row in db.execute(sql, [*values, wanted.limit, wanted.offset])], int(total)


def numbers(db: Database, wanted: SightingFilter, now: str, model_id: str) -> NDArray[np.int64]:
    """Return the row numbers of all sightings of one model that pass a filter, ascending. Raises `UnknownIdentity`."""
    where, values = _where(db, wanted, now)
    sql = f"SELECT s.number FROM sightings s WHERE {where} AND s.model_id = ? ORDER BY s.number"
    return np.array(db.execute(sql, [*values, model_id]).fetchall(), np.int64).reshape(-1)


def _where(db: Database, wanted: SightingFilter, now: str) -> tuple[str, list[Any]]:
    parts = ["s.keep_until > ?"]
    values: list[Any] = [now]
    if wanted.identity_id is not None:
        number = rows.identity_number(db, wanted.identity_id)
        same = json.dumps([number, *trash_rows.merged_identities(db, number)])
        parts += [_PERHAPS, f"{WHO} = ?"]
        values += [same, number, number, number]
    if wanted.unnamed:
        parts.append(f"{WHO} IS NULL")
    for column, value in (("camera", wanted.camera), ("clip_digest", wanted.clip_digest)):
        if value is not None:
            parts.append(f"s.{column} = ?")
            values.append(value)
    if wanted.since is not None:
        parts.append("s.ends_at >= ?")
        values.append(stored_time(wanted.since))
    if wanted.until is not None:
        parts.append("s.begins_at < ? AND s.begins_at <> ''")
        values.append(stored_time(wanted.until))
    if wanted.without:
        parts.append(f"s.id NOT IN {LISTED}")
        values.append(json.dumps(wanted.without))
    return " AND ".join(parts), values
