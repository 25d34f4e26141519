"""`python -m biometric analyze`: all clips of files, folders and patterns, each a job of the queue."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from biometric.analysis.clip_deferring import ClipDeferring, DeferredClip, needs_of
from biometric.analysis.clip_places import named_clips
from biometric.analysis.retrying import RetryRules
from biometric.analysis.worker_pool import WorkerPool
from biometric.cli import command_support, streams
from biometric.cli.command_support import DONE, WRONG, show
from biometric.cli.gallery_trash import positive
from biometric.cli.job_lines import JobNames, job_line
from biometric.entities import Progress
from biometric.entities.clip_jobs import AnalysisRequest, ClipJob, JobState, job_json
from biometric.errors import BiometricError, EmptyGallery, InvalidInput, InvalidSetting
from biometric.messages import describe_error
from biometric.messages.durations import describe_progress
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _
from biometric.ports.jobs_port import JobQueue
from biometric.service import Sightline
from biometric.settings import Settings

LOOK_SECONDS = 0.25
"""Between two looks at what became of the jobs."""
RECHECK_LOOKS = 40
"""After so many looks without a change, jobs are looked up one by one: some may have been removed."""


def add_commands(commands: Any) -> None:
    """Add `analyze` to the parser of all commands."""
    summary = "analyse many clips: files, folders, patterns; each a job that is kept until it is done"
    parser = commands.add_parser("analyze", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("paths", type=Path, metavar="PATH", nargs="+", help="clips, folders, or patterns in quotes")
    add_request_options(parser)
    parser.add_argument("--again", action="store_true", help="also clips that were analysed, or failed for good")
    parser.add_argument("--only-queue", action="store_true", help="only put them into the queue, for workers that run")
    add_worker_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_analyze, when_interrupted=N_("Nothing was analysed"))


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how clips are analysed."""
    parser.add_argument("--from", dest="first", type=int, metavar="F", help="first frame of each (default: 0)")
    parser.add_argument("--to", dest="last", type=int, metavar="F", help="last frame, inclusive (default: the last)")
    parser.add_argument(
        "--thorough", dest="everywhere", action="store_true", help="look for people in each analysed frame"
    )
    parser.add_argument("--accept-damaged", action="store_true", help="use clips that cannot be read to their end")
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument("--camera", metavar="NAME", help="which camera the clips are from (default: what files say)")
    camera.add_argument(
        "--camera-from-folder",
        action="store_true",
        help="clips in a sub-folder of a folder are from the camera of its name, others from that of the folder's name",
    )


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of whoever analyses clips."""
    parser.add_argument("--workers", type=positive, metavar="N", default=1, help="clips at a time (default: 1)")
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N (default: SIGHTLINE_DEVICE)")
    parser.add_argument(
        "--attempts", type=positive, metavar="N", default=3, help="most attempts for a clip that fails (default: 3)"
    )


def request_of(options: argparse.Namespace) -> AnalysisRequest:
    """Return how clips are to be analysed. Raises `InvalidFrameRange`, `InvalidCamera`."""
    return AnalysisRequest(options.first, options.last, options.everywhere, options.accept_damaged, options.camera)


def checked_service(options: argparse.Namespace) -> Sightline:
    """Return the service for the options, once it is sure that clips can be analysed and kept.

    Raises:
        InvalidSetting: the library keeps nothing.
        ModelError, GalleryError: no weights, or a gallery of another model.
    """
    service = command_support.build_service(options)
    if not service.library.keeps_anything:
        raise InvalidSetting("What is seen in clips is kept in the library; SIGHTLINE_LIBRARY_DAYS must be above 0.")
    service.models.resolve_embedder()
    try:
        service.gallery().check_model(service.models.embedder_id())
        service.threshold("identification")
    except EmptyGallery:
        pass  # then nobody is known yet, and everybody is kept as unknown
    return service


def _analyze(options: argparse.Namespace) -> int:
    service, request = checked_service(options), request_of(options)
    clips = {
        path: folder if options.camera_from_folder else None for path, folder in named_clips(options.paths).items()
    }
    needs, queue = needs_of(service), command_support.open_job_queue(service.settings)
    following = _Following(queue, service, options, len(clips))
    pool = None
    if not options.only_queue:
        pool = new_pool(service.settings, queue, needs, options)
        pool.start()
    try:
        deferring = ClipDeferring(queue, needs, service.settings.analysis_roots)
        for clip in deferring.defer(clips, request, again=options.again):
            following.add(clip)
            if pool is not None:
                pool.wake()
                following.look()
        while pool is not None and following.waits:
            time.sleep(LOOK_SECONDS)
            following.look()
            if pool.failure is not None:
                raise pool.failure
    finally:
        following.leave_line()
        if pool is not None:
            pool.stop()
    return following.end()


def new_pool(settings: Settings, queue: JobQueue, needs: str, options: argparse.Namespace, **more: Any) -> WorkerPool:
    """Return workers for a command's options."""
    rules = RetryRules(attempts=options.attempts)
    start, place = command_support.analyst_of(settings), command_support.this_place()
    return WorkerPool(queue, start, needs, place, options.workers, rules=rules, **more)


class _Following:
    """Tells what becomes of the jobs of a command.

    Args:
        total: how many clips were named.
    """

    def __init__(self, queue: JobQueue, service: Sightline, options: argparse.Namespace, total: int) -> None:
        self._queue, self._options, self._total = queue, options, total
        self._names = JobNames(service)
        self._started, self._done_here = time.monotonic(), 0
        self._waiting: dict[int, ClipJob] = {}
        self._ended: dict[int, ClipJob] = {}
        self._known: set[int] = set()
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
            self._known.add(clip.job.id)
            self._end(clip.job)
        else:
            self._waiting[clip.job.id] = clip.job

    def look(self) -> None:
        """Tell which jobs have ended since, and show how far all are."""
        changes = self._queue.changes(self._change)
        if changes:
            self._change = changes[-1].changed
        self._quiet = 0 if changes else self._quiet + 1
        for job in changes:
            if job.id in self._waiting and job.state.is_final:
                self._done_here += 1
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

    def _sum(self, jobs: list[ClipJob], failed: list[ClipJob]) -> str:
        seconds = max(0.001, time.monotonic() - self._started)
        results = [job.result for job in jobs if job.result is not None]
        people = sum(result.people for result in results)
        parts = [
            ngettext("{n:,} clip analysed", "{n:,} clips analysed", len(results)).format(n=len(results)),
            ngettext("{n:,} of them before", "{n:,} of them before", len(self._known)).format(n=len(self._known))
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
        for job in list(self._waiting.values()):
            try:
                now = self._queue.job(job.id)
            except InvalidInput as error:  # somebody removed it
                self._waiting.pop(job.id)
                self._refused.append((Path(job.new.path), error))
                self._say(f"{job.shown_path}: {describe_error(error)}")
                continue
            if now.state.is_final:
                self._done_here += 1
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
