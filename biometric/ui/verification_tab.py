"""The Verification tab: a clip, a claimed identity, and whether they belong together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import Identity, ObservedClip, Verification
from biometric.errors import BiometricError, ClaimMissing, EmptyGallery, FootageChanged, InvalidInput, UnknownIdentity
from biometric.messages.translation import gettext as _
from biometric.ui import answers, contact_sheets, elements, introductions, presenters, problems
from biometric.ui.browser_input import event, parse_int
from biometric.ui.chosen_thresholds import chosen_threshold
from biometric.ui.claim_choice import claims
from biometric.ui.components import area, field_note_area, on_act
from biometric.ui.field_errors import Field
from biometric.ui.footage_panel import connect
from biometric.ui.noted_change import UndoLine
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates
from biometric.ui.report_download import ReportDownload
from biometric.ui.session import Footage, Session
from biometric.ui.step_runs import run_once
from biometric.ui.tab_layout import cancelled, connect_cancel, tab_layout
from biometric.ui.text_format import escape, people
from biometric.ui.threshold_box import threshold_box
from biometric.ui.verdict_actions import take_verdict

TAB = "verification"
SEARCH_FROM = 12
"""From more than this many identities on, a search box helps to choose."""
CLAIMS_COMING = f'<div class="sl-claims" aria-hidden="true">{elements.COMING * 3}</div>'
"""Stands until the gallery was read: who is enrolled is not known yet."""


class VerificationTab:
    """Components and handlers of the tab. Build inside its `gr.Tab`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        intro = introductions.of_verification()
        with tab_layout(page, TAB, self._question, _("Claim"), intro, self._undo_line) as parts:
            self.answer, self.contact_sheet = parts.answer, parts.contact_sheet
            self.report = ReportDownload(parts.display, self._write_report)
            panel = self.panel = parts.panel(
                *self.report.parts,
                self.undo.line,
                reset=lambda: {**parts.blank(), self.undo.line: "", **self.report.hidden()},
            )
            panel.places.add(Field.CLAIM, self.claim_note, "#verification-claims [role=radiogroup]")
            with gr.Accordion(_("Details: threshold"), open=False):
                self.box = threshold_box(panel, "verification", self.decide_again)

    def _undo_line(self) -> None:
        self.undo = UndoLine(self.page, TAB)

    def _question(self) -> None:
        self.search = gr.Textbox(label=_("Search by name"), max_lines=1, visible=False, elem_id="verification-search")
        self.claims = area(CLAIMS_COMING, elem_id="verification-claims")
        self.claim_note = field_note_area(TAB, Field.CLAIM)
        self.pictures = gr.HTML("", apply_default_css=False)

    def connect(self) -> Any:
        """Attach events; returns the job."""
        panel = self.panel
        job = panel.submit.click(
            panel.as_job(self.submit), panel.fields, [*panel.components, *panel.answers], **FOLLOWS_JOB
        )
        connect(panel, [job])
        connect_cancel(panel, [job], lambda request: cancelled(panel))
        on_act(self.contact_sheet, self.chose, outputs=panel.answers, **QUIET)
        on_act(self.answer, self.judged, outputs=panel.answers, **QUIET)
        self.undo.connect(panel, self.answer_after_edit)
        on_act(
            self.claims,
            self.claim,
            outputs=[*self.claim_components, *panel.places.components, *panel.answers],
            **QUIET,
        )
        # Not `input`, which Gradio sends after keys only: text is pasted, spoken and completed, too.
        self.search.change(self.searched, [self.search], [self.claims], trigger_mode="always_last", **QUIET)
        self.box.connect()
        self.report.connect()
        return job

    # --- who they claim to be ------------------------------------------------------------------------------------

    def render_claims(self, session: Session) -> Updates:
        """Return the choice of identities and the pictures of the chosen one, from the gallery as it is now."""
        identities = self.page.identities()
        if session.claimed not in {identity.id for identity in identities}:
            session.claimed = None
        searchable = len(identities) > SEARCH_FROM
        query = session.claim_search if searchable else ""
        return {
            self.search: gr.update(visible=searchable),
            self.claims: claims(identities, session.claimed, self.page.pictures, query),
            self.pictures: self._claimed_pictures(session, identities),
        }

    @property
    def claim_components(self) -> list[Any]:
        """Components that `render_claims` changes."""
        return [self.search, self.claims, self.pictures]

    def _claimed_pictures(self, session: Session, identities: Sequence[Identity]) -> str:
        identity = next((identity for identity in identities if identity.id == session.claimed), None)
        if identity is None:
            return ""
        try:
            return answers.claimed(identity, self.page.references(), self.page.pictures)
        except UnknownIdentity:
            return ""

    def claim(self, data: gr.EventData, request: gr.Request) -> Updates:
        """An identity was chosen."""
        session = self.page.session(request)

        def run() -> Updates:
            value = event(data)[1]
            identities = self.page.identities()
            if value not in {identity.id for identity in identities}:
                raise UnknownIdentity("This identity is no longer in the gallery. Choose another.")
            session.claimed = value
            shown = claims(identities, value, self.page.pictures, session.claim_search)
            updates: Updates = {
                self.claim_note: "",
                self.claims: shown,
                self.pictures: self._claimed_pictures(session, identities),
            }
            return {**updates, **self.decide_again(session)}

        return self.panel.run_once(run)

    def searched(self, text: Any, request: gr.Request) -> Updates:
        """The search text changed; who is claimed stays chosen and in sight."""
        session = self.page.session(request)
        session.claim_search = text if isinstance(text, str) else ""

        def run() -> Updates:
            shown = claims(self.page.identities(), session.claimed, self.page.pictures, session.claim_search)
            return {self.claims: shown}

        return run_once(run, self.claims)

    # --- the answer ----------------------------------------------------------------------------------------------

    def submit(self, first: Any, last: Any, accept: Any, camera: Any, thorough: Any, request: gr.Request) -> Steps:
        """Observe if need be, then compare, or ask which person makes the claim."""
        session = self.page.session(request)
        run = self._submit(session, first, last, accept, camera, thorough)
        yield from self.panel.run_submission(run, session, lambda: self.panel.clear_answer(session))

    def _submit(self, session: Session, *fields: Any) -> Steps:
        footage = self.panel.take(session, *fields)
        identity = self._identity(session)
        observed = yield from self.panel.observe(session, footage)
        if len(observed.usable) > 1 and not footage.picked:
            session.answered = False
            title = _("{people} are in these frames").format(people=people(len(observed.usable)))
            text = _("Choose the one who claims to be {name}. Only that person is compared.").format(name=identity.name)
            asked = {self.answer: elements.banner("warning", title, text), **self._people(footage)}
            yield {**asked, **self.report.hidden()}
            return
        footage.check_wanted()
        yield self._decide(session)

    def _identity(self, session: Session) -> Identity:
        identities = self.page.identities()
        if not identities:
            raise EmptyGallery("There is nobody to compare with. Enroll somebody in Enrollment first.")
        identity = next((identity for identity in identities if identity.id == session.claimed), None)
        if identity is None:
            raise ClaimMissing("Choose who the person claims to be, then press Verify.")
        return identity

    def _verify(self, session: Session) -> tuple[ObservedClip, Verification]:
        footage, identity = session.footage(TAB), self._identity(session)
        observed = footage.observed
        if observed is None:
            raise FootageChanged("Press Verify to look at them again.")
        several = len(observed.usable) > 1
        threshold = chosen_threshold(self.page.service, session, "verification")
        person = footage.person if several else None
        return observed, self.page.service.verify(observed, identity.name, person, threshold=threshold)

    def _write_report(self, session: Session, path: Path) -> None:
        self.page.service.write_report(*self._verify(session), path)

    def _decide(self, session: Session) -> Updates:
        observed, answer = self._verify(session)
        session.answered = True
        self.page.keeping.note(session, TAB, observed, answer, None)
        html = answers.verdict(answer, self.page.pictures, self.page.references())
        warnings = problems.notes(self.page.new_warnings(observed.warnings)) + presenters.looks_line(observed)
        shown = {self.answer: html + warnings, **self._people(session.footage(TAB)), **self.report.offered()}
        return {**shown, **self.undo.render(session)}

    def decide_again(self, session: Session) -> Updates:
        """Return the answer anew after another threshold, person or claim; nothing when there was none yet."""
        if not session.answered or session.footage(TAB).observed is None or session.claimed is None:
            return {}
        return self._decide(session)

    def reopen(self, session: Session, gallery: Path | None) -> Updates:
        """Return the answer about a clip that came from the library, where it is known who claims what."""
        updates = {**self.render_claims(session), **self.box.render(session)}
        footage = session.footage(TAB)
        known = footage.observed is not None and (footage.picked or len(footage.observed.usable) == 1)
        return {**updates, **self._decide(session)} if known and session.claimed is not None else updates

    def _people(self, footage: Footage) -> Updates:
        observed = footage.observed
        if observed is None:
            return {self.contact_sheet: ""}
        if len(observed.usable) < 2:
            html = contact_sheets.samples(
                observed,
                observed.usable[0].person if observed.usable else None,
                set(),
                self.page.pictures,
                droppable=False,
            )
            summary = escape(_("Samples of this footage"))
            return {self.contact_sheet: html and f"<details><summary>{summary}</summary>{html}</details>"}
        chosen = footage.person if footage.picked else None
        return {
            self.contact_sheet: contact_sheets.choices(observed, chosen, self.page.pictures, _("Who makes the claim?"))
        }

    def chose(self, data: gr.EventData, request: gr.Request) -> Updates:
        """A tile was clicked: that person makes the claim."""
        session = self.page.session(request)

        def run() -> Updates:
            footage = session.footage(TAB)
            person = parse_int(event(data)[1], _("The person's number"))
            if footage.observed is None or person not in {identity.person for identity in footage.observed.usable}:
                raise InvalidInput(
                    "Person {person} cannot be compared. Press Verify to look at the frames again.", person=person
                )
            footage.person, footage.picked = person, True
            return self._decide(session)

        return run_once(run, self.answer)

    def judged(self, data: gr.EventData, request: gr.Request) -> Updates:
        """Somebody said whether the answer is right."""
        session = self.page.session(request)

        def run() -> Updates:
            if not session.answered:
                raise FootageChanged("Press Verify to look at them again.")
            observed, answer = self._verify(session)
            change, _ = take_verdict(self.page.service, observed, [answer], event(data))
            self.undo.note(session, change, None)
            return self._decide(session)

        return run_once(run, self.answer)

    def on_tab_opened(self, session: Session) -> Updates:
        """Return the updates when the tab is opened."""
        updates = self.panel.carry_footage(session)
        if updates:
            updates.update(self.panel.reset())
        return {**updates, **self.render_claims(session)}

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the updates after somebody was renamed, merged or removed: the answer as it would be given now."""
        if not session.answered:
            return {}
        try:
            return self.decide_again(session) or self._gone(session)
        except BiometricError as error:
            return self.panel.show_failure(session, error)

    def _gone(self, session: Session) -> Updates:
        note = elements.banner(
            "info", _("The gallery was changed"), _("Choose who the person claims to be, then press Verify.")
        )
        return {**self.panel.clear_answer(session), self.answer: note}
