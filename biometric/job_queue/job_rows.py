"""The SQL of the queue: jobs as entities and back, and what changes them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from biometric.entities.clip_jobs import (
    AnalysisRequest,
    ClipJob,
    JobFailure,
    JobResult,
    JobSearch,
    JobState,
    NewClipJob,
)
from biometric.errors import UnknownJob


def next_change(db: sqlite3.Connection) -> int:
    """Return the number of a change that is being made."""
    return int(db.execute("UPDATE changes SET number = number + 1 RETURNING number").fetchone()[0])


def insert(db: sqlite3.Connection, new: NewClipJob) -> ClipJob:
    """Add a job that waits."""
    row = db.execute(
        "INSERT INTO jobs (key, root, path, digest, request, needs, asked_by, state, created_at, changed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', now(), ?) RETURNING *",
        [
            new.key,
            new.root,
            new.path,
            new.digest,
            json.dumps(asdict(new.request)),
            new.needs,
            new.asked_by,
            next_change(db),
        ],
    ).fetchone()
    return as_job(row)


def update(db: sqlite3.Connection, job_id: int, columns: Mapping[str, Any]) -> ClipJob:
    """Set columns of a job. A value that is a `Sql` is taken as it is."""
    parts = [f"{name} = {value.text if isinstance(value, Sql) else '?'}" for name, value in columns.items()]
    values = [value for value in columns.values() if not isinstance(value, Sql)]
    sql = f"UPDATE jobs SET {', '.join(parts)}, changed = ? WHERE id = ? RETURNING *"  # noqa: S608 - names are ours
    return as_job(db.execute(sql, [*values, next_change(db), job_id]).fetchone())


class Sql:
    """An expression of SQL, in place of a value."""

    def __init__(self, text: str) -> None:
        self.text = text


NOW = Sql("now()")
WAITS_ANEW: Mapping[str, Any] = {
    "state": "waiting",
    "worker": None,
    "cancelling": 0,
    "attempts": 0,
    "take_overs": 0,
    "not_before": 0,
    "started_at": None,
    "ended_at": None,
    "failure": None,
    "result": None,
}
"""What asking anew for a job that has ended sets."""


def ending(state: JobState, *, failure: JobFailure | None = None, result: JobResult | None = None) -> dict[str, Any]:
    """Return what ends a job."""
    return {
        "state": state.value,
        "worker": None,
        "cancelling": 0,
        "ended_at": NOW,
        "failure": None if failure is None else json.dumps(asdict(failure)),
        "result": None if result is None else json.dumps(asdict(result)),
    }


def wait_again(db: sqlite3.Connection, job_id: int, cancelling: bool, columns: Mapping[str, Any]) -> ClipJob:
    """Let a claimed job wait again, with these changes; one that was to be cancelled is cancelled instead."""
    waits = {"state": "waiting", "worker": None, "cancelling": 0, **columns}
    return update(db, job_id, ending(JobState.CANCELLED) if cancelling else waits)


def find(db: sqlite3.Connection, job_id: int) -> ClipJob:
    """Return a job. Raises `UnknownJob`."""
    row = db.execute("SELECT * FROM jobs WHERE id = ?", [job_id]).fetchone()
    if row is None:
        raise unknown(job_id)
    return as_job(row)


def unknown(job_id: int) -> UnknownJob:
    """Return the error that there is no such job."""
    return UnknownJob("There is no job {number} in the queue (see: jobs list).", number=job_id)


def by_key(db: sqlite3.Connection, key: str) -> ClipJob | None:
    """Return the job of a key; None without."""
    row = db.execute("SELECT * FROM jobs WHERE key = ?", [key]).fetchone()
    return None if row is None else as_job(row)


def search(db: sqlite3.Connection, wanted: JobSearch) -> tuple[list[ClipJob], int]:
    """Return the jobs of a search, newest first, and how many there are without its limit."""
    where, values = ["1"], []
    if wanted.states:
        where.append("state IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([state.value for state in wanted.states]))
    if wanted.text:
        where.append("instr(lower(root || '/' || path), lower(?)) > 0")
        values.append(wanted.text)
    condition = " AND ".join(where)
    total = db.execute(f"SELECT count(*) FROM jobs WHERE {condition}", values).fetchone()[0]  # noqa: S608
    sql = f"SELECT * FROM jobs WHERE {condition} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608
    return [as_job(row) for row in db.execute(sql, [*values, wanted.limit, wanted.offset])], int(total)


def as_job(row: sqlite3.Row) -> ClipJob:
    """Return a row as a job."""
    request = AnalysisRequest(**json.loads(row["request"]))
    new = NewClipJob(row["root"], row["path"], row["digest"], request, row["needs"], row["asked_by"])
    return ClipJob(
        id=row["id"],
        new=new,
        state=JobState(row["state"]),
        attempts=row["attempts"],
        run=row["run"],
        worker=row["worker"] or "",
        cancelling=bool(row["cancelling"]),
        changed=row["changed"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        failure=None if row["failure"] is None else JobFailure(**json.loads(row["failure"])),
        result=None if row["result"] is None else JobResult(**json.loads(row["result"])),
    )
