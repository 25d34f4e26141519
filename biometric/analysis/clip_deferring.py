"""Makes jobs of clips: who they are by their contents, and with what they are to be analysed."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biometric.analysis.clip_places import place_of
from biometric.entities.actors import current_actor
from biometric.entities.clip_jobs import AnalysisRequest, ClipJob, NewClipJob
from biometric.errors import BiometricError, ClipNotFound, DamagedClip, EmptyClip
from biometric.ports.jobs_port import JobQueue
from biometric.service import Sightline
from biometric.storage import describe_os_error, file_digest

BATCH = 32
"""How many clips become jobs in one transaction, so that workers begin while others are still read."""


@dataclass(frozen=True, slots=True)
class DeferredClip:
    """What became of a clip that was named.

    Attributes:
        job: None where it could not become one.
        is_new: it waits by this call; else it is known, and may have ended long ago.
        error: why it is no job.
    """

    path: Path
    job: ClipJob | None
    is_new: bool = False
    error: BiometricError | None = None


def needs_of(service: Sightline) -> str:
    """Return the models and settings that decide what is seen in a clip, as one line: equal where answers are."""
    settings = service.settings
    thorough = ", thorough" if settings.thorough else ""
    seen_with = service.library.made_with(settings.thorough)
    return f"{service.models.embedder_id()} on {seen_with}, {settings.analysis_fps:g} fps{thorough}"


class ClipDeferring:
    """Defers clips.

    Args:
        needs: with what they are to be analysed, see `needs_of`.
        roots: the folders of `SIGHTLINE_ANALYSIS_ROOTS`.
    """

    def __init__(self, queue: JobQueue, needs: str, roots: Sequence[Path]) -> None:
        self._queue = queue
        self._needs = needs
        self._roots = roots

    def defer(
        self, clips: Mapping[Path, str | None], request: AnalysisRequest, *, again: bool = False
    ) -> Iterator[DeferredClip]:
        """Make jobs of clips, some at a time, and yield what became of each; one that cannot be read ends nothing.

        Args:
            clips: the camera of each, which is put into its request; None: the request's own.
            again: clips that were analysed are analysed anew, as are those that failed for a lasting reason.

        Raises:
            JobQueueError, StorageFull: the queue cannot be written.
        """
        asked_by = current_actor().name
        for batch in _batches(clips):
            new: dict[Path, NewClipJob] = {}
            for path, camera in batch:
                try:
                    wanted = request if camera is None else replace(request, camera=camera)
                    root, place = place_of(path, self._roots)
                    new[path] = NewClipJob(root, place, self.digest(path), wanted, self._needs, asked_by)
                except BiometricError as error:
                    yield DeferredClip(path, None, error=error)
            for path, (job, is_new) in zip(new, self._queue.defer(list(new.values()), again=again), strict=True):
                yield DeferredClip(path, job, is_new)

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file, which is read only where it has changed since it was last asked for.

        Raises:
            ClipNotFound, EmptyClip, DamagedClip: it is not there, has no bytes, or cannot be read.
        """
        try:
            whole = path.resolve()
            status = whole.stat()
            if status.st_size == 0:
                raise EmptyClip("{name} is an empty file.", name=path.name)
            stamp = str(whole), status.st_size, status.st_mtime_ns
            digest = self._queue.known_digest(*stamp)
            if digest is None:
                digest = file_digest(whole)
                self._queue.note_digest(*stamp, digest)
        except FileNotFoundError as error:
            raise ClipNotFound("There is no file {name}.", name=path) from error
        except OSError as error:
            raise DamagedClip("{name} cannot be read: {reason}.", name=path, reason=describe_os_error(error)) from error
        return digest


def _batches(clips: Mapping[Path, str | None]) -> Iterator[tuple[tuple[Path, str | None], ...]]:
    items = iter(clips.items())
    while batch := tuple(itertools.islice(items, BATCH)):
        yield batch
