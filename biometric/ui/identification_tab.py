"""The Identification tab: everybody in a clip, each decided on their own, with the evidence and the files."""

from pathlib import Path
from typing import Any

import gradio as gr

from biometric.errors import BiometricError, FootageChanged, GalleryPathRefused, InvalidInput
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.storage import resolve_inside
from biometric.ui import answers, contact_sheets, grid_actions, grid_state, introductions, people_grid, presenters
from biometric.ui.answer_writing import AnswerWriting
from biometric.ui.browser_input import event
from biometric.ui.chosen_thresholds import chosen_threshold
from biometric.ui.components import area, field_note_area, on_act
from biometric.ui.downloads import target_refusal
from biometric.ui.field_errors import Field
from biometric.ui.footage_panel import connect
from biometric.ui.noted_change import UndoLine
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates
from biometric.ui.person_editing import edit_line, untold
from biometric.ui.presence import presence
from biometric.ui.problems import notes
from biometric.ui.report_download import ReportDownload
from biometric.ui.session import Session
from biometric.ui.step_runs import guarded, run_once
from biometric.ui.tab_layout import HandOver, connect_cancel, tab_layout
from biometric.ui.threshold_box import threshold_box

TAB = "identification"
CHANGED = N_("Press Identify to look at them again.")
FOCUS_NAME = """() => {
  const field = document.querySelector('#enrollment-name :is(input, textarea)');
  if (field?.offsetParent) field.focus();
}"""
"""Takes the keyboard to the name of a person who was handed over to Enrollment."""


class IdentificationTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`.

    Args:
        enrollment: where an unknown person is handed over to be enrolled.
    """

    def __init__(self, page: Page, enrollment: HandOver) -> None:
        self.page = page
        self.enrollment = enrollment
        self.names = people_grid.EnrolledNames()
        intro = introductions.of_identification()
        with tab_layout(page, TAB, self._question, _("Options"), intro, self._undo_line) as parts:
            self.answer, self.contact_sheet = parts.answer, parts.contact_sheet
            self.writing = AnswerWriting(page, parts.display)
            self.times = area(elem_id="identification-timeline")
            self.report = ReportDownload(parts.display, self._write_report)
            more = [*self.writing.components, self.times, *self.report.parts, parts.display.presence, self.undo.line]
            panel = self.panel = parts.panel(*more, reset=self._empty)
            with gr.Accordion(_("Details: threshold"), open=False):
                self.box = threshold_box(panel, "identification", self.decide_again)
        places = self.panel.places
        places.add(Field.GALLERY_PATH, self.gallery_note, "#gallery-path :is(input, textarea)", self.folders)
        places.add(Field.QUERY_PATH, self.query_note, "#query-path :is(input, textarea)", self.folders)

    def _undo_line(self) -> None:
        self.undo = UndoLine(self.page, TAB)

    def _question(self) -> None:
        settings = self.page.service.settings
        with gr.Accordion(_("Where to look and where to write"), open=False) as self.folders:
            self.gallery = gr.Textbox(
                label=_("Gallery path"), value=str(settings.gallery), max_lines=1, elem_id="gallery-path"
            )
            self.gallery_note = field_note_area(TAB, Field.GALLERY_PATH)
            self.query = gr.Textbox(label=_("Query path"), value=str(settings.query), max_lines=1, elem_id="query-path")
            self.query_note = field_note_area(TAB, Field.QUERY_PATH)
            text = _(
                "The gallery holds who is known. New crops, the annotated clip and the tables are written below the "
                "query path."
            )
            gr.HTML(f'<p class="sl-quiet sl-padded">{text}</p>', apply_default_css=False)

    def _empty(self) -> Updates:
        blank: Updates = dict.fromkeys(self.panel.answers, "")
        return {
            **blank,
            self.answer: introductions.of_identification(),
            **self.writing.not_offered(),
            **self.report.hidden(),
        }

    def connect(self) -> Any:
        """Attach events; returns the job."""
        panel = self.panel
        outputs = [*panel.components, *panel.answers, *self.box.components]
        inputs = [self.gallery, self.query, *panel.fields]
        job = gr.on(
            [panel.submit.click, self.gallery.submit, self.query.submit],
            panel.as_job(self.submit),
            inputs,
            outputs,
            **FOLLOWS_JOB,
        )
        rewrite = self.writing.again.click(panel.as_job(self.rewrite), [self.query], outputs, **FOLLOWS_JOB)
        follow = self.writing.follower()
        writing = [event.then(follow, None, self.writing.outputs, **FOLLOWS_JOB) for event in (job, rewrite)]
        jobs = [job, rewrite, *writing, self.writing.hiding.connect()]
        connect(panel, jobs)
        connect_cancel(panel, jobs, self.on_cancel, *self.writing.components)
        clicked = on_act(
            self.contact_sheet, self.on_grid_clicked, outputs=[*panel.answers, *self.enrollment.components], **QUIET
        )
        clicked.then(None, js=FOCUS_NAME)
        self.undo.connect(panel, self.answer_after_edit)
        self.box.connect()
        self.report.connect()
        return job

    # --- the answer ----------------------------------------------------------------------------------------------

    def submit(
        self,
        gallery: Any,
        query: Any,
        first: Any,
        last: Any,
        accept: Any,
        camera: Any,
        thorough: Any,
        request: gr.Request,
    ) -> Steps:
        """Observe if need be, identify, and have the annotated clip and the files written by a job of their own."""
        session, folders = self.page.session(request), list[Path]()
        self.writing.drop(session)

        def run() -> Steps:
            where, folder = self._gallery(gallery), self.writing.folder(_text(query))
            footage = self.panel.take(session, first, last, accept, camera, thorough)
            refusal = target_refusal(self.page, footage, folder)
            if refusal:
                yield {self.writing.status: refusal}
            yield from self.panel.observe(session, footage)
            self._identify(session, where)
            shown = {**self._empty(), **self._show(session), **self.box.render(session)}
            yield {**shown, self.panel.status: "", self.writing.status: refusal}
            if not refusal:
                folders.append(folder)

        yield from self.panel.run_submission(run(), session, lambda: self.panel.clear_answer(session))
        for folder in folders:
            self.writing.begin(session, folder)

    def _gallery(self, text: object) -> Path | None:
        """Return the gallery folder of the path field, None for the configured one."""
        root = self.page.service.settings.gallery
        folder = resolve_inside(root, _text(text), GalleryPathRefused)
        return None if folder == root.resolve() else folder

    def _identify(self, session: Session, gallery: Path | None) -> None:
        """Decide about everybody; only an answer makes `gallery` the tab's current one."""
        observed = session.footage(TAB).observed
        if observed is None:
            raise FootageChanged(CHANGED)
        limit = chosen_threshold(self.page.service, session, "identification", gallery)
        session.identifications = self.page.service.identify(observed, threshold=limit, gallery=gallery)
        session.gallery = gallery
        self.page.keeping.note(session, TAB, observed, session.identifications, gallery)
        session.grid.keep({identification.observation.person for identification in session.identifications})

    def _show(self, session: Session, focus: str = "") -> Updates:
        observed = session.footage(TAB).observed
        if observed is None:
            return self._empty()
        people = grid_state.not_dismissed(session.identifications, session.grid)
        warnings = notes(untold(self.page.new_warnings(observed.warnings))) + presenters.looks_line(observed)
        return {
            self.answer: contact_sheets.summary(people) + warnings,
            self.contact_sheet: self._grid(session, focus),
            self.times: answers.table(people, observed),
            self.panel.presence: presence(people, observed),
            **self.report.offered(),
            **self.writing.hiding.offered(),
            **self.undo.render(session),
        }

    def _grid(self, session: Session, focus: str = "") -> str:
        observed = session.footage(TAB).observed
        content = people_grid.GridContent(
            answers=session.identifications,
            frame_count=0 if observed is None else len(observed.frames),
            names=self.names.of(self.page.service.gallery(session.gallery)),
            pictures=self.page.pictures,
            references=self.page.references(session.gallery),
            edits=edit_line(session.footage(TAB), session.grid, TAB),
        )
        return people_grid.grid(content, session.grid, focus)

    def decide_again(self, session: Session) -> Updates:
        """Return the answer anew after another threshold; the files wait until they are asked for."""
        if session.footage(TAB).observed is None or not session.identifications:
            return {}
        former = grid_state.answer_facts(session.identifications)
        self._identify(session, session.gallery)
        threshold = self.page.threshold("identification", session)
        changed = grid_state.answer_facts(session.identifications) != former
        return {
            **self._show(session),
            **self.writing.after_decision(session, changed=changed, threshold=threshold),
        }

    def reopen(self, session: Session, gallery: Path | None) -> Updates:
        """Return the answer about a clip that came from the library; its files are written when asked for."""
        self._identify(session, gallery)
        shown = {**self._empty(), **self._show(session), **self.box.render(session)}
        return {**shown, self.writing.again: gr.update(visible=True)}

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the updates after somebody was renamed, merged or removed: the answer as it would be given now."""
        former = grid_state.answer_facts(session.identifications)
        try:
            updates = self.decide_again(session)
        except BiometricError as error:
            return self.panel.show_failure(session, error)
        if updates and former == grid_state.answer_facts(session.identifications):
            return {self.contact_sheet: updates[self.contact_sheet]}
        if updates and session.written_at is not None:
            updates[self.writing.status] = presenters.status_message(_("The files were written before this change."))
            updates[self.writing.again] = gr.update(visible=True)
        return updates

    # --- files ---------------------------------------------------------------------------------------------------

    def rewrite(self, query: Any, request: gr.Request) -> Steps:
        """Write the clip and the files again, with the answer as it stands."""
        session = self.page.session(request)
        self.writing.drop(session)
        folders: list[Path] = []

        def run() -> Steps:
            folder, footage = self.writing.folder(_text(query)), session.footage(TAB)
            if footage.observed is None or not session.identifications:
                raise FootageChanged(CHANGED)
            yield {self.writing.again: gr.update(visible=False)}
            yield from self.panel.observe(session, footage)  # its crops may have been cleared away
            self._identify(session, session.gallery)
            yield self._show(session)
            folders.append(folder)

        yield from guarded(run(), self.writing.status, self.panel.at_rest)
        for folder in folders:
            self.writing.begin(session, folder)

    def _write_report(self, session: Session, path: Path) -> None:
        if (observed := session.footage(TAB).observed) is None or not session.identifications:
            raise FootageChanged(CHANGED)
        self.page.service.write_report(observed, session.identifications, path, session.gallery)

    # --- one person ----------------------------------------------------------------------------------------------

    def on_grid_clicked(self, data: gr.EventData, request: gr.Request) -> Updates:
        """Something on the people was clicked, or a name was typed there."""
        session = self.page.session(request)

        def run() -> Updates:
            action, value = event(data)
            if action == "enroll":  # Enrollment opens with clip, range and observation
                return self.enrollment.give(session, grid_actions.person_of(session, value).observation.person)
            click = grid_actions.act(self.page.service, session, action, value)
            if click.enrollment is not None and (observed := session.footage(TAB).observed) is not None:
                self.page.keeping.note(session, "grid", observed, click.enrollment, session.gallery)
            if click.recounted:
                return self._show(session, click.focus)
            updates = self.answer_after_edit(session) if click.edited else {}
            if click.change is not None:
                updates |= self.undo.note(session, click.change, session.gallery)
            return {**updates, self.contact_sheet: self._grid(session, click.focus)}

        return run_once(run, self.answer)

    def on_tab_opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened."""
        updates = self.panel.carry_footage(session)
        if updates:
            updates.update(self._empty())
        return updates

    def on_cancel(self, request: gr.Request) -> Updates:
        """Cancel was pressed; the job stops at its next step."""
        session = self.page.session(request)
        stopped = self.writing.cancel(session)
        text = _("Cancelled. Nothing was stored.")
        if session.identifications and session.footage(TAB).observed is not None:
            text = _("Cancelled. The answer stands; its files were not written.")
        return {self.panel.status: presenters.status_message(text), **stopped, **self.panel.idle()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("A path must be text.")
    return value
