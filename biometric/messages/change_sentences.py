"""The sentence of each change of a gallery."""

from collections.abc import Mapping
from typing import Final

from biometric.entities import ChangeKind, GalleryChange

SENTENCES: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.ENROLLED: "{first} was enrolled: {samples}.",
    ChangeKind.IMPORTED: "An export was imported: {people}, {references}.",
    ChangeKind.REMOVED: "{first} was removed: {references}, {samples}.",
    ChangeKind.REFERENCE_REMOVED: "A reference of {first} was removed: {samples}.",
    ChangeKind.SAMPLE_REMOVED: "A sample of {first} was removed.",
    ChangeKind.REFERENCE_MOVED: "A reference was moved from {first} to {last}.",
    ChangeKind.MERGED: "{first} was joined with {last}: {references}.",
    ChangeKind.RENAMED: "{first} was renamed to {last}.",
    ChangeKind.COVER_CHOSEN: "{first} has another cover picture.",
    ChangeKind.UNDONE: "A change of {people} was undone.",
    ChangeKind.REDONE: "A change of {people} was made again.",
    ChangeKind.ERASED: "A person was erased: {references}, {samples}.",
    ChangeKind.TRASH_EMPTIED: "The trash was emptied: {references}, {samples}.",
}
"""Filled with the names and counts of the change."""


def describe_change(change: GalleryChange, original: GalleryChange | None = None) -> str:
    """Return the sentence of a change.

    Args:
        original: for one that undid another or made it again: that one, whose sentence is repeated.
    """
    if original is not None and change.kind in (ChangeKind.UNDONE, ChangeKind.REDONE):
        word = "Undone" if change.kind is ChangeKind.UNDONE else "Made again"
        return f"{word}: {describe_change(original)}"
    return SENTENCES[change.kind].format(
        first=change.names[0] if change.names else "Somebody",
        last=change.names[-1] if change.names else "somebody",
        people=_people(change),
        references=_counted(change.references, "reference"),
        samples=_counted(change.samples, "sample"),
    )


def _people(change: GalleryChange) -> str:
    names = tuple(dict.fromkeys(change.names))
    if not names:
        return "somebody"
    return names[0] if len(names) == 1 else f"{len(names):,} people"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
