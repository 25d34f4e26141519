"""Chooses the adapters for many clips: the queue, and the processes that analyse clips."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from biometric.analysis.analyst import run_analyst
from biometric.analysis.analyst_process import StartAnalyst
from biometric.analysis.folder_watch import ChangesBelow
from biometric.entities.clip_jobs import ClipJob
from biometric.errors import InvalidSetting
from biometric.ports.jobs_port import JobQueue
from biometric.service import Sightline
from biometric.settings import Settings


def open_job_queue(settings: Settings) -> JobQueue:
    """Return the queue of the settings; nothing is created before the first job."""
    from biometric.job_queue.sqlite_queue import SQLiteJobQueue

    return SQLiteJobQueue(settings.library)


def analyst_of(settings: Settings) -> StartAnalyst:
    """Return what a process that analyses clips does, with the models of the settings."""
    return partial(_be_analyst, settings)


def folder_watching() -> tuple[ChangesBelow, Callable[[Path], bool]]:
    """Return what tells which files of a folder change, and what tells whether a file looks whole.

    Raises:
        InvalidSetting: the package watchfiles is not installed.
    """
    from biometric.clips.wholeness import looks_whole

    try:
        from biometric.watched_files import changes_below
    except ImportError as error:
        raise InvalidSetting(
            'Watching folders needs the package watchfiles. Install it with: pip install "sightline[fleet]"'
        ) from error
    return changes_below, looks_whole


@contextmanager
def serve_metrics(queue: JobQueue, host: str, port: int) -> Iterator[Callable[[ClipJob], object]]:
    """Serve metrics inside the block; give what is told of each job that ended.

    Raises:
        InvalidSetting: the port is taken, or the package prometheus-client is not installed.
    """
    try:
        from biometric.worker_metrics import WorkerMetrics
    except ImportError as error:
        raise InvalidSetting(
            'Metrics need the package prometheus-client. Install it with: pip install "sightline[fleet]"'
        ) from error
    metrics = WorkerMetrics(queue)
    with metrics.served(host, port):
        yield metrics.note


def _be_analyst(settings: Settings, connection: Connection) -> None:
    run_analyst(connection, partial(_build, settings))


def _build(settings: Settings) -> tuple[Sightline, Callable[[], None]]:
    from biometric.bootstrap import build_releasable

    service, release = build_releasable(settings)

    def close() -> None:
        service.close()
        release()

    return service, close
