"""`python -m biometric analyze`: all clips of files, folders and patterns, each a job of the queue."""

import argparse
import time
from pathlib import Path
from typing import Any

from biometric.analysis.clip_deferring import ClipDeferring, needs_of
from biometric.analysis.clip_places import named_clips
from biometric.analysis.retrying import RetryRules
from biometric.analysis.worker_pool import WorkerPool
from biometric.cli import command_support
from biometric.cli.gallery_trash import positive
from biometric.cli.job_following import JobFollowing
from biometric.entities.clip_jobs import AnalysisRequest
from biometric.errors import EmptyGallery, InvalidSetting
from biometric.messages.translation import N_
from biometric.ports.jobs_port import JobQueue
from biometric.service import Sightline
from biometric.settings import Settings

LOOK_SECONDS = 0.25
"""Between two looks at what became of the jobs."""


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
    following = JobFollowing(queue, service, options, len(clips))
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
