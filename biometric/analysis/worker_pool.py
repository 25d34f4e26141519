"""Workers of one process: each claims a job, lets its process analyse the clip, and ends the job."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from biometric.analysis.analyst_process import StartAnalyst
from biometric.analysis.job_runs import JobRuns, RunTimes
from biometric.analysis.retrying import RetryRules
from biometric.entities.clip_jobs import ClipJob
from biometric.errors import BiometricError, JobLost, JobQueueBusy, JobQueueError, StorageFull
from biometric.ports.jobs_port import JobQueue

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PoolTimes:
    """How often the workers of a process do what.

    Attributes:
        beat: seconds between two signs of life.
        sweep: seconds between two looks for workers that have ended or are silent.
        silent: seconds without a sign of life after which a worker counts as hanging.
        idle: seconds between two looks for jobs while none waits.
        runs: of a single job.
    """

    beat: float = 3.0
    sweep: float = 5.0
    silent: float = 60.0
    idle: float = 0.5
    runs: RunTimes = field(default_factory=RunTimes)


class WorkerPool:
    """Analyses what waits in a queue, until it is stopped.

    Args:
        start: what each process that analyses clips does.
        needs: the models and settings that these processes have.
        place: this machine and process, for people.
        count: how many workers, each with a process of its own.
        ended: called, in a worker's thread, with each job and how it ended: see `JobRuns`.
    """

    def __init__(
        self,
        queue: JobQueue,
        start: StartAnalyst,
        needs: str,
        place: str = "",
        count: int = 1,
        *,
        rules: RetryRules | None = None,
        times: PoolTimes | None = None,
        ended: Callable[[ClipJob], object] = lambda job: None,
    ) -> None:
        self._queue, self._start, self._needs, self._place, self._count = queue, start, needs, place, count
        self._rules, self._times, self._ended = rules or RetryRules(), times or PoolTimes(), ended
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._runs: dict[str, JobRuns] = {}
        self._lock = threading.Lock()
        self._failure: BiometricError | None = None

    def start(self) -> None:
        """Let the workers begin. Raises the `JobQueueError` family, `StorageFull`: the queue cannot be used."""
        self._sweep()
        for number in range(self._count):
            worker_id = self._queue.register(self._needs, self._place)
            thread = threading.Thread(target=self._work, args=[worker_id], name=f"worker {number + 1}", daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._live, name="signs of life", daemon=True).start()

    def wake(self) -> None:
        """Let idle workers look for jobs at once."""
        self._woken.set()

    def stop(self) -> None:
        """Let the workers leave their clips, which wait again, and end; return when they have."""
        self._stopping.set()
        self._woken.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    @property
    def failure(self) -> BiometricError | None:
        """Why the workers ended by themselves; None while they do not."""
        return self._failure

    @property
    def busy(self) -> int:
        """How many workers have a clip."""
        with self._lock:
            return sum(runs.job is not None for runs in self._runs.values())

    @property
    def analyst_pids(self) -> list[int]:
        """The numbers of the processes that analyse clips."""
        with self._lock:
            return [runs.pid for runs in self._runs.values() if runs.pid is not None]

    # --- how -----------------------------------------------------------------------------------------------------

    def _work(self, worker_id: str) -> None:
        while worker_id and not self._stopping.is_set():
            runs = JobRuns(self._queue, self._start, self._rules, self._times.runs, self._stopping)
            with self._lock:
                self._runs[worker_id] = runs
            try:
                self._serve(worker_id, runs)
            except JobLost:
                worker_id = self._again()
                continue
            except BiometricError as error:
                self._give_up(error)
            except Exception as error:
                logger.exception("a worker failed")
                self._give_up(JobQueueError("{kind}: {error}", kind=type(error).__name__, error=error))
            finally:
                runs.close()
                with self._lock:
                    self._runs.pop(runs.worker_id or worker_id, None)
            self._leave(worker_id)
            return

    def _serve(self, worker_id: str, runs: JobRuns) -> None:
        runs.worker_id = worker_id
        while not self._stopping.is_set():
            job, runs.next_job = runs.next_job, None
            try:
                job = job or self._queue.fetch(worker_id)
            except (JobQueueBusy, StorageFull) as error:
                logger.warning("no job could be fetched: %s", error)
                job = None
            if job is None:
                self._woken.wait(self._times.idle)
                if not self._stopping.is_set():
                    self._woken.clear()
                continue
            pause = runs.run(job)
            self._ended(job)
            self._stopping.wait(pause)

    def _again(self) -> str:
        """Become a worker anew, after having been silent for too long."""
        try:
            return self._queue.register(self._needs, self._place)
        except BiometricError as error:
            self._give_up(error)
            return ""

    def _give_up(self, error: BiometricError) -> None:
        self._failure = self._failure or error
        self._stopping.set()
        self._woken.set()

    def _leave(self, worker_id: str) -> None:
        try:
            self._queue.unregister(worker_id)
        except BiometricError as error:
            logger.warning("a worker could not sign off: %s", error)

    def _live(self) -> None:
        """Give signs of life, stop what is to be cancelled, take over from others; while the workers work."""
        swept = time.monotonic()
        while not self._stopping.wait(self._times.beat):
            try:
                with self._lock:
                    by_id = dict(self._runs)
                cancelled = self._queue.beat(list(by_id))
                for runs in by_id.values():
                    runs.cancel_if_in(cancelled)
                if time.monotonic() - swept >= self._times.sweep:
                    swept = time.monotonic()
                    self._sweep()
            except (JobQueueBusy, StorageFull) as error:
                logger.warning("no sign of life could be given: %s", error)
            except BiometricError as error:
                self._give_up(error)
            except Exception:  # without signs of life, other workers would take the clips
                logger.exception("a sign of life failed")

    def _sweep(self) -> None:
        if self._queue.take_over(self._times.silent, self._rules.take_overs):
            self.wake()
