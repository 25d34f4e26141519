"""Works through the queue of a workspace, clip by clip: each is a job of its own, so that others have turns between."""

import itertools
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biometric.entities import NewAnswer, clean_camera
from biometric.errors import BiometricError
from biometric.messages import describe, describe_error
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.storage import remove_quietly
from biometric.storage.footage_folders import check_footage_file, folder_camera, footage_folder, list_clips
from biometric.ui import batch_records
from biometric.ui.batch_queue import MOST_CLIPS, BatchQueue, ClipState, QueuedClip
from biometric.ui.batch_records import BatchRecords
from biometric.ui.chosen_thresholds import chosen_threshold
from biometric.ui.page import Page, Steps
from biometric.ui.session import BATCH_JOB, Session
from biometric.ui.step_runs import stream_progress

logger = logging.getLogger(__name__)

DEFECT = N_("Something went wrong inside Sightline. The server's log says more.")


class BatchRunner:
    """Fills and runs the queues of all workspaces of one server.

    Attributes:
        records: notes on disk of what is not done yet.
        cut_off: queues of former servers that were not finished, and were not put away.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.records = BatchRecords(page.service.settings.library / "queues")
        self.cut_off = tuple(self.records.cut_off())
        self._numbers = itertools.count(1)

    def add_uploads(
        self, session: Session, sources: Sequence[Path], camera: str | None = None, *, thorough: bool = False
    ) -> None:
        """Put uploaded clips of one camera into the queue and begin; `thorough`: look at every frame of them.

        Raises `InvalidInput`, `StorageFull`.
        """
        folder = session.new_folder("batch")
        taken: list[QueuedClip] = []
        for number, source in enumerate(sources):
            place = folder / str(number)
            place.mkdir(mode=0o700)
            taken.append(QueuedClip(source.name, self.page.uploads.take(source, place), True, camera, thorough))
        self._begin(session, taken)

    def add_folder(
        self,
        session: Session,
        text: str,
        camera: str | None = None,
        *,
        folders_are_cameras: bool = False,
        thorough: bool = False,
    ) -> int:
        """Put the clips of a folder of this machine into the queue and begin; returns how many files were left out.

        Args:
            camera: which one they are from.
            folders_are_cameras: each is from the camera that its folder is named after (see `folder_camera`), but for
                those that lie in a root itself.
            thorough: every frame of them is looked at.

        Raises:
            InvalidCamera: a folder's name cannot be that of a camera.
            PathRefused: it lies outside the configured roots.
            InvalidInput: it holds no clip, or too many.
        """
        roots = self.page.service.settings.footage
        folder = footage_folder(roots, text)
        listing = list_clips(folder, MOST_CLIPS)
        clips, is_root = [], folder in [root.resolve() for root in roots]
        for path in listing.clips:
            tells = folders_are_cameras and not (is_root and path.parent == folder)
            named = clean_camera(folder_camera(folder, path)) if tells else camera
            clips.append(QueuedClip(str(path.relative_to(folder)), path, False, named, thorough))
        self._begin(session, clips)
        return listing.others

    def cancel(self, session: Session, key: str | None = None) -> None:
        """Cancel a clip of the queue, None: all; the work on the one that runs stops at its next step."""
        if session.batch.cancel(key):
            session.jobs.cancel(BATCH_JOB)

    def retry(self, session: Session, key: str) -> None:
        """Try a clip again that failed or was cancelled."""
        session.batch.retry(key)
        self.go_on(session)

    def clear(self, session: Session) -> None:
        """Empty the list of all that neither runs nor waits; answers stay in the library."""
        for clip in session.batch.clear():
            if clip.uploaded:
                remove_quietly(clip.path.parent)

    def forget(self, key: str) -> None:
        """Put away the note on a queue that was cut off."""
        self.records.forget(key)
        self.cut_off = tuple(queue for queue in self.cut_off if queue.key != key)

    def go_on(self, session: Session) -> None:
        """Begin the next clip, unless one runs."""
        clip = session.batch.take_next()
        if clip is None:
            return
        attempt = clip.attempt
        job = self.page.new_job(
            session,
            lambda: self._work(session, clip, attempt),
            lambda place: {},
            lambda sentence: self._stopped(session.batch, clip, attempt, sentence),
            turns=self.page.model_turns,
            away_seconds=math.inf,
            background=True,
            ended=lambda: self._ended(session, clip, attempt),
        )
        session.jobs.begin(BATCH_JOB, job)

    def _begin(self, session: Session, clips: Sequence[QueuedClip]) -> None:
        queue = session.batch
        if not queue.is_active:
            number, begun = next(self._numbers), batch_records.now()
            queue.changed = lambda: self.records.note(number, begun, queue.clips)
        queue.add(clips)
        self.go_on(session)

    def _work(self, session: Session, clip: QueuedClip, attempt: int) -> Steps:
        started = time.monotonic()
        service = self.page.service
        try:
            if not clip.uploaded:
                check_footage_file(service.settings.footage, clip.path)
            how: dict[str, Any] = {"accept_damaged": True, "thorough": clip.thorough}
            work = service.observe(clip.path, label=clip.label, camera=clip.camera, **how)
            observed = yield from stream_progress(work, lambda progress: {})
            limit = chosen_threshold(service, session, "identification")
            answer = service.identify(observed, threshold=limit)
            clip.people = NewAnswer.of_identifications(answer).people
            clip.recorded_at = observed.video.recorded_at
            damage = observed.video.damage
            problem = "" if damage is None else describe(damage)
            try:
                clip.kept = service.library.keep(observed, answer, own_file=clip.uploaded)
            except BiometricError as error:
                text = _("The answer is not kept in the library: {reason}")
                problem = text.format(reason=describe_error(error))
        except BiometricError as error:
            session.batch.finish(clip, attempt, ClipState.FAILED, describe_error(error))
        except Exception:  # one clip must not end the others; a traceback belongs into the log
            logger.exception("a clip of a queue failed")
            session.batch.finish(clip, attempt, ClipState.FAILED, _(DEFECT))
        else:
            clip.seconds = time.monotonic() - started
            session.batch.finish(clip, attempt, ClipState.DONE, problem)

    def _stopped(self, queue: BatchQueue, clip: QueuedClip, attempt: int, sentence: str) -> dict[object, object]:
        """The job could not begin; a cancelled clip says so itself."""
        queue.finish(clip, attempt, ClipState.FAILED, sentence)
        return {}

    def _ended(self, session: Session, clip: QueuedClip, attempt: int) -> None:
        session.batch.finish(clip, attempt, ClipState.FAILED, _(DEFECT))  # where the work did not say how it ended
        self.go_on(session)
