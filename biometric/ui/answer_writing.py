"""The files of an identification, written by a job of their own, so that the next answer never waits for them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import Identification, ScoreAdaptation, Threshold
from biometric.errors import QueryPathRefused
from biometric.messages.translation import gettext as _
from biometric.storage import resolve_inside
from biometric.ui import presenters
from biometric.ui.downloads import annotated_footage, copy_for_download, download_links
from biometric.ui.hidden_clip import HiddenClip
from biometric.ui.page import Page, Steps, Updates
from biometric.ui.panel_display import PanelDisplay
from biometric.ui.screen import records_itself
from biometric.ui.session import FILES_JOB, HIDING_JOB, Session
from biometric.ui.step_runs import guarded, stream_progress
from biometric.ui.text_format import threshold_text

TAB = "identification"


class AnswerWriting:
    """The components that show the files, and the job that writes them. Build inside the tab's answer.

    Attributes:
        panel: the tab's, whose Cancel also stops the writing.
    """

    def __init__(self, page: Page, panel: PanelDisplay) -> None:
        self.page = page
        self.panel = panel
        self.status = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id="identification-writing")
        self.again = gr.Button(_("Write the files again"), visible=False, size="sm")
        self.clip = gr.HTML("", apply_default_css=False, elem_id="annotated")
        self.files = gr.HTML("", apply_default_css=False, elem_id="identification-files")
        self.hiding = HiddenClip(panel)

    @property
    def components(self) -> list[Any]:
        """All components that show the files."""
        return [self.status, self.again, self.clip, self.files, *self.hiding.parts]

    @property
    def outputs(self) -> list[Any]:
        """All components that the job may change."""
        return [*self.components, self.panel.cancel]

    def begin(self, session: Session, query: Path) -> None:
        """Start to write the answer as it stands; files of a former one that are still being written are given up."""
        session.query = query
        job = self.page.new_job(
            session,
            lambda: guarded(self._write(session, query), self.status, clear=lambda: self._not_written(session)),
            lambda place: {self.status: presenters.status_message(_("The files wait until others are written."))},
            lambda sentence: {**self._not_written(session), self.status: presenters.status_message(sentence)},
            turns=self.page.writing_turns,
            size=_frame_count(session),
        )
        session.jobs.begin(FILES_JOB, job)

    def follower(self) -> Callable[[gr.Request], AsyncGenerator[Updates, None]]:
        """Return the handler that shows the page what the job does."""

        @records_itself
        async def follow(request: gr.Request) -> AsyncGenerator[Updates, None]:
            session = await asyncio.to_thread(self.page.session, request)
            job = session.jobs.latest(FILES_JOB)
            if job is not None:
                async with aclosing(job.follow(self.page.receipt(job))) as shown:
                    async for updates in shown:
                        yield updates

        return follow

    def after_decision(self, session: Session, *, changed: bool, threshold: Threshold) -> Updates:
        """Return the updates after the answer was decided anew: files that are being written start over with it.

        Args:
            changed: the answer says something else than before.
            threshold: what it was decided by.
        """
        if session.jobs.get(FILES_JOB) is not None and session.query is not None:
            if changed:
                self.begin(session, session.query)
            return {}
        former, note = session.written_at, ""
        stale = former is not None and _deciding(former) != _deciding(threshold)
        if stale and former is not None:
            note = _("The files were written with threshold {value}.").format(value=threshold_text(former.value))
        return {self.status: presenters.status_message(note), self.again: gr.update(visible=stale)}

    def cancel(self, session: Session) -> Updates:
        """Stop the writing; the updates offer to write the files after all."""
        stopped = self.hiding.cancel(session)
        if session.jobs.get(FILES_JOB) is None:
            return stopped
        session.jobs.drop(FILES_JOB)
        return {**stopped, **self._not_written(session)}

    def drop(self, session: Session) -> None:
        """Give up what is being written, because there will be another answer."""
        session.jobs.drop(FILES_JOB)
        session.jobs.drop(HIDING_JOB)

    def not_offered(self) -> Updates:
        """Return the updates where there is no answer."""
        return {self.again: gr.update(visible=False), **self.hiding.hidden()}

    def _not_written(self, session: Session) -> Updates:
        return {self.status: "", self.again: gr.update(visible=True), **self._rest(session)}

    def _rest(self, session: Session) -> Updates:
        """Return the updates that take Cancel away, unless it is offered for the models' work."""
        return {} if session.jobs.get(TAB) is not None else {self.panel.cancel: gr.update(interactive=False)}

    def _write(self, session: Session, query: Path) -> Steps:
        footage, found = session.footage(TAB), session.identifications
        observed = footage.readable
        if observed is None:
            yield self._not_written(session)
            return
        working = {self.status: presenters.working(_("Writing the annotated footage"))}
        yield {**working, self.again: gr.update(visible=False), self.panel.cancel: gr.update(interactive=True)}
        outputs = yield from stream_progress(
            self.page.service.write_outputs(observed, found, query, session.gallery),
            lambda progress: {self.status: presenters.working(progress)},
        )
        # What lies in the query folder is never served; the page hands out copies that go with the session.
        copies = copy_for_download(outputs, session.new_folder("results"))
        self.page.service.register.copies(observed, found, copies.values(), session.gallery)
        limits = _threshold(found), _threshold(session.identifications)
        if footage.observed is not observed or _deciding(limits[0]) != _deciding(limits[1]):
            return  # the page shows other frames, or another answer, by now
        session.written_at = limits[0]
        yield {
            self.status: "",
            self.again: gr.update(visible=False),
            self.clip: annotated_footage(copies["clip"], observed.video.photograph),
            self.files: download_links(copies),
            **self._rest(session),
        }

    def folder(self, text: str) -> Path:
        """Return the folder that a path field names. Raises `QueryPathRefused`."""
        return resolve_inside(self.page.service.settings.query, text, QueryPathRefused)


def _threshold(found: Sequence[Identification]) -> Threshold | None:
    """Return the threshold that people were identified with, None where there was nobody."""
    return found[0].threshold if found else None


def _deciding(threshold: Threshold | None) -> tuple[float, ScoreAdaptation] | None:
    """Return what of a threshold makes a decision: its value, and the adaptation of the scores that it is for."""
    return None if threshold is None else (threshold.value, threshold.adaptation)


def _frame_count(session: Session) -> int:
    footage = session.footage(TAB)
    return footage.last - footage.first + 1
