"""How the Calibration tab is laid out."""

from typing import Any

import gradio as gr

from biometric.entities.calibration_footage import DEFAULT_FMR
from biometric.messages.calibration_sentences import one_in
from biometric.messages.translation import gettext as _
from biometric.ui.calibration_display import intro
from biometric.ui.components import area, camera_choice
from biometric.ui.text_format import count, escape

TARGETS = (100, 1000, 10_000)
"""Of so many strangers one may pass."""
KEEP_DAYS = (7, 30, 90)


def build_components() -> dict[str, Any]:
    """Build the components of the tab; return them by the names that they have in `CalibrationDisplay`."""
    undo = area(elem_id="calibration-undo")
    with gr.Row(elem_classes=["sl-columns"]):
        with gr.Column(scale=6, min_width=320, elem_classes=["sl-cal-left"]):
            current = area(elem_id="calibration")
            past = area(elem_id="calibration-history")
            verdicts = area(elem_id="calibration-verdicts")
        with gr.Column(scale=5, min_width=320):
            gr.HTML(f'<p class="sl-quiet">{escape(intro())}</p>', apply_default_css=False)
            camera = camera_choice(_("Of the clips that you add next, if you know it"), "calibration-camera")
            drop = gr.File(
                label=_("Clips"),
                file_count="multiple",
                type="filepath",
                height=110,
                elem_id="calibration-clips",
                elem_classes=["sl-drop", "sl-import", "sl-clips"],
            )
            with gr.Row(elem_classes=["sl-go"]):
                start = gr.Button(_("Compare people"), min_width=90, elem_id="calibration-start")
                cancel = gr.Button(_("Cancel"), interactive=False, min_width=80, elem_id="calibration-cancel")
            status = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id="calibration-status")
            listed = area(elem_id="calibration-footage")
            target = gr.Radio(
                [(one_in(1 / number), 1 / number) for number in TARGETS],
                value=DEFAULT_FMR,
                label=_("Strangers who may pass"),
                elem_id="calibration-target",
            )
            keep = gr.Radio(
                [(_("No"), 0), *((count(days, "day"), days) for days in KEEP_DAYS)],
                value=0,
                label=_("Keep nameless templates of strangers"),
                info=_("To normalise scores, where that certainly helps. They are deleted after this time."),
                visible=False,
                elem_id="calibration-keep",
            )
            promise = area(elem_id="calibration-promise")
            message = area(elem_id="calibration-message")
    return {
        "undo": undo,
        "message": message,
        "current": current,
        "past": past,
        "verdicts": verdicts,
        "camera": camera,
        "drop": drop,
        "listed": listed,
        "target": target,
        "keep": keep,
        "start": start,
        "cancel": cancel,
        "status": status,
        "promise": promise,
    }
