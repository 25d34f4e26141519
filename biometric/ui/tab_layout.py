"""What the three tabs have in common: footage on the left, the answer on the right, and how the button runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr

from biometric.messages.translation import gettext as _
from biometric.ui import presenters
from biometric.ui.components import answer_area, area
from biometric.ui.footage_panel import footage_panel
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.panel import Panel
from biometric.ui.session import Session
from biometric.ui.text_format import escape


@dataclass(frozen=True, slots=True)
class HandOver:
    """How one tab hands a person of its answer over to another.

    Attributes:
        give: takes the person with a number and returns the updates; raises `BiometricError` where it cannot.
        components: all that the updates may change.
    """

    give: Callable[[Session, int], Updates]
    components: Sequence[Any]


def tab_heading(name: str) -> None:
    """Build a tab's heading, which its tab shows already: screen readers go from heading to heading."""
    gr.HTML(f'<h2 class="sl-hidden">{escape(name)}</h2>', apply_default_css=False, elem_classes=["sl-out"])


@contextmanager
def tab_layout(
    page: Page,
    tab: str,
    question: Callable[[], None],
    heading: str,
    intro: str,
    above_answer: Callable[[], None] | None = None,
) -> Iterator[Panel]:
    """Build a tab's two columns and its panel; components built in the context stand below answer and contact sheet.

    Args:
        question: builds what the tab asks besides footage, above the button.
        heading: what it asks, in a word.
        intro: says what will appear as the answer.
        above_answer: builds what stands above the answer.
    """
    with gr.Row(elem_classes=["sl-columns"]):
        with gr.Column(scale=5, min_width=320, elem_classes=["sl-left"]):
            panel = footage_panel(page, tab, question, heading)
        with gr.Column(scale=7, min_width=320, elem_classes=["sl-right"]):
            if above_answer is not None:
                above_answer()
            panel.answer = answer_area(intro, elem_id=f"{tab}-answer")
            panel.contact_sheet = area(elem_id=f"{tab}-sheet")
            panel.answers = [panel.answer, panel.contact_sheet]
            panel.reset = lambda: {panel.answer: intro, panel.contact_sheet: ""}
            yield panel


def connect_cancel(panel: Panel, jobs: Sequence[Any], cancelled: Callable[..., Updates], *also: Any) -> None:
    """Let Cancel stop the tab's job, and say so with `cancelled`, which may change the components `also`, too.

    Args:
        jobs: the events that show a job, which end at once.
        cancelled: gives the updates, called with the request.
    """

    def stop(request: gr.Request) -> Updates:
        updates = cancelled(request)
        panel.page.session(request).jobs.cancel(panel.tab, updates=updates)
        return updates

    panel.cancel.click(stop, None, [*panel.controls, *also], cancels=list(jobs), **QUIET)


def cancelled(panel: Panel) -> Updates:
    """Cancel was pressed; the job stops at its next step."""
    return {panel.status: presenters.status_message(_("Cancelled. Nothing was stored.")), **panel.idle()}
