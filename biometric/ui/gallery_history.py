"""The history of a gallery with its trash, and the line that offers to undo the last change, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from biometric.entities import ChangeKind, GalleryChange, TrashItem
from biometric.messages.change_sentences import describe_change
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.ui.people_state import PeopleState
from biometric.ui.picture_uris import Pictures
from biometric.ui.templating import render
from biometric.ui.text_format import count, day_and_time, long_day

CHANGES_SHOWN = 100
"""Most lines of the history."""


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in words; `undo` is the word of its button, "" where it cannot be taken back."""

    id: int
    text: str
    when: str
    undo: str
    note: str


@dataclass(frozen=True, slots=True)
class TrashLine:
    """What one change put into the trash, with pictures of it (`data:` URIs)."""

    id: int
    text: str
    holds: str
    undo: str
    note: str
    pictures: tuple[str, ...]


def history(gallery: Gallery, state: PeopleState, pictures: Pictures, trash_days: float) -> str:
    """Return trash and history, the latest first."""
    trash, changes = gallery.trash(), gallery.changes(CHANGES_SHOWN)
    return render(
        "history.html",
        trash=[_trash_line(item, pictures) for item in trash],
        trashed_references=sum(item.references for item in trash),
        trashed_samples=sum(item.samples for item in trash),
        changes=[change_line(change, changes) for change in changes],
        days=round(trash_days),
        question=state.question,
    )


def noted_line(changes: Sequence[GalleryChange], noted: int | None) -> ChangeLine | None:
    """Return the line about the change that was made last on this page, None where it is not among `changes`."""
    return next((change_line(change, changes) for change in changes if change.id == noted), None)


def undo_line(changes: Sequence[GalleryChange], noted: int | None) -> str:
    """Return `noted_line` as HTML, "" where there is none."""
    line = noted_line(changes, noted)
    return "" if line is None else render("undo_line.html", line=line)


def change_line(change: GalleryChange, changes: Sequence[GalleryChange] = ()) -> ChangeLine:
    """Return a change in words, with what can be done about it; `changes` are others it may refer to."""
    original = _original(change, changes)
    text, when = describe_change(change, original), day_and_time(change.when)
    # What was made again stands under its own number, and is undone under that one.
    target = original if change.kind is ChangeKind.REDONE and original is not None else change
    undo, note = "", ""
    if target.can_be_undone and target.expires is not None:
        undo = _("Redo") if target.kind is ChangeKind.UNDONE else _("Undo")
        note = _("kept until {day}").format(day=long_day(target.expires))
    elif change.undone_by is not None:
        note = _("undone")
    elif change.blocked_by is not None:
        note = (
            _("undo the later change of the same people first")
            if change.identity_ids
            else _("undo the later change first")
        )
    return ChangeLine(target.id, text, when, undo, note)


def _original(change: GalleryChange, changes: Sequence[GalleryChange]) -> GalleryChange | None:
    """Return the change that this one is about in the end, through undoing and making again."""
    known = {other.id: other for other in changes}
    original = None
    while change.undoes is not None and change.undoes in known:
        original = change = known[change.undoes]
    return original


def _trash_line(item: TrashItem, pictures: Pictures) -> TrashLine:
    line = change_line(item.change)
    return TrashLine(
        line.id,
        line.text,
        f"{count(item.references, 'reference')}, {count(item.samples, 'sample')}",
        line.undo,
        line.note,
        tuple(pictures.crop(path, 72) for path in item.pictures),
    )
