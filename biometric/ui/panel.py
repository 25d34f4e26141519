"""What a tab's footage panel does: a clip comes in, frames are chosen, the tab's button takes them as they stand."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import ObservedClip, Progress
from biometric.errors import BiometricError, ClipMissing, InvalidInput
from biometric.errors.phrases import Phrase
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.storage import remove_quietly
from biometric.ui import presenters, problems
from biometric.ui.browser_input import camera_in_field, event, frames_within, parse_frame, parse_int
from biometric.ui.field_errors import Field
from biometric.ui.page import NO_CLIP, Steps, Updates
from biometric.ui.panel_display import PanelDisplay
from biometric.ui.range_moves import moved, requested_frame
from biometric.ui.session import Footage, Session
from biometric.ui.step_runs import guarded, run_once, stream_progress
from biometric.ui.uploads import discard


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Panel(PanelDisplay):
    """One tab's footage panel: its components, and what their events do.

    Attributes:
        answer: where the tab answers.
        answers: all components of the tab's answer, `answer` among them.
        reset: gives the updates that empty the tab's answer, because clip or range changed.
    """

    answer: gr.HTML
    answers: tuple[Any, ...]
    reset: Callable[[], Updates]

    # --- a clip comes in -----------------------------------------------------------------------------------------

    def on_clip_uploaded(self, path: str | None, request: gr.Request) -> Steps:
        """Take an uploaded or recorded clip."""
        session = self.page.session(request)
        yield from guarded(self._at_drop_box(self._open(path, session)), self.status)

    def on_example_chosen(self, data: gr.EventData, request: gr.Request) -> Steps:
        """Take one of the example clips, by its number."""

        def steps() -> Steps:
            number = parse_int(event(data)[1], _("The number of the example"))
            if not 0 <= number < len(self.page.examples):
                raise InvalidInput("There is no such example.")
            chosen = self.page.examples[number]
            yield from self._open(str(chosen.path), self.page.session(request), keep=True)
            yield {self.status: presenters.status_message(chosen.suggestion)}

        yield from guarded(self._at_drop_box(steps()), self.status)

    def _at_drop_box(self, run: Steps) -> Steps:
        """Let what is wrong with a new clip stand where it came in."""
        try:
            yield from run
        except BiometricError as error:
            shown = self.places.show(error)
            if shown is None:
                raise
            yield {self.status: "", **shown}

    def _open(self, path: str | None, session: Session, keep: bool = False) -> Steps:
        if path is None:
            return
        yield {self.status: presenters.working(_("Reading the footage")), **self.places.clear(Field.FOOTAGE)}
        source = Path(path)
        clip = self.page.uploads.take(source, session.new_folder("clip"), keep=keep)
        try:
            info = self.page.service.probe(clip)
        except BiometricError:
            remove_quietly(clip.parent)
            yield {self.drop: gr.update(value=None), self.webcam: gr.update(value=None)}
            raise
        footage = Footage(
            clip=clip,
            label=source.name,
            info=info,
            player=clip if info.browser_playable and not info.photograph else None,
            last=info.frame_count - 1,
            camera=session.footage(self.tab).camera,
        )
        former = session.put(self.tab, footage)
        session.latest = self.tab
        discard(former, session)
        yield {**self.render(footage), **self.reset()}
        if footage.player is None and not info.photograph:
            yield from self._make_proxy(footage, session)

    def _make_proxy(self, footage: Footage, session: Session) -> Steps:
        """Transcode for the preview only; the original stays what is analysed."""
        if footage.clip is None:
            return
        proxy = footage.clip.parent / "preview.mp4"

        def show(progress: Progress) -> Updates:
            return {self.status: presenters.working(_prefixed(_("Making a preview that browsers can play"), progress))}

        try:
            yield from stream_progress(self.page.service.proxy(footage.clip, proxy), show)
        except BiometricError as error:
            yield {
                self.status: presenters.status_message(
                    _("There is no preview of this clip, but it can be used. {reason}").format(
                        reason=describe_error(error)
                    )
                )
            }
            return
        for other in session.tabs.values():
            if other.clip == footage.clip:
                other.player = proxy
        footage.player = proxy
        if session.footage(self.tab) is footage:
            yield {self.shown: gr.update(value=self.card(footage)), self.status: ""}

    def show_ends_later(self, session: Session) -> Steps:
        """Make what takes decoding of a clip that came from the library: pictures of the range's ends, a preview."""
        footage = session.footage(self.tab)
        footage.ends_later = False
        yield self.range_shown(footage)
        if footage.player is None and footage.info is not None and not footage.info.photograph:
            yield from self._make_proxy(footage, session)

    def on_another_clip(self, request: gr.Request) -> Updates:
        """Make room for another clip."""
        session = self.page.session(request)
        session.jobs.cancel(*self.jobs)
        former = session.put(self.tab, Footage(camera=session.footage(self.tab).camera))
        if session.latest == self.tab:
            session.latest = next((tab for tab, footage in session.tabs.items() if footage.clip is not None), None)
        discard(former, session)
        return {**self.render(session.footage(self.tab)), **self.reset()}

    def carry_footage(self, session: Session) -> Updates:
        """Return the updates of a tab that was opened: footage of another tab comes along if this one has none."""
        return self.render(session.footage(self.tab)) if session.carry(self.tab) else {}

    # --- frames --------------------------------------------------------------------------------------------------

    def on_frames_moved(self, first: Any, last: Any, request: gr.Request) -> Updates:
        """Take new From and To frames as they stand, reversed or not; a number outside the clip becomes its end."""
        session = self.page.session(request)
        footage = session.footage(self.tab)
        if footage.info is None:
            return self.range_shown(footage)
        top = footage.info.frame_count - 1

        def run() -> Updates:
            sent = parse_frame(first, _("From frame")), parse_frame(last, _("To frame"))
            shown = min(max(0, sent[0]), top), min(max(0, sent[1]), top)
            changed = footage.choose_frames(*shown)
            if changed:
                session.forget_answer(self.tab)
            outside = [number for number, taken in zip(sent, shown, strict=True) if number != taken]
            if outside or changed:
                footage.range_note = problems.frames_outside(outside, top) if outside else ""
            fields = zip((self.first, self.last), sent, shown, strict=True)
            back = {component: gr.update(value=now) for component, sent_value, now in fields if sent_value != now}
            return {**back, **self.range_shown(footage), **(self.reset() if changed else {})}

        return self.run_once(run, self.ends)

    def on_handle_moved(self, data: gr.EventData, request: gr.Request) -> Updates:
        """A handle of the timeline was moved, or "start here" or "end here" pressed."""
        session = self.page.session(request)
        footage = session.footage(self.tab)

        def run() -> Updates:
            info = footage.info
            if info is None:
                return {self.timeline: ""}
            action, value = event(data)
            end, frame = requested_frame(info, action, value)
            top = info.frame_count - 1
            ends = moved(footage.first, footage.last, end, frame, top=top, push=action == "here")
            if session.jobs.get(self.tab) is not None or not footage.choose_frames(*ends):
                return self.range_shown(footage)
            session.forget_answer(self.tab)
            footage.range_note = ""
            numbers = {self.first: gr.update(value=footage.first), self.last: gr.update(value=footage.last)}
            return {**numbers, **self.range_shown(footage), **self.reset()}

        return self.run_once(run, self.ends)

    def take(self, session: Session, first: Any, last: Any, accept: Any, camera: Any, thorough: Any) -> Footage:
        """Return the tab's footage with the fields as they stand when the button is pressed.

        Raises:
            ClipMissing: there is no clip.
            InvalidFrameRange, InvalidCamera: reversed or outside the clip; a name that cannot be used.
        """
        footage = session.footage(self.tab)
        if footage.info is None or footage.clip is None:
            raise ClipMissing(NO_CLIP)
        frames = frames_within(first, last, footage.info)
        footage.choose_frames(frames.first, frames.last)
        footage.accept(accept is True, thorough is True)
        footage.camera = camera_in_field(camera)
        return footage

    def observe(self, session: Session, footage: Footage) -> Generator[Updates, None, ObservedClip]:
        """Observe the footage as a job of the page; an answer about something else goes first."""
        if footage.observed is None:
            session.forget_answer(self.tab)
            yield self.reset()
        yield {self.status: presenters.working(_("Starting")), **self.busy()}
        return (yield from self.page.observe(footage, self.status))

    def run_submission(self, run: Steps, session: Session, clear: Callable[[], Updates] = dict) -> Steps:
        """Run the steps of the tab's button; the panel is free again after them.

        An error stands at its field, or becomes the answer; in both cases after `clear`.
        """

        def steps() -> Steps:
            yield self.places.clear()
            try:
                yield from run
            except BiometricError as error:
                shown = self.places.show(error, clip_taken=session.footage(self.tab).clip is not None)
                if shown is None:
                    raise
                yield {**clear(), **shown, **self.at_rest()}  # together: what is disabled cannot take the keyboard

        yield from guarded(steps(), self.answer, self.at_rest, clear)

    def run_once(self, run: Callable[[], Updates], otherwise: Any = None) -> Updates:
        """Run a handler of the tab that answers at once; an error stands at its field, or `otherwise`."""

        def at_field() -> Updates:
            try:
                return run()
            except BiometricError as error:
                shown = self.places.show(error)
                if shown is None:
                    raise
                return shown

        return run_once(at_field, self.answer if otherwise is None else otherwise)

    def show_failure(self, session: Session, error: BiometricError) -> Updates:
        """Return the error as the answer; the former answer goes, because it is not one to this question."""
        return {**self.clear_answer(session), self.answer: problems.problem(error)}

    def clear_answer(self, session: Session) -> Updates:
        """Drop the tab's answer and return the updates that empty it."""
        session.forget_answer(self.tab)
        return self.reset()

    def as_job(self, submit: Callable[..., Steps], *also: Any) -> Callable[..., Any]:
        """Return the handler that runs Submit's steps as the tab's job; `also` are emptied when it is stopped."""

        def stopped(sentence: str) -> Updates:
            return {**dict.fromkeys(also, ""), self.status: presenters.status_message(sentence), **self.idle()}

        return self.page.as_job(
            self.tab,
            submit,
            lambda place: {self.status: presenters.waiting(place), **self.busy()},
            stopped,
            size=lambda session: session.footage(self.tab).frames_to_read,
        )

    def as_clip_job(self, take: Callable[..., Steps]) -> Callable[..., Any]:
        """Return the handler that takes a clip in, which ends whatever is done with the former one."""
        return self.page.as_job(
            f"{self.tab}-clip",
            take,
            lambda place: {self.status: presenters.waiting(place)},
            lambda sentence: {self.status: presenters.status_message(sentence)},
            instead_of=self.jobs,
        )

    @property
    def jobs(self) -> tuple[str, str]:
        """Names of the jobs that the tab may have."""
        return self.tab, f"{self.tab}-clip"


def complete_panel(
    display: PanelDisplay, answer: gr.HTML, answers: Sequence[Any], reset: Callable[[], Updates]
) -> Panel:
    """Return the panel of what a tab shows of its footage and of the parts of its answer, as `Panel` has them."""
    shown = {part.name: getattr(display, part.name) for part in fields(display)}
    return Panel(**shown, answer=answer, answers=tuple(answers), reset=reset)


def _prefixed(stage: str, progress: Progress) -> Progress:
    return Progress(
        Phrase("{stage}: frame", stage=stage), progress.done, progress.total, seconds_left=progress.seconds_left
    )
