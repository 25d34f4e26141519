"""The queue of clips to analyse, in a SQLite file of one machine."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from biometric.entities.clip_jobs import (
    ClipJob,
    JobCounts,
    JobFailure,
    JobResult,
    JobSearch,
    JobState,
    NewClipJob,
    WorkerRow,
)
from biometric.errors import JobLost, JobStateRefused
from biometric.errors.phrases import Phrase
from biometric.job_queue import job_rows as rows
from biometric.job_queue.noted_files import NotedFiles
from biometric.job_queue.queue_database import QueueDatabase
from biometric.job_queue.silent_workers import SilentWorkers
from biometric.storage.claims import file_lock
from biometric.storage.sqlite_files import BUSY_SECONDS

LONGEST_DELAY = 3600.0
"""Most seconds for which a job waits to be tried again; one that would wait longer is due: the clock was put back."""


class SQLiteJobQueue(NotedFiles):
    """A `ports.JobQueue` in a folder. Several threads and processes of one machine may use it at a time.

    A worker's process holds a lock file, which the operating system drops when the process ends, however it ends:
    then its job is taken over at once. A worker that hangs is known by its signs of life, which are counted.

    Args:
        folder: the library's folder; need not exist.
        busy_seconds: how long to wait for another process that is writing.
        clock: tells seconds since 1970.
        steady_clock: tells seconds that only rise.
    """

    def __init__(
        self,
        folder: Path,
        busy_seconds: float = BUSY_SECONDS,
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(QueueDatabase(folder, busy_seconds, clock))
        self._silent = SilentWorkers(folder, steady_clock)
        self._held: dict[str, ExitStack] = {}
        self._lock = threading.Lock()

    # --- jobs ----------------------------------------------------------------------------------------------------

    def defer(self, jobs: Sequence[NewClipJob], *, again: bool = False) -> list[tuple[ClipJob, bool]]:
        """Add jobs, in one transaction; one with the same key as an earlier job is that job: see `ports.JobQueue`."""
        if not jobs:
            return []
        with self._database.writing() as db:
            return [self._defer(db, new, again) for new in jobs]

    def _defer(self, db: sqlite3.Connection, new: NewClipJob, again: bool) -> tuple[ClipJob, bool]:
        known = rows.by_key(db, new.key)
        if known is None:
            return rows.insert(db, new), True
        if known.state is JobState.RUNNING:
            return known, False
        place = {"root": new.root, "path": new.path}
        gone = known.failure is not None and not known.failure.lasting
        anew = known.state is JobState.CANCELLED or (known.state is JobState.FAILED and gone)
        if anew or (again and known.state.is_final):
            return rows.update(db, known.id, {**rows.WAITS_ANEW, **place, "run": known.run + 1}), True
        if (known.new.root, known.new.path) != (new.root, new.path):
            known = rows.update(db, known.id, place)
        return known, False

    def job(self, job_id: int) -> ClipJob:
        """Return one job. Raises `UnknownJob`."""
        with self._database.reading() as db:
            if db is None:
                raise rows.unknown(job_id)
            return rows.find(db, job_id)

    def jobs(self, search: JobSearch) -> tuple[list[ClipJob], int]:
        """Return the jobs of a search, newest first, and how many there are without its limit."""
        with self._database.reading() as db:
            return ([], 0) if db is None else rows.search(db, search)

    def changes(self, after: int, limit: int = 1000) -> list[ClipJob]:
        """Return jobs that changed after a change number, in the order of their changes."""
        with self._database.reading() as db:
            sql = "SELECT * FROM jobs WHERE changed > ? ORDER BY changed LIMIT ?"
            return [] if db is None else [rows.as_job(row) for row in db.execute(sql, [after, limit])]

    def counts(self) -> JobCounts:
        """Return how many jobs there are."""
        with self._database.reading() as db:
            if db is None:
                return JobCounts()
            states = db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
            needs = db.execute("SELECT needs, count(*) FROM jobs WHERE state = 'waiting' GROUP BY needs").fetchall()
            return JobCounts({JobState(row[0]): row[1] for row in states}, {row[0]: row[1] for row in needs})

    def retry(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Let failed and cancelled jobs wait anew. Raises `UnknownJob`, `JobStateRefused`."""
        with self._database.writing() as db:
            found = [rows.find(db, job_id) for job_id in job_ids]
            for job in found:
                if job.state not in (JobState.FAILED, JobState.CANCELLED):
                    raise JobStateRefused(
                        "Job {number} has not failed, so it cannot be tried again. Failed and cancelled ones can "
                        "(see: jobs list).",
                        number=job.id,
                    )
            return [rows.update(db, job.id, {**rows.WAITS_ANEW, "run": job.run + 1}) for job in found]

    def cancel(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Cancel jobs that wait, and have workers stop those that run; ended ones stay. Raises `UnknownJob`."""
        with self._database.writing() as db:
            return [self._cancel(db, rows.find(db, job_id)) for job_id in job_ids]

    def _cancel(self, db: sqlite3.Connection, job: ClipJob) -> ClipJob:
        if job.state is JobState.WAITING:
            return rows.update(db, job.id, rows.ending(JobState.CANCELLED))
        return rows.update(db, job.id, {"cancelling": 1}) if job.state is JobState.RUNNING else job

    def remove(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Forget jobs that do not run. Raises `UnknownJob`, `JobStateRefused`."""
        with self._database.writing() as db:
            found = [rows.find(db, job_id) for job_id in job_ids]
            for job in found:
                if job.state is JobState.RUNNING:
                    raise JobStateRefused(
                        "Job {number} is being worked on. Cancel it first (jobs cancel).", number=job.id
                    )
                db.execute("DELETE FROM jobs WHERE id = ?", [job.id])
                sql = "DELETE FROM files WHERE digest = ? AND digest NOT IN (SELECT digest FROM jobs)"
                db.execute(sql, [job.new.digest])
            return found

    # --- workers -------------------------------------------------------------------------------------------------

    def register(self, needs: str, place: str) -> str:
        """Add a worker and return its id; its lock file is held until `unregister`, or until the process ends."""
        worker_id = uuid4().hex
        with self._database.writing() as db:
            stack = ExitStack()
            stack.enter_context(file_lock(self._silent.lock_file(worker_id), 0, keep=False))
            try:
                db.execute("INSERT INTO workers VALUES (?, ?, ?, 0, now())", [worker_id, needs, place])
            except BaseException:
                stack.close()
                raise
        with self._lock:
            self._held[worker_id] = stack
        return worker_id

    def unregister(self, worker_id: str) -> None:
        """Remove a worker; a job that it still has waits again, and the attempt does not count."""
        try:
            with self._database.writing() as db:
                self._release(db, worker_id, {"attempts": rows.Sql("attempts - 1")})
                db.execute("DELETE FROM workers WHERE id = ?", [worker_id])
        finally:
            with self._lock:
                held = self._held.pop(worker_id, None)
            if held is not None:
                held.close()

    def beat(self, worker_ids: Collection[str]) -> set[int]:
        """Give a sign of life of these workers; return which of their jobs are to be stopped."""
        ids = json.dumps(list(worker_ids))
        mine = "IN (SELECT value FROM json_each(?))"
        with self._database.writing() as db:
            db.execute(f"UPDATE workers SET beats = beats + 1, beat_at = now() WHERE id {mine}", [ids])  # noqa: S608
            sql = f"SELECT id FROM jobs WHERE cancelling AND worker {mine}"  # noqa: S608
            return {int(row[0]) for row in db.execute(sql, [ids])}

    def workers(self) -> list[WorkerRow]:
        """Return all workers that are known."""
        with self._database.reading() as db:
            return [] if db is None else [WorkerRow(**row) for row in db.execute("SELECT * FROM workers ORDER BY id")]

    def fetch(self, worker_id: str) -> ClipJob | None:
        """Claim the next job that fits the worker; None where none waits. Raises `JobLost`: it was given up."""
        with self._database.reading() as db:  # without the write lock, so that idle workers disturb nobody
            needs = None if db is None else self._needs_of(db, worker_id)
            if db is None or needs is None:
                raise _lost()
            if db.execute(_NEXT, [needs, LONGEST_DELAY]).fetchone() is None:
                return None
        with self._database.writing() as db:
            return self._claim(db, worker_id)

    def finish(self, job: ClipJob, result: JobResult, *, then_fetch: bool = False) -> ClipJob | None:
        """End a claimed job as done; where `then_fetch`, claim the next one in the same transaction."""
        with self._owning(job) as (db, _):
            rows.update(db, job.id, {**rows.ending(JobState.DONE, result=result), "take_overs": 0})
            return self._claim(db, job.worker) if then_fetch else None

    def fail(self, job: ClipJob, failure: JobFailure) -> None:
        """End a claimed job as failed."""
        self._end(job, rows.ending(JobState.FAILED, failure=failure))

    def retry_later(self, job: ClipJob, failure: JobFailure, seconds: float) -> None:
        """Let a claimed job wait for another attempt, at least so long."""
        later = rows.Sql(f"now() + {min(float(seconds), LONGEST_DELAY):f}")
        self._let_wait(job, {"failure": json.dumps(asdict(failure)), "not_before": later})

    def give_back(self, job: ClipJob) -> None:
        """Let a claimed job wait again at once; the attempt does not count."""
        self._let_wait(job, {"attempts": rows.Sql("attempts - 1")})

    def mark_cancelled(self, job: ClipJob) -> None:
        """End a claimed job that was to be cancelled."""
        self._end(job, rows.ending(JobState.CANCELLED))

    def take_over(self, silent_seconds: float, most_take_overs: int) -> list[ClipJob]:
        """Remove workers that have ended or are silent, and let their jobs wait again: see `ports.JobQueue`."""
        silent = self._silent.among(self.workers(), silent_seconds)
        if not silent:
            return []
        taken: list[ClipJob] = []
        with self._database.writing() as db:
            for worker in silent:
                sql = "SELECT 1 FROM workers WHERE id = ? AND beats = ?"
                if db.execute(sql, [worker.id, worker.beats]).fetchone() is None:
                    continue  # another process was faster, or it has woken up
                columns = {"attempts": rows.Sql("attempts - 1"), "take_overs": rows.Sql("take_overs + 1")}
                for job in self._release(db, worker.id, columns):
                    lost = db.execute("SELECT take_overs FROM jobs WHERE id = ?", [job.id]).fetchone()[0]
                    failure = JobFailure("Crashed", Phrase("Its workers ended {number} times.", number=lost))
                    ended = lost > most_take_overs and not job.state.is_final
                    change = rows.ending(JobState.FAILED, failure=failure)
                    taken.append(rows.update(db, job.id, change) if ended else job)
                db.execute("DELETE FROM workers WHERE id = ?", [worker.id])
        return taken

    # --- how -----------------------------------------------------------------------------------------------------

    def _claim(self, db: sqlite3.Connection, worker_id: str) -> ClipJob | None:
        needs = self._needs_of(db, worker_id)
        if needs is None:
            raise _lost()
        row = db.execute(_NEXT, [needs, LONGEST_DELAY]).fetchone()
        if row is None:
            return None
        columns = {"state": "running", "worker": worker_id, "attempts": rows.Sql("attempts + 1")}
        return rows.update(db, row[0], {**columns, "started_at": rows.NOW})

    def _needs_of(self, db: sqlite3.Connection, worker_id: str) -> str | None:
        row = db.execute("SELECT needs FROM workers WHERE id = ?", [worker_id]).fetchone()
        return None if row is None else str(row[0])

    def _release(self, db: sqlite3.Connection, worker_id: str, columns: dict[str, Any]) -> list[ClipJob]:
        """Take a worker's job away; it waits again, or is cancelled where it was to be."""
        found = db.execute("SELECT id, cancelling FROM jobs WHERE worker = ?", [worker_id]).fetchall()
        return [rows.wait_again(db, row["id"], row["cancelling"], columns) for row in found]

    def _let_wait(self, job: ClipJob, columns: dict[str, Any]) -> None:
        with self._owning(job) as (db, cancelling):
            rows.wait_again(db, job.id, cancelling, columns)

    def _end(self, job: ClipJob, columns: dict[str, Any]) -> None:
        with self._owning(job) as (db, _):
            rows.update(db, job.id, columns)

    @contextmanager
    def _owning(self, job: ClipJob) -> Iterator[tuple[sqlite3.Connection, bool]]:
        """Hold the write lock while a job is its worker's. Raises `JobLost`."""
        with self._database.writing() as db:
            sql = "SELECT cancelling FROM jobs WHERE id = ? AND worker = ?"
            row = db.execute(sql, [job.id, job.worker]).fetchone()
            if row is None:
                raise _lost()
            yield db, bool(row[0])


_NEXT = """
SELECT id FROM jobs WHERE state = 'waiting' AND needs = ? AND (not_before <= now() OR not_before > now() + ?)
ORDER BY id LIMIT 1
"""


def _lost() -> JobLost:
    return JobLost("This worker was silent for so long that its clip was given to another one.")
