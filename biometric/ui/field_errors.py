"""Where an error stands: at the field of the tab that it is about, or in the place of the answer."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Any

import gradio as gr

from biometric import errors
from biometric.errors import BiometricError
from biometric.ui import problems
from biometric.ui.screen import Updates


class Field(StrEnum):
    """What a tab asks for. `FOOTAGE` is where a clip comes in, `CLIP` the one that was taken."""

    FOOTAGE = "footage"
    CLIP = "clip"
    RANGE = "range"
    NAME = "name"
    BASIS = "basis"
    CAMERA = "camera"
    CLAIM = "claim"
    GALLERY_PATH = "gallery-path"
    QUERY_PATH = "query-path"
    THRESHOLD = "threshold"


_FIELDS: tuple[tuple[type[BiometricError], Field], ...] = (
    (errors.ClipMissing, Field.FOOTAGE),
    (errors.UploadMissing, Field.FOOTAGE),
    (errors.ClipError, Field.FOOTAGE),
    (errors.InvalidFrameRange, Field.RANGE),
    (errors.InvalidCamera, Field.CAMERA),
    (errors.InvalidName, Field.NAME),
    (errors.NameTaken, Field.NAME),
    (errors.BasisMissing, Field.BASIS),
    (errors.InvalidBasis, Field.BASIS),
    (errors.ClaimMissing, Field.CLAIM),
    (errors.UnknownIdentity, Field.CLAIM),
    (errors.GalleryPathRefused, Field.GALLERY_PATH),
    (errors.GalleryUnavailable, Field.GALLERY_PATH),
    (errors.QueryPathRefused, Field.QUERY_PATH),
    (errors.InvalidThreshold, Field.THRESHOLD),
)
"""Which field an error is about, by kind of error; of several that fit the first one counts."""


def field_of(error: BiometricError) -> Field | None:
    """Return the field that an error is about, None where it is about no field of a tab."""
    return next((field for kind, field in _FIELDS if isinstance(error, kind)), None)


@dataclass(frozen=True, slots=True, eq=False)
class FieldPlace:
    """Where a field and what is said about it stand.

    Attributes:
        note: an `area` beside the field.
        selector: CSS selector of the field, or of all that belong to it.
        folded: what has to be open for the field to be seen, or None.
    """

    note: gr.HTML
    selector: str
    folded: gr.Accordion | None = None

    def show(self, error: BiometricError) -> Updates:
        """Return the updates that show an error at the field."""
        opened: Updates = {} if self.folded is None else {self.folded: gr.update(open=True)}
        return {self.note: problems.field_problem(error, self.selector, f"{self.note.elem_id}-words"), **opened}


@dataclass(slots=True, eq=False)
class FieldPlaces:
    """The fields of one tab at which errors can stand."""

    _places: dict[Field, FieldPlace] = dataclass_field(default_factory=dict)

    @property
    def components(self) -> list[Any]:
        """All components that the methods change."""
        notes = [place.note for place in self._places.values()]
        return [*notes, *dict.fromkeys(place.folded for place in self._places.values() if place.folded is not None)]

    def add(self, field: Field, note: gr.HTML, selector: str, folded: gr.Accordion | None = None) -> None:
        """Let errors about a field stand in `note`; arguments as of `FieldPlace`."""
        self._places[field] = FieldPlace(note, selector, folded)

    def note(self, field: Field) -> gr.HTML:
        """Return the place beside a field."""
        return self._places[field].note

    def show(self, error: BiometricError, *, clip_taken: bool = False) -> Updates | None:
        """Return the updates that show an error at its field; None where it has none in this tab.

        Args:
            clip_taken: what is wrong with footage is wrong with the clip that the tab has.
        """
        field = field_of(error)
        if field is Field.FOOTAGE and clip_taken:
            field = Field.CLIP
        place = None if field is None else self._places.get(field)
        return None if place is None else place.show(error)

    def clear(self, *fields: Field) -> Updates:
        """Return the updates that take away what stands at these fields, or at all."""
        return {place.note: "" for field, place in self._places.items() if not fields or field in fields}
