"""What changes of a gallery did, and whether they can be undone, as sentences."""

from biometric.entities import ChangeKind, GalleryChange
from biometric.messages.templates import CHANGES, CHANGES_BY_ONE_NAME
from biometric.messages.translation import gettext as _


def describe_change(change: GalleryChange, original: GalleryChange | None = None) -> str:
    """Return what a change of the gallery did, as a sentence.

    Args:
        original: for one that undid another or made it again: that one, whose sentence is repeated; without it, its
            number is said.
    """
    if original is not None and change.kind in (ChangeKind.UNDONE, ChangeKind.REDONE):
        word = "Undone: {sentence}" if change.kind is ChangeKind.UNDONE else "Made again: {sentence}"
        return _(word).format(sentence=describe_change(original))
    names = list(dict.fromkeys(change.names))
    template = CHANGES[change.kind]
    if len(names) == 1:
        template = CHANGES_BY_ONE_NAME.get(change.kind, template)
    gone = _("somebody who is gone")
    first, second = [*names, gone, gone][:2]
    text = _(template).format(
        first=first,
        second=second,
        people=first if len(names) < 2 else f"{len(names):,} people",
        references=_counted(change.references, "reference"),
        samples=_counted(change.samples, "sample"),
        undoes=change.undoes,
    )
    return gone.capitalize() + text[len(gone) :] if text.startswith(gone) else text


def describe_undoing(change: GalleryChange, until: str) -> str:
    """Return whether a change of the gallery can be undone; `until` is its `expires` as people read it."""
    if change.undone_by is not None:
        return _("Undone by change {number}.").format(number=change.undone_by)
    if change.expires is None:
        return _("Cannot be undone.")
    if change.blocked_by is not None:
        return _("Undo change {number} first.").format(number=change.blocked_by)
    return _("Can be undone until {until}.").format(until=until)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
