"""Everything that is held about one person, for that person: rows as plain values, and pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from biometric.entities.footage import Vector

SubjectItem = Mapping[str, Any]
"""One thing that is held: texts, numbers, None, (D,) float32 vectors, and lists and mappings of these, by name."""

IN_REPORT: Final = "in the report: "
"""Before the name of a section: a table of a store is told there."""


def template_item(model: str, samples: int, vector: Vector) -> SubjectItem:
    """Return a template as it is in a report: its model, its number of samples, and its (D,) float32 vector."""
    return {"model": model, "dimension": int(vector.size), "samples": samples, "vector": vector}


@dataclass(frozen=True, slots=True)
class SubjectPicture:
    """A picture of the person.

    Attributes:
        name: its path within the report, by which items name it as "picture"; ends in .jpg.
        load: returns the bytes of the JPEG; b"" where it is gone or was changed, so that nobody can open it.
    """

    name: str
    load: Callable[[], bytes] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SubjectPart:
    """What one store holds about the person.

    Attributes:
        name: what the person is called there; "" where the store knows no names.
        sections: items by what they are, such as "references".
        pictures: of the person alone.
        encrypted: whether the store is encrypted, which the report is not.
    """

    name: str
    sections: Mapping[str, tuple[SubjectItem, ...]]
    pictures: tuple[SubjectPicture, ...]
    encrypted: bool = False
