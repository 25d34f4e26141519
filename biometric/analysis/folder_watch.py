"""Watches folders: what came while nobody looked, and what comes."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from biometric.analysis.clip_arrivals import ClipArrivals
from biometric.errors import BiometricError, JobQueueBusy, JobQueueError, StorageFull

logger = logging.getLogger(__name__)

ChangesBelow = Callable[[Path, threading.Event], Iterator[set[Path]]]
RESCAN_SECONDS = 60.0
"""Between two looks at all files: changes on network drives are not told, and a look at the names is cheap."""


class FolderWatch:
    """Tells which clips of folders are written, until it is stopped.

    Args:
        arrivals: makes what looks at the files of one folder.
        changes: tells which files change below a folder; ends where the folder vanishes.
        ready: called, in one thread at a time, with clips that are written, and the folder that they are in.
        told: called with a folder, and whether it can be read, whenever that changes.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        arrivals: Callable[[], ClipArrivals],
        changes: ChangesBelow,
        ready: Callable[[Path, list[Path]], object],
        told: Callable[[Path, bool], object],
        *,
        rescan: float = RESCAN_SECONDS,
        retry: float = 2.0,
    ) -> None:
        self._arrivals, self._changes = arrivals, changes
        self._ready, self._told, self._rescan, self._retry = ready, told, rescan, retry
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._failure: BiometricError | None = None
        self._threads = [threading.Thread(target=self._run, args=[folder], daemon=True) for folder in folders]

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Watch no more; return when nothing is told any more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failure(self) -> BiometricError | None:
        """What ended the watch; None while nothing did."""
        return self._failure

    def _run(self, folder: Path) -> None:
        there: bool | None = None
        arrivals = self._arrivals()
        try:
            while not self._stop.is_set():
                now_there = folder.is_dir()
                if now_there is not there:
                    there = now_there
                    self._told(folder, there)
                if there:
                    self._watch(folder, arrivals)
                self._stop.wait(self._retry)
        except BiometricError as error:
            self._failure = error
        except Exception as error:
            logger.exception("a folder could not be watched")
            self._failure = JobQueueError("{kind}: {error}", kind=type(error).__name__, error=error)
        if self._failure is not None:
            self._stop.set()

    def _watch(self, folder: Path, arrivals: ClipArrivals) -> None:
        """Watch until the folder vanishes. What was there before it was watched is found by the first scan."""
        scanned: float | None = None
        try:
            for changed in self._changes(folder, self._stop):
                arrivals.note(changed, folder)
                for path in changed:
                    if path.is_dir():  # files that were in it before the system watched it are not told
                        arrivals.note(_files_below(path), folder)
                if scanned is None or time.monotonic() - scanned >= self._rescan:
                    arrivals.note(_files_below(folder), folder)
                    arrivals.forget_gone()
                    scanned = time.monotonic()
                found = arrivals.ready()
                try:
                    with self._lock:
                        if found:
                            self._ready(folder, found)
                except (StorageFull, JobQueueBusy) as error:
                    logger.warning("clips could not be put into the queue: %s", error)
                    arrivals.take_back(found)
        except OSError as error:  # it vanished meanwhile, or may not be read
            logger.warning("%s cannot be watched: %s", folder, error)


def _files_below(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files))
