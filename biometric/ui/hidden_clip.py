"""The button below an identification that writes the clip with everybody hidden who is not enrolled."""

from typing import Any

import gradio as gr

from biometric.entities import FrameRange
from biometric.entities.redaction import Redaction, RedactionChoice, WhoIsHidden
from biometric.errors import FootageChanged
from biometric.messages.redaction_sentences import redaction_lines
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.chosen_thresholds import chosen_threshold
from biometric.ui.components import file_url
from biometric.ui.page import FOLLOWS_JOB, Steps, Updates
from biometric.ui.panel_display import PanelDisplay
from biometric.ui.session import HIDING_JOB, Session
from biometric.ui.step_runs import guarded, stream_progress
from biometric.ui.text_format import escape

TAB = "identification"


class HiddenClip:
    """Components and handler. Build below the answer.

    Args:
        panel: the tab's, whose Cancel also stops the writing.
    """

    def __init__(self, panel: PanelDisplay) -> None:
        self._page, self._panel = panel.page, panel
        self._button = gr.Button(_("Hide strangers in the clip"), visible=False, size="sm", elem_id=f"{TAB}-hide")
        self._result = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id=f"{TAB}-hidden")

    @property
    def parts(self) -> list[Any]:
        """Components that the updates of this part change."""
        return [self._button, self._result]

    def offered(self) -> Updates:
        """Return the updates beside a new answer; a clip that was written for the one before is gone."""
        return {self._button: gr.update(visible=True), self._result: ""}

    def hidden(self) -> Updates:
        """Return the updates where there is no answer."""
        return {self._button: gr.update(visible=False), self._result: ""}

    def connect(self) -> Any:
        """Attach the event; returns what follows the job."""

        def stopped(sentence: str) -> Updates:
            return {self._result: presenters.status_message(sentence), **self._at_rest()}

        job = self._page.as_job(
            HIDING_JOB,
            self.write,
            lambda place: {self._result: presenters.waiting(place)},
            stopped,
            size=lambda session: session.footage(TAB).last - session.footage(TAB).first + 1,
        )
        return self._button.click(job, None, [*self.parts, self._panel.cancel], **FOLLOWS_JOB)

    def cancel(self, session: Session) -> Updates:
        """Stop the writing."""
        if session.jobs.get(HIDING_JOB) is None:
            return {}
        session.jobs.drop(HIDING_JOB)
        return {self._result: "", **self._at_rest()}

    def write(self, request: gr.Request) -> Steps:
        """Write the clip and offer it."""
        session = self._page.session(request)
        yield from guarded(self._write(session), self._result, self._at_rest)

    def _write(self, session: Session) -> Steps:
        footage, service = session.footage(TAB), self._page.service
        observed, answer = footage.observed, session.identifications
        if observed is None or not answer:
            raise FootageChanged("The footage was changed. Press Identify to look at it again.")
        working = presenters.working(_("Hiding strangers"))
        yield {self._result: working, self._button: gr.update(visible=False), **_cancellable(self._panel)}
        ending = "jpg" if observed.video.photograph else "mp4"
        work = service.redactor.redact(
            observed.path,
            session.new_folder("hidden") / f"strangers-hidden.{ending}",
            RedactionChoice(WhoIsHidden.UNKNOWN),
            frames=FrameRange(observed.frames.start, observed.frames.stop),
            accept_damaged=observed.damage_accepted,
            camera=observed.camera,
            threshold=chosen_threshold(service, session, "identification", session.gallery),
            gallery=session.gallery,
        )
        redaction = yield from stream_progress(work, lambda progress: {self._result: presenters.working(progress)})
        if session.footage(TAB).observed is not observed or session.identifications is not answer:
            return  # the page shows another answer by now
        yield {self._result: _offer(redaction), **self._at_rest()}

    def _at_rest(self) -> Updates:
        return {self._button: gr.update(visible=True), self._panel.cancel: gr.update(interactive=False)}


def _cancellable(panel: PanelDisplay) -> Updates:
    return {panel.cancel: gr.update(interactive=True)}


def _offer(redaction: Redaction) -> str:
    told = " ".join(escape(line) for line in redaction_lines(redaction))
    link = (
        f'<a class="sl-button" href="{escape(file_url(redaction.path))}" download="{escape(redaction.path.name)}">'
        f"{elements.icon('download')} {escape(_('Footage with strangers hidden'))}</a>"
    )
    return f'<p class="sl-quiet">{told}</p><div class="sl-downloads">{link}</div>'
