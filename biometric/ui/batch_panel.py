"""Several clips at once, on the Library tab: where they are chosen, their queue, and the table over all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.errors import BiometricError, InvalidInput
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import presenters
from biometric.ui.batch_queue import MOST_CLIPS
from biometric.ui.batch_runner import BatchRunner
from biometric.ui.batch_view import queue_html
from biometric.ui.browser_input import NOT_UNDERSTOOD, camera_in_field, event
from biometric.ui.components import area, asset, camera_choice, on_act, skips_frames, thorough_choice
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.panel_display import known_cameras
from biometric.ui.session import Session
from biometric.ui.step_runs import run_once

NAME = "library-batch"
Opener = Callable[[Session, str], Updates]
"""Opens a kept clip in Identification, from "clip id/answer id", and gives the updates."""


@dataclass(frozen=True, slots=True)
class BatchPanel:
    """The finished part.

    Attributes:
        queue: shows queue and table; its events open clips.
        problem: says why clips could not be added, or a click not be done.
    """

    page: Page
    runner: BatchRunner
    queue: gr.HTML
    problem: gr.HTML

    def connect(self, opener: Opener, components: Sequence[Any]) -> Any:
        """Attach the events of queue and table; returns that of a click.

        Args:
            opener: opens a kept clip.
            components: what it may change.
        """

        def clicked(data: gr.EventData, request: gr.Request) -> Updates:
            session = self.page.session(request)

            def run() -> Updates:
                action, value = event(data)
                if action == "open":
                    return {**opener(session, "/".join(value.split("/")[:2])), self.problem: ""}
                _act(self.runner, session, action, value)
                return {self.problem: ""}

            return run_once(run, self.problem)

        outputs = list(dict.fromkeys([self.problem, *components]))
        opened = on_act(self.queue, clicked, outputs=outputs, **{**QUIET, "trigger_mode": "multiple"})
        opened.then(None, js=asset("seek.js"))
        return opened


def batch_panel(page: Page) -> BatchPanel:
    """Build the part in the current place of the page; `connect` it once the tabs are there."""
    runner = BatchRunner(page)
    roots = page.service.settings.footage
    with gr.Accordion(_("Several clips at once"), open=False, elem_id="batch-choice") as choice:
        gr.HTML(
            f'<p class="sl-quiet sl-padded">{_(_HINT)}</p>',
            apply_default_css=False,
        )
        camera = camera_choice(_("Which camera all of these clips are from, if you know"), "batch-camera")
        thorough = thorough_choice("batch-thorough", visible=skips_frames(page.service.settings))
        files = gr.File(
            label=_("Clips"),
            file_count="multiple",
            type="filepath",
            height=110,
            elem_id="batch-files",
            elem_classes=["sl-drop", "sl-import", "sl-clips"],
        )
        with gr.Row(elem_classes=["sl-go"], visible=bool(roots)):
            folder = gr.Textbox(
                label=_("Folder of the server"),
                placeholder=str(next(iter(roots), "")),
                max_lines=1,
                elem_id="batch-folder",
            )
            add = gr.Button(_("Identify its clips"), elem_id="batch-add")
        by_folder = gr.Checkbox(
            label=_("Each folder is a camera"),
            info=_("Clips in a sub-folder are from the camera of its name, others from that of the folder's name."),
            visible=bool(roots),
            elem_id="batch-by-folder",
        )
        problem = area(elem_id="batch-problem")

    def render(session: Session) -> str:
        """Draw queue and table; as long as nothing changes, this takes no time."""
        batch = session.batch
        if not batch.clips and not runner.cut_off:
            return ""
        key = (batch.changes, page.revision(session), runner.cut_off)
        if batch.is_active or batch.drawn[0] != key:
            try:
                names = page.service.library.names()
            except BiometricError:
                names = {}  # the header says what is wrong
            batch.drawn = (key, queue_html(session, names, runner.cut_off))
        return batch.drawn[1]

    queue = page.add_live_part(NAME, render, scripts=("seek_note.js",))

    def uploaded(paths: Any, named: Any, every_frame: Any, request: gr.Request) -> Updates:
        session = page.session(request)

        def run() -> Updates:
            runner.add_uploads(session, _paths(paths), camera_in_field(named), thorough=every_frame is True)
            return {problem: ""}

        return {**run_once(run, problem), files: gr.update(value=None)}

    def folder_added(text: Any, named: Any, by_folder: Any, every_frame: Any, request: gr.Request) -> Updates:
        session = page.session(request)

        def run() -> Updates:
            where, named_camera = text if isinstance(text, str) else "", camera_in_field(named)
            how = {"folders_are_cameras": by_folder is True, "thorough": every_frame is True}
            others = runner.add_folder(session, where, named_camera, **how)
            note = _("Files that are no clips were left out: {number}.").format(number=others) if others else ""
            return {problem: presenters.status_message(note)}

        return run_once(run, problem)

    def camera_named(named: Any) -> Updates:
        """A camera was typed or chosen, which `RecordingBlocks` notes for a reloaded page."""

        def run() -> Updates:
            camera_in_field(named)
            return {problem: ""}

        return run_once(run, problem)

    choice.expand(lambda: gr.update(choices=known_cameras(page)), None, [camera], **QUIET)
    camera.input(camera_named, [camera], [problem], trigger_mode="always_last", **QUIET)
    for tick in (by_folder, thorough):  # `RecordingBlocks` notes it
        tick.input(lambda checked: "", [tick], [problem], trigger_mode="multiple", **QUIET)
    files.upload(uploaded, [files, camera, thorough], [files, problem], **QUIET)
    added = [folder, camera, by_folder, thorough]
    gr.on([add.click, folder.submit], folder_added, added, [problem], **QUIET)
    return BatchPanel(page, runner, queue, problem)


_HINT = N_(
    "They are identified one after the other, also while this page is away, and listed below in one table. Answers "
    "stay in the library."
)


def _act(runner: BatchRunner, session: Session, action: str, value: str) -> None:
    if action == "cancel":
        runner.cancel(session, value)
    elif action == "cancel_all":
        runner.cancel(session)
    elif action == "retry":
        runner.retry(session, value)
    elif action == "clear":
        runner.clear(session)
    elif action == "forget":
        runner.forget(value)
    else:
        raise InvalidInput(NOT_UNDERSTOOD)


def _paths(value: object) -> list[Path]:
    """Check the clips that the page sent. Raises `InvalidInput`."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidInput("These clips could not be understood. Upload them again.")
    if len(value) > MOST_CLIPS:
        raise InvalidInput("At most {number} clips can be identified at once. Choose fewer.", number=MOST_CLIPS)
    return [Path(item) for item in value]
