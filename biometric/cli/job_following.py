"""Tells what becomes of the jobs of a command: a line for each, progress over all, and their sum."""

import argparse
import sys
import time
from pathlib import Path

from biometric.analysis.clip_deferring import DeferredClip
from biometric.cli import streams
from biometric.cli.command_support import DONE, WRONG, show
from biometric.cli.job_lines import JobNames, job_line
from biometric.entities import Progress
from biometric.entities.clip_jobs import ClipJob, JobSearch, JobState, job_json
from biometric.errors import BiometricError, InvalidInput
from biometric.messages import describe_error
from biometric.messages.durations import describe_progress
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _
from biometric.ports.jobs_port import JobQueue
from biometric.service import Sightline

RECHECK_LOOKS = 40
"""After so many looks without a change, it is looked which jobs are still open: some may have been removed."""


class JobFollowing:
    """Tells what becomes of the jobs of a command.

    Args:
        total: how many clips were named.
    """

    def __init__(self, queue: JobQueue, service: Sightline, options: argparse.Namespace, total: int) -> None:
        self._queue, self._options, self._total = queue, options, total
        self._names = JobNames(service)
        self._started = time.monotonic()
        self._waiting: dict[int, ClipJob] = {}
        self._ended: dict[int, ClipJob] = {}
        self._known = 0  # how many had ended before
        self._refused: list[tuple[Path, BiometricError]] = []
        self._change, self._quiet = 0, 0

    @property
    def waits(self) -> bool:
        """Whether a job of the command has not ended."""
        return bool(self._waiting)

    def add(self, clip: DeferredClip) -> None:
        """Follow a clip's job, or tell why there is none."""
        if clip.job is None:
            if clip.error is not None:
                self._refused.append((clip.path, clip.error))
                self._say(f"{clip.path}: {describe_error(clip.error)}")
        elif clip.job.id in self._waiting or clip.job.id in self._ended:
            self._total -= 1  # the same clip under another name
        elif clip.job.state.is_final:
            self._known += 1
            self._end(clip.job)
        else:
            if not self._waiting:  # it ends after this change, as do all that are added while it waits
                self._change = clip.job.changed
            self._waiting[clip.job.id] = clip.job

    def look(self) -> None:
        """Tell which jobs have ended since, and show how far all are."""
        self._quiet += 1
        while self._waiting and (changes := self._queue.changes(self._change)):
            self._change, self._quiet = changes[-1].changed, 0
            for job in changes:
                if job.id in self._waiting and job.state.is_final:
                    self._end(job)
        if self._quiet >= RECHECK_LOOKS:
            self._quiet = 0
            self._recheck()
        self._show_progress()

    def leave_line(self) -> None:
        """Remove the line of progress."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def end(self) -> int:
        """Print the sum, or JSON; return the exit status: 2 where a clip was not analysed."""
        jobs = list(self._ended.values())
        failed = [job for job in jobs if job.state is not JobState.DONE]
        if self._options.only_queue:
            text = ngettext(
                "{n:,} clip waits for a worker.", "{n:,} clips wait for a worker.", len(self._waiting)
            ).format(n=len(self._waiting))
        else:
            text = self._sum(jobs, failed)
        refused = [{"clip": str(path), "error": describe_error(error)} for path, error in self._refused]
        show(
            self._options,
            {"jobs": [job_json(job) for job in (*jobs, *self._waiting.values())], "refused": refused},
            text,
        )
        return WRONG if failed or refused else DONE

    @property
    def _done_here(self) -> int:
        return len(self._ended) - self._known

    def _sum(self, jobs: list[ClipJob], failed: list[ClipJob]) -> str:
        seconds = max(0.001, time.monotonic() - self._started)
        results = [job.result for job in jobs if job.result is not None]
        people = sum(result.people for result in results)
        parts = [
            ngettext("{n:,} clip analysed", "{n:,} clips analysed", len(results)).format(n=len(results)),
            ngettext("{n:,} of them before", "{n:,} of them before", self._known).format(n=self._known)
            if self._known
            else "",
            ngettext("{n:,} not analysed", "{n:,} not analysed", len(failed) + len(self._refused)).format(
                n=len(failed) + len(self._refused)
            )
            if failed or self._refused
            else "",
            ngettext("{n:,} person", "{n:,} people", people).format(n=people),
            _("{rate:.2f} clips a second").format(rate=self._done_here / seconds) if self._done_here else "",
        ]
        return ", ".join(filter(None, parts)) + "."

    def _end(self, job: ClipJob) -> None:
        self._waiting.pop(job.id, None)
        self._ended[job.id] = job
        done = len(self._ended)
        text = ngettext("{n:,} clip was analysed", "{n:,} clips were analysed", done).format(n=done)
        self._options.when_interrupted = _("{text}; run the same command to go on").format(text=text)
        self._say(job_line(job, self._names), failed=job.state is not JobState.DONE)

    def _say(self, text: str, failed: bool = True) -> None:
        self.leave_line()
        if failed:
            streams.say(text)
        elif not self._options.json:
            streams.answer(text)

    def _recheck(self) -> None:
        if not self._waiting:
            return
        search = JobSearch((JobState.WAITING, JobState.RUNNING), limit=sys.maxsize)
        still_open = {job.id for job in self._queue.jobs(search)[0]}
        for job in [job for job in self._waiting.values() if job.id not in still_open]:
            try:
                now = self._queue.job(job.id)
            except InvalidInput as error:  # somebody removed it
                self._waiting.pop(job.id)
                self._refused.append((Path(job.new.path), error))
                self._say(f"{job.shown_path}: {describe_error(error)}")
                continue
            if now.state.is_final:
                self._end(now)

    def _show_progress(self) -> None:
        if not sys.stderr.isatty():
            return
        ended = len(self._ended) + len(self._refused)
        rate = self._done_here / max(0.001, time.monotonic() - self._started)
        left = (self._total - ended) / rate if self._done_here else None
        line = describe_progress(Progress(N_("Analysed clip"), ended, self._total, seconds_left=left))
        if self._done_here:
            line += " · " + _("{rate:.2f} clips a second").format(rate=rate)
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
