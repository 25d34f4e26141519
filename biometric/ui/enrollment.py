"""The Enrollment tab: a clip, a name, Submit; with several people, the contact sheet first."""

from typing import Any

import gradio as gr

from biometric.entities import NAME_LIMIT, clean_name, name_key
from biometric.errors import InvalidInput, UnknownIdentity
from biometric.ui import elements, presenters, sheets
from biometric.ui.components import area, on_act
from biometric.ui.footage import connect, footage_panel
from biometric.ui.page import MODEL_JOB, QUIET, Page, Steps, Updates, event, once, safely, whole
from biometric.ui.panel import Panel
from biometric.ui.session import Footage, Session
from biometric.ui.text import people

TAB = "enrollment"
INTRO = elements.empty(
    "Enroll a person",
    "Choose a clip and type a name. The pictures kept of the person appear here, and any reasons for leaving some out.",
)


class EnrollmentTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        with gr.Row(elem_classes=["sl-columns"]):
            with gr.Column(scale=5, min_width=320, elem_classes=["sl-left"]):
                self.panel: Panel = footage_panel(page, TAB, self._question, "Name")
            with gr.Column(scale=7, min_width=320, elem_classes=["sl-right"]):
                self.answer = area(INTRO, elem_id="enrollment-answer", css="sl-answer")
                self.sheet = area(elem_id="enrollment-sheet")
        self.panel.reset = lambda: {self.answer: INTRO, self.sheet: ""}
        self.panel.answers = [self.answer, self.sheet]

    def _question(self) -> None:
        self.name = gr.Textbox(
            label="Name",
            placeholder="Ada Lovelace",
            max_length=NAME_LIMIT,
            max_lines=1,
            elem_id="enrollment-name",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
        )

    def connect(self) -> Any:
        """Attach events; returns the event after which the gallery may have changed."""
        panel = self.panel
        connect(panel)
        outputs = [*panel.parts, *panel.answers]
        job = gr.on(
            [panel.submit.click, self.name.submit],
            self.submit,
            [self.name, *panel.fields],
            outputs,
            **MODEL_JOB,
        )
        panel.cancel.click(self.cancelled, None, panel.controls, cancels=[job], **QUIET)
        on_act(self.sheet, self.chose, outputs=[self.sheet, self.answer], **QUIET)
        return job

    def submit(self, name: Any, first: Any, last: Any, accept: Any, request: gr.Request) -> Steps:
        """Observe if need be, then enroll, or ask which person."""
        session = self.page.session(request)
        run = self._submit(session, name, first, last, accept)
        yield from safely(run, self.answer, lambda: {self.panel.status: "", **self.panel.idle()})

    def _submit(self, session: Session, name: Any, first: Any, last: Any, accept: Any) -> Steps:
        footage = self.panel.take(session, first, last, accept)
        wanted = clean_name(name if isinstance(name, str) else "")
        with self.page.job():
            yield {self.panel.status: presenters.working("Starting"), **self.panel.busy()}
            observed = yield from self.page.observe(footage, self.panel.status)
        if len(observed.usable) > 1 and not footage.asked:
            footage.asked = True
            yield self._ask(footage)
            return
        footage.check_wanted()
        yield self._enroll(session, footage, wanted)

    def _enroll(self, session: Session, footage: Footage, name: str) -> Updates:
        observed = footage.observed
        if observed is None:
            raise InvalidInput("The clip has not been read yet. Press Submit.")
        person = footage.person if len(observed.usable) > 1 else None
        token = (observed.video.digest, observed.frames, person, name_key(name), frozenset(footage.dropped))
        if self._is_enrolled(session, token):
            note = f"These frames of {name} were enrolled just now. Nothing was added a second time."
            return {self.answer: elements.banner("info", "Already enrolled", note)}
        enrollment = self.page.service.enroll(observed, name, person, dropped=footage.dropped)
        session.enrolled = (token, enrollment.identity.id, enrollment.reference.id)
        references = self.page.references()
        warnings = self.page.news(enrollment.warnings)
        html = presenters.enrolled(enrollment, warnings, self.page.pictures, references)
        return {self.answer: html, self.sheet: ""}

    def _is_enrolled(self, session: Session, token: tuple[object, ...]) -> bool:
        """Return whether exactly this was enrolled last, and is still in the gallery."""
        if session.enrolled is None or session.enrolled[0] != token:
            return False
        _, identity_id, reference_id = session.enrolled
        try:
            return any(one.id == reference_id for one in self.page.references()(identity_id))
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
            return {self.sheet: ""}
        pictures, observed = self.page.pictures, footage.observed
        html = sheets.choices(observed, footage.person, pictures, "Who is to be enrolled?")
        html += sheets.samples(observed, footage.person, footage.dropped, pictures, droppable=True)
        return {self.sheet: html}

    def opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened: footage that came along brings its people."""
        updates = self.panel.carried(session)
        footage = session.footage(TAB)
        if updates and footage.observed is not None and len(footage.observed.usable) > 1:
            footage.asked = True
            updates.update(self._ask(footage))
        return updates

    def hand_over(self, session: Session, footage: Footage, person: int) -> Updates:
        """Take a person over from Identification: clip, range and observation come along, nothing is read again."""
        taken = footage.copy()
        taken.person, taken.dropped, taken.asked = person, set(), True
        session.put(TAB, taken)
        note = elements.banner(
            "info", f"Enroll person {person}", "Type the name, look through the samples below, and press Submit."
        )
        return {**self.panel.render(taken), self.answer: note, **self.show_people(taken)}

    def chose(self, data: gr.EventData, request: gr.Request) -> Updates:
        """A tile or a sample was clicked."""
        footage = self.page.session(request).footage(TAB)

        def run() -> Updates:
            action, value = event(data)
            observed = footage.observed
            if observed is None:
                raise InvalidInput("The clip or its frames were changed. Press Submit to look at them again.")
            if action == "person":
                person = whole(value, "The person's number")
                if person not in {one.person for one in observed.usable}:
                    raise InvalidInput(f"Person {person} cannot be enrolled from these frames.")
                if person != footage.person:
                    footage.person, footage.dropped = person, set()
            elif action == "sample":
                names = {s.detection.crop_name for one in observed.observations for s in one.kept}
                footage.dropped ^= {value} & names
            return self.show_people(footage)

        return once(run, self.answer)

    def cancelled(self) -> Updates:
        """Cancel was pressed; the job is closed by Gradio, which stops its work."""
        return {self.panel.status: presenters.said("Cancelled. Nothing was stored."), **self.panel.idle()}
