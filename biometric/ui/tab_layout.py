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
from biometric.ui.panel import Panel, complete_panel
from biometric.ui.panel_display import PanelDisplay
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


@dataclass(frozen=True, slots=True, eq=False)
class TabParts:
    """What each tab has. Where its answer has further parts, they are built before `panel` is called.

    Attributes:
        display: the components of its footage.
        answer, contact_sheet: where it answers, and its contact sheet.
        intro: what stands as the answer while there is none, as HTML.
    """

    display: PanelDisplay
    answer: gr.HTML
    contact_sheet: gr.HTML
    intro: str

    def panel(self, *more: Any, reset: Callable[[], Updates] | None = None) -> Panel:
        """Return the tab's panel.

        Args:
            more: further components of its answer.
            reset: gives the updates that empty the answer; None: nothing but answer and contact sheet is to be emptied.
        """
        answers = (self.answer, self.contact_sheet, *more)
        return complete_panel(self.display, self.answer, answers, self.blank if reset is None else reset)

    def blank(self) -> Updates:
        """Return the updates that empty answer and contact sheet."""
        return {self.answer: self.intro, self.contact_sheet: ""}


@contextmanager
def tab_layout(
    page: Page,
    tab: str,
    question: Callable[[], None],
    heading: str,
    intro: str,
    above_answer: Callable[[], None] | None = None,
) -> Iterator[TabParts]:
    """Build a tab's two columns; components built in the context stand below answer and contact sheet.

    Args:
        question: builds what the tab asks besides footage, above the button.
        heading: what it asks, in a word.
        intro: says what will appear as the answer.
        above_answer: builds what stands above the answer.
    """
    with gr.Row(elem_classes=["sl-columns"]):
        with gr.Column(scale=5, min_width=320, elem_classes=["sl-left"]):
            display = footage_panel(page, tab, question, heading)
        with gr.Column(scale=7, min_width=320, elem_classes=["sl-right"]):
            if above_answer is not None:
                above_answer()
            answer = answer_area(intro, elem_id=f"{tab}-answer")
            yield TabParts(display, answer, area(elem_id=f"{tab}-sheet"), intro)


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
