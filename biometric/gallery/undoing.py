"""Takes a change of the gallery back, or makes it again, inside the caller's transaction.

The row of an undone change stays and says by which other one it was undone. Undoing that one makes the first again,
with the steps of now, so that it expires as if it had been made now.
"""

from biometric.entities import ChangeKind, GalleryChange
from biometric.errors import UndoRefused
from biometric.errors.phrases import Phrase
from biometric.gallery import journal
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.write_transaction import WriteTransaction


def undo_change(write: WriteTransaction, change_id: int | None) -> GalleryChange:
    """Take a change back; None: the latest that can be.

    Raises:
        UndoRefused: there is no such change, it is undone, expired or no kind that can be undone, or a later change of
            the same people still stands.
        NameTaken: somebody else has the name that would come back.
        ModelMismatch: meanwhile the gallery holds templates of another model.
    """
    wanted = journal.latest_undoable(write.db) if change_id is None else change_id
    change = None if wanted is None else journal.read_change(write.db, wanted)
    if change is None:
        if change_id is None:
            raise UndoRefused("There is nothing to undo.")
        raise UndoRefused(
            "There is no change {change} in the gallery's history. Look at the history for its number.",
            change=change_id,
        )
    steps = journal.read_steps(write.db, change.id)
    _require_undoable(write, change)
    if change.kind is ChangeKind.UNDONE and change.undoes is not None:
        recorder = ChangeRecorder(write, ChangeKind.REDONE, undoes=change.id, trash_change=change.undoes)
    else:
        recorder = ChangeRecorder(write, ChangeKind.UNDONE, undoes=change.id)
    journal.copy_people(write.db, recorder.id, change.id)
    recorder.take_back(steps or [])
    journal.mark_undone(write.db, change.id, recorder.id)
    if change.kind is not ChangeKind.UNDONE or change.undoes is None:
        return recorder.finish(change.references, change.samples)
    # The change stands again, and can be undone as if it had been made now.
    journal.mark_undone(write.db, change.undoes, None)
    journal.renew(write.db, change.undoes, write.expires, recorder.steps)
    return recorder.finish(change.references, change.samples, can_be_undone=False)


def _require_undoable(write: WriteTransaction, change: GalleryChange) -> None:
    if change.undone_by is not None:
        raise UndoRefused("Change {id} is undone already. Look at the history for what can be undone.", id=change.id)
    if change.expires is None:
        raise UndoRefused(
            "Change {id} cannot be undone: its time is over, or what it removed has been deleted since.", id=change.id
        )
    if change.blocked_by is not None:
        blocker = journal.read_change(write.db, change.blocked_by)
        final = blocker is not None and blocker.expires is None
        way_out = (
            Phrase("That one cannot be undone any more, so this one cannot either.")
            if final
            else Phrase("Undo change {number} first.", number=change.blocked_by)
        )
        same = Phrase("person") if change.identity_ids else Phrase("thresholds")
        raise UndoRefused(
            "Change {id} cannot be undone now: change {later} came later and concerns the same {same}. {way_out}",
            change.blocked_by,
            id=change.id,
            later=change.blocked_by,
            same=same,
            way_out=way_out,
        )
