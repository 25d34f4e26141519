"""What changes a gallery: each operation is one transaction, one line of the history, and can be undone for a time."""

from datetime import timedelta
from pathlib import Path

from biometric.domain.comparison import pool
from biometric.entities import (
    ChangeKind,
    GalleryChange,
    NewReference,
    StoredEnrollment,
    clean_camera,
    clean_name,
    name_key,
)
from biometric.errors import InvalidInput
from biometric.gallery import basis_rows, reference_rows, rows, sighting_links, verdict_rows
from biometric.gallery.audit_log import HeadFolder
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.encryption_keys import KeySource
from biometric.gallery.protection import GalleryProtection
from biometric.gallery.records import Clock, current_time, input_details, make_record, read_crops
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.undoing import undo_change
from biometric.ports import ANY_OWNER
from biometric.storage.sqlite_files import BUSY_SECONDS

TRASH_TIME = timedelta(days=7)
"""How long changes can be undone, and what is removed stays in the trash, unless the settings say otherwise."""


class GalleryEditing:
    """The writing half of a gallery. Any operation may raise `GalleryBusy`, `GalleryCorrupt`, `GalleryUnavailable` or
    `StorageFull`; then nothing has changed.

    Args:
        folder: the gallery's folder; need not exist.
        busy_seconds: how long to wait for another process that is writing.
        trash_time: how long changes can be undone; zero: what is removed is gone at once.
        clock: tells the time, in UTC.
        heads: where heads of the audit trail go.
        key: what the gallery is encrypted with.
    """

    def __init__(
        self,
        folder: Path,
        busy_seconds: float = BUSY_SECONDS,
        trash_time: timedelta = TRASH_TIME,
        clock: Clock = current_time,
        heads: HeadFolder | None = None,
        key: KeySource | None = None,
    ) -> None:
        self._folder = folder
        self._transactions = GalleryTransactions(GalleryProtection(folder, key), busy_seconds, trash_time, clock, heads)
        self._files = self._transactions.files

    def enroll(self, name: str, reference: NewReference, *, owner: str | None = ANY_OWNER) -> StoredEnrollment:
        """Store a reference under a name, in one transaction with its files.

        Args:
            owner: id of the identity that has the name, None where nobody has it; checked in the transaction, so that
                of two processes that enroll a new name one is refused.

        Raises:
            NameTaken: somebody else than `owner` has the name.
            UnknownIdentity: nobody has the name any more.
            InvalidName, BasisMissing: the name cannot be used; there is no legal basis.
            InvalidInput: a crop that is to be stored is no longer on disk.
            ModelMismatch: the gallery holds templates of another model.
        """
        name = clean_name(name)
        crops = read_crops(reference)
        with self._transactions.writing() as write:
            rows.check_model(write.db, reference.template.model_id, reference.template.vector.size)
            record = make_record(reference, write.now, basis_rows.read_default_basis(write.db))
            number = rows.number_by_key(write.db, name_key(name))
            if owner != ANY_OWNER:
                rows.require_owner(name, owner, None if number is None else rows.identity_id(write.db, number))
            existed = number is not None
            recorder = ChangeRecorder(write, ChangeKind.ENROLLED)
            if number is None:
                number = recorder.add_identity(name)
            else:
                recorder.touch(number)
            recorder.add_people(number)
            identity_id = rows.identity_id(write.db, number)
            recorder.note_new_reference(write.store(number, identity_id, record, crops))
            recorder.note(**input_details(record))
            identity = rows.identity_by_id(write.db, self._files, identity_id)
            stored = reference_rows.latest_reference(write.db, self._files, number)
            change = recorder.finish(1, len(record.samples))
            if reference.given.becomes_default:
                basis_rows.set_default_basis(write.db, reference.given.basis)
                ChangeRecorder(write, ChangeKind.BASIS_CHOSEN).finish(0, 0, can_be_undone=False)
        return StoredEnrollment(identity, stored, existed, change)

    def rename(self, identity_id: str, name: str) -> GalleryChange:
        """Give an identity another name; another spelling of its own is fine.

        Raises:
            InvalidName, UnknownIdentity: the name cannot be used; there is no such identity.
            NameTaken: somebody else has it.
        """
        name = clean_name(name)
        with self._transactions.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            rows.require_free_name(write.db, name, number)
            recorder = ChangeRecorder(write, ChangeKind.RENAMED, number)
            recorder.update_identity(number, name=name, name_key=name_key(name), updated_at=write.now)
            recorder.add_people(number)
            return recorder.finish(0, 0)

    def merge(self, source_id: str, target_id: str) -> GalleryChange:
        """Move all references of `source` to `target`; `source` goes to the trash. The crops stay where they are.

        Raises:
            UnknownIdentity: one of them is not there.
            InvalidInput: both are the same.
        """
        if source_id == target_id:
            raise InvalidInput("A person cannot be merged with themselves. Choose two different people.")
        with self._transactions.writing_existing() as write:
            source, target = (rows.identity_number(write.db, identity_id) for identity_id in (source_id, target_id))
            recorder = ChangeRecorder(write, ChangeKind.MERGED, source, target)
            references = reference_rows.numbers_of_identity(write.db, source)
            samples = reference_rows.count_samples(write.db, references)
            for reference in references:
                recorder.set_owner(reference, target)
            for verdict in verdict_rows.numbers_about(write.db, source):
                recorder.set_verdict_owner(verdict, target)
            recorder.trash_identity(source, merged_into=target)
            recorder.touch(target)
            return recorder.finish(len(references), samples)

    def remove(self, identity_id: str) -> GalleryChange:
        """Put an identity with all references into the trash. Raises `UnknownIdentity`."""
        with self._transactions.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            recorder = ChangeRecorder(write, ChangeKind.REMOVED, number)
            references = reference_rows.numbers_of_identity(write.db, number)
            samples = reference_rows.count_samples(write.db, references)
            for reference in references:
                recorder.trash_reference(reference)
            recorder.trash_identity(number)
            return recorder.finish(len(references), samples)

    def remove_reference(self, reference_id: str) -> GalleryChange:
        """Put one reference into the trash, and its identity where that was the last one. Raises `UnknownReference`."""
        with self._transactions.writing_existing() as write:
            reference, owner = reference_rows.reference_number(write.db, reference_id)
            recorder = ChangeRecorder(write, ChangeKind.REFERENCE_REMOVED, owner)
            samples = reference_rows.count_samples(write.db, [reference])
            recorder.trash_reference(reference)
            _leave_without(recorder, owner)
            return recorder.finish(1, samples)

    def remove_sample(self, reference_id: str, sample: str) -> GalleryChange:
        """Put one sample (its `NumFrame_BB.jpg`) into the trash; the template is pooled anew from those that remain.

        With its last sample the reference goes, too, and with its last reference the identity.

        Raises:
            UnknownReference: there is no such reference or sample.
        """
        with self._transactions.writing_existing() as write:
            reference, owner = reference_rows.reference_number(write.db, reference_id)
            number = reference_rows.sample_number(write.db, reference, sample)
            recorder = ChangeRecorder(write, ChangeKind.SAMPLE_REMOVED, owner)
            model_id, remaining = reference_rows.embeddings(write.db, reference, without=number)
            if remaining:
                template = pool(remaining, model_id)
                recorder.trash_sample(number)
                recorder.set_template(reference, reference_rows.blob(template.vector), template.sample_count)
                recorder.touch(owner)
            else:
                recorder.trash_reference(reference)
                _leave_without(recorder, owner)
            return recorder.finish(0 if remaining else 1, 1)

    def move_reference(
        self, reference_id: str, identity_id: str | None = None, *, new_name: str | None = None
    ) -> GalleryChange:
        """Give a reference to another identity: one that is there, or a new one of the name `new_name`.

        An identity that loses its last reference goes to the trash.

        Raises:
            UnknownReference, UnknownIdentity: one of them is not there.
            InvalidName, NameTaken: the new name cannot be used; somebody has it already.
            InvalidInput: not exactly one of both is given, or the reference is theirs already.
        """
        if (identity_id is None) == (new_name is None):
            raise InvalidInput("Say either to which person the reference goes, or how a new person is called.")
        name = None if new_name is None else clean_name(new_name)
        with self._transactions.writing_existing() as write:
            reference, source = reference_rows.reference_number(write.db, reference_id)
            target = None if identity_id is None else rows.identity_number(write.db, identity_id)
            if source == target:
                raise InvalidInput("This reference is this person's already. Choose another person.")
            if name is not None:
                rows.require_free_name(write.db, name, None)
            recorder = ChangeRecorder(write, ChangeKind.REFERENCE_MOVED, source)
            if target is None:
                target = recorder.add_identity(str(name))
            else:
                recorder.touch(target)
            recorder.add_people(target)
            recorder.set_owner(reference, target)
            _leave_without(recorder, source)
            return recorder.finish(1, reference_rows.count_samples(write.db, [reference]))

    def set_cover(self, identity_id: str, reference_id: str, sample: str) -> GalleryChange:
        """Let a sample's crop stand for an identity as its `Identity.thumbnail`, else the best of the oldest reference.

        Exports do not carry it.

        Raises:
            UnknownIdentity, UnknownReference: there is no such identity, or no such sample of it.
        """
        with self._transactions.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            reference, owner = reference_rows.reference_number(write.db, reference_id)
            if owner != number:
                raise InvalidInput("This picture is another person's. Choose one of this person's own.")
            reference_rows.sample_number(write.db, reference, sample)
            recorder = ChangeRecorder(write, ChangeKind.COVER_CHOSEN, number)
            recorder.update_identity(number, cover=f"{reference_id}/{sample}", updated_at=write.now)
            return recorder.finish(0, 1)

    def set_camera(self, reference_id: str, camera: str) -> GalleryChange:
        """Say which camera a reference was seen by; "" for the unknown one.

        Raises:
            UnknownReference: there is no such reference.
            InvalidCamera: the name cannot be used.
            InvalidInput: the reference has that camera already.
        """
        named = clean_camera(camera)
        with self._transactions.writing_existing() as write:
            reference, owner = reference_rows.reference_number(write.db, reference_id)
            recorder = ChangeRecorder(write, ChangeKind.CAMERA_NAMED, owner)
            if recorder.set_camera(reference, named) == named:
                raise InvalidInput("This reference is from that camera already. Nothing was changed.")
            recorder.touch(owner)
            return recorder.finish(1, 0)

    # --- history and trash ---------------------------------------------------------------------------------------

    def undo(self, change_id: int | None = None) -> GalleryChange:
        """Take a change back: everything is as before it. None: the latest that can be taken back.

        Undoing an enrollment puts it into the trash. The result is of kind `undone`, and undoing that one makes the
        change again (kind `redone`).

        Raises:
            UndoRefused: there is no such change, it is undone, expired or no kind that can be undone, or a later
                change of the same people still stands (`blocked_by`).
            NameTaken: somebody else has the name that would come back.
            ModelMismatch: meanwhile the gallery holds templates of another model.
        """
        with self._transactions.writing_history() as write:
            change = undo_change(write, change_id)
            sighting_links.reckon_linked(write.db)
            return change


def _leave_without(recorder: ChangeRecorder, owner: int) -> None:
    """Say that an identity lost a reference; without any it goes to the trash."""
    if reference_rows.numbers_of_identity(recorder.db, owner):
        recorder.touch(owner)
    else:
        recorder.trash_identity(owner)
