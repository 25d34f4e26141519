"""`python -m biometric watch`: analyses the clips of folders as they come, until it is ended."""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biometric.analysis.clip_arrivals import ArrivalRules, ClipArrivals, Stamp
from biometric.analysis.clip_deferring import ClipDeferring, DeferredClip, needs_of
from biometric.analysis.folder_watch import FolderWatch
from biometric.cli import command_support, streams
from biometric.cli.analyze import add_request_options, add_worker_options, checked_service, new_pool, request_of
from biometric.cli.command_support import DONE
from biometric.cli.job_lines import JobNames, job_line
from biometric.cli.worker import add_metrics_options
from biometric.entities.clip_jobs import JobState
from biometric.errors import InvalidInput
from biometric.messages import describe_error
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ports.jobs_port import JobQueue
from biometric.storage.footage_folders import folder_camera

LOOK_SECONDS = 0.5
"""Between two looks at what became of the jobs."""


def add_commands(commands: Any) -> None:
    """Add `watch` to the parser of all commands."""
    summary = "analyse the clips of folders as they come"
    parser = commands.add_parser("watch", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("folders", type=Path, metavar="DIR", nargs="+", help="folders, watched at any depth")
    add_request_options(parser)
    parser.add_argument(
        "--rest", type=_seconds, metavar="S", default=3.0, help="seconds without a change, then a file is written (3)"
    )
    parser.add_argument("--only-queue", action="store_true", help="only put clips into the queue, for other workers")
    add_worker_options(parser)
    add_metrics_options(parser)
    parser.set_defaults(
        command=_watch, when_interrupted=N_("What is not analysed yet is when the same command runs again")
    )


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to 3600, got {text}")
    return number


def _watch(options: argparse.Namespace) -> int:
    folders = _apart(options.folders)
    service, request = checked_service(options), request_of(options)
    changes, looks_whole = command_support.folder_watching()
    queue, needs = command_support.open_job_queue(service.settings), needs_of(service)
    deferring = ClipDeferring(queue, needs, service.settings.analysis_roots)
    told = _Told(queue, JobNames(service))

    def was_whole(path: Path, stamp: Stamp) -> bool:
        return queue.known_digest(str(path.resolve()), *stamp) is not None

    def defer(folder: Path, clips: Sequence[Path]) -> None:
        cameras: Mapping[Path, str | None] = {
            clip: folder_camera(folder, clip) if options.camera_from_folder else None for clip in clips
        }
        for clip in deferring.defer(cameras, request):
            told.add(clip)

    rules = ArrivalRules(rest=options.rest)
    watch = FolderWatch(folders, lambda: ClipArrivals(looks_whole, was_whole, rules), changes, defer, _tell_folder)
    with command_support.metrics(queue, options) as ended:
        pool = None if options.only_queue else new_pool(service.settings, queue, needs, options, ended=ended)
        if pool is not None:
            pool.start()
        watch.start()
        try:
            while watch.failure is None and (pool is None or pool.failure is None):
                time.sleep(LOOK_SECONDS)
                told.look()
        finally:
            watch.stop()
            if pool is not None:
                pool.stop()
    failure = watch.failure or (None if pool is None else pool.failure)
    if failure is not None:
        raise failure
    return DONE


def _apart(folders: Sequence[Path]) -> list[Path]:
    """Return the folders, each once. Raises `InvalidInput`: one is a file, or lies in another one."""
    whole = list(dict.fromkeys(folder.resolve() for folder in folders))
    for folder in whole:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput("{folder} is not a folder. Name one that holds clips.", folder=folder)
        for other in whole:
            if folder != other and folder.is_relative_to(other):
                raise InvalidInput(
                    "{folder} lies in {other}, which is watched at any depth.", folder=folder, other=other
                )
    return whole


def _tell_folder(folder: Path, there: bool) -> None:
    text = _("Watching {folder}.") if there else _("{folder} is not there; it is watched once it is.")
    streams.say(text.format(folder=folder))


class _Told:
    """Tells what becomes of the clips that came, and forgets them."""

    def __init__(self, queue: JobQueue, names: JobNames) -> None:
        self._queue, self._names = queue, names
        self._waiting: set[int] = set()
        self._change = 0

    def add(self, clip: DeferredClip) -> None:
        """Follow a clip's job unless it had ended before; tell why there is none."""
        if clip.job is not None and not clip.job.state.is_final:
            self._waiting.add(clip.job.id)
        elif clip.error is not None:
            streams.say(f"{clip.path}: {describe_error(clip.error)}")

    def look(self) -> None:
        """Tell which have ended since."""
        while changes := self._queue.changes(self._change):
            self._change = changes[-1].changed
            for job in changes:
                if job.id in self._waiting and job.state.is_final:
                    self._waiting.discard(job.id)
                    line = job_line(job, self._names)
                    (streams.answer if job.state is JobState.DONE else streams.say)(line)
                    streams.finish_output()
