"""What changes of a gallery did, and whether they can be undone, as sentences."""

from biometric.entities import ChangeKind, GalleryChange
from biometric.messages.counted import counted
from biometric.messages.templates import CHANGES, CHANGES_BY_ONE_NAME
from biometric.messages.translation import gettext as _


def describe_change(change: GalleryChange, original: GalleryChange | None = None) -> str:
    """Return what a change of the gallery did, as a sentence.

    Args:
        original: for one that undid another or made it again: that one, whose sentence is repeated; without it, its
            number is said.
    """
    if original is not None and change.kind in (ChangeKind.UNDONE, ChangeKind.REDONE):
        text = _("Undone: {sentence}") if change.kind is ChangeKind.UNDONE else _("Made again: {sentence}")
        return text.format(sentence=describe_change(original))
    names = list(dict.fromkeys(change.names))
    template = CHANGES[change.kind]
    if len(names) == 1:
        template = CHANGES_BY_ONE_NAME.get(change.kind, template)
    gone = _("somebody who is gone")
    first, second = [*names, gone, gone][:2]
    text = _(template).format(
        first=first,
        second=second,
        people=first if len(names) < 2 else counted(len(names), "person"),
        references=counted(change.references, "reference"),
        samples=counted(change.samples, "sample"),
        undoes=change.undoes,
    )
    return gone[:1].upper() + text[1:] if text.startswith(gone) else text


def describe_undoing(change: GalleryChange, until: str) -> str:
    """Return whether a change of the gallery can be undone; `until` is its `expires` as people read it."""
    if change.undone_by is not None:
        return _("Undone by change {number}.").format(number=change.undone_by)
    if change.expires is None:
        return _("Cannot be undone.")
    if change.blocked_by is not None:
        return _("Undo change {number} first.").format(number=change.blocked_by)
    return _("Can be undone until {until}.").format(until=until)
