"""The line that stays in a tab after a change of the gallery: what was changed, and a button that takes it back."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from biometric.entities import GalleryChange
from biometric.errors import InvalidInput
from biometric.messages.translation import gettext as _
from biometric.ui.browser_input import event, parse_int
from biometric.ui.components import area, on_act
from biometric.ui.gallery_history import CHANGES_SHOWN, noted_line, undo_line
from biometric.ui.page import QUIET, Page, Updates
from biometric.ui.panel import Panel
from biometric.ui.session import Session
from biometric.ui.step_runs import run_once


class UndoLine:
    """Component and updates of the line of one tab. Build where it is to stand.

    Attributes:
        line: sends the action `undo` with the number of the change.
    """

    def __init__(self, page: Page, tab: str) -> None:
        self._page, self._tab = page, tab
        self.line = area(elem_id=f"{tab}-undo")
        page.follow_gallery(self.render, [self.line])

    def note(self, session: Session, change: GalleryChange | None, gallery: Path | None) -> Updates:
        """Let the line speak of a change (None: of none) of a gallery (None: the configured one)."""
        if change is None:
            session.noted_changes.pop(self._tab, None)
        else:
            session.noted_changes[self._tab] = change.id, gallery
        return self.render(session)

    def render(self, session: Session) -> Updates:
        """Return the line as the gallery is now. Raises the `GalleryError` family."""
        if self._tab not in session.noted_changes:
            return {self.line: ""}
        change_id, gallery = session.noted_changes[self._tab]
        return {self.line: undo_line(self._page.service.gallery(gallery).changes(CHANGES_SHOWN), change_id)}

    def undo(self, session: Session, data: gr.EventData) -> Updates:
        """Take the change of the line back, or make it again.

        Raises:
            UndoRefused: it cannot be undone, or a later change stands in the way.
            InvalidInput: the line shows no such change.
        """
        action, value = event(data)
        change_id = parse_int(value, _("The number of the change"))
        if action != "undo" or self._tab not in session.noted_changes or change_id < 0:
            raise InvalidInput("There is nothing to undo here.")
        noted, folder = session.noted_changes[self._tab]
        gallery = self._page.service.gallery(folder)
        line = noted_line(gallery.changes(CHANGES_SHOWN), noted)
        if line is None or not line.undo or line.id != change_id:
            raise InvalidInput("This line is about another change by now. Reload the page.")
        return self.note(session, gallery.undo(change_id), folder)

    def connect(self, panel: Panel, answer_after_edit: Callable[[Session], Updates]) -> None:
        """Let the button of the line act, and the tab's answer follow.

        Args:
            answer_after_edit: gives the updates of the answer as it would be given now.
        """

        def pressed(data: gr.EventData, request: gr.Request) -> Updates:
            session = self._page.session(request)

            def run() -> Updates:
                updates = self.undo(session, data)
                return {**answer_after_edit(session), **updates}

            return run_once(run, panel.answer)

        self.pressed = pressed
        on_act(self.line, pressed, outputs=panel.answers, trigger_mode="once", **QUIET)
