"""The Enrollment tab: a clip, a name, Enroll; with several people, the contact sheet first.

A name that somebody has is asked about, and goes away with the clip, range or person that it was typed for.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import BiometricReference, GivenBasis, ObservedClip, clean_name
from biometric.errors import FootageChanged, IdentityExists, LooksDifferent
from biometric.messages.translation import gettext as _
from biometric.ui import contact_sheets, elements, introductions, presenters, problems
from biometric.ui.addition_question import (
    Addition,
    enrolled_again,
    enrollment_token,
    latest_reference,
    name_is_used,
    question,
)
from biometric.ui.basis_fields import BasisFields
from biometric.ui.browser_input import event
from biometric.ui.components import field_note_area, on_act
from biometric.ui.enrollment_sheet import CHANGED, click_on_sheet, invitation, sheet
from biometric.ui.field_errors import Field
from biometric.ui.footage_panel import connect
from biometric.ui.noted_change import UndoLine
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates
from biometric.ui.session import Footage, Session
from biometric.ui.step_runs import run_once
from biometric.ui.tab_layout import cancelled, connect_cancel, tab_layout
from biometric.ui.uploads import discard

TAB = "enrollment"
NAME_FIELD = "#enrollment-name :is(input, textarea)"


class EnrollmentTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        with tab_layout(page, TAB, self._question, _("Name"), introductions.of_enrollment(), self._undo_line) as parts:
            self.panel = parts.panel()
        self.answer, self.contact_sheet = parts.answer, parts.contact_sheet
        self.panel.places.add(Field.NAME, self.name_note, NAME_FIELD)
        self.basis.place(self.panel.places)

    def _undo_line(self) -> None:
        self.undo = UndoLine(self.page, TAB)

    def _question(self) -> None:
        self.name = gr.Textbox(
            label=_("Name"),
            placeholder=_("Ada Lovelace"),
            max_lines=1,
            elem_id="enrollment-name",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
        )
        self.name_note = field_note_area(TAB, Field.NAME)
        self.basis = BasisFields(self.page, TAB)

    @property
    def components(self) -> list[Any]:
        """All components that a handler of the tab may change."""
        return [*self.panel.components, *self.panel.answers, self.name, self.undo.line, *self.basis.fields]

    def connect(self) -> list[Any]:
        """Attach events; returns the events after which the gallery may have changed."""
        panel, name = self.panel, [self.name]
        job = gr.on(
            [panel.submit.click, self.name.submit],
            panel.as_job(self.submit),
            [self.name, *self.basis.fields, *panel.fields],
            self.components,
            **FOLLOWS_JOB,
        )
        connect(panel, [job])
        connect_cancel(panel, [job], lambda request: cancelled(panel))
        on_act(self.contact_sheet, self.chose, name, outputs=[self.contact_sheet, self.answer, self.name], **QUIET)
        # The only listener of `input`: two that take the last event keep triggering each other.
        self.name.input(self.typed, name, [self.name_note], trigger_mode="always_last", **QUIET)
        panel.another.click(lambda: ("", ""), None, [self.name, self.name_note], **QUIET)
        changes = [panel.drop.upload, panel.webcam.stop_recording, *panel.number_events]
        gr.on(changes, self.name_after_change, name, name, **QUIET)
        for chosen in (panel.examples, panel.timeline):
            on_act(chosen, self.name_after_change, name, outputs=name, **QUIET)
        outputs = [*panel.answers, self.name, self.name_note, self.undo.line, *self.basis.components]
        answered = on_act(self.answer, self.answered, outputs=outputs, trigger_mode="once", **QUIET)
        undone = on_act(self.undo.line, self.undone, outputs=outputs, trigger_mode="once", **QUIET)
        return [job, answered, undone]

    def undone(self, data: gr.EventData, request: gr.Request) -> Updates:
        """ "Undo" or "Redo" was pressed: the answer that spoke of the enrollment goes."""
        session = self.page.session(request)

        def run() -> Updates:
            updates = self.undo.undo(session, data)
            if latest_reference(session, None, self.page.references(session.footage(TAB).gallery)) is None:
                session.enrolled = None
            return {**self.panel.clear_answer(session), **updates}

        return run_once(run, self.answer)

    def typed(self, name: Any) -> str:
        """Somebody types a name, which `RecordingBlocks` notes for a reloaded page; what was said about it goes."""
        return ""

    def name_after_change(self, name: Any, request: gr.Request) -> Any:
        """Return the name after clip, range or person was changed: one that was enrolled already goes away."""
        return "" if name_is_used(self.page.session(request), name) else gr.skip()

    def submit(self, request: gr.Request, name: Any, *fields: Any) -> Steps:
        """Observe if need be, then enroll, or ask which person; `fields` are those of the basis, then the panel's."""
        session = self.page.session(request)
        yield from self.panel.run_submission(self._submit(session, name, *fields), session)

    def _submit(self, session: Session, name: Any, *fields: Any) -> Steps:
        said = len(self.basis.fields)
        footage = self.panel.take(session, *fields[said:])
        footage.addition = None
        wanted = clean_name(name if isinstance(name, str) else "")
        given = self.basis.read(fields[:said], footage.gallery)
        observed = yield from self.panel.observe(session, footage)
        session.enrollment_shown = False
        token = enrollment_token(footage, observed, wanted)
        enrolled = latest_reference(session, token, self.page.references(footage.gallery))
        if enrolled is not None:
            yield self._enrolled_again(session, footage, observed, wanted, enrolled)
        elif len(observed.usable) > 1 and not footage.people_shown:
            footage.people_shown = True
            yield self._ask(footage)
        else:
            yield self._enroll(session, footage, observed, wanted, given)

    def _enroll(
        self,
        session: Session,
        footage: Footage,
        observed: ObservedClip,
        name: str,
        given: GivenBasis,
        *,
        consent: bool = False,
    ) -> Updates:
        footage.check_wanted()
        several, into = len(observed.usable) > 1, footage.gallery
        token = enrollment_token(footage, observed, name)
        try:
            enrollment = self.page.service.enroll(
                observed,
                name,
                footage.person if several else None,
                dropped=frozenset(footage.dropped),
                gallery=into,
                add=consent,
                force=consent and footage.addition is not None and footage.addition.same_person,
                given=given,
            )
        except (IdentityExists, LooksDifferent) as error:
            if error.conflict is None:
                raise
            footage.addition = Addition(token, name, error.conflict, observed.label, given)
            return {self.answer: question(footage.addition, self.page.pictures)}
        footage.addition = None
        footage.people_shown = False  # somebody else of these frames is asked about anew
        session.enrolled = (token, enrollment.identity.id, enrollment.reference.id)
        session.enrollment_shown = True
        self.page.keeping.note(session, TAB, observed, enrollment, into)
        named = [enrollment.identity, *(item.identity for item in enrollment.lookalikes)]
        session.enrollment_names = {identity.id: identity.name for identity in named}
        references = self.page.references(into)
        warnings = self.page.new_warnings(enrollment.warnings)
        html = presenters.enrolled(enrollment, warnings, self.page.pictures, references)
        html += contact_sheets.left_out(observed) + presenters.looks_line(observed)
        if into is not None:
            html = (
                elements.banner("info", _("Stored in the gallery {gallery}").format(gallery=self._gallery_name(into)))
                + html
            )
        shown = {self.answer: html, self.contact_sheet: "", **self.basis.done(session)}
        return {**shown, **self.undo.note(session, enrollment.change, into)}

    def _enrolled_again(
        self, session: Session, footage: Footage, observed: ObservedClip, name: str, enrolled: BiometricReference
    ) -> Updates:
        """The same frames of the same person once more: nothing is added, but the reference gets another camera."""
        html, change = enrolled_again(self.page.service.gallery(footage.gallery), observed, name, enrolled)
        told = {} if change is None else self.undo.note(session, change, footage.gallery)
        return {self.answer: html, **told}

    def answered(self, data: gr.EventData, request: gr.Request) -> Updates:
        """An answer to the question whether a reference goes under a name that somebody has."""
        session = self.page.session(request)

        def run() -> Updates:
            footage, (action, _value) = session.footage(TAB), event(data)
            addition, observed = footage.addition, footage.readable
            if addition is None or observed is None or not addition.fits(footage, observed):
                footage.addition = None
                raise FootageChanged(CHANGED)
            if action == "other_name":
                footage.addition = None
                several = len(observed.usable) > 1
                note = {self.name_note: problems.field_note(_("Type another name."), NAME_FIELD)}
                return {**(self._ask(footage) if several else self.panel.reset()), self.name: "", **note}
            if action == "same":
                addition.same_person = not addition.same_person and not addition.conflict.reaches_threshold
            elif action == "add" and addition.allowed:
                return self._enroll(session, footage, observed, addition.name, addition.given, consent=True)
            return {self.answer: question(addition, self.page.pictures)}

        return run_once(run, self.answer)

    def _gallery_name(self, folder: Path) -> str:
        """Return a gallery's path as it can be typed in Identification."""
        root = self.page.service.settings.gallery.resolve()
        return f"“{folder.relative_to(root)}”" if folder.is_relative_to(root) else f"“{folder.name}”"

    def _ask(self, footage: Footage) -> Updates:
        if footage.observed is None:
            raise FootageChanged(CHANGED)
        return {self.answer: invitation(footage, footage.observed), **self.show_people(footage)}

    def show_people(self, footage: Footage, focus: str = "") -> Updates:
        """Return the contact sheet with the chosen person's samples."""
        return {self.contact_sheet: sheet(footage, self.page.pictures, focus)}

    def on_tab_opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened: footage that came along brings its people."""
        updates = self.panel.carry_footage(session)
        footage = session.footage(TAB)
        if updates and footage.observed is not None and len(footage.observed.usable) > 1:
            footage.people_shown = True
            updates.update(self._ask(footage))
        return updates

    def reopen(self, session: Session, gallery: Path | None) -> Updates:
        """Return the people of a clip that came from the library, to choose who is to be enrolled."""
        footage = session.footage(TAB)
        footage.people_shown, footage.gallery = True, gallery
        return {**self._ask(footage), self.name: "", self.name_note: ""}

    def hand_over(self, session: Session, footage: Footage, person: int) -> Updates:
        """Take a person over from Identification: clip, range and observation come along, nothing is read again.

        The person goes into the gallery in which they were looked for.
        """
        if footage.observed is None:
            raise FootageChanged(CHANGED)
        copied_footage = footage.copy()
        copied_footage.person, copied_footage.picked, copied_footage.people_shown = person, True, True
        copied_footage.gallery = session.gallery
        session.jobs.cancel(*self.panel.jobs)
        discard(session.put(TAB, copied_footage), session)
        text = _("Type the name, look through the samples below, and press Enroll.")
        if copied_footage.gallery is not None:
            text += _(" The person goes into the gallery {gallery}, as in Identification.").format(
                gallery=self._gallery_name(copied_footage.gallery)
            )
        note = elements.banner("info", _("Enroll person {person}").format(person=person), text)
        return {
            **self.panel.render(copied_footage),
            self.answer: note,
            **self.show_people(copied_footage),
            self.name: "",
            self.name_note: "",
        }

    def chose(self, name: Any, data: gr.EventData, request: gr.Request) -> Updates:
        """A tile, a sample or an edit was clicked; what was asked about the former choice goes away."""
        session = self.page.session(request)
        footage = session.footage(TAB)

        def run() -> Updates:
            asked = footage.addition is not None
            click = click_on_sheet(self.page.service, footage, *event(data))
            updates: Updates = {}
            if click.edited or (asked and footage.editing.refusal is None):
                footage.addition = None
                updates.update(self._ask(footage))
            if click.other_person and name_is_used(session, name):
                updates[self.name] = ""
            return {**updates, **self.show_people(footage, click.focus)}

        return run_once(run, self.answer)

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the updates after the gallery was changed: an answer with names that no longer hold goes."""
        if not session.enrollment_shown or session.enrolled is None:
            return {}
        where = session.footage(TAB).gallery
        now = {identity.id: identity.name for identity in self.page.service.gallery(where).identities()}
        if all(now.get(key) == name for key, name in session.enrollment_names.items()):
            return {}
        session.forget_answer(TAB)
        note = elements.banner("info", _("The gallery was changed"), _("The People tab shows who is enrolled now."))
        return {self.answer: note, self.contact_sheet: ""}
