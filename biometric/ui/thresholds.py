"""The threshold slider of a tab: its default, what it rests on, and what the person set."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from biometric.entities import Purpose, Threshold
from biometric.errors import GalleryError, InvalidThreshold
from biometric.ui import elements
from biometric.ui.page import QUIET, Page, Updates, once
from biometric.ui.session import Session

MEANING = (
    '<p class="sl-quiet">A score at or above the threshold counts as the same person. Moving it to the right lets '
    "fewer strangers pass and turns away more of the right people; to the left, the other way round. Nothing is "
    "computed again: the answer changes at once.</p>"
)


@dataclass(slots=True, eq=False)
class ThresholdBox:
    """Slider, its evidence, and the way back to the default.

    Attributes:
        decide: gives the updates that follow another threshold.
        answer: where problems are told.
    """

    page: Page
    purpose: Purpose
    slider: gr.Slider
    default: gr.Button
    note: gr.HTML
    decide: Callable[[Session], Updates]
    answer: Any

    @property
    def parts(self) -> list[Any]:
        """All components that the box may change."""
        return [self.slider, self.note]

    def render(self, session: Session) -> Updates:
        """Return the slider and its evidence as they stand for a page."""
        current = self.page.threshold(self.purpose, session)
        return {self.slider: gr.update(value=current.value), self.note: elements.evidence(current)}

    def moved(self, value: Any, request: gr.Request) -> Updates:
        """The slider was moved: decide again."""
        session = self.page.session(request)

        def run() -> Updates:
            number = _number(value)
            default = self.page.threshold(self.purpose)
            if abs(number - default.value) < 1e-9:
                session.thresholds.pop(self.purpose, None)
            else:
                session.thresholds[self.purpose] = number
            note = elements.evidence(self.page.threshold(self.purpose, session))
            return {self.note: note, **self.decide(session)}

        return once(run, self.answer)

    def reset(self, request: gr.Request) -> Updates:
        """Back to the default."""
        session = self.page.session(request)

        def run() -> Updates:
            session.thresholds.pop(self.purpose, None)
            return {**self.render(session), **self.decide(session)}

        return once(run, self.answer)

    def connect(self, outputs: list[Any]) -> None:
        """Attach the events; `outputs` are the components that `decide` may change."""
        everything = [*self.parts, *outputs]
        gr.on(
            [self.slider.input, self.slider.release],
            self.moved,
            [self.slider],
            everything,
            trigger_mode="always_last",
            **QUIET,
        )
        self.default.click(self.reset, None, everything, **QUIET)


def threshold_box(page: Page, purpose: Purpose, decide: Callable[[Session], Updates], answer: Any) -> ThresholdBox:
    """Build the box in the current container."""
    current = _current(page, purpose)
    gr.HTML(MEANING, apply_default_css=False)
    slider = gr.Slider(
        min(0.0, current.value),
        1.0,
        value=current.value,
        step=0.001,
        label="Threshold",
        buttons=[],
        elem_id=f"{purpose}-threshold",
    )
    note = gr.HTML(elements.evidence(current), apply_default_css=False)
    default = gr.Button("Back to the default", size="sm", elem_classes=["sl-plain"])
    return ThresholdBox(page, purpose, slider, default, note, decide, answer)


def _current(page: Page, purpose: Purpose) -> Threshold:
    """The threshold to show while the page is built, which a damaged gallery must not hinder."""
    try:
        return page.threshold(purpose)
    except GalleryError:
        return page.service.models.threshold(purpose)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidThreshold("The threshold must be a number from -1 to 1.")
    return float(value)
