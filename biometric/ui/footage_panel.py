"""Builds the footage panel, the same for all tabs: video, frame range, previews of its ends, button and Cancel."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui.components import area, camera_choice, field_note_area, on_act, thorough_choice, webcam
from biometric.ui.field_errors import Field, FieldPlaces
from biometric.ui.footage_intake import footage_intake
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page
from biometric.ui.panel import Panel
from biometric.ui.panel_display import PLACE_OF_EXAMPLES, PanelDisplay

BUTTONS = {"enrollment": N_("Enroll"), "verification": N_("Verify"), "identification": N_("Identify")}
"""What the button of each tab says."""

WEBCAM_HINT = N_("Record, stop, and the recording becomes the clip.")


def footage_panel(page: Page, tab: str, question: Callable[[], None], heading: str) -> PanelDisplay:
    """Build a tab's footage panel in the current column.

    Args:
        question: builds what the tab asks besides footage (a name, whose claim, paths), above the button.
        heading: what the tab asks, in a word.
    """
    gr.HTML(f'<h3 class="sl-step"><span>1</span>{_("Footage")}</h3>', apply_default_css=False)
    footage_intake(tab)
    drop = gr.File(
        label=_("Video or photograph"),
        file_count="single",
        type="filepath",
        height=150,
        elem_classes=["sl-drop"],
        elem_id=f"{tab}-video",
    )
    places = FieldPlaces()
    places.add(Field.FOOTAGE, field_note_area(tab, Field.FOOTAGE), f"#{tab}-video button")
    examples = area(PLACE_OF_EXAMPLES, visible=not page.prepared)
    with gr.Accordion(_("Record with the webcam"), open=False, elem_classes=["sl-recorder"]) as recorder:
        camera = webcam(_(WEBCAM_HINT))
    shown = area(visible=False, css="sl-card")
    with gr.Group(visible=False, elem_classes=["sl-range"]) as chooser:
        timeline = area(css="sl-padded", scripts=("timeline.js",))
        presence = area(elem_id=f"{tab}-presence", css="sl-padded")
        ends = area(css="sl-padded")
        with gr.Row(elem_classes=["sl-numbers"], elem_id=f"{tab}-frames"):
            first = gr.Number(0, label=_("From frame"), precision=0, min_width=80)
            last = gr.Number(0, label=_("To frame"), precision=0, min_width=80)
        places.add(Field.RANGE, field_note_area(tab, Field.RANGE), f"#{tab}-frames input")
    named = camera_choice(_("Which camera the clip is from, if you know"), f"{tab}-camera", visible=False)
    places.add(Field.CAMERA, field_note_area(tab, Field.CAMERA), f"#{tab}-camera input")
    thorough = thorough_choice(f"{tab}-thorough", visible=False)
    another = gr.Button(
        _("Choose another clip"), size="sm", visible=False, elem_classes=["sl-plain"], elem_id=f"{tab}-another"
    )
    accept = gr.Checkbox(label=_("Use it anyway, although it is damaged"), visible=False, elem_id=f"{tab}-accept")
    places.add(Field.CLIP, field_note_area(tab, Field.CLIP), f"#{tab}-accept input, #{tab}-another")
    gr.HTML(f'<h3 class="sl-step"><span>2</span>{heading}</h3>', apply_default_css=False)
    question()
    with gr.Column(elem_classes=["sl-action"]):
        with gr.Row(elem_classes=["sl-go"]):
            submit = gr.Button(_(BUTTONS[tab]), variant="primary", scale=2, min_width=120, elem_id=f"{tab}-submit")
            cancel = gr.Button(_("Cancel"), interactive=False, scale=1, min_width=90, elem_id=f"{tab}-cancel")
        status = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id=f"{tab}-status")
    return PanelDisplay(
        page=page,
        tab=tab,
        drop=drop,
        webcam=camera,
        recorder=recorder,
        examples=examples,
        shown=shown,
        presence=presence,
        another=another,
        accept=accept,
        thorough=thorough,
        camera=named,
        chooser=chooser,
        timeline=timeline,
        first=first,
        last=last,
        ends=ends,
        submit=submit,
        cancel=cancel,
        status=status,
        places=places,
    )


def connect(panel: Panel, jobs: Sequence[Any]) -> None:
    """Attach the panel's own events; another clip cancels `jobs`."""
    everything = [*panel.components, *panel.answers]
    # The browser works through the listeners of an event in order. Cancelling comes first: after a clip was taken in
    # (and transcoded) it would hit what shows a job that somebody has started on that clip meanwhile.
    for event in (panel.drop.upload, panel.webcam.stop_recording, panel.examples.act, panel.another.click):
        event(None, None, None, cancels=list(jobs), **QUIET)
    options: dict[str, Any] = {"outputs": everything, **QUIET}
    intake = {**FOLLOWS_JOB, "outputs": everything}
    panel.drop.upload(panel.as_clip_job(panel.on_clip_uploaded), [panel.drop], **intake)
    panel.webcam.stop_recording(panel.as_clip_job(panel.on_clip_uploaded), [panel.webcam], **intake)
    on_act(panel.examples, panel.as_clip_job(panel.on_example_chosen), **intake)
    panel.another.click(panel.on_another_clip, None, **options)
    gr.on(
        panel.number_events,
        panel.on_frames_moved,
        [panel.first, panel.last],
        [*panel.range_components, *panel.places.components, *panel.answers],
        trigger_mode="always_last",
        **QUIET,
    )
    for field in (Field.NAME, Field.GALLERY_PATH, Field.QUERY_PATH):  # others are looked at again when they change
        for note in panel.places.clear(field):
            on_act(note, lambda: "", outputs=[note], **QUIET)
    told = [panel.places.note(Field.CAMERA)]
    panel.camera.input(panel.on_camera_named, [panel.camera], told, trigger_mode="always_last", **QUIET)
    panel.accept.input(lambda: "", None, [panel.places.note(Field.CLIP)], trigger_mode="multiple", **QUIET)
    on_act(
        panel.timeline,
        panel.on_handle_moved,
        outputs=[*panel.range_components, *panel.places.components, *panel.answers],
        trigger_mode="multiple",
        **QUIET,
    )
