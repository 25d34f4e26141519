"""The button below an answer that makes a report of it, and the links to it: HTML for printing and PDF."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.components import file_url
from biometric.ui.page import QUIET, Steps, Updates
from biometric.ui.panel_display import PanelDisplay
from biometric.ui.session import Session
from biometric.ui.step_runs import guarded
from biometric.ui.text_format import escape

FILES = (("pdf", N_("Report (PDF)")), ("html", N_("Report (HTML, to print)")))


class ReportDownload:
    """Components and handler. Build below the answer.

    Args:
        write: writes the report of the session's answer, as it stands, to a file: HTML or PDF by its ending.
    """

    def __init__(self, panel: PanelDisplay, write: Callable[[Session, Path], None]) -> None:
        self._page, self._panel, self._write = panel.page, panel, write
        self._button = gr.Button(_("Make a report"), visible=False, size="sm", elem_id=f"{panel.tab}-report")
        self._links = gr.HTML("", apply_default_css=False, elem_id=f"{panel.tab}-report-files")

    @property
    def parts(self) -> list[Any]:
        """Components that `offered` and `hidden` change."""
        return [self._button, self._links]

    def offered(self) -> Updates:
        """Return the updates beside a new answer: a report can be made, and the one before is gone."""
        return {self._button: gr.update(visible=True), self._links: ""}

    def hidden(self) -> Updates:
        """Return the updates where there is no answer."""
        return {self._button: gr.update(visible=False), self._links: ""}

    def connect(self) -> None:
        """Attach the event."""
        self._button.click(self.on_pressed, None, [self._links], trigger_mode="once", **QUIET)

    def on_pressed(self, request: gr.Request) -> Steps:
        """Make both files and offer them."""
        session = self._page.session(request)
        yield from guarded(self._make(session), self._links)

    def _make(self, session: Session) -> Steps:
        yield {self._links: presenters.working(_("Writing the report"))}
        folder = session.new_folder("report")
        links = ""
        for ending, words in FILES:
            path = folder / f"{self._panel.tab}-report.{ending}"
            self._write(session, path)
            links += (
                f'<a class="sl-button" href="{escape(file_url(path))}" download="{escape(path.name)}">'
                f"{elements.icon('download')} {escape(_(words))}</a>"
            )
        yield {self._links: f'<div class="sl-downloads">{links}</div>'}
