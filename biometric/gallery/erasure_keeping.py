"""Deleting people for good, the register of what was written about them, and certificates of both."""

import hashlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from sqlite_utils import Database

from biometric.entities import ChangeKind, GalleryChange
from biometric.entities.erasure import Derivative, ErasureCertificate, NewDerivative, PersonTraces, UnreachedFile
from biometric.entities.subject_parts import SubjectPart
from biometric.errors import GalleryError, UnknownIdentity
from biometric.gallery import (
    derivative_files,
    derivative_rows,
    erasure_rows,
    person_traces,
    retention_rows,
    rows,
    subject_rows,
    trash_rows,
)
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.database import holds_any, translate_errors
from biometric.gallery.editing import GalleryEditing
from biometric.gallery.protection import DATABASE_NAME
from biometric.storage.byte_search import contains_any, files_holding

logger = logging.getLogger(__name__)

_SHORTEST_NAME = 4
"""Bytes of a name that is looked for in free space; shorter ones are parts of other words."""


class ErasureKeeping(GalleryEditing):
    """The part of a gallery that deletes people for good."""

    def empty_trash(self) -> GalleryChange:
        """Delete everything in the trash now, rows and crops; what needs it can no longer be undone."""
        with self._transactions.writing() as write:
            changes = trash_rows.changes_with_trash(write.db)
            gone = trash_rows.identities_of_changes(write.db, changes)
            counts = [trash_rows.count_trash(write.db, change) for change in changes]
            write.purge(changes)
            recorder = ChangeRecorder(write, ChangeKind.TRASH_EMPTIED)
            references, samples = (sum(count[place] for count in counts) for place in (0, 1))
            return recorder.finish(references, samples, can_be_undone=False, gone=gone)

    def erase(self, identity_id: str, by: str = "") -> GalleryChange:
        """Delete an identity, enrolled or in the trash, at once and for good.

        With it go its references, samples and crops, those of it in the trash, its names in the history, and the files
        of the register that name it. People who were merged into it are the same person. Free space of the database
        file holds nothing of them afterwards.

        Args:
            by: who does it, where somebody is signed in.

        Raises:
            UnknownIdentity: nobody here or in the trash has that id.
            OnLegalHold: they are under a legal hold.
        """
        with self._transactions.writing_existing() as write:
            identities = _same_person(write.db, identity_id)
            owned = person_traces.read_owned(write.db, self._files, identities)
            references, samples = trash_rows.count_owned(write.db, identities)
            write.erase(identities, by)
            recorder = ChangeRecorder(write, ChangeKind.ERASED)
            change = recorder.finish(references, samples, can_be_undone=False, gone=owned.identity_ids)
        names = [name.encode() for name in owned.traces.names]
        needles = [name for name in names if len(name) >= _SHORTEST_NAME]
        needles += owned.vectors  # opaque ids stay in the audit trail
        try:
            self._transactions.rewrite_if(lambda path: contains_any(path, needles))
        except GalleryError as error:  # they are erased all the same
            logger.warning("Free space of the gallery's file could not be cleared of somebody erased: %s", error)
        return change

    # --- the register --------------------------------------------------------------------------------------------

    def record(self, derivative: NewDerivative, *, began: int | None = None) -> str | None:
        """Add files that were just written to the register; return the line's id, None when there is no gallery.

        Args:
            began: `latest_erasure` of when their writing began: who was erased since is in them, so their certificates
                list them.
        """
        with self._transactions.recording() as recording:
            if recording is None:
                return None
            db, now = recording
            derivative_id = derivative_rows.insert_derivative(db, derivative, now)
            if began is not None:
                listed = derivative_rows.handed_out(
                    Derivative(derivative_id, derivative.kind, now, derivative.files, derivative.everybody)
                )
                for number in range(began + 1, erasure_rows.latest_number(db) + 1):
                    erasure_rows.add_outcome(db, number, 0, listed)
            return derivative_id

    def record_copies(self, derivative_id: str, files: Mapping[Path, str]) -> None:
        """Add copies of files of a line: paths with the SHA-256 of their bytes."""
        with self._transactions.recording() as recording:
            if recording is not None:
                derivative_rows.add_files(recording[0], derivative_id, files)

    def derivatives(self) -> list[Derivative]:
        """Return the whole register, oldest first."""
        with self._transactions.reading_or_empty() as db:
            return derivative_rows.read(db, derivative_rows.everything(db))

    # --- certificates --------------------------------------------------------------------------------------------

    def traces(self, identity_id: str) -> PersonTraces:
        """Return by what traces of an identity, enrolled or in the trash, are recognised. Raises `UnknownIdentity`."""
        with self._transactions.reading_or_empty() as db, translate_errors():
            return person_traces.read_owned(db, self._files, _same_person(db, identity_id)).traces

    def held_of_person(self, identity_id: str) -> SubjectPart:
        """Return everything held about an identity, enrolled or in the trash, for that person: see `ports`.

        Raises `UnknownIdentity`.
        """
        encrypted = self._transactions.protection.is_on()
        with self._transactions.reading_or_empty() as db, translate_errors():
            return subject_rows.read_person(db, self._files, _same_person(db, identity_id), encrypted)

    def remaining(self, identity_id: str) -> str:
        """Return the id of whom an identity was merged into, directly or not; its own where that was not done.

        Raises `UnknownIdentity`.
        """
        seen: set[str] = set()
        with self._transactions.reading_or_empty() as db, translate_errors():
            while identity_id not in seen:
                seen.add(identity_id)
                [person] = subject_rows.people(db, _same_person(db, identity_id)[:1])
                identity_id = person.get("merged_into") or identity_id
        return identity_id

    def require_erasable(self, identity_id: str) -> None:
        """Raise what `erase` would before it deletes anything: `UnknownIdentity`, `OnLegalHold`."""
        with self._transactions.reading_or_empty() as db:
            retention_rows.require_no_hold(db, _same_person(db, identity_id))

    def erasures(self) -> list[ErasureCertificate]:
        """Return the certificates of all erasures, the latest first."""
        with self._transactions.reading_or_empty() as db:
            return erasure_rows.read_erasures(db)

    def erasure_of(self, identity_id: str) -> ErasureCertificate | None:
        """Return the certificate of the erasure that an identity went with; None where it is not known to be erased."""
        with self._transactions.reading_or_empty() as db:
            number = erasure_rows.tombstone_of(db, erasure_rows.IDENTITY, identity_id)
            return None if number is None else erasure_rows.read_erasure(db, number)

    def save_erasure(self, certificate: ErasureCertificate) -> None:
        """Store a certificate in place of the one of its id."""
        with self._transactions.recording() as recording:
            if recording is not None:
                erasure_rows.update(recording[0], certificate)

    def latest_erasure(self) -> int:
        """Return a number that rises with each erasure, 0 before the first; cheap."""
        with self._transactions.reading() as db:
            return 0 if db is None else erasure_rows.latest_number(db)

    def remains(self, certificate: ErasureCertificate, answered: Collection[str] = ()) -> Mapping[str, int]:
        """Return how many rows and files of the gallery are of somebody who was erased, by what they are.

        Args:
            answered: identity ids that other places hold.
        """
        pictures = set(certificate.pictures)
        with self._transactions.reading_or_empty() as db, translate_errors():
            found = erasure_rows.count_remains(db, certificate, answered)
        # Without a snapshot, as in `holding`.
        with translate_errors():
            stored = self._pictures() if pictures else ()
            left = sum(hashlib.sha256(data).hexdigest() in pictures for _, data in stored)
            return {**found, "pictures": left}

    def holding(self, needles: Collection[bytes], unread: list[Path]) -> list[Path]:
        """Return the files of the gallery's folder that hold one of these byte strings, encrypted or not.

        Args:
            unread: gets the files and folders that cannot be read.
        """
        with self._transactions.reading() as db, translate_errors():
            encrypted = db is not None and self._transactions.protection.is_on()
            in_rows = db is not None and encrypted and holds_any(db, needles)
        # Without a snapshot: with a rollback journal, nobody could commit while all files are read.
        with translate_errors():
            found = files_holding(self._folder, needles, unread)
            if in_rows:
                found.append(self._folder / DATABASE_NAME)
            if encrypted:
                found += [path for path, data in self._pictures() if any(needle in data for needle in needles)]
            return list(dict.fromkeys(found))

    def _pictures(self) -> Iterator[tuple[Path, bytes]]:
        """Yield the pictures below the gallery's folder, opened; what vanishes meanwhile is left out."""
        for folder, _, names in os.walk(self._folder):
            for path in (Path(folder, name) for name in names if name.endswith(".jpg")):
                with suppress(FileNotFoundError):
                    if path.is_file():
                        yield path, self._files.read_if_intact(path)

    def retry_deleting(self) -> list[UnreachedFile]:
        """Try again to delete what could not be deleted, and return what still cannot."""
        with self._transactions.recording() as recording:
            if recording is None:
                return []
            db = recording[0]
            derivative_rows.try_again(db)
            derivative_files.delete_marked(db)
            return derivative_files.left(db)


def _same_person(db: Database, identity_id: str) -> list[int]:
    """Return the row numbers of an identity and of those merged into it. Raises `UnknownIdentity`."""
    number = rows.number_by_id(db, identity_id)
    if number is None:
        trashed = trash_rows.trashed_identity(db, identity_id)
        if trashed is None:
            raise UnknownIdentity("This person is neither enrolled nor in the trash. Reload the list of people.")
        number = trashed[0]
    return [number, *trash_rows.merged_identities(db, number)]
