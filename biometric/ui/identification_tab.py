"""The Identification tab: everybody in a clip, each decided on their own, with the evidence and the files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.errors import BiometricError, FootageChanged, InvalidInput
from biometric.storage import resolve_inside
from biometric.ui import answers, contact_sheets, elements, grid_actions, grid_state, people_grid, presenters
from biometric.ui.browser_input import event
from biometric.ui.components import area, on_act
from biometric.ui.downloads import annotated_footage, copy_for_download, download_links, target_refusal
from biometric.ui.footage_panel import connect
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates, guarded, run_once, stream_progress
from biometric.ui.panel import Panel
from biometric.ui.report_download import ReportDownload
from biometric.ui.session import Footage, Session
from biometric.ui.tab_layout import connect_cancel, tab_layout
from biometric.ui.text_format import threshold_text
from biometric.ui.threshold_box import threshold_box

TAB = "identification"
INTRO = elements.empty(
    "Identify everybody in a clip",
    "Choose a clip. Who is seen when, how sure that is, an annotated clip and files to download appear here.",
)
CHANGED = "Press Identify to look at them again."
FOCUS_NAME = """() => {
  const field = document.querySelector('#enrollment-name :is(input, textarea)');
  if (field?.offsetParent) field.focus();
}"""
"""Takes the keyboard to the name of a person who was handed over to Enrollment."""


class IdentificationTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`.

    Attributes:
        enroll: set by the page: hands a person over to Enrollment and gives the updates.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.enroll: Callable[[Session, int], Updates] = lambda session, person: {}
        self.enroll_components: list[Any] = []
        with tab_layout(page, TAB, self._question, "Options", INTRO) as panel:
            self.panel: Panel = panel
            self.answer, self.contact_sheet = panel.answer, panel.contact_sheet
            self.writing = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"])
            self.clip = gr.HTML("", apply_default_css=False, elem_id="annotated")
            self.again = gr.Button("Write the clip and the files again", visible=False, size="sm")
            self.times = area(elem_id="identification-timeline")
            self.files = gr.HTML("", apply_default_css=False, elem_id="identification-files")
            self.report = ReportDownload(panel, self._write_report)
            with gr.Accordion("Details: threshold", open=False):
                self.box = threshold_box(panel, "identification", self.decide_again)
        self.panel.reset = self._empty
        self.panel.answers = [
            *(self.answer, self.contact_sheet),
            *(self.writing, self.clip, self.again, self.times, self.files),
            *self.report.parts,
        ]

    def _question(self) -> None:
        settings = self.page.service.settings
        with gr.Accordion("Where to look and where to write", open=False):
            self.gallery = gr.Textbox(
                label="Gallery path", value=str(settings.gallery), max_lines=1, elem_id="gallery-path"
            )
            self.query = gr.Textbox(label="Query path", value=str(settings.query), max_lines=1, elem_id="query-path")
            gr.HTML(
                '<p class="sl-quiet sl-padded">The gallery holds who is known. New crops, the annotated clip and the '
                "tables are written below the query path.</p>",
                apply_default_css=False,
            )

    def _empty(self) -> Updates:
        blank: Updates = dict.fromkeys(self.panel.answers, "")
        return {**blank, self.answer: INTRO, self.again: gr.update(visible=False), **self.report.hidden()}

    def connect(self) -> Any:
        """Attach events; returns the job."""
        panel = self.panel
        outputs = [*panel.components, *panel.answers, *self.box.components]
        inputs = [self.gallery, self.query, *panel.fields]
        job = gr.on(
            [panel.submit.click, self.gallery.submit, self.query.submit],
            panel.as_job(self.submit, self.writing),
            inputs,
            outputs,
            **FOLLOWS_JOB,
        )
        rewrite = self.again.click(panel.as_job(self.rewrite, self.writing), [self.query], outputs, **FOLLOWS_JOB)
        connect(panel, [job, rewrite])
        connect_cancel(panel, [job, rewrite], self.on_cancel, self.writing)
        clicked = on_act(
            self.contact_sheet, self.on_grid_clicked, outputs=[*panel.answers, *self.enroll_components], **QUIET
        )
        clicked.then(None, js=FOCUS_NAME)
        self.box.connect()
        self.report.connect()
        return job

    # --- the answer ----------------------------------------------------------------------------------------------

    def submit(self, gallery: Any, query: Any, first: Any, last: Any, accept: Any, request: gr.Request) -> Steps:
        """Observe if need be, identify, then write the annotated clip and the files."""
        session = self.page.session(request)

        def run() -> Steps:
            where = self._gallery(gallery)
            folder = resolve_inside(self.page.service.settings.query, _text(query))
            footage = self.panel.take(session, first, last, accept)
            refusal = target_refusal(self.page, footage, folder)
            if refusal:
                yield {self.writing: refusal}
            yield from self.panel.observe(session, footage)
            self._identify(session, where)
            shown = {**self._empty(), **self._show(session), **self.box.render(session)}
            yield {**shown, self.panel.status: "", self.writing: refusal}
            if not refusal:
                yield from self._write(session, footage, folder)

        yield from self.panel.run_submission(run(), lambda: self.panel.clear_answer(session))

    def _gallery(self, text: object) -> Path | None:
        """Return the gallery folder of the path field, None for the configured one."""
        root = self.page.service.settings.gallery
        folder = resolve_inside(root, _text(text))
        return None if folder == root.resolve() else folder

    def _identify(self, session: Session, gallery: Path | None) -> None:
        """Decide about everybody; only an answer makes `gallery` the tab's current one."""
        observed = session.footage(TAB).observed
        if observed is None:
            raise FootageChanged(CHANGED)
        session.identifications = self.page.service.identify(
            observed, threshold=session.thresholds.get("identification"), gallery=gallery
        )
        session.gallery = gallery
        session.grid.keep({identification.observation.person for identification in session.identifications})

    def _show(self, session: Session) -> Updates:
        observed = session.footage(TAB).observed
        if observed is None:
            return self._empty()
        people = grid_state.not_dismissed(session.identifications, session.grid)
        warnings = presenters.notes(self.page.new_warnings(observed.warnings))
        return {
            self.answer: contact_sheets.summary(people) + warnings,
            self.contact_sheet: self._grid(session),
            self.times: answers.timeline(people, observed) + answers.table(people, observed),
            **self.report.offered(),
        }

    def _grid(self, session: Session, focus: str = "") -> str:
        observed = session.footage(TAB).observed
        content = people_grid.GridContent(
            answers=session.identifications,
            frame_count=0 if observed is None else len(observed.frames),
            names=[identity.name for identity in self.page.service.gallery(session.gallery).identities()],
            pictures=self.page.pictures,
            references=self.page.references(session.gallery),
        )
        return people_grid.grid(content, session.grid, focus)

    def decide_again(self, session: Session) -> Updates:
        """Return the answer anew after another threshold; the files wait until they are asked for."""
        if session.footage(TAB).observed is None or not session.identifications:
            return {}
        self._identify(session, session.gallery)
        value = self.page.threshold("identification", session).value
        stale = session.written_at is not None and session.written_at != value
        note = ""
        if stale and session.written_at is not None:
            note = f"The clip and the files were written with threshold {threshold_text(session.written_at)}."
        return {
            **self._show(session),
            self.writing: presenters.status_message(note),
            self.again: gr.update(visible=stale),
        }

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the updates after somebody was renamed, merged or removed: the answer as it would be given now."""
        former = _answer_facts(session)
        try:
            updates = self.decide_again(session)
        except BiometricError as error:
            return self.panel.show_failure(session, error)
        if updates and former == _answer_facts(session):
            return {part: updates[part] for part in (self.contact_sheet,)}
        if updates and session.written_at is not None:
            updates[self.writing] = presenters.status_message(
                "The clip and the files were written before the gallery changed."
            )
            updates[self.again] = gr.update(visible=True)
        return updates

    # --- files ---------------------------------------------------------------------------------------------------

    def rewrite(self, query: Any, request: gr.Request) -> Steps:
        """Write the clip and the files again, with the answer as it stands."""
        session = self.page.session(request)

        def run() -> Steps:
            folder = resolve_inside(self.page.service.settings.query, _text(query))
            footage = session.footage(TAB)
            if footage.observed is None or not session.identifications:
                raise FootageChanged(CHANGED)
            yield {self.again: gr.update(visible=False)}
            yield from self.panel.observe(session, footage)  # its crops may have been cleared away
            self._identify(session, session.gallery)
            yield self._show(session)
            yield from self._write(session, footage, folder)

        yield from guarded(run(), self.writing, lambda: {self.panel.status: "", **self.panel.idle()})

    def _write(self, session: Session, footage: Footage, folder: Path) -> Steps:
        observed, identifications = footage.observed, session.identifications
        if observed is None:
            raise FootageChanged(CHANGED)
        work = self.page.service.write_outputs(observed, identifications, folder)
        yield {self.writing: presenters.working("Writing the annotated footage")}
        try:
            outputs = yield from stream_progress(work, lambda progress: {self.writing: presenters.working(progress)})
            # What lies in the query folder is never served; the page hands out copies that go with the session.
            copies = copy_for_download(outputs, session.new_folder("results"))
        except BiometricError as error:
            yield {self.writing: presenters.problem(error)}
            return
        if footage.observed is not observed:
            return  # the page shows other frames meanwhile
        session.written_at = identifications[0].threshold.value if identifications else None
        yield {
            self.writing: "",
            self.again: gr.update(visible=False),
            self.clip: annotated_footage(copies["clip"], observed.video.photograph),
            self.files: download_links(copies),
        }

    def _write_report(self, session: Session, path: Path) -> None:
        observed = session.footage(TAB).observed
        if observed is None or not session.identifications:
            raise FootageChanged(CHANGED)
        self.page.service.write_report(observed, session.identifications, path, session.gallery)

    # --- one person ----------------------------------------------------------------------------------------------

    def on_grid_clicked(self, data: gr.EventData, request: gr.Request) -> Updates:
        """Something on the people was clicked, or a name was typed there."""
        session = self.page.session(request)

        def run() -> Updates:
            action, value = event(data)
            if action == "enroll":
                return self.enroll_person(data, request)
            click = grid_actions.act(self.page.service, session, action, value)
            updates = self._show(session) if click.recounted else {}
            if click.edited:
                updates = self.answer_after_edit(session)
            return {**updates, self.contact_sheet: self._grid(session, click.focus)}

        return run_once(run, self.answer)

    def enroll_person(self, data: gr.EventData, request: gr.Request) -> Updates:
        """ "Enroll this person" was clicked: open Enrollment with clip, range and observation."""
        session = self.page.session(request)
        return run_once(
            lambda: self.enroll(session, grid_actions.person_of(session, event(data)[1]).observation.person),
            self.answer,
        )

    def on_tab_opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened."""
        updates = self.panel.carry_footage(session)
        if updates:
            updates.update(self._empty())
        return updates

    def on_cancel(self, request: gr.Request) -> Updates:
        """Cancel was pressed; the job stops at its next step."""
        session = self.page.session(request)
        text = "Cancelled. Nothing was stored."
        if session.identifications and session.footage(TAB).observed is not None:
            text = "Cancelled. The answer stands; its files were not written."
        return {self.panel.status: presenters.status_message(text), self.writing: "", **self.panel.idle()}


def _answer_facts(session: Session) -> list[tuple[object, ...]]:
    """Return what an answer says, to tell whether it became another one."""
    return [
        (
            answer.observation.person,
            answer.decision,
            answer.score,
            *((candidate.identity.id, candidate.identity.name) for candidate in answer.candidates),
        )
        for answer in session.identifications
    ]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("A path must be text.")
    return value
