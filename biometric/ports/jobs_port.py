"""The queue of clips to analyse."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from biometric.entities.clip_jobs import (
    ClipJob,
    JobCounts,
    JobFailure,
    JobResult,
    JobSearch,
    NewClipJob,
    WorkerRow,
)


class JobQueue(Protocol):
    """Hands each job to one worker at a time (adapter: `job_queue/sqlite_queue.py`).

    A job is deferred, fetched (claimed) by a worker, and ends as done, failed or cancelled. A worker gives signs of
    life; jobs of one that is silent are taken over. What ends a job is refused with `JobLost` where the job is not the
    worker's any more. Any method may raise the `JobQueueError` family; those that write, `StorageFull`. Then nothing
    has changed. One queue may be used by several threads and processes.
    """

    # --- jobs ----------------------------------------------------------------------------------------------------

    def defer(self, jobs: Sequence[NewClipJob], *, again: bool = False) -> list[tuple[ClipJob, bool]]:
        """Add jobs, in one transaction; one with the same key as an earlier job is that job.

        A known job that is not running takes over the new path, because a clip may have been moved. A cancelled one,
        and one that failed for a reason that may be gone, waits anew.

        Args:
            again: those that are done or failed for a lasting reason wait anew, too.

        Returns:
            Each job in the order given, and whether it is new or waits anew by this call.
        """

    def job(self, job_id: int) -> ClipJob:
        """One job. Raises `UnknownJob`."""

    def jobs(self, search: JobSearch) -> tuple[list[ClipJob], int]:
        """The jobs of a search, newest first, and how many there are without its limit."""

    def changes(self, after: int, limit: int = 1000) -> list[ClipJob]:
        """Jobs that changed after a change number, in the order of their changes."""

    def counts(self) -> JobCounts:
        """How many jobs there are."""

    def retry(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Let failed and cancelled jobs wait anew. Raises `UnknownJob`, `JobStateRefused` (others)."""

    def cancel(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Cancel jobs that wait, and have workers stop those that run; ended ones stay. Raises `UnknownJob`."""

    def remove(self, job_ids: Iterable[int]) -> list[ClipJob]:
        """Forget jobs that do not run. Raises `UnknownJob`, `JobStateRefused`."""

    # --- workers -------------------------------------------------------------------------------------------------

    def register(self, needs: str, place: str) -> str:
        """Add a worker and return its id. It counts as alive until it is silent or its process ends."""

    def unregister(self, worker_id: str) -> None:
        """Remove a worker; a job that it still has waits again, and the attempt does not count."""

    def beat(self, worker_ids: Collection[str]) -> set[int]:
        """Give a sign of life of these workers; return which of their jobs are to be stopped."""

    def workers(self) -> list[WorkerRow]:
        """All workers that are known."""

    def fetch(self, worker_id: str) -> ClipJob | None:
        """Claim the next job that fits the worker; None where none waits. Raises `JobLost`: it was given up."""

    def finish(self, job: ClipJob, result: JobResult, *, then_fetch: bool = False) -> ClipJob | None:
        """End a claimed job as done; where `then_fetch`, also claim the next one, as `fetch` does."""

    def fail(self, job: ClipJob, failure: JobFailure) -> None:
        """End a claimed job as failed."""

    def retry_later(self, job: ClipJob, failure: JobFailure, seconds: float) -> None:
        """Let a claimed job wait for another attempt, at least so long."""

    def give_back(self, job: ClipJob) -> None:
        """Let a claimed job wait again at once; the attempt does not count."""

    def mark_cancelled(self, job: ClipJob) -> None:
        """End a claimed job that was to be cancelled."""

    def take_over(self, silent_seconds: float, most_take_overs: int) -> list[ClipJob]:
        """Remove workers that have ended or are silent, and let their jobs wait again.

        A worker is silent when this queue has seen no sign of life of it for so long, by one clock that only rises:
        no times of two machines are compared.

        Args:
            most_take_overs: a job that has lost more workers than this fails.

        Returns:
            The jobs.
        """

    # --- files ---------------------------------------------------------------------------------------------------

    def known_digest(self, path: str, size: int, changed_ns: int) -> str | None:
        """The digest that was noted for a file of this size and time of change; None without."""

    def note_digest(self, path: str, size: int, changed_ns: int, digest: str) -> None:
        """Note a file's digest, so that it need not be read again."""

    def forget_files(self, paths: Iterable[str]) -> None:
        """Forget digests of files that are gone."""
