"""Puts the page together: header, the three tabs of the product, People, Calibration, endpoints, and what each event
refreshes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from biometric.errors import BiometricError
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui import ExampleMaker, no_examples, problems, redaction_api, retention_api, subject_reports, verdict_api
from biometric.ui.api import Endpoints, register
from biometric.ui.better_models import connect_better_models
from biometric.ui.calibration_api import CalibrationEndpoints, register_calibration
from biometric.ui.calibration_tab import calibration_tab
from biometric.ui.enrollment_tab import EnrollmentTab
from biometric.ui.erasure_watch import ErasureWatch
from biometric.ui.header import limits, page_header
from biometric.ui.identification_tab import IdentificationTab
from biometric.ui.job_bar import job_bar
from biometric.ui.library_api import LibraryEndpoints, register_library
from biometric.ui.library_tab import TakingTab, library_tab
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.page_sync import PageSync
from biometric.ui.people_tab import people_tab
from biometric.ui.recording_blocks import RecordingBlocks
from biometric.ui.screen import renders_again
from biometric.ui.session import TABS, Session
from biometric.ui.sighting_api import SightingEndpoints, register_sightings
from biometric.ui.tab_layout import HandOver, tab_heading
from biometric.ui.verification_tab import VerificationTab

UPLOADS_KEPT = 12 * 3600
"""Seconds after which Gradio removes what it still holds; a session's own files go with the session, earlier."""

UPDATE_HEADER_EVERY = 2.0
"""Seconds between looks at models that are loading."""


class Interface:
    """The page under construction; `blocks` is the finished one."""

    def __init__(self, service: Sightline, examples: ExampleMaker = no_examples) -> None:
        uploads = Path(get_upload_folder())
        self.page = Page(service, uploads, examples)
        self.blocks = RecordingBlocks(
            title=_("Sightline"), analytics_enabled=False, delete_cache=(600, UPLOADS_KEPT), fill_width=True
        )
        with self.blocks:
            self.header = page_header(self.page)
            with self.header.job_place:
                job_bar(self.page)
            self.sync = PageSync(self.page)
            with gr.Tabs(selected=TABS[0], elem_id="tabs", overflow_behavior="wrap") as self.tabs:
                with gr.Tab(_("Enrollment"), id="enrollment") as enrollment_tab:
                    tab_heading(_("Enrollment"))
                    self.enrollment = EnrollmentTab(self.page)
                with gr.Tab(_("Verification"), id="verification") as verification_tab:
                    tab_heading(_("Verification"))
                    self.verification = VerificationTab(self.page)
                with gr.Tab(_("Identification"), id="identification") as identification_tab:
                    tab_heading(_("Identification"))
                    to_enrollment = HandOver(self._enroll_person, [self.tabs, *self.enrollment.components])
                    self.identification = IdentificationTab(self.page, to_enrollment)
                with gr.Tab(_("Library"), id="library") as library:
                    self.library = library_tab(self.page, self.tabs, self._taking_tabs())
                with gr.Tab(_("People"), id="people") as people:
                    self.people = people_tab(self.page)
                with gr.Tab(_("Calibration"), id="calibration") as calibration:
                    self.calibration, calibrated = calibration_tab(self.page)
            gr.HTML(limits(), apply_default_css=False)
            self.timer = gr.Timer(UPDATE_HEADER_EVERY)
            self._connect([enrollment_tab, verification_tab, identification_tab], calibrated)
            for name, tab in (("library", library), ("people", people), ("calibration", calibration)):
                tab.select(_remember_tab(self.page, name), None, None, **QUIET)
            register(Endpoints(self.page))
            register_library(LibraryEndpoints(self.page))
            register_sightings(SightingEndpoints(self.page))
            verdict_api.register(verdict_api.VerdictEndpoints(self.page))
            retention_api.register(retention_api.RetentionEndpoints(self.page))
            subject_reports.register(subject_reports.SubjectEndpoints(self.page))
            redaction_api.register(redaction_api.RedactionEndpoints(self.page))
            register_calibration(CalibrationEndpoints(self.page))

    def _taking_tabs(self) -> dict[str, TakingTab]:
        """Return the tabs that a kept clip opens in, by their id."""
        enrollment, verification, identification = self.enrollment, self.verification, self.identification
        claims = [*verification.claim_components, *verification.box.components]
        return {
            "enrollment": TakingTab(enrollment.panel, enrollment.components, enrollment.reopen),
            "verification": TakingTab(verification.panel, claims, verification.reopen),
            "identification": TakingTab(identification.panel, identification.box.components, identification.reopen),
        }

    def _connect(self, tabs: Sequence[gr.Tab], calibrated: Sequence[Any]) -> None:
        enrollment, verification, identification = self.enrollment, self.verification, self.identification
        changes = [
            connect_better_models(self.page, self.header),
            *enrollment.connect(),
            *self.people.imported,
            *calibrated,
        ]
        verification.connect()
        identification.connect()
        self.panels = [enrollment.panel, verification.panel, identification.panel]
        boxes = [*verification.box.components, *identification.box.components]
        boxes += [panel.examples for panel in self.panels]
        for moved in (*verification.box.events, *identification.box.events):
            moved.then(self.on_threshold_changed, None, self.header.components, **QUIET)
        loaded = [*self.header.components, self.timer, *self.calibration.following, *boxes]
        self.timer.tick(self.on_timer, None, loaded, **QUIET)
        tab_handlers: tuple[Any, ...] = (enrollment, verification, identification)
        for name, tab, handlers in zip(TABS, tabs, tab_handlers, strict=True):
            outputs = [*handlers.panel.components, *handlers.panel.answers]
            if handlers is verification:
                outputs += verification.claim_components
            tab.select(_opener(self.page, name, handlers), None, outputs, **QUIET)
        texts: list[Any] = [enrollment.name, identification.gallery, identification.query]
        ticks = [tick for panel in self.panels for tick in (panel.accept, panel.thorough)]
        for field in (*texts[1:], *ticks):  # the name has a listener
            # Not "always_last": two such listeners of one event call each other for ever (Gradio 6.31).
            field.input(_typed, [field], None, trigger_mode="multiple", **QUIET)
        for field in texts:
            field.blur(_typed, [field], None, **QUIET)  # Gradio does not tell of a text that is pasted first
        self.page.follow_gallery(self.header.render, self.header.components)
        self.page.follow_gallery(self.library.render, self.library.following)
        self.page.follow_gallery(self.people.render, self.people.following)
        self.page.follow_gallery(self.calibration.render, self.calibration.following)
        self.page.follow_gallery(verification.render_claims, verification.claim_components)
        self.page.follow_gallery(self._boxes, boxes)
        self.sync.connect(self.blocks, tab_handlers, self._restore, self.people.problem)
        for change in changes:
            self.sync.after(change)
        self.blocks.unload(self.on_unload)
        self.page.live.limit = lambda part, html, role: self.blocks.limits.html(part, html, role)
        self.erasures = ErasureWatch(self.page.service, self.page.sessions, self.sync.answers)

    def _restore(self, session: Session) -> Updates:
        """Return what a reloaded page needs besides what was sent to it: the open tab, and fields as they stand."""
        updates: Updates = {self.tabs: gr.Tabs(selected=session.tab)}
        for panel in self.panels:
            updates.update(panel.restore(session.footage(panel.tab)))
        return updates

    def _enroll_person(self, session: Session, person: int) -> Updates:
        updates = self.enrollment.hand_over(session, session.footage("identification"), person)
        session.tab = "enrollment"
        return {**updates, self.tabs: gr.Tabs(selected="enrollment")}

    def on_threshold_changed(self, request: gr.Request) -> Updates:
        """Another threshold is in force: the header says whose."""
        return self.header.render(self.page.session(request))

    def _examples(self, session: Session) -> Updates:
        updates: Updates = {}
        for panel in self.panels:
            updates.update(panel.offer(session.footage(panel.tab)))
        return updates

    def _boxes(self, session: Session) -> Updates:
        try:
            limits = {**self.verification.box.render(session), **self.identification.box.render(session)}
        except BiometricError:
            limits = {}  # the header says what is wrong
        return {**limits, **self._examples(session)}

    @renders_again
    def on_timer(self, request: gr.Request) -> Updates:
        """Look at models that are loading; stop looking once they are ready or failed."""
        prepared = self.page.prepared
        updates: Updates = self.on_threshold_changed(request)
        if prepared:
            updates.update({self.timer: gr.Timer(active=False), **self._decided(self.page.session(request))})
        return updates

    def _decided(self, session: Session) -> Updates:
        """Thresholds anew: which embedder serves, and with it their defaults, may be known only since it was loaded."""
        try:
            evidence = self.calibration.render(session)
        except BiometricError:
            evidence = {}  # the header says what is wrong
        return {**evidence, **self._boxes(session)}

    def on_unload(self, request: gr.Request) -> None:
        """The page was closed."""
        self.page.sessions.closed(request.session_hash)


def _typed(text: Any) -> None:
    """Somebody types into a field; `RecordingBlocks` notes it, so that a reloaded page has it again."""


def _remember_tab(page: Page, name: str) -> Any:
    def opened(request: gr.Request) -> None:
        page.session(request).tab = name

    return opened


def _opener(page: Page, name: str, handlers: Any) -> Any:
    def opened(request: gr.Request) -> Updates:
        try:
            session = page.session(request)
            session.tab = name
            updates: Updates = handlers.on_tab_opened(session)
        except BiometricError as error:
            return {handlers.answer: problems.problem(error)}
        return updates or {handlers.answer: gr.skip()}

    return opened


def build_ui(service: Sightline, examples: ExampleMaker = no_examples) -> gr.Blocks:
    """Return the page for a service, not yet served."""
    return Interface(service, examples).blocks
