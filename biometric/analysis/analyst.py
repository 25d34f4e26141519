"""Analyses the clips of jobs, in a process of its own: a decoder that crashes takes nothing else with it."""

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from biometric.analysis.clip_places import locate
from biometric.analysis.exchange import Advanced, Begin, Ended, Ready, Stop
from biometric.analysis.retrying import failure_of, is_machine_fault
from biometric.entities import NewAnswer, ObservedClip, Progress
from biometric.entities.actors import Actor, Channel, acting_as
from biometric.entities.clip_jobs import ClipJob, JobResult
from biometric.entities.footage import wanted_range
from biometric.entities.progress import finish
from biometric.errors import (
    BiometricError,
    ClipNotFound,
    DamagedClip,
    EmptyGallery,
    FootageChanged,
    KeptFootageUnavailable,
    NobodyFound,
    NoUsableSample,
)
from biometric.service import Sightline

logger = logging.getLogger(__name__)

UNWINDING_SECONDS = 2.0
"""How long a process whose worker has ended may take to leave its clip."""
TOLD_EVERY = 0.5
"""Seconds between two signs that a clip advances."""


class _Stopped(Exception):
    """The clip is to be left alone."""


class Analyst:
    """Analyses clips.

    Args:
        service: with the models; only this process uses it.
    """

    def __init__(self, service: Sightline) -> None:
        self._service = service

    def analyse(self, job: ClipJob, report: Callable[[Progress], object]) -> JobResult:
        """Observe a clip, say who its people are, and keep both in the library in one transaction.

        A job that was analysed before, by a worker that could not say so any more, leaves nothing twice.

        Args:
            report: called with each step; an exception of it ends the work and leaves nothing behind.

        Raises:
            DamagedClip: it cannot be read to its end, and the job does not accept that.
            FootageChanged: the file is another one than when the job was made.
            KeptFootageUnavailable: the settings let nothing, or nothing of this size, be kept.
            BiometricError: the clip cannot be analysed.
        """
        started, service, request = time.monotonic(), self._service, job.new.request
        path = locate(job.new, service.settings.analysis_roots)
        try:
            video = service.probe(path)
            if video.digest != job.new.digest:
                raise FootageChanged("{name} was changed since it was put into the queue.", name=path.name)
            if video.damage is not None and not request.accept_damaged:
                raise DamagedClip(
                    "Say --accept-damaged to analyse it as far as it can be read.",
                    video.frame_count,
                    video.claimed_frames,
                    video.damage,
                )
            work = service.observe(
                path,
                wanted_range(request.first, request.last, video.frame_count),
                accept_damaged=request.accept_damaged,
                camera=request.camera,
                thorough=request.thorough,
            )
            observed = finish(work, report)
            answer = replace(self._answer(observed), id=job.answer_id)
            kept = service.library.keep(observed, answer)
        except BiometricError as error:
            if not isinstance(error, ClipNotFound) and not path.exists():  # it vanished while it was read
                raise ClipNotFound("There is no file {name}.", name=path) from error
            raise
        finally:
            service.forget_observations()
        if kept is None:
            raise KeptFootageUnavailable(
                "{name} could not be kept: SIGHTLINE_LIBRARY_DAYS is 0, or it is larger than SIGHTLINE_LIBRARY_MB.",
                name=path.name,
            )
        frames, seconds = observed.frames, time.monotonic() - started
        count = frames.stop - frames.start
        length = video.duration * min(1.0, count / max(1, video.frame_count))
        identified = sum(person.found for person in kept.people)
        return JobResult(len(kept.people), identified, count, length, seconds, kept.clip_id, kept.id)

    def _answer(self, observed: ObservedClip) -> NewAnswer:
        try:
            return NewAnswer.of(self._service.identify(observed))
        except (EmptyGallery, NobodyFound, NoUsableSample):
            return NewAnswer.of_undecided(observed.observations)


class AnalystLoop:
    """Takes jobs from a worker, one at a time, until the worker ends.

    Args:
        connection: to the worker.
    """

    def __init__(self, connection: Connection, analyst: Analyst) -> None:
        self._connection, self._analyst = connection, analyst
        self._jobs: queue.SimpleQueue[ClipJob | None] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._gone = threading.Event()
        self._told = 0.0

    def run(self) -> None:
        """Say that it takes clips, then analyse what comes."""
        threading.Thread(target=self._listen, name="worker's words", daemon=True).start()
        self._connection.send(Ready())
        while (job := self._jobs.get()) is not None:
            self._connection.send(self._end_of(job))

    def _end_of(self, job: ClipJob) -> Ended:
        try:
            with acting_as(Actor(job.new.asked_by, Channel.COMMAND)):
                return Ended(self._analyst.analyse(job, lambda _progress: self._report(job)))
        except _Stopped:
            return Ended()
        except BiometricError as error:
            return Ended(failure=failure_of(error), unusable=is_machine_fault(error))
        except Exception as error:
            logger.exception("a clip could not be analysed")
            return Ended(failure=failure_of(error))

    def _report(self, job: ClipJob) -> None:
        if self._gone.is_set() or job.id in self._stopped:
            raise _Stopped
        if time.monotonic() - self._told >= TOLD_EVERY:
            self._told = time.monotonic()
            self._connection.send(Advanced())

    def _listen(self) -> None:
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, Begin):
                    self._jobs.put(message.job)
                elif isinstance(message, Stop):
                    self._stopped.add(message.job_id)
        except (EOFError, OSError):  # the worker has ended, however it did
            self._gone.set()
            self._jobs.put(None)
            time.sleep(UNWINDING_SECONDS)
            os._exit(1)


def run_analyst(connection: Connection, build: Callable[[], tuple[Sightline, Callable[[], None]]]) -> None:
    """Be the process that analyses clips for a worker; what the settings lack is told as the end of a clip."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches all processes of a terminal: the worker decides
    release: Callable[[], None] = lambda: None  # noqa: E731
    try:
        service, release = build()
        service.models.resolve_embedder()
        service.models.detector()
        service.models.embedder()
        AnalystLoop(connection, Analyst(service)).run()
    except BiometricError as error:
        connection.send(Ended(failure=failure_of(error), unusable=True))
    except (BrokenPipeError, ConnectionResetError):
        return  # the worker has ended
    finally:
        release()
