"""What all parts of the page share: the service, the sessions, the pictures, and how work is run and reported."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Sequence
from contextlib import aclosing
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.accounts.roles import Role
from biometric.entities import FrameRange, Identity, Notice, ObservedClip, Progress, Purpose, Threshold
from biometric.errors import BiometricError, ClipMissing
from biometric.messages.translation import N_
from biometric.service import Sightline
from biometric.ui import Example, ExampleMaker, no_examples, presenters
from biometric.ui.answer_keeping import AnswerKeeping
from biometric.ui.change_feed import WorkspaceState
from biometric.ui.chosen_thresholds import chosen_threshold
from biometric.ui.clients import owner_of
from biometric.ui.components import asset
from biometric.ui.gallery_followers import GalleryFollowers, Renderer
from biometric.ui.jobs import Job
from biometric.ui.jobs import Steps as Steps
from biometric.ui.live_parts import LiveParts
from biometric.ui.picture_uris import Pictures
from biometric.ui.screen import Updates as Updates
from biometric.ui.screen import records_itself
from biometric.ui.session import Footage, Session
from biometric.ui.session_store import Sessions
from biometric.ui.step_runs import stream_progress
from biometric.ui.turns import Place, Turns
from biometric.ui.uploads import Uploads

logger = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""Every handler of the page: no endpoint of the API, no overlay of Gradio's (the status line reports).

Nor a hidden one: a part that goes while its overlay waits would leave a clock behind that runs with every frame.
"""
FOLLOWS_JOB: dict[str, Any] = {**QUIET, "concurrency_limit": None, "trigger_mode": "multiple"}
"""A handler made by `Page.as_job`: it only hands on what a job shows, so that any number may do so at a time."""
FILES_AT_ONCE = 2  # answers whose files are written at a time, beside the work of models
CLIPS_AT_ONCE = 8  # uploaded clips that are looked at (and transcoded) at a time; models run for one job at a time


class Page:
    """Shared by all handlers of one running server.

    Args:
        service: what does the work.
        root: private folder that holds everything the server may hand out.
        make_examples: makes clips for people who have no footage at hand; called by `prepare`.
    """

    def __init__(self, service: Sightline, root: Path, make_examples: ExampleMaker = no_examples) -> None:
        self.service = service
        self.sessions = Sessions(root, service.settings.session_minutes * 60.0)
        self.uploads = Uploads(root)
        self.pictures = Pictures(service.crops)
        self.examples: tuple[Example, ...] = ()
        self.prepared = False
        self._make_examples = make_examples
        self.models_state = "idle"
        self.models_problem: BiometricError | None = None
        self.model_turns = Turns()
        self.writing_turns = Turns(FILES_AT_ONCE)
        self._clip_turns = Turns(CLIPS_AT_ONCE)
        self.live = LiveParts()
        self.keeping = AnswerKeeping(service.library, root)
        self.receipts: Any = gr.HTML(
            "", js_on_load=asset("receipts.js"), apply_default_css=False, elem_id="workspace-receipts", render=False
        )
        self.followers = GalleryFollowers()

    def follow_gallery(self, render: Renderer, components: Sequence[Any]) -> None:
        """Render components when the page opens, and anew whenever the gallery or its thresholds have changed.

        Changes count wherever they were made: in this page, in another browser, or from the command line. They are
        told within about two seconds while the page is in sight.

        Args:
            render: gives the updates for a page; raises `BiometricError` where the gallery cannot be read.
            components: all components that it may change.
        """
        self.followers.add(render, components)

    def add_live_part(
        self, name: str, render: Callable[[Session], str], css: str = "", scripts: tuple[str, ...] = ()
    ) -> gr.HTML:
        """Build a part of the page that follows running jobs; returns its component, an `area`.

        Args:
            name: its element's id.
            render: gives its HTML; called every second for each page in sight.
            css, scripts: as of `area`.
        """
        part = self.live.add(name, render, css, scripts)
        self.follow_gallery(lambda session: {part.component: part.html(session)}, [part.component])
        component: gr.HTML = part.component
        return component

    def revision(self, session: Session) -> str:
        """Return a word that changes when a gallery that the page speaks of, or a threshold of it, may have changed."""
        folders = [None] if session.gallery is None else [None, session.gallery]
        parts = [*(self._revision(folder) for folder in folders), self._library_revision()]
        return hashlib.blake2s("\n".join(parts).encode(), digest_size=12).hexdigest()  # travels in a header

    def _library_revision(self) -> str:
        try:
            return self.service.library.library.revision()
        except BiometricError as error:
            return str(error)

    def _revision(self, folder: Path | None) -> str:
        try:
            return self.service.gallery(folder).revision() or "no gallery"
        except BiometricError as error:
            return str(error)

    def workspace_state(
        self,
        key: str,
        shown: Collection[int] = (),
        who: tuple[str, Role | None] = ("", None),
        *,
        stalled: Callable[[str], bool] = lambda page: False,
    ) -> WorkspaceState | None:
        """Return what the page with a key is to know, None where there is no workspace of that key.

        Args:
            shown: serials of jobs whose end the page has received.
            who: who is signed in, and what they may do; "" and None where nobody is asked to.
            stalled: whether messages wait for a page, by Gradio's session hash, that it does not fetch.
        """
        user, role = who
        session = self.sessions.find(key, user)
        if session is None:
            return None
        session.jobs.note_shown(shown)
        unseen = session.jobs.unseen()
        if not unseen and any(map(stalled, self.sessions.pages(key))):
            unseen = ("",)  # no job: the page asks for it, and with that gets what waits
        return WorkspaceState(self.revision(session), unseen, self.live.html(session, role))

    def as_job(
        self,
        name: str,
        make: Callable[..., Steps],
        waiting: Callable[[Place], Updates],
        stopped: Callable[[str], Updates],
        *,
        instead_of: Sequence[str] | None = None,
        size: Callable[[Session], int] = lambda session: 0,
    ) -> Callable[..., AsyncGenerator[Updates, None]]:
        """Return a handler that runs `make`'s steps as a job of the page's session, which a reload does not end.

        While a job of that name runs, the handler follows that one instead of beginning another.

        Args:
            name: the job's, unique within a page.
            make: gives the steps of the job; called with what Gradio calls the handler with, a request among it.
            waiting, stopped: give the updates of a job that waits or was stopped, as in `Job`.
            instead_of: the job does not need models, and these (its own name among them) are cancelled for it.
            size: tells how many frames there are to read, 0 where that is unknown.
        """
        turns = self.model_turns if instead_of is None else self._clip_turns

        @records_itself
        @wraps(make)
        async def follow(*values: Any) -> AsyncGenerator[Updates, None]:
            request = next(value for value in values if isinstance(value, gr.Request))
            session = await asyncio.to_thread(self.session, request)
            session.jobs.cancel(*instead_of or ())
            job = session.jobs.get(name)
            if job is None:
                job = self.new_job(session, lambda: make(*values), waiting, stopped, turns=turns, size=size(session))
                session.jobs.begin(name, job)
            async with aclosing(job.follow(self.receipt(job))) as shown:
                async for updates in shown:
                    yield updates

        return follow

    def receipt(self, job: Job) -> Updates:
        """Return what is sent with the end of a job, and what its page answers once it has received it."""
        return {self.receipts: f'<i hidden data-job="{job.serial}"></i>'}

    def new_job(
        self,
        session: Session,
        make: Callable[[], Steps],
        waiting: Callable[[Place], Updates],
        stopped: Callable[[str], Updates],
        *,
        turns: Turns,
        **options: Any,
    ) -> Job:
        """Return a job of a session, not yet begun; arguments as of `Job`."""
        options = {"away_seconds": float(self.service.settings.away_seconds), **options}
        return Job(make, session.screen, turns=turns, waiting=waiting, stopped=stopped, **options)

    def session(self, request: gr.Request | None) -> Session:
        """Return the session of the page that sent a request."""
        return self.sessions.of(getattr(request, "session_hash", None), *owner_of(request))

    def references(self, gallery: Path | None = None) -> presenters.References:
        """Return the look-up of an identity's references in a gallery."""
        return self.service.gallery(gallery).references

    def identities(self) -> list[Identity]:
        """Return everybody enrolled in the configured gallery, by name."""
        return self.service.gallery().identities()

    def new_warnings(self, warnings: Sequence[Notice]) -> list[Notice]:
        """Return the warnings of an answer that the header does not show already."""
        known = set(self.service.models.notices())
        return [warning for warning in warnings if warning not in known]

    def threshold(self, purpose: Purpose, session: Session | None = None) -> Threshold:
        """Return the threshold that a page decides by: its slider's where it was moved, else the default."""
        gallery = _gallery(purpose, session)
        value = None if session is None else chosen_threshold(self.service, session, purpose, gallery)
        return self.service.threshold(purpose, value, gallery)

    def default_threshold(self, purpose: Purpose, session: Session) -> Threshold:
        """Return the threshold that a page decides by where the person set none."""
        return self.service.threshold(purpose, None, _gallery(purpose, session))

    def observe(self, footage: Footage, status: Any) -> Generator[Updates, None, ObservedClip]:
        """Observe a tab's clip and range unless that is done; yields updates of its status line.

        Raises:
            InvalidInput: there is no clip, or it or its frames were changed while they were read.
            BiometricError: the clip cannot be observed.
        """
        ready, camera = footage.readable, footage.camera
        if ready is not None and (camera == ready.camera or (camera is None and not ready.camera_given)):
            return ready
        if footage.clip is None:
            raise ClipMissing(NO_CLIP)
        frames = FrameRange.inclusive(footage.first, footage.last)
        how = {"accept_damaged": footage.accept_damaged, "thorough": footage.thorough}
        work = self.service.observe(footage.clip, frames, label=footage.label, camera=camera, **how)

        def show(progress: Progress) -> Updates:
            footage.check_wanted()  # raising here closes the work
            return {status: presenters.working(progress)}

        try:
            observed = yield from stream_progress(work, show)
        except BiometricError:
            footage.check_wanted()  # the missing file of a replaced clip is not the error to report
            raise
        return footage.observe(observed)

    def prepare(self) -> None:
        """Load the models and make the examples; run in the background once the page is up."""
        self.warm()
        try:
            self.examples = tuple(self._make_examples())
        except BiometricError as error:
            logger.warning("there are no examples: %s", error)
        self.prepared = True

    def warm(self) -> None:
        """Load the models, so that the first job does not wait; a failure is kept for the header to tell."""
        self.models_state = "loading"
        try:
            self.service.models.detector()
            self.service.models.embedder()
        except BiometricError as error:
            self.models_problem = error
            self.models_state = "failed"
            logger.warning("models could not be loaded: %s", error)
        else:
            self.models_problem = None
            self.models_state = "ready"


def _gallery(purpose: Purpose, session: Session | None) -> Path | None:
    return session.gallery if session is not None and purpose == "identification" else None


NO_CLIP = N_(
    "There is no footage yet. Drop a video or photograph into the box above, browse for one, or "
    "record a video with the webcam."
)
