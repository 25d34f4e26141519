"""Basis and retention of a gallery: what enrollments rest on, how long references last, and deleting them in time."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from biometric.entities import (
    ChangeKind,
    EnrollmentBasis,
    GalleryChange,
    PersonLifetime,
    PurgeReport,
    Retention,
)
from biometric.entities.audit import AuditAction, AuditEvent
from biometric.entities.erasure import DerivativeKind
from biometric.entities.life_cycle import GRACE, SHORTENED_GRACE, TEXT_LIMIT
from biometric.entities.names import clean_text
from biometric.errors import InvalidInput
from biometric.gallery import (
    basis_rows,
    derivative_files,
    derivative_rows,
    retention_rows,
    rows,
    sighting_links,
    trash_rows,
)
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.editing import GalleryEditing
from biometric.gallery.records import stored_time
from biometric.gallery.write_transaction import WriteTransaction


class _NothingKept(Exception):
    """Takes a transaction back in which something was only tried."""


class LifeCycleKeeping(GalleryEditing):
    """The part of a gallery that knows until when it may match with and keep what it holds."""

    def default_basis(self) -> EnrollmentBasis | None:
        """Return what enrollments without a basis of their own are recorded with; None: they are refused."""
        with self._transactions.reading_or_empty() as db:
            return basis_rows.read_default_basis(db)

    def set_default_basis(self, basis: EnrollmentBasis | None) -> GalleryChange:
        """Say what enrollments without a basis of their own are recorded with; None: they are refused again."""
        with self._transactions.writing() as write:
            basis_rows.set_default_basis(write.db, basis)
            return ChangeRecorder(write, ChangeKind.BASIS_CHOSEN).finish(0, 0, can_be_undone=False)

    def retention(self) -> Retention:
        """Return how long references of everybody for whom nothing else was set are matched with and kept."""
        with self._transactions.reading_or_empty() as db:
            return retention_rows.read_retention(db)

    def set_retention(self, retention: Retention | None, identity_id: str | None = None) -> GalleryChange:
        """Set how long references are matched with and kept, of everybody or of one identity.

        What is overdue by that at once is kept for one more day. An identity with None has what everybody has.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: None for everybody.
        """
        if retention is None and identity_id is None:
            raise InvalidInput("Say for how many days references are matched with and kept.")
        with self._transactions.writing() as write:
            number = None if identity_id is None else rows.identity_number(write.db, identity_id)
            recorder = ChangeRecorder(write, ChangeKind.RETENTION_SET, *(() if number is None else (number,)))
            _apply_retention(write, retention, number)
            return recorder.finish(0, 0, can_be_undone=False)

    def preview_retention(self, retention: Retention | None, identity_id: str | None = None) -> list[PersonLifetime]:
        """Return what `lifetimes` would say after `set_retention` with these arguments; nothing is changed.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: None for everybody.
        """
        if retention is None and identity_id is None:
            raise InvalidInput("Say for how many days references are matched with and kept.")
        lifetimes: list[PersonLifetime] = []
        with suppress(_NothingKept), self._transactions.writing() as write:
            number = None if identity_id is None else rows.identity_number(write.db, identity_id)
            _apply_retention(write, retention, number)
            lifetimes = retention_rows.read_lifetimes(write.db, write.now)
            raise _NothingKept  # the transaction is taken back
        return lifetimes

    def hold(self, identity_id: str, reason: str = "") -> GalleryChange:
        """Put an identity under a legal hold: until `release`, nothing of it is deleted or removed.

        Expired references do not match all the same.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: the reason is too long or not printable, or the identity is held already.
        """
        cleaned = clean_text(reason, TEXT_LIMIT)
        if cleaned is None:
            raise InvalidInput(
                "The reason of a hold may have at most {limit} characters, none of them control characters.",
                limit=TEXT_LIMIT,
            )
        with self._transactions.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            if retention_rows.held_identities(write.db, [number]):
                raise InvalidInput("This person is under a legal hold already. Nothing was changed.")
            recorder = ChangeRecorder(write, ChangeKind.HELD, number)
            retention_rows.set_hold(write.db, number, write.now, cleaned)
            sighting_links.reckon_people(write.db, [number], write.now, write.now)
            return recorder.finish(0, 0, can_be_undone=False)

    def release(self, identity_id: str) -> GalleryChange:
        """End an identity's legal hold. What became overdue under it stays for one more day.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: it is not held.
        """
        with self._transactions.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            if not retention_rows.held_identities(write.db, [number]):
                raise InvalidInput("This person is under no legal hold. Nothing was changed.")
            recorder = ChangeRecorder(write, ChangeKind.RELEASED, number)
            retention_rows.set_hold(write.db, number, "", "")
            day_later = stored_time(datetime.fromisoformat(write.now) + SHORTENED_GRACE)
            retention_rows.postpone(write.db, number, write.now, day_later)
            sighting_links.reckon_people(write.db, [number], write.now, day_later)
            return recorder.finish(0, 0, can_be_undone=False)

    def lifetimes(self) -> list[PersonLifetime]:
        """Return until when the references of everybody enrolled are matched with and kept, by name."""
        with self._transactions.reading() as db:
            return [] if db is None else retention_rows.read_lifetimes(db, self._transactions.now())

    def count_expired_people(self) -> int:
        """Return how many people are enrolled with whom nothing is compared, because their references have expired."""
        with self._transactions.reading() as db:
            return 0 if db is None else retention_rows.count_expired_people(db, self._transactions.now())

    def mark_purges_shown(self) -> bool:
        """Say that people saw what `lifetimes` says; what waited for that goes after the grace, seven days later.

        Returns:
            Whether anything waited for it.
        """
        with self._transactions.reading() as db:
            if db is None or not retention_rows.count_unshown(db):
                return False
        with self._transactions.writing() as write:
            retention_rows.mark_shown(write.db, write.now, GRACE)
        return True

    def purge_results(self, folder: Path, keep: timedelta) -> int:
        """Delete the files of identifications, crops of unknown people among them, that were written below a folder.

        Only files of the register go, while they are exactly what was written there, and older than `keep`.

        Returns:
            How many were deleted.
        """
        before = stored_time(datetime.fromisoformat(self._transactions.now()) - keep)
        with self._transactions.reading() as existing:
            if existing is None or not derivative_rows.written_until(existing, DerivativeKind.RESULTS, before):
                return 0
        with self._transactions.recording() as recording:
            if recording is None:
                return 0
            db, now = recording
            count = derivative_files.delete_old_results(db, folder.resolve(), before)
            if count:
                event = AuditEvent(AuditAction.RESULTS_PURGED, details={"files": count, "written_before": before})
                self._transactions.audit.append(db, event, now)
            return count

    def purge_overdue(self) -> PurgeReport:
        """Delete for good the references that were kept long enough, with people of whom nothing is left.

        Those of people under a legal hold stay, and those that wait until it was shown (`mark_purges_shown`).
        """
        with self._transactions.reading() as db:
            if db is None or not retention_rows.is_overdue(db, self._transactions.now()):
                return PurgeReport()
        with self._transactions.writing() as write:
            references = retention_rows.overdue_references(write.db, write.now)
            if not references:
                return PurgeReport()
            gone = retention_rows.left_without_references(write.db, references)
            merged = [number for owner in gone for number in trash_rows.merged_identities(write.db, owner)]
            samples = retention_rows.count_samples(write.db, references)
            write.erase([*gone, *merged], expired=True)
            write.erase_references(references)
            recorder, ids = ChangeRecorder(write, ChangeKind.PURGED), tuple(gone.values())
            recorder.finish(len(references), samples, can_be_undone=False, gone=ids)
            return PurgeReport(len(references), ids)


def _apply_retention(write: WriteTransaction, retention: Retention | None, number: int | None) -> None:
    """Set the days of everybody, or of the identity with a number, and all times by them."""
    if number is not None:
        retention_rows.set_person_retention(write.db, number, retention)
    elif retention is not None:
        retention_rows.set_retention(write.db, retention)
    day_later = stored_time(datetime.fromisoformat(write.now) + SHORTENED_GRACE)
    retention_rows.reckon_times(write.db, write.now, day_later)
    sighting_links.reckon_people(write.db, None if number is None else (number,), write.now, day_later)
