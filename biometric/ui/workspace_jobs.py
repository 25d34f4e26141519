"""The jobs of one workspace, and which of them its page has not yet shown the end of."""

import threading
import time
from collections.abc import Collection

from biometric.ui.jobs import Job
from biometric.ui.screen import Updates


class Jobs:
    """The jobs of one workspace, by name; at most one of each name runs."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def latest(self, name: str) -> Job | None:
        """Return the latest job of that name, running or not, or None."""
        return self._jobs.get(name)

    def get(self, name: str) -> Job | None:
        """Return the running job of that name, or None."""
        job = self._jobs.get(name)
        return job if job is not None and job.running else None

    def running(self) -> dict[str, Job]:
        """Return the running jobs by name, in the order in which they were begun."""
        return {name: job for name, job in list(self._jobs.items()) if job.running}

    def begin(self, name: str, job: Job) -> Job:
        """Start a job; one of that name that still runs is cancelled."""
        with self._lock:
            self.cancel(name)
            self._jobs.pop(name, None)
            self._jobs[name] = job
        return job.start()

    def cancel(self, *names: str, updates: Updates | None = None) -> None:
        """Cancel the running jobs of these names, which show these updates last."""
        for name in names:
            job = self.get(name)
            if job is not None:
                job.cancel(updates)

    def drop(self, name: str) -> None:
        """Cancel a job where it still runs, and forget what it showed."""
        with self._lock:
            self.cancel(name)
            self._jobs.pop(name, None)

    def forget_ended(self, *, but_unseen: bool) -> None:
        """Forget what jobs that have ended showed; `but_unseen`: those whose end a page is still to show stay."""
        with self._lock:
            for name, job in list(self._jobs.items()):
                if not job.running and not (but_unseen and job.unseen):
                    del self._jobs[name]

    def cancel_all(self) -> None:
        """Cancel every running job."""
        self.cancel(*list(self._jobs))

    def unseen(self) -> tuple[str, ...]:
        """Return the names of jobs that no page follows, although they run or their end was not shown."""
        return tuple(name for name, job in list(self._jobs.items()) if job.unseen)

    def note_shown(self, serials: Collection[int]) -> None:
        """Note that the page says that it received the ends of the jobs with these `Job.serial`."""
        for job in list(self._jobs.values()):
            if job.serial in serials:
                job.mark_seen()

    def mark_seen(self) -> None:
        """Note that a page shows how those that have ended did."""
        for job in list(self._jobs.values()):
            job.mark_seen()

    def join(self, seconds: float) -> None:
        """Wait until all have ended, at most so long."""
        deadline = time.monotonic() + seconds
        for job in list(self._jobs.values()):
            job.join(max(0.0, deadline - time.monotonic()))
