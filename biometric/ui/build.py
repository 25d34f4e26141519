"""Puts the page together: header, gallery sidebar, three tabs, endpoints, and what each event refreshes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from biometric.errors import BiometricError
from biometric.service import Sightline
from biometric.ui import ExampleMaker, header, no_examples, presenters
from biometric.ui.api import Endpoints, register
from biometric.ui.components import asset
from biometric.ui.enrollment_tab import EnrollmentTab
from biometric.ui.identification_tab import IdentificationTab
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.session import TABS, Session
from biometric.ui.sidebar import GallerySidebar
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
        self.blocks = gr.Blocks(
            title="Sightline", analytics_enabled=False, delete_cache=(600, UPLOADS_KEPT), fill_width=True
        )
        with self.blocks:
            self.header = gr.HTML(header.strip(self.page), apply_default_css=False, elem_id="header")
            with gr.Sidebar(open=False, width=320, label="Gallery", elem_id="gallery"):
                self.sidebar = GallerySidebar(self.page)
            with gr.Tabs(selected=TABS[0], elem_id="tabs", overflow_behavior="wrap") as self.tabs:
                with gr.Tab("Enrollment", id="enrollment") as enrollment_tab:
                    self.enrollment = EnrollmentTab(self.page)
                with gr.Tab("Verification", id="verification") as verification_tab:
                    self.verification = VerificationTab(self.page)
                with gr.Tab("Identification", id="identification") as identification_tab:
                    self.identification = IdentificationTab(self.page)
            gr.HTML(header.limits(), apply_default_css=False)
            self.timer = gr.Timer(UPDATE_HEADER_EVERY)
            self._connect([enrollment_tab, verification_tab, identification_tab])
            register(Endpoints(self.page))

    def _connect(self, tabs: Sequence[gr.Tab]) -> None:
        enrollment, identification = self.enrollment, self.identification
        identification.enroll = self._enroll_person
        identification.enroll_components = [self.tabs, *enrollment.panel.components, *enrollment.panel.answers]
        jobs, edits = [enrollment.connect()], self.sidebar.connect()
        self.verification.connect()
        identification.connect()
        changed = [self.header, *self.sidebar.components, *self.verification.claim_components]
        self.panels = [enrollment.panel, self.verification.panel, identification.panel]
        boxes = [*self.verification.box.components, *identification.box.components]
        boxes += [panel.examples for panel in self.panels]
        for job in jobs:
            job.then(self.on_load, None, [*changed, *boxes], **QUIET)
        answers = [component for panel in self.panels for component in panel.answers]
        for edit in edits:
            edit.then(self.on_gallery_edited, None, [*changed, *boxes, *answers], **QUIET)
        for moved in (*self.verification.box.events, *identification.box.events):
            moved.then(self.on_threshold_changed, None, [self.header], **QUIET)
        self.blocks.load(self.on_load, None, [*changed, *boxes], js=asset("load.js"), **QUIET)
        self.blocks.unload(self.on_unload)
        self.timer.tick(self.on_timer, None, [self.header, self.timer, *self.sidebar.evidence, *boxes], **QUIET)
        tab_handlers: tuple[Any, ...] = (enrollment, self.verification, identification)
        for tab, handlers in zip(tabs, tab_handlers, strict=True):
            outputs = [*handlers.panel.components, *handlers.panel.answers]
            if handlers is self.verification:
                outputs += self.verification.claim_components
            tab.select(_opener(self.page, handlers), None, outputs, **QUIET)

    def _enroll_person(self, session: Session, person: int) -> Updates:
        updates = self.enrollment.hand_over(session, session.footage("identification"), person)
        return {**updates, self.tabs: gr.Tabs(selected="enrollment")}

    def refresh(self, request: gr.Request) -> Updates:
        """Show the gallery as it is now, wherever it is shown."""
        session = self.page.session(request)
        updates: Updates = {self.header: header.strip(self.page, session)}
        try:
            updates.update(self.sidebar.render())
            updates.update(self.verification.render_claims(session))
        except BiometricError as error:
            updates[self.sidebar.rows] = presenters.problem(error)
        return updates

    def on_load(self, request: gr.Request) -> Updates:
        """The page was opened, or the gallery or its thresholds changed."""
        return {**self.refresh(request), **self._boxes(self.page.session(request))}

    def on_gallery_edited(self, request: gr.Request) -> Updates:
        """The gallery or its thresholds were changed in the sidebar: answers already shown follow."""
        updates, session = self.on_load(request), self.page.session(request)
        for tab in (self.enrollment, self.verification, self.identification):
            updates.update(tab.answer_after_edit(session))
        return updates

    def on_threshold_changed(self, request: gr.Request) -> Updates:
        """Another threshold is in force: the header says whose."""
        return {self.header: header.strip(self.page, self.page.session(request))}

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
            evidence = self.sidebar.thresholds()
        except BiometricError:
            evidence = {}  # the header says what is wrong
        return {**evidence, **self._boxes(session)}

    def on_unload(self, request: gr.Request) -> None:
        """The page was closed."""
        self.page.sessions.closed(request.session_hash)


def _opener(page: Page, handlers: Any) -> Any:
    def opened(request: gr.Request) -> Updates:
        try:
            updates: Updates = handlers.on_tab_opened(page.session(request))
        except BiometricError as error:
            return {handlers.answer: presenters.problem(error)}
        return updates or {handlers.answer: gr.skip()}

    return opened


def build_ui(service: Sightline, examples: ExampleMaker = no_examples) -> gr.Blocks:
    """Return the page for a service, not yet served."""
    return Interface(service, examples).blocks
