"""The People tab: everybody enrolled, a page for each person, and every change with its undo."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from biometric.errors import InvalidName, NameTaken, UnknownIdentity, UnknownReference
from biometric.messages.translation import gettext as _
from biometric.ui import people_actions, problems
from biometric.ui.browser_input import event
from biometric.ui.clients import owner_of
from biometric.ui.components import area, on_act
from biometric.ui.elements import COMING
from biometric.ui.erasure_display import erased_banner
from biometric.ui.gallery_history import CHANGES_SHOWN, undo_line
from biometric.ui.gallery_retention import gallery_retention
from biometric.ui.gallery_transfer import gallery_transfer
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.people_desk import PeopleDesk
from biometric.ui.people_state import RefusedName
from biometric.ui.session import Session
from biometric.ui.step_runs import run_once
from biometric.ui.subject_reports import reporter_of
from biometric.ui.text_format import escape

ALL_CLICKS: dict[str, Any] = {**QUIET, "trigger_mode": "multiple"}

LOADING = '<div class="sl-people sl-loading" aria-hidden="true"><div class="sl-faces">' + COMING * 6 + "</div></div>"
"""Takes the room of what comes, so that nothing jumps."""


@dataclass(frozen=True, slots=True)
class PeopleTab:
    """The finished tab.

    Attributes:
        search: what names must contain, among everybody or among the faces to choose from.
        undo: the line about the last change that was made here.
        problem: says what went wrong.
        main: the place that is shown.
        transfer: export and import, beside everybody.
        retention: how long references last, beside everybody.
        imported: the events after which an import is done, or retention or a hold was set.
    """

    desk: PeopleDesk
    search: gr.Textbox
    undo: gr.HTML
    problem: gr.HTML
    main: gr.HTML
    transfer: gr.Accordion
    retention: gr.Accordion
    imported: list[Any]

    @property
    def following(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.undo, self.main]

    def render(self, session: Session) -> Updates:
        """Return the tab as the gallery is now."""
        state = session.people
        noted = "" if state.noted is None else undo_line(self.desk.gallery().changes(CHANGES_SHOWN), state.noted)
        if state.erased is not None:
            state.told = state.told or erased_banner(state.erased, session.new_folder)
        html = f'<div data-focus="{escape(state.focus)}" data-turn="{state.clicks}">{self.desk.html(state)}</div>'
        return {self.undo: state.told or noted, self.main: html}

    def after_click(self, session: Session) -> Updates:
        """Return the tab where a click has led."""
        state = session.people
        everybody = state.place == "everybody"
        among_faces = state.place in ("same person", "move") and state.other is None
        label = _("Search by name") if everybody else _("Search among them by name")
        return {
            **self.render(session),
            self.search: gr.update(visible=everybody or among_faces, value=state.query, label=label),
            self.transfer: gr.update(visible=everybody),
            self.retention: gr.update(visible=everybody),
            self.problem: "",
        }


def people_tab(page: Page) -> PeopleTab:
    """Build the tab and attach its events. Call inside its `gr.Tab`."""
    desk = PeopleDesk(
        gallery=page.service.gallery,
        threshold=lambda: page.service.threshold("verification", adapted=False),
        pictures=page.pictures,
        trash_days=page.service.settings.trash_days,
        eraser=page.service.eraser,
        reporter=reporter_of(page.service),
    )
    undo = area(elem_id="people-undo")
    problem = area(elem_id="people-problem")
    search = gr.Textbox(label=_("Search by name"), max_lines=1, elem_id="people-search")
    main = area(LOADING, elem_id="people-main")
    lasting = gallery_retention(page)
    transfer = gallery_transfer(page)
    changed = [*transfer.imported, *lasting.changed]
    tab = PeopleTab(desk, search, undo, problem, main, transfer.accordion, lasting.accordion, changed)

    def on_click(data: gr.EventData, request: gr.Request) -> Updates:
        session = page.session(request)

        def run() -> Updates:
            action, value = event(data)
            if action == "corrected":  # somebody types into the field: what was said there has gone in the browser
                session.people.refused = None
                return {problem: gr.skip()}
            try:
                session.people.user, session.people.new_folder = owner_of(request)[0], session.new_folder
                people_actions.act(desk, session.people, action, value)
            except (InvalidName, NameTaken) as error:
                if action not in people_actions.NAMING:
                    raise
                session.people.refused = RefusedName(value, error)
            except (UnknownIdentity, UnknownReference) as error:  # gone meanwhile: show what is there instead
                return {**tab.after_click(session), problem: problems.refusal(error)}
            return tab.after_click(session)

        return run_once(run, problem)

    def on_search(text: Any, request: gr.Request) -> Updates:
        session = page.session(request)
        query = text if isinstance(text, str) else ""
        if query == session.people.query:  # set by a click, which has rendered it
            return {problem: gr.skip()}
        session.people.query = query
        return run_once(lambda: tab.render(session), problem)

    outputs = [search, undo, problem, main, transfer.accordion, lasting.accordion]
    for part in (main, undo):
        # One after the other, and none is lost: by default Gradio drops what comes before the former is answered.
        on_act(part, on_click, outputs=outputs, concurrency_limit=1, concurrency_id="people", **ALL_CLICKS)
    # Not `input`, which Gradio sends after keys only: text is pasted, spoken and completed, too.
    search.change(on_search, [search], [*tab.following, problem], trigger_mode="always_last", **QUIET)
    return tab
