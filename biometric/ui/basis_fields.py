"""On what basis somebody is enrolled, on the Enrollment tab: one line that shows the default and opens to change it.

Until the gallery has a default, the first enrollment asks, and what is said then becomes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import EnrollmentBasis, EntryPoint, GivenBasis
from biometric.entities.enrollment_basis import complete_basis
from biometric.errors import BasisMissing, InvalidInput
from biometric.messages.life_cycle_sentences import LEGAL_BASES, describe_legal_basis
from biometric.messages.translation import gettext as _
from biometric.ui.components import field_note_area
from biometric.ui.field_errors import Field, FieldPlaces
from biometric.ui.page import Page, Updates
from biometric.ui.session import Session
from biometric.ui.text_format import shortened

_SHOWN = 70
"""Most characters of the default in the line."""


class BasisFields:
    """The line and its fields. Build where the tab asks its question.

    Attributes:
        fields: the components whose values `read` takes, in its order.
    """

    def __init__(self, page: Page, tab: str) -> None:
        self._page, self._tab = page, tab
        with gr.Accordion(_("Legal basis"), open=False, elem_id=f"{tab}-basis") as self.line:
            choices = [(_(name), basis.value) for basis, name in LEGAL_BASES.items()]
            self.note = field_note_area(tab, Field.BASIS)
            with gr.Row():
                label, named = _("Legal basis"), f"{tab}-legal-basis"
                self.basis = gr.Dropdown(choices, value=None, label=label, min_width=140, elem_id=named)
                self.purpose = self._text(_("Purpose"), "purpose", _("Door of the studio"))
            with gr.Row():
                self.responsible = self._text(_("Responsible (optional)"), "responsible")
                self.remark = self._text(_("Note (optional)"), "basis-note", _("Where the consent is kept"))
            self.keep = gr.Checkbox(
                label=_("Use it for everybody from now on"),
                info=_("What is left empty is as in the line above. The first time, this is kept anyway."),
                elem_id=f"{tab}-keep-basis",
            )
        self.fields = [self.basis, self.purpose, self.responsible, self.remark, self.keep]
        page.follow_gallery(self._render, [self.line])

    def place(self, places: FieldPlaces) -> None:
        """Let errors about the basis stand here."""
        places.add(Field.BASIS, self.note, f"#{self._tab}-legal-basis input", self.line)

    @property
    def components(self) -> list[Any]:
        """All components that `done` changes."""
        return [*self.fields, self.note, self.line]

    def read(self, said: Sequence[Any], gallery: Path | None) -> GivenBasis:
        """Return the basis that the values of `fields` say, completed by the gallery's default.

        Said for the first time, or ticked for everybody, it becomes the default once somebody is enrolled with it.

        Raises:
            BasisMissing: there is none.
            InvalidBasis, InvalidInput: something cannot be used.
        """
        default = self._page.service.gallery(gallery).default_basis()
        *fields, keep = said
        words = ["" if value is None else value for value in fields]
        if not all(isinstance(word, str) for word in words):
            raise InvalidInput("Basis, purpose, responsible and note must be text.")
        if default is None and not (words[0].strip() and words[1].strip()):
            raise BasisMissing("Choose the legal basis and type the purpose. This is asked once for the gallery.")
        basis = complete_basis(default, *words)
        becomes_default = default is None or (keep is True and basis != default)
        return GivenBasis(basis, EntryPoint.PAGE, becomes_default)

    def done(self, session: Session) -> Updates:
        """Return the updates after an enrollment: the next one is on the default again."""
        emptied: Updates = {self.basis: None, self.purpose: "", self.responsible: "", self.remark: "", self.keep: False}
        label = self._label(self._page.service.gallery(session.footage(self._tab).gallery).default_basis())
        return {**emptied, self.note: "", self.line: gr.update(label=label, open=False)}

    def _render(self, session: Session) -> Updates:
        opened = self._page.service.gallery(session.footage(self._tab).gallery)
        return {self.line: gr.update(label=self._label(opened.default_basis()))}

    def _label(self, default: EnrollmentBasis | None) -> str:
        if default is None:
            return _("Legal basis: asked once")
        return _("Legal basis: {basis}").format(basis=shortened(describe_legal_basis(default), _SHOWN))

    def _text(self, label: str, name: str, placeholder: str | None = None) -> gr.Textbox:
        named = f"{self._tab}-{name}"
        return gr.Textbox(label=label, placeholder=placeholder, max_lines=1, min_width=140, elem_id=named)
