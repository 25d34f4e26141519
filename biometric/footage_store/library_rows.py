"""The SQL of the library: rows of clips and observations."""

import json
from collections import defaultdict
from typing import Any

from sqlite_utils import Database

from biometric.entities import ClipOrder, ClipSearch, ObservedClip, WantedObservation, comparable_text

Row = dict[str, Any]

_ORDERS = {
    ClipOrder.NEWEST: "used_at DESC, number DESC",
    ClipOrder.RECORDED: "recorded_at IS NULL, recorded_at DESC, number DESC",
    ClipOrder.NAME: "label_key, number",
    ClipOrder.LONGEST: "duration DESC, number DESC",
}


def query(db: Database, sql: str, parameters: Any = ()) -> list[Row]:
    """Return all rows of a query."""
    return list(db.query(sql, parameters))


def clip_row(db: Database, clip_id: str) -> Row | None:
    """Return a clip's row."""
    return next(iter(query(db, "SELECT * FROM clips WHERE id = ?", [clip_id])), None)


def clip_of_digest(db: Database, digest: str) -> Row | None:
    """Return the row of the clip whose file has that digest."""
    return next(iter(query(db, "SELECT * FROM clips WHERE digest = ?", [digest])), None)


def insert_clip(db: Database, clip_id: str, file: str, observed: ObservedClip, size: int, now: str) -> int:
    """Add a clip; return its row number."""
    video = observed.video
    camera = observed.camera if observed.camera_given else video.camera
    columns = {
        "id": clip_id,
        "digest": video.digest,
        "file": file,
        "label": observed.label,
        "label_key": comparable_text(observed.label),
        "camera": camera,
        "camera_key": comparable_text(camera),
        "size": size,
        "duration": video.duration,
        "frame_count": video.frame_count,
        "width": video.width,
        "height": video.height,
        "photograph": int(video.photograph),
        "recorded_at": video.recorded_at,
        "kept_at": now,
        "used_at": now,
    }
    return insert(db, "clips", columns)


def set_camera(db: Database, clip: int, camera: str) -> None:
    """Write down by which camera a clip was recorded."""
    values = [camera, comparable_text(camera), clip]
    db.execute("UPDATE clips SET camera = ?, camera_key = ? WHERE number = ?", values)


def insert_observation(
    db: Database, clip: int, observation_id: str, fingerprint: str, observed: ObservedClip, made_with: str
) -> int:
    """Add an observation; return its row number."""
    frames = observed.frames
    columns = {
        "id": observation_id,
        "clip_number": clip,
        "fingerprint": fingerprint,
        "first_frame": frames.first,
        "last_frame": frames.last,
        "step": frames.step,
        "spacing": frames.spacing,
        "model_id": observed.model_id,
        "made_with": made_with,
    }
    return insert(db, "observations", columns)


def observation_number(db: Database, clip: int, fingerprint: str) -> int | None:
    """Return the row number of the clip's observation of that fingerprint."""
    sql = "SELECT number FROM observations WHERE clip_number = ? AND fingerprint = ?"
    return next((int(row["number"]) for row in query(db, sql, [clip, fingerprint])), None)


def note_use(db: Database, clip: int, size: int, now: str) -> None:
    """Write down that a clip was answered, and took so many more bytes."""
    db.execute("UPDATE clips SET used_at = ?, size = size + ? WHERE number = ?", [now, size, clip])


def delete_unused(db: Database, since: str) -> list[str]:
    """Delete the clips that were last used at or before `since`; return their ids."""
    ids = [row["id"] for row in query(db, "SELECT id FROM clips WHERE used_at <= ?", [since])]
    db.execute("DELETE FROM clips WHERE used_at <= ?", [since])
    return ids


def make_room(db: Database, size: int, limit: int, but: int | None) -> list[str]:
    """Delete the clips used longest ago until `size` more bytes keep the limit, but one; return their ids."""
    total = total_size(db)
    deleted: list[str] = []
    for row in query(db, "SELECT number, id, size FROM clips WHERE number IS NOT ? ORDER BY used_at, number", [but]):
        if total + size <= limit:
            break
        db.execute("DELETE FROM clips WHERE number = ?", [row["number"]])
        deleted.append(row["id"])
        total -= row["size"]
    return deleted


def total_size(db: Database) -> int:
    """Return the bytes of all clips."""
    return int(query(db, "SELECT coalesce(sum(size), 0) AS n FROM clips")[0]["n"])


def search_clips(db: Database, search: ClipSearch, since: str) -> tuple[list[Row], int]:
    """Return the rows of a search among the clips used after `since`, and how many there are without its limit."""
    where, values = ["used_at > :since"], {"since": since}
    if search.text:
        values["text"] = search.text
        values["identities"] = json.dumps(search.identity_ids)
        where.append(
            "(instr(label_key, :text) OR instr(camera_key, :text) OR number IN ("
            "SELECT clip_number FROM observations JOIN answers ON observation_number = observations.number "
            "JOIN answered_people ON answer_number = answers.number "
            "WHERE found AND identity_id IN (SELECT value FROM json_each(:identities))))"
        )
    condition = " AND ".join(where)
    total = query(db, f"SELECT count(*) AS n FROM clips WHERE {condition}", values)[0]["n"]  # noqa: S608 - of this module
    rows = query(
        db,
        f"SELECT * FROM clips WHERE {condition} ORDER BY {_ORDERS[search.order]} LIMIT :limit OFFSET :offset",  # noqa: S608
        {**values, "limit": search.limit, "offset": search.offset},
    )
    return rows, int(total)


def matching_observation(db: Database, wanted: WantedObservation, since: str) -> Row | None:
    """Return the first observation of that footage with those models: its id, and its clip's id, file and label.

    The first one is as the models saw it; in later ones somebody may have joined or split people.
    """
    frames = wanted.frames
    rows = query(
        db,
        "SELECT observations.id, clips.id AS clip_id, file, label FROM observations "
        "JOIN clips ON clip_number = clips.number WHERE digest = ? AND used_at > ? AND first_frame = ? "
        "AND last_frame = ? AND step = ? AND spacing = ? AND model_id = ? AND made_with = ? "
        "ORDER BY observations.number LIMIT 1",
        [
            wanted.digest,
            since,
            frames.first,
            frames.last,
            frames.step,
            frames.spacing,
            wanted.model_id,
            wanted.made_with,
        ],
    )
    return rows[0] if rows else None


def observations_by_clip(db: Database) -> dict[str, set[str]]:
    """Return the observation ids of each clip id, for finding folders without a row."""
    sql = (
        "SELECT clips.id AS clip, observations.id AS observation "
        "FROM clips LEFT JOIN observations ON clip_number = clips.number"
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in query(db, sql):
        found[row["clip"]] |= {row["observation"]} - {None}
    return found


def insert(db: Database, table: str, columns: dict[str, Any]) -> int:
    """Add a row; return its number."""
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of this module
    return int(db.execute(sql, list(columns.values())).lastrowid or 0)
