"""The footage panel: one builder for all tabs. Video, frame range, previews of its ends, Submit and Cancel."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import FrameRange, Progress
from biometric.errors import BiometricError, InvalidInput, StorageFull
from biometric.ui import presenters
from biometric.ui.components import area, on_act, player
from biometric.ui.environment import remove_quietly
from biometric.ui.page import QUIET, Page, Steps, Updates, event, follow, frames_within, once, safely, whole
from biometric.ui.session import Footage, Session
from biometric.ui.text import escape

WEBCAM_HINT = "Record, stop, and the recording becomes the clip."


@dataclass(slots=True, eq=False)
class Panel:
    """The components of one tab's footage panel, and what its events do.

    Attributes:
        reset: gives the updates that empty the tab's answer, because clip or range changed.
    """

    page: Page
    tab: str
    drop: gr.File
    webcam: gr.Video
    recorder: gr.Accordion
    examples: gr.HTML
    shown: gr.HTML
    another: gr.Button
    accept: gr.Checkbox
    chooser: gr.Group
    first: gr.Slider
    last: gr.Slider
    ends: gr.HTML
    submit: gr.Button
    cancel: gr.Button
    status: gr.HTML
    reset: Callable[[], Updates] = dict
    answers: list[Any] = field(default_factory=list)

    @property
    def parts(self) -> list[Any]:
        """All components that `render` may change."""
        return [
            *(self.drop, self.webcam, self.recorder, self.examples, self.shown, self.another, self.accept),
            *(self.chooser, self.first, self.last, self.ends, self.submit, self.cancel, self.status),
        ]

    # --- what the panel shows ------------------------------------------------------------------------------------

    def render(self, footage: Footage) -> Updates:
        """Return the panel's components for a state of its footage."""
        info, has = footage.info, footage.info is not None
        updates: Updates = {
            self.drop: gr.update(value=None, visible=not has),
            self.webcam: gr.update(value=None),
            self.recorder: gr.update(visible=not has),
            self.examples: gr.update(visible=not has and bool(self.page.examples)),
            self.shown: gr.update(value=self._card(footage), visible=has),
            self.another: gr.update(visible=has),
            self.accept: gr.update(value=footage.accept_damaged, visible=info is not None and info.damage is not None),
            self.chooser: gr.update(visible=has),
            self.status: "",
            **self.idle(),
        }
        if info is not None:
            top = info.frame_count - 1
            # A slider needs two different ends, so a clip of one frame gets a second that is refused on the server.
            updates[self.first] = gr.update(minimum=0, maximum=max(1, top), value=footage.first)
            updates[self.last] = gr.update(minimum=0, maximum=max(1, top), value=footage.last)
            updates[self.ends] = self._ends(footage)
        return updates

    def _card(self, footage: Footage) -> str:
        if footage.info is None:
            return ""
        name = f'<p class="sl-clip" dir="auto">{escape(footage.label)}</p>'
        shown = player(footage.player, footage.label) if footage.player is not None else ""
        return shown + name + presenters.facts(footage.info)

    def _ends(self, footage: Footage) -> str:
        """Return the pictures of the first and last chosen frame; a frame that cannot be read stays empty."""
        if footage.clip is None or footage.info is None:
            return ""
        frames = FrameRange.inclusive(footage.first, footage.last)
        try:
            found = self.page.service.preview(footage.clip, sorted({frames.first, frames.last}))
        except BiometricError:
            found = {}
        uris = {index: self.page.pictures.frame(frame.image) for index, frame in found.items()}
        blank = "data:,"
        return presenters.ends(uris.get(frames.first, blank), uris.get(frames.last, blank), frames, footage.info)

    def busy(self) -> Updates:
        """Submit rests and Cancel is offered while a job runs."""
        return {self.submit: gr.update(interactive=False), self.cancel: gr.update(interactive=True)}

    def idle(self) -> Updates:
        """Submit is offered again."""
        return {self.submit: gr.update(interactive=True), self.cancel: gr.update(interactive=False)}

    # --- a clip comes in -----------------------------------------------------------------------------------------

    def opened(self, path: str | None, request: gr.Request) -> Steps:
        """Take an uploaded or recorded clip."""
        yield from safely(self._open(path, self.page.session(request)), self.status)

    def example(self, data: gr.EventData, request: gr.Request) -> Steps:
        """Take one of the example clips, by its number."""

        def steps() -> Steps:
            number = whole(event(data)[1], "The number of the example")
            if not 0 <= number < len(self.page.examples):
                raise InvalidInput("There is no such example.")
            yield from self._open(str(self.page.examples[number]), self.page.session(request), keep=True)

        yield from safely(steps(), self.status)

    def _open(self, path: str | None, session: Session, keep: bool = False) -> Steps:
        if path is None:
            return
        former = session.footage(self.tab)
        yield {self.status: presenters.working("Reading the clip")}
        source = Path(path)
        clip = _take(source, session.new_folder("clip"), keep)
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
            player=clip if info.browser_playable else None,
            last=info.frame_count - 1,
            version=former.version + 1,
        )
        session.tabs[self.tab] = footage
        session.latest = self.tab
        _discard(former, session)
        yield {**self.render(footage), **self.reset()}
        if footage.player is None:
            yield from self._make_proxy(footage, session)

    def _make_proxy(self, footage: Footage, session: Session) -> Steps:
        """Transcode for the preview only; the original stays what is analysed."""
        if footage.clip is None:
            return
        proxy = footage.clip.parent / "preview.mp4"

        def show(progress: Progress) -> Updates:
            return {self.status: presenters.working(_prefixed("Making a preview that browsers can play", progress))}

        try:
            yield from follow(self.page.service.proxy(footage.clip, proxy), show)
        except BiometricError as error:
            yield {self.status: presenters.said(f"There is no preview of this clip, but it can be used. {error}")}
            return
        for other in session.tabs.values():
            if other.clip == footage.clip:
                other.player = proxy
        footage.player = proxy
        if session.footage(self.tab) is footage:
            yield {self.shown: gr.update(value=self._card(footage)), self.status: ""}

    def clear(self, request: gr.Request) -> Updates:
        """Make room for another clip."""
        session = self.page.session(request)
        former = session.footage(self.tab)
        session.tabs[self.tab] = Footage(version=former.version + 1)
        if session.latest == self.tab:
            session.latest = next((tab for tab, footage in session.tabs.items() if footage.clip is not None), None)
        _discard(former, session)
        return {**self.render(session.footage(self.tab)), **self.reset()}

    def carried(self, session: Session) -> Updates:
        """Return the updates of a tab that was opened: footage of another tab comes along if this one has none."""
        return self.render(session.footage(self.tab)) if session.carry(self.tab) else {}

    # --- frames --------------------------------------------------------------------------------------------------

    def moved(self, first: Any, last: Any, request: gr.Request) -> Updates:
        """Take new From and To frames."""
        footage = self.page.session(request).footage(self.tab)
        if footage.info is None:
            return {self.ends: ""}

        def run() -> Updates:
            assert footage.info is not None
            frames = frames_within(first, last, footage.info)
            changed = (frames.first, frames.last) != (footage.first, footage.last)
            footage.choose_frames(frames.first, frames.last)
            return {self.ends: self._ends(footage), **(self.reset() if changed else {})}

        return once(run, self.ends)

    def take(self, session: Session, first: Any, last: Any, accept: Any) -> Footage:
        """Return the tab's footage with the fields as they stand when Submit is pressed.

        Raises:
            InvalidInput: there is no clip.
            InvalidFrameRange: reversed, or outside the clip.
        """
        footage = session.footage(self.tab)
        if footage.info is None or footage.clip is None:
            raise InvalidInput("There is no video yet. Drop one into the box, browse for one, or record one.")
        frames = frames_within(first, last, footage.info)
        footage.choose_frames(frames.first, frames.last)
        accepted = accept is True
        if accepted != footage.accept_damaged:
            footage.accept_damaged = accepted
            footage.forget()
        return footage

    def queued(self) -> Updates:
        """Say that a job waits, when another one runs."""
        if self.page.working == 0:
            return {self.status: gr.skip()}
        waiting = "Waiting for its turn: another job is running, and yours is next in line or close to it."
        return {self.status: presenters.working(waiting), **self.busy()}

    @property
    def fields(self) -> list[Any]:
        """Inputs of Submit: From frame, To frame, and the word that a damaged clip may be used."""
        return [self.first, self.last, self.accept]


def footage_panel(page: Page, tab: str, question: Callable[[], None], verb: str) -> Panel:
    """Build a tab's footage panel in the current column.

    Args:
        question: builds what the tab asks besides footage (a name, whose claim, paths), above Submit.
        verb: what Submit does, in a word or two.
    """
    gr.HTML('<h3 class="sl-step"><span>1</span>Footage</h3>', apply_default_css=False)
    drop = gr.File(label="Video", file_count="single", type="filepath", height=150, elem_classes=["sl-drop"])
    examples = area(_examples(page), visible=bool(page.examples))
    with gr.Accordion("Record with the webcam", open=False) as recorder:
        webcam = gr.Video(
            label=WEBCAM_HINT,
            sources=["webcam"],
            webcam_options=gr.WebcamOptions(mirror=False),
            include_audio=True,
            height=240,
        )
    shown = area(visible=False, css="sl-card")
    another = gr.Button("Choose another clip", size="sm", visible=False, elem_classes=["sl-plain"])
    accept = gr.Checkbox(label="Use it anyway, although it is damaged", visible=False)
    with gr.Group(visible=False, elem_classes=["sl-range"]) as chooser:
        first = gr.Slider(0, 1, value=0, step=1, precision=0, label="From frame", buttons=[])
        last = gr.Slider(0, 1, value=0, step=1, precision=0, label="To frame", buttons=[])
        ends = area(css="sl-padded")
    gr.HTML('<h3 class="sl-step"><span>2</span>Question</h3>', apply_default_css=False)
    question()
    with gr.Row(elem_classes=["sl-go"]):
        submit = gr.Button(verb, variant="primary", scale=2, min_width=120, elem_id=f"{tab}-submit")
        cancel = gr.Button("Cancel", interactive=False, scale=1, min_width=90, elem_id=f"{tab}-cancel")
    status = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id=f"{tab}-status")
    return Panel(
        *(page, tab, drop, webcam, recorder, examples, shown, another, accept),
        *(chooser, first, last, ends, submit, cancel, status),
    )


def connect(panel: Panel) -> None:
    """Attach the panel's own events; call once the tab has set `panel.reset` and `panel.answers`."""
    everything = [*panel.parts, *panel.answers]
    options: dict[str, Any] = {"outputs": everything, **QUIET}
    panel.drop.upload(panel.opened, [panel.drop], **options)
    panel.webcam.stop_recording(panel.opened, [panel.webcam], **options)
    on_act(panel.examples, panel.example, **options)
    panel.another.click(panel.clear, None, **options)
    gr.on(
        [panel.first.input, panel.first.release, panel.last.input, panel.last.release],
        panel.moved,
        [panel.first, panel.last],
        [panel.ends, *panel.answers],
        trigger_mode="always_last",
        **QUIET,
    )
    panel.submit.click(panel.queued, None, [panel.status, panel.submit, panel.cancel], **QUIET)


def _examples(page: Page) -> str:
    buttons = "".join(
        f'<button type="button" class="sl-button" data-action="example" data-value="{number}">'
        f"{escape(path.stem.replace('-', ' '))}</button>"
        for number, path in enumerate(page.examples)
    )
    return f'<div class="sl-examples"><span>No footage at hand? Try</span>{buttons}</div>' if buttons else ""


def _take(source: Path, folder: Path, keep: bool) -> Path:
    """Move an upload into the session's folder (an example is copied), under a name of our own.

    Raises:
        InvalidInput: the upload is gone.
    """
    suffix = source.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,6}", source.suffix) else ""
    clip = folder / f"clip{suffix}"
    try:
        if keep:
            shutil.copyfile(source, clip)
        else:
            source.replace(clip)
        clip.chmod(0o600)
    except FileNotFoundError as error:
        raise InvalidInput("The upload is no longer there. Upload the clip again.") from error
    except OSError as error:
        raise StorageFull(f"The clip could not be kept for this session: {error.strerror}. Free some space.") from error
    return clip


def _discard(former: Footage, session: Session) -> None:
    """Remove a clip that no tab uses any more."""
    if former.clip is not None and all(footage.clip != former.clip for footage in session.tabs.values()):
        remove_quietly(former.clip.parent)


def _prefixed(stage: str, progress: Progress) -> Progress:
    return Progress(f"{stage}: frame", progress.done, progress.total, seconds_left=progress.seconds_left)
