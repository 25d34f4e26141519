"""The threshold slider of a tab: its default, what it rests on, and what the person set."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from biometric.entities import Purpose, Threshold, ThresholdSource
from biometric.errors import BiometricError, GalleryError, InvalidThreshold
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import elements
from biometric.ui.components import Slider, field_note_area
from biometric.ui.field_errors import Field
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.panel import Panel
from biometric.ui.session import Session
from biometric.ui.text_format import escape

MEANING = N_(
    "A score at or above the threshold counts as the same person. Moving it to the right lets fewer strangers pass and "
    "turns away more of the right people; to the left, the other way round. Nothing is computed again: the answer "
    "changes at once."
)


@dataclass(slots=True, eq=False)
class ThresholdBox:
    """Slider, its evidence, and the way back to the default.

    Attributes:
        low: left end of the slider; the right one is 1.
        decide: gives the updates that follow another threshold.
        panel: the tab's, which shows problems as its answer.
        events: those after which another threshold is in force.
    """

    page: Page
    purpose: Purpose
    slider: gr.Slider
    default: gr.Button
    note: gr.HTML
    low: float
    decide: Callable[[Session], Updates]
    panel: Panel
    events: list[Any] = field(default_factory=list)

    @property
    def components(self) -> list[Any]:
        """All components that the box may change."""
        return [self.slider, self.note]

    def render(self, session: Session) -> Updates:
        """Return the slider and its evidence as they stand for a page."""
        current = self.page.threshold(self.purpose, session)
        return {self.slider: gr.update(value=current.value), self.note: elements.threshold_evidence(current)}

    def on_slider_moved(self, value: Any, request: gr.Request) -> Updates:
        """The slider was moved: decide again. A number outside the slider becomes its end, and is sent back."""
        session = self.page.session(request)

        def run() -> Updates:
            sent = _number(value)
            number = min(max(self.low, sent), 1.0)
            default = self.page.default_threshold(self.purpose, session)
            if abs(number - default.value) < 1e-9:
                session.thresholds.pop(self.purpose, None)
            else:
                set_by_user = Threshold(number, ThresholdSource.USER, adaptation=default.adaptation)
                session.thresholds[self.purpose] = set_by_user
            back = {} if number == sent else {self.slider: gr.update(value=number)}
            note = elements.threshold_evidence(self.page.threshold(self.purpose, session))
            return {**back, **self.panel.places.clear(Field.THRESHOLD), self.note: note, **self._decided(session)}

        return self.panel.run_once(run)

    def _decided(self, session: Session) -> Updates:
        """Decide again; where that fails the former answer goes, because another threshold is in force."""
        try:
            return self.decide(session)
        except BiometricError as error:
            return self.panel.show_failure(session, error)

    def reset(self, request: gr.Request) -> Updates:
        """Back to the default."""
        session = self.page.session(request)

        def run() -> Updates:
            session.thresholds.pop(self.purpose, None)
            return {**self.panel.places.clear(Field.THRESHOLD), **self.render(session), **self._decided(session)}

        return self.panel.run_once(run)

    def connect(self) -> None:
        """Attach the events."""
        everything = [*self.components, *self.panel.places.components, *self.panel.answers]
        moved = gr.on(
            [self.slider.input, self.slider.release],
            self.on_slider_moved,
            [self.slider],
            everything,
            trigger_mode="always_last",
            **QUIET,
        )
        self.events = [moved, self.default.click(self.reset, None, everything, **QUIET)]


def threshold_box(panel: Panel, purpose: Purpose, decide: Callable[[Session], Updates]) -> ThresholdBox:
    """Build the box in the current container."""
    page = panel.page
    current = _current(page, purpose)
    low = min(0.0, current.value)
    gr.HTML(f'<p class="sl-quiet">{escape(_(MEANING))}</p>', apply_default_css=False)
    slider = Slider(
        low,
        1.0,
        value=current.value,
        step=0.001,
        label=_("Threshold"),
        buttons=[],
        elem_id=f"{purpose}-threshold",
    )
    panel.places.add(
        Field.THRESHOLD, field_note_area(panel.tab, Field.THRESHOLD), f"#{purpose}-threshold input[type=number]"
    )
    note = gr.HTML(elements.threshold_evidence(current), apply_default_css=False)
    default = gr.Button(_("Back to the default"), size="sm", elem_classes=["sl-plain"])
    return ThresholdBox(page, purpose, slider, default, note, low, decide, panel)


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
