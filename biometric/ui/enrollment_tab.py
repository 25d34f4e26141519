"""The Enrollment tab: a clip, a name, Submit; with several people, the contact sheet first."""

from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import ObservedClip, clean_name, name_key
from biometric.errors import InvalidInput, UnknownIdentity
from biometric.ui import contact_sheets, elements, presenters
from biometric.ui.components import on_act
from biometric.ui.footage_panel import connect
from biometric.ui.page import MODEL_JOB, QUIET, Page, Steps, Updates, event, parse_int, run_once
from biometric.ui.panel import Panel
from biometric.ui.session import Footage, Session
from biometric.ui.tab_layout import cancelled, connect_cancel, tab_layout
from biometric.ui.text_format import people
from biometric.ui.uploads import discard

TAB = "enrollment"
INTRO = elements.empty(
    "Enroll a person",
    "Choose a clip and type a name. The pictures kept of the person appear here, and any reasons for leaving some out.",
)


class EnrollmentTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        with tab_layout(page, TAB, self._question, "Name", INTRO) as panel:
            self.panel: Panel = panel
            self.answer, self.contact_sheet = panel.answer, panel.contact_sheet

    def _question(self) -> None:
        self.name = gr.Textbox(
            label="Name",
            placeholder="Ada Lovelace",
            max_lines=1,
            elem_id="enrollment-name",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
        )

    def connect(self) -> Any:
        """Attach events; returns the event after which the gallery may have changed."""
        panel = self.panel
        outputs = [*panel.components, *panel.answers]
        job = gr.on(
            [panel.submit.click, self.name.submit],
            self.submit,
            [self.name, *panel.fields],
            outputs,
            **MODEL_JOB,
        )
        connect(panel, [job])
        connect_cancel(panel, [job], lambda: cancelled(panel))
        on_act(self.contact_sheet, self.chose, outputs=[self.contact_sheet, self.answer], **QUIET)
        return job

    def submit(self, name: Any, first: Any, last: Any, accept: Any, request: gr.Request) -> Steps:
        """Observe if need be, then enroll, or ask which person."""
        session = self.page.session(request)
        yield from self.panel.run_submission(self._submit(session, name, first, last, accept))

    def _submit(self, session: Session, name: Any, first: Any, last: Any, accept: Any) -> Steps:
        footage = self.panel.take(session, first, last, accept)
        wanted = clean_name(name if isinstance(name, str) else "")
        observed = yield from self.panel.observe(session, footage)
        session.enrollment_shown = False
        if len(observed.usable) > 1 and not footage.people_shown:
            footage.people_shown = True
            yield self._ask(footage)
            return
        yield self._enroll(session, footage, observed, wanted)

    def _enroll(self, session: Session, footage: Footage, observed: ObservedClip, name: str) -> Updates:
        footage.check_wanted()
        person = footage.person if len(observed.usable) > 1 else None
        into, dropped = footage.gallery, frozenset(footage.dropped)
        token = (observed.video.digest, observed.frames, person, name_key(name), dropped, into)
        if self._is_enrolled(session, token, into):
            note = f"These frames of {name} were enrolled just now. Nothing was added a second time."
            return {self.answer: elements.banner("info", "Already enrolled", note)}
        enrollment = self.page.service.enroll(observed, name, person, dropped=dropped, gallery=into)
        session.enrolled = (token, enrollment.identity.id, enrollment.reference.id)
        session.enrollment_shown = True
        references = self.page.references(into)
        warnings = self.page.new_warnings(enrollment.warnings)
        html = presenters.enrolled(enrollment, warnings, self.page.pictures, references)
        if into is not None:
            html = elements.banner("info", f"Stored in the gallery {self._gallery_name(into)}") + html
        return {self.answer: html, self.contact_sheet: ""}

    def _gallery_name(self, folder: Path) -> str:
        """Return a gallery's path as it can be typed in Identification."""
        root = self.page.service.settings.gallery.resolve()
        return f"“{folder.relative_to(root)}”" if folder.is_relative_to(root) else f"“{folder.name}”"

    def _is_enrolled(self, session: Session, token: tuple[object, ...], gallery: Path | None) -> bool:
        """Return whether exactly this was enrolled last, and is still in the gallery."""
        if session.enrolled is None or session.enrolled[0] != token:
            return False
        _, identity_id, reference_id = session.enrolled
        try:
            return any(observation.id == reference_id for observation in self.page.references(gallery)(identity_id))
        except UnknownIdentity:
            return False

    def _ask(self, footage: Footage) -> Updates:
        observed = footage.observed
        assert observed is not None
        title = f"{people(len(observed.usable))} can be enrolled from these frames"
        text = (
            f"Person {footage.person} takes up most of the footage and is chosen. Choose another tile if that is not "
            "the one you mean, then press Submit."
        )
        return {self.answer: elements.banner("info", title, text), **self.show_people(footage)}

    def show_people(self, footage: Footage) -> Updates:
        """Return the contact sheet with the chosen person's samples."""
        if footage.observed is None:
            return {self.contact_sheet: ""}
        pictures, observed = self.page.pictures, footage.observed
        html = contact_sheets.choices(observed, footage.person, pictures, "Who is to be enrolled?")
        html += contact_sheets.samples(observed, footage.person, footage.dropped, pictures, droppable=True)
        return {self.contact_sheet: html}

    def on_tab_opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened: footage that came along brings its people."""
        updates = self.panel.carry_footage(session)
        footage = session.footage(TAB)
        if updates and footage.observed is not None and len(footage.observed.usable) > 1:
            footage.people_shown = True
            updates.update(self._ask(footage))
        return updates

    def hand_over(self, session: Session, footage: Footage, person: int) -> Updates:
        """Take a person over from Identification: clip, range and observation come along, nothing is read again.

        The person goes into the gallery in which they were looked for.
        """
        if footage.observed is None:
            raise InvalidInput("The clip or its frames were changed. Press Submit to look at them again.")
        copied_footage = footage.copy()
        copied_footage.person, copied_footage.picked, copied_footage.people_shown = person, True, True
        copied_footage.gallery = session.gallery
        discard(session.put(TAB, copied_footage), session)
        text = "Type the name, look through the samples below, and press Submit."
        if copied_footage.gallery is not None:
            text += (
                f" The person goes into the gallery {self._gallery_name(copied_footage.gallery)}, as in Identification."
            )
        note = elements.banner("info", f"Enroll person {person}", text)
        return {**self.panel.render(copied_footage), self.answer: note, **self.show_people(copied_footage)}

    def chose(self, data: gr.EventData, request: gr.Request) -> Updates:
        """A tile or a sample was clicked."""
        footage = self.page.session(request).footage(TAB)

        def run() -> Updates:
            action, value = event(data)
            observed = footage.observed
            if observed is None:
                raise InvalidInput("The clip or its frames were changed. Press Submit to look at them again.")
            if action == "person":
                person = parse_int(value, "The person's number")
                if person not in {observation.person for observation in observed.usable}:
                    raise InvalidInput(f"Person {person} cannot be enrolled from these frames.")
                if person != footage.person:
                    footage.person, footage.dropped = person, set()
                footage.picked = True
            elif action == "sample":
                names = {s.detection.crop_name for observation in observed.observations for s in observation.kept}
                footage.dropped ^= {value} & names
            return self.show_people(footage)

        return run_once(run, self.answer)

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the updates after somebody was renamed, merged or removed: an answer with their names goes."""
        if not session.enrollment_shown:
            return {}
        session.forget_answer(TAB)
        note = elements.banner("info", "The gallery was changed", "The sidebar shows who is enrolled now.")
        return {self.answer: note, self.contact_sheet: ""}
