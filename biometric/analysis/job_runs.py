"""One worker's jobs, one after the other, in a process that is started anew where it has ended."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from biometric.analysis.analyst_process import AnalystEnded, AnalystProcess, StartAnalyst
from biometric.analysis.exchange import Ended, Ready
from biometric.analysis.retrying import RetryRules
from biometric.entities.clip_jobs import ClipJob, JobFailure
from biometric.errors import JobLost, JobQueueBusy, StorageFull, WorkersFailed
from biometric.errors.phrases import Phrase
from biometric.messages.translation import tell
from biometric.ports.jobs_port import JobQueue

logger = logging.getLogger(__name__)

STARTS = 3
"""How often in a row the process may end before it is ready."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """How long what may take.

    Attributes:
        look: seconds between two looks whether a clip is to be left.
        leave: seconds within which the process leaves a clip, before it is ended.
        silent: seconds without a step after which a clip counts as hanging.
        settle: seconds between two tries to write down how a job ended.
        start: seconds within which the process is ready: a first start may convert models.
    """

    look: float = 0.25
    leave: float = 10.0
    silent: float = 900.0
    settle: float = 2.0
    start: float = 900.0


Written = TypeVar("Written")


class JobRuns:
    """Runs the jobs of one worker.

    Args:
        stopping: set when the worker is to end.
    """

    def __init__(
        self, queue: JobQueue, start: StartAnalyst, rules: RetryRules, times: RunTimes, stopping: threading.Event
    ) -> None:
        self._queue, self._start, self._rules, self._times, self._stopping = queue, start, rules, times, stopping
        self._analyst: AnalystProcess | None = None
        self._cancelled = False
        self.job: ClipJob | None = None
        self.next_job: ClipJob | None = None  # claimed together with the end of the one before: half the waiting
        self.worker_id = ""

    @property
    def pid(self) -> int | None:
        """The number of the process; None without one."""
        return None if self._analyst is None else self._analyst.pid

    def cancel_if_in(self, job_ids: set[int]) -> None:
        """Leave the clip at hand if its job is one of these."""
        job = self.job
        self._cancelled = self._cancelled or (job is not None and job.id in job_ids)

    def run(self, job: ClipJob) -> float:
        """Analyse a clip and end its job; return for how many seconds this worker should then do nothing.

        Raises:
            WorkersFailed: no clip can be analysed here; the job waits again.
            JobLost: the worker was given up.
        """
        self.job, self.next_job, self._cancelled = job, None, False
        try:
            try:
                self._make_ready()
                ended = self._analysed(job)
            except AnalystEnded as crash:
                self._drop()
                words = Phrase("The process that analysed this clip ended {how}.", how=crash.how)
                return self._failed(job, JobFailure("Crashed", tell(words)))
            except _NotReady as error:
                self._settle(lambda: self._queue.give_back(job))
                if self._stopping.is_set():
                    return 0.0
                raise WorkersFailed("{reason}", reason=error.args[0]) from error
            return self._end(job, ended)
        finally:
            self.job = None

    def close(self) -> None:
        """End the process."""
        analyst, self._analyst = self._analyst, None
        if analyst is not None:
            analyst.close()

    # --- how -----------------------------------------------------------------------------------------------------

    def _make_ready(self) -> None:
        """Start the process unless it runs. Raises `_NotReady`."""
        if self._analyst is not None:
            return
        for _ in range(STARTS):
            self._analyst = AnalystProcess(self._start)
            deadline = time.monotonic() + self._times.start
            try:
                while time.monotonic() < deadline:
                    if self._stopping.is_set():
                        raise _NotReady
                    message = self._analyst.next_message(self._times.look)
                    if isinstance(message, Ready):
                        return
                    if isinstance(message, Ended) and message.failure is not None:
                        raise _NotReady(message.failure.words)
            except AnalystEnded as crash:
                logger.warning("the process that analyses clips ended %s before it was ready", crash.how)
                how = crash.how
            else:
                how = Phrase("without answering")
            self._drop()
        raise _NotReady(tell(Phrase("The process that analyses clips ended {how} before it was ready.", how=how)))

    def _analysed(self, job: ClipJob) -> Ended:
        """Return how a clip ended. Raises `AnalystEnded`."""
        analyst = self._analyst
        assert analyst is not None  # _make_ready
        analyst.begin(job)
        step, leaving = time.monotonic(), None
        while True:
            message = analyst.next_message(self._times.look)
            now = time.monotonic()
            if isinstance(message, Ended):
                return message
            if message is not None:
                step = now
            if leaving is None and (self._cancelled or self._stopping.is_set()):
                analyst.stop(job)
                leaving = now + self._times.leave
            if leaving is not None and now >= leaving:
                self._drop()
                return Ended()
            if now - step >= self._times.silent:
                self._drop()
                raise AnalystEnded(Phrase("because it hung for {seconds:.0f} s", seconds=now - step))

    def _end(self, job: ClipJob, ended: Ended) -> float:
        if ended.result is not None:
            result, more = ended.result, not self._stopping.is_set()
            self.next_job = self._settle(lambda: self._queue.finish(job, result, then_fetch=more))
            return 0.0
        if ended.failure is None:  # it was stopped
            end = self._queue.mark_cancelled if self._cancelled else self._queue.give_back
            self._settle(lambda: end(job))
            return 0.0
        if ended.unusable:
            self._settle(lambda: self._queue.give_back(job))
            raise WorkersFailed("{reason}", reason=ended.failure.words)
        return self._failed(job, ended.failure)

    def _failed(self, job: ClipJob, failure: JobFailure) -> float:
        """End an attempt that failed; return for how many seconds the worker should then do nothing."""
        if failure.lasting or job.attempts >= self._rules.attempts:
            crashed = failure.kind == "Crashed"
            last = JobFailure(failure.kind, failure.words, failure.lasting or crashed)
            self._settle(lambda: self._queue.fail(job, last))
            return 0.0
        delay = self._rules.delay(job.attempts)
        self._settle(lambda: self._queue.retry_later(job, failure, delay))
        return delay if failure.kind == StorageFull.__name__ else 0.0

    def _settle(self, write: Callable[[], Written]) -> Written | None:
        """Write down how a job ended, again and again while the disk is full or the queue busy."""
        while True:
            try:
                return write()
            except JobLost:
                logger.warning("a job was taken over by another worker, which ends it")
            except (StorageFull, JobQueueBusy) as error:
                logger.warning("a job's end could not be written down: %s", error)
                if self._stopping.is_set():
                    raise
                self._stopping.wait(self._times.settle)
                continue
            return None

    def _drop(self) -> None:
        analyst, self._analyst = self._analyst, None
        if analyst is not None:
            analyst.kill()
            analyst.close(0)


class _NotReady(Exception):
    """The process cannot analyse clips. Its argument says why, for people."""
