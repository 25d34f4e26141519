"""The line that stays after an enrollment: what was stored, and a button that takes it back."""

from pathlib import Path

import gradio as gr

from biometric.entities import GalleryChange
from biometric.errors import InvalidInput
from biometric.messages.translation import gettext as _
from biometric.ui.browser_input import event, parse_int
from biometric.ui.components import area
from biometric.ui.gallery_history import CHANGES_SHOWN, noted_line, undo_line
from biometric.ui.page import Page, Updates
from biometric.ui.session import Session


class EnrollmentUndo:
    """Component and updates of the line. Build where it is to stand.

    Attributes:
        line: sends the action `undo` with the number of the change.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.line = area(elem_id="enrollment-undo")

    def note(self, session: Session, change: GalleryChange | None, gallery: Path | None) -> Updates:
        """Let the line speak of a change (None: of none) of a gallery (None: the configured one)."""
        session.enrollment_change = None if change is None else (change.id, gallery)
        return self.render(session)

    def render(self, session: Session) -> Updates:
        """Return the line as the gallery is now. Raises the `GalleryError` family."""
        if session.enrollment_change is None:
            return {self.line: ""}
        change_id, gallery = session.enrollment_change
        return {self.line: undo_line(self._page.service.gallery(gallery).changes(CHANGES_SHOWN), change_id)}

    def undo(self, session: Session, data: gr.EventData) -> Updates:
        """Take the change of the line back, or make it again.

        Raises:
            UndoRefused: it cannot be undone, or a later change stands in the way.
            InvalidInput: the line shows no such change.
        """
        action, value = event(data)
        change_id = parse_int(value, _("The number of the change"))
        if action != "undo" or session.enrollment_change is None or change_id < 0:
            raise InvalidInput("There is nothing to undo here.")
        noted, folder = session.enrollment_change
        gallery = self._page.service.gallery(folder)
        line = noted_line(gallery.changes(CHANGES_SHOWN), noted)
        if line is None or not line.undo or line.id != change_id:
            raise InvalidInput("This line is about another change by now. Reload the page.")
        return self.note(session, gallery.undo(change_id), folder)
