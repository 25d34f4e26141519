"""What a tab's footage panel shows: the clip, the ends of the chosen frames, and what may be pressed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import FrameRange
from biometric.errors import BiometricError, InvalidCamera, InvalidFrameRange
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.browser_input import camera_in_field
from biometric.ui.components import player, skips_frames
from biometric.ui.field_errors import Field, FieldPlaces
from biometric.ui.page import Page, Updates
from biometric.ui.session import Footage
from biometric.ui.text_format import escape
from biometric.ui.timeline import timeline

PLACE_OF_EXAMPLES = '<div class="sl-examples sl-coming" aria-hidden="true"></div>'
PHOTOGRAPH_HEIGHT = 640
"""Most pixels of height at which a photograph is shown."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PanelDisplay:
    """The components of one tab's footage panel, and the updates that show the state of its footage."""

    page: Page
    tab: str
    drop: gr.File
    webcam: gr.Video
    recorder: gr.Accordion
    examples: gr.HTML
    shown: gr.HTML
    presence: gr.HTML
    another: gr.Button
    accept: gr.Checkbox
    thorough: gr.Checkbox
    camera: gr.Dropdown
    chooser: gr.Group
    timeline: gr.HTML
    first: gr.Number
    last: gr.Number
    ends: gr.HTML
    submit: gr.Button
    cancel: gr.Button
    status: gr.HTML
    places: FieldPlaces

    @property
    def components(self) -> list[Any]:
        """All components that `render` may change."""
        return [
            *(self.drop, self.webcam, self.recorder, self.examples, self.shown, self.another, self.accept),
            *(self.camera, self.thorough, self.chooser, *self.range_components, self.submit, self.cancel, self.status),
            *self.places.components,
        ]

    @property
    def range_components(self) -> list[Any]:
        """All components that show the chosen frames."""
        return [self.timeline, self.first, self.last, self.ends]

    @property
    def number_events(self) -> list[Any]:
        """Events after which a frame number may be another one."""
        return [self.first.input, self.first.blur, self.last.input, self.last.blur]

    @property
    def controls(self) -> list[Any]:
        """All components that `busy`, `idle` and the status line change."""
        return [self.status, self.submit, self.cancel, *self._inputs]

    @property
    def _inputs(self) -> list[Any]:
        return [*self.fields, self.another]

    @property
    def fields(self) -> list[Any]:
        """Inputs of the tab's button: the range, whether a damaged clip is used, the camera, whether to look at all."""
        return [self.first, self.last, self.accept, self.camera, self.thorough]

    def render(self, footage: Footage) -> Updates:
        """Return the panel's components for a state of its footage."""
        info, has = footage.info, footage.info is not None
        updates: Updates = {
            self.drop: gr.update(value=None, visible=not has),
            self.webcam: gr.update(value=None),
            self.recorder: gr.update(visible=not has),
            **self.offer(footage),
            self.shown: gr.update(value=self.card(footage), visible=has),
            self.chooser: gr.update(visible=info is not None and info.frame_count > 1),
            self.status: "",
            **self.idle(),
            **self.places.clear(Field.FOOTAGE, Field.CLIP, Field.RANGE, Field.CAMERA),
        }
        damaged = info is not None and info.damage is not None
        change = _("Choose another photograph") if info is not None and info.photograph else _("Choose another clip")
        updates[self.another] = gr.update(value=change, visible=has, interactive=True)
        updates[self.accept] = gr.update(value=footage.accept_damaged, visible=damaged, interactive=True)
        updates[self.camera] = gr.update(
            value=footage.camera, choices=known_cameras(self.page, footage.gallery), visible=has, interactive=True
        )
        skips = info is not None and info.frame_count > 1 and skips_frames(self.page.service.settings)
        updates[self.thorough] = gr.update(value=footage.thorough, visible=skips, interactive=True)
        if info is not None:
            updates[self.first] = gr.update(value=footage.first, interactive=True)
            updates[self.last] = gr.update(value=footage.last, interactive=True)
            updates.update(self.range_shown(footage))
        return updates

    def restore(self, footage: Footage) -> Updates:
        """Return what a reloaded page needs besides what was sent to it: the chosen frames as they stand."""
        updates: Updates = {self.drop: gr.update(value=None), self.webcam: gr.update(value=None)}
        if footage.info is not None:
            updates[self.first] = gr.update(value=footage.first)
            updates[self.last] = gr.update(value=footage.last)
            updates[self.accept] = gr.update(value=footage.accept_damaged)
            updates[self.thorough] = gr.update(value=footage.thorough)
            updates[self.camera] = gr.update(value=footage.camera)
            updates.update(self.range_shown(footage))
        return updates

    def on_camera_named(self, camera: Any, request: gr.Request) -> Updates:
        """A camera was typed or chosen; it goes along with the footage, and one that cannot be used is told there."""
        try:
            self.page.session(request).footage(self.tab).camera = camera_in_field(camera)
        except InvalidCamera as error:
            return self.places.show(error) or {}
        return self.places.clear(Field.CAMERA)

    def range_shown(self, footage: Footage) -> Updates:
        """Return the timeline, the pictures of the range's ends, and what is wrong with the range."""
        if footage.info is None:
            return {self.timeline: "", self.ends: "", **self.places.clear(Field.RANGE)}
        line = timeline(footage.first, footage.last, footage.info)
        try:
            frames = FrameRange.inclusive(footage.first, footage.last)
        except InvalidFrameRange as error:
            return {self.timeline: line, self.ends: "", **(self.places.show(error) or {})}
        note = {self.places.note(Field.RANGE): footage.range_note}
        return {self.timeline: line, self.ends: self.range_ends(footage, frames), **note}

    def offer(self, footage: Footage) -> Updates:
        """Return the examples, offered while there is no clip."""
        is_offered = footage.clip is None and (bool(self.page.examples) or not self.page.prepared)
        return {self.examples: gr.update(value=_examples(self.page) if is_offered else "", visible=is_offered)}

    def card(self, footage: Footage) -> str:
        """Return the clip's player, name and facts as HTML; "" while there is no clip."""
        if footage.info is None:
            return ""
        name = f'<h4 class="sl-clip" dir="auto">{escape(footage.label)}</h4>'
        size = footage.info.width, footage.info.height
        shown = player(footage.player, footage.label, size) if footage.player is not None else ""
        if footage.info.photograph and footage.clip is not None:
            shown = elements.picture(self._photograph(footage.clip), footage.label)
        return shown + name + presenters.facts(footage.info)

    def _photograph(self, clip: Path) -> str:
        try:
            return self.page.pictures.frame(self.page.service.preview(clip, [0])[0].image, PHOTOGRAPH_HEIGHT)
        except BiometricError:
            return "data:,"

    def range_ends(self, footage: Footage, frames: FrameRange) -> str:
        """Return the pictures of the first and last chosen frame; a frame that cannot be read stays empty."""
        if footage.clip is None or footage.info is None or footage.info.frame_count == 1:
            return ""
        try:
            wanted = () if footage.ends_later else sorted({frames.first, frames.last})
            end_frames = self.page.service.preview(footage.clip, wanted) if wanted else {}
        except BiometricError:
            end_frames = {}
        uris = {index: self.page.pictures.frame(frame.image) for index, frame in end_frames.items()}
        blank = "data:,"
        return presenters.ends(uris.get(frames.first, blank), uris.get(frames.last, blank), frames, footage.info)

    def busy(self) -> Updates:
        """Clip and frames stay as they are and Cancel is offered while a job runs on them."""
        resting = dict.fromkeys([self.submit, *self._inputs], gr.update(interactive=False))
        return {**resting, self.cancel: gr.update(interactive=True)}

    def idle(self) -> Updates:
        """The button, clip and frames are offered again."""
        offered = dict.fromkeys([self.submit, *self._inputs], gr.update(interactive=True))
        return {**offered, self.cancel: gr.update(interactive=False)}

    def at_rest(self) -> Updates:
        """Idle, and nothing is said of a job any more."""
        return {self.status: "", **self.idle()}


def _examples(page: Page) -> str:
    """Return the examples as HTML; while they are made, their place, so that nothing below moves when they come."""
    if not page.prepared and not page.examples:
        return PLACE_OF_EXAMPLES
    buttons = "".join(
        f'<button type="button" class="sl-button" data-action="example" data-value="{number}" '
        f'title="{escape(_(example.suggestion))}">{escape(_(example.title))}</button>'
        for number, example in enumerate(page.examples)
    )
    return (
        f'<div class="sl-examples"><span>{_("No footage at hand? Try one of these:")}</span>{buttons}</div>'
        if buttons
        else ""
    )


def known_cameras(page: Page, gallery: Path | None = None) -> list[str]:
    """Return the cameras to suggest: those of a gallery's references; None: of the configured one."""
    try:
        return page.service.gallery(gallery).cameras()
    except BiometricError:
        return []  # whatever needs the gallery says so
