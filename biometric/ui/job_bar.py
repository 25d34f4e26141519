"""The job bar on every tab: what runs and waits in this workspace, how far it is, and Cancel for each."""

from typing import Any

import gradio as gr

from biometric.ui import templating
from biometric.ui.browser_input import event
from biometric.ui.components import on_act
from biometric.ui.job_lines import after_cancel, job_lines, summary
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.session import BATCH_JOB, Session

NAME = "job-bar"


def job_bar(page: Page) -> Any:
    """Build the bar in the current place of the page; returns its component."""
    bar = page.add_live_part(NAME, render, css="sl-jobs", scripts=("jobs.js",))

    def clicked(data: gr.EventData, request: gr.Request) -> Updates:
        session = page.session(request)
        action, name = event(data)
        job = session.jobs.get(name)
        if action == "cancel" and name == BATCH_JOB:
            session.batch.cancel()
        if action == "cancel" and job is not None:
            job.stop(after_cancel(name))
        return {bar: gr.skip()}

    on_act(bar, clicked, outputs=[bar], **QUIET)
    return bar


def render(session: Session) -> str:
    """Return the bar of a workspace, "" while nothing runs."""
    lines = job_lines(session)
    return templating.render("job_bar.html", lines=lines, summary=summary(lines)) if lines else ""
