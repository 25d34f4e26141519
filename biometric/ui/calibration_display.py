"""The components of the Calibration tab, and how they show what is in force, listed and possible."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from biometric.entities import Purpose
from biometric.errors import GalleryCorrupt, GalleryError
from biometric.messages import describe_error
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import calibration_views as views
from biometric.ui import elements, presenters, problems
from biometric.ui.calibration_cautions import verdicts
from biometric.ui.calibration_state import CalibrationState
from biometric.ui.gallery_history import CHANGES_SHOWN, undo_line
from biometric.ui.page import Page, Updates
from biometric.ui.panel_display import known_cameras
from biometric.ui.session import Session
from biometric.ui.text_format import escape
from biometric.ui.turns import Place

PURPOSES: tuple[tuple[Purpose, str], ...] = (
    ("verification", N_("Verification")),
    ("identification", N_("Identification")),
)


@dataclass(slots=True, eq=False, kw_only=True)
class CalibrationDisplay:
    """The components, and the updates that show something in them.

    Attributes:
        undo: the line about the last change that was made here.
        message: says how a calibration went, or what went wrong.
        current, past: what is in force; the history.
        verdicts: the place where verdicts about answers are told.
        camera, drop, listed: of which camera clips are, where they come in, and the list of them.
        target: the radio of false match rates.
        keep: for how long templates of strangers may be kept; shown where there may be enough of them.
        promise: what the listed clips support.
    """

    page: Page
    undo: gr.HTML
    message: gr.HTML
    current: gr.HTML
    past: gr.HTML
    verdicts: gr.HTML
    camera: gr.Dropdown
    drop: gr.File
    listed: gr.HTML
    target: gr.Radio
    keep: gr.Radio
    start: gr.Button
    cancel: gr.Button
    status: gr.HTML
    promise: gr.HTML

    @property
    def following(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.undo, self.current, self.past, self.verdicts, self.listed, self.promise, self.camera, self.keep]

    @property
    def job_outputs(self) -> list[Any]:
        """Components that a job may change."""
        return [*self.following, self.message, self.status, self.start, self.cancel, self.drop]

    def render(self, session: Session) -> Updates:
        """Return everything as it is now, in the gallery and in the workspace."""
        state, gallery = session.calibration, self.page.service.gallery()
        noted = "" if state.noted is None else undo_line(gallery.changes(CHANGES_SHOWN), state.noted)
        model_id = self.page.service.models.embedder_id()
        stored = self.page.service.calibrations().history()
        return {
            self.undo: noted,
            self.current: focused(state, self._current(state)),
            self.past: focused(state, views.history(stored, model_id, state)),
            self.verdicts: self._verdicts(),
            self.camera: gr.update(choices=state.suggest_cameras(known_cameras(self.page))),
            **self.render_footage(state),
        }

    def render_footage(self, state: CalibrationState) -> Updates:
        """Return the listed clips and what they support."""
        return {
            self.listed: focused(state, views.footage(state)),
            self.promise: self.promised(state),
            self.keep: gr.update(visible=state.may_have_cohort),
        }

    def promised(self, state: CalibrationState) -> str:
        """Return what the listed clips support; what is in force is not offered."""
        return focused(state, views.promise(state, self.in_force()))

    def in_force(self) -> int | None:
        """Return the number of the calibration in force, None where there is none that can be read."""
        try:
            stored = self.page.service.calibrations().history()
        except GalleryError:  # told where the gallery is shown
            return None
        return next((item.number for item in stored if item.in_force and item.calibration is not None), None)

    def _verdicts(self) -> str:
        try:
            told = self.page.service.calibrations().verdict_evidence()
        except GalleryCorrupt:
            return ""  # told beside the way out
        names = [_(words) for _purpose, words in PURPOSES]
        return verdicts(list(zip(names, told, strict=True)))

    def _current(self, state: CalibrationState) -> str:
        service = self.page.service
        try:
            calibration = service.calibration()
            thresholds = [(_(words), self.page.threshold(purpose)) for purpose, words in PURPOSES]
        except GalleryCorrupt as error:
            button = elements.button("card", "", _("Back to the model card"))
            body = f'<div class="sl-actions">{button}</div>'
            return elements.banner("bad", problems.title_of(error), describe_error(error), body=body)
        since = next((item.since for item in service.calibrations().history() if item.in_force), None)
        size = service.gallery().size()
        return views.in_force(calibration, since, thresholds, size, state.question, service.gallery().cohorts())

    def waiting(self, place: Place) -> Updates:
        """Return the updates of a job that waits."""
        return {**self.busy(), self.status: presenters.waiting(place)}

    def stopped(self, sentence: str) -> Updates:
        """Return the updates of a job that did not begin or was not finished."""
        return {
            self.status: presenters.status_message(sentence),
            self.start: gr.update(interactive=True),
            self.cancel: gr.update(interactive=False),
        }

    def busy(self) -> Updates:
        """Return the updates of a job that begins."""
        return {
            self.message: "",
            self.status: presenters.working(_("Starting")),
            self.start: gr.update(interactive=False),
            self.cancel: gr.update(interactive=True),
        }

    def idle(self, session: Session) -> Updates:
        """Return the updates that end a job."""
        return {**self.stopped(""), **self.render_footage(session.calibration)}


def focused(state: CalibrationState, html: str) -> str:
    """Return HTML that sends the keyboard where the last click led."""
    return f'<div data-focus="{escape(state.focus)}" data-turn="{state.clicks}">{html}</div>' if html.strip() else ""


def intro() -> str:
    """Return which clips help."""
    return _(
        "Clips in which several people are seen at the same time help most, because two people side by side are "
        "certainly not one. Nobody needs a name. The clips stay with this page, and go with it."
    )
