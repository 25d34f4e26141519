"""A write of the gallery under way: rows and crop files that change together.

Whatever must accompany every write belongs here, such as the audit record of a change.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from sqlite_utils import Database

from biometric.entities.audit import AuditAction, AuditEvent, AuditHead
from biometric.gallery import (
    cohort_rows,
    derivative_files,
    journal,
    person_traces,
    reference_rows,
    retention_rows,
    sighting_links,
    sighting_rows,
    stored_crops,
    trash_rows,
)
from biometric.gallery.audit_log import AuditLog
from biometric.gallery.files import GalleryFiles
from biometric.gallery.records import ReferenceRecord


class WriteTransaction:
    """A transaction under way: its database, and which crop folders it makes or is about to delete.

    Attributes:
        now, expires: when it began, and until when what it does can be undone; as they are stored.
        head: the end of the audit trail after what was recorded, None where nothing was.
        recorded: how many rows recording has changed, which no page shows.
    """

    def __init__(self, db: Database, files: GalleryFiles, now: str, expires: str, audit: AuditLog) -> None:
        self.db = db
        self.now = now
        self.expires = expires
        self.head: AuditHead | None = None
        self.recorded = 0
        self._audit = audit
        self._files = files
        self._marker: Path | None = None
        self._places: list[tuple[str, str]] = []

    def record(self, event: AuditEvent) -> None:
        """Add a record to the audit trail, which stands if what it tells of does."""
        before = self.db.conn.total_changes
        self.head = self._audit.append(self.db, event, self.now)
        self.recorded += self.db.conn.total_changes - before

    def store(
        self, owner: int, folder: str, record: ReferenceRecord, crops: Iterable[tuple[str, bytes]] | None = None
    ) -> int:
        """Add a reference to the identity of that row number; return its own.

        Args:
            crops: name and JPEG of those that go below `folder`; None: they are there.
        """
        self._announce((folder, record.id))
        number = reference_rows.insert_reference(self.db, owner, folder, record)
        sighting_links.link_reference(self.db, number)
        if crops is not None:
            self._files.place(folder, record.id, crops)
        return number

    def take_over(self, source: Path, folder: str) -> None:
        """Put crops that `place` made elsewhere on this disk below `folder`; those without a row go again at the end.

        Args:
            source: a reference's folder, or an identity's with all of those where nothing is below `folder` yet.
        """
        if source.name == folder:
            self._announce(*((folder, reference.name) for reference in source.iterdir()))
            self._files.take_over(source)
        else:
            self._announce((folder, source.name))
            self._files.take_over(source, folder)

    def has_crops(self, folder: str, reference_id: str = "") -> bool:
        """Return whether there are crops below a folder, or of a reference there."""
        return self._files.has(folder, reference_id)

    def sync_crops(self) -> None:
        """Wait until what was taken over is on the disk under its names."""
        self._files.sync_names({folder for folder, _ in self._places})

    def erase(self, numbers: Iterable[int], by: str = "", *, expired: bool = False) -> None:
        """Delete identities (`by` whom, or `expired`) with all of theirs; files follow. Raises `OnLegalHold`."""
        identities = list(numbers)
        retention_rows.require_no_hold(self.db, identities)
        self._begin_erasure(identities, by=by, expired=expired)
        cohort_rows.delete_with_people(self.db, identities)
        places, references = trash_rows.delete_identities(self.db, identities)
        self._announce(*places)
        journal.forget_references(self.db, references)
        journal.forget_people(self.db, identities)

    def place_crops(self, folder: str, owner_id: str, crops: Iterable[tuple[str, bytes]]) -> None:
        """Write crops (name, JPEG) of what was just stored under that id, such as a sighting's."""
        self._announce((folder, owner_id))
        self._files.place(folder, owner_id, crops)

    def erase_sightings(self, numbers: Iterable[int]) -> None:
        """Delete sightings; crops follow after the commit."""
        places = sighting_rows.delete_sightings(self.db, list(numbers))
        if places:
            self._announce(*places)

    def erase_references(self, numbers: Iterable[int]) -> None:
        """Delete references, enrolled or in the trash; crops follow after the commit."""
        references = list(numbers)
        self._begin_erasure((), references, expired=True)
        self._announce(*trash_rows.delete_references(self.db, references))
        journal.forget_references(self.db, references)

    def purge(self, changes: Iterable[int]) -> None:
        """Let changes expire, unless they are of people under a legal hold: what they put into the trash is deleted."""
        expired = journal.without_held(self.db, changes)
        if expired:
            gone = trash_rows.people_and_references(self.db, expired)
            self._begin_erasure(*gone, expired=True)
            places, identities, references = trash_rows.delete_of_changes(self.db, expired)
            if places:
                self._announce(*places)
            journal.forget_steps(self.db, expired)
            journal.forget_people(self.db, identities)
            journal.forget_templates(self.db, references)

    def purge_expired(self) -> None:
        """Let all changes expire whose time is over, and delete the cohorts whose time is."""
        expired = journal.expired_changes(self.db, self.now)
        trashed = trash_rows.identities_of_changes(self.db, expired) if expired else ()
        cohorts = cohort_rows.is_expired(self.db, self.now)
        self.purge(expired)
        cohort_rows.delete_expired(self.db, self.now)
        if trashed or cohorts:
            self.record(AuditEvent(AuditAction.EXPIRED, tuple(trashed), {"changes": [*expired], "cohorts": cohorts}))

    def delete_files_without_rows(self, db: Database) -> None:
        """Delete the files that have no row, of what was removed or rolled back, and those that name who is gone.

        Reads the rows, under the lock (`db` is a later write transaction), instead of recording whether the commit
        succeeded: that is also correct after an interrupt in the middle of it.
        """
        known = stored_crops.known_crops(db, [reference for _, reference in self._places])
        for folder, reference in self._places:
            self._files.discard(folder, reference, known.get(reference, ()))
        derivative_files.delete_marked(db)
        if self._marker is not None:
            self._files.unmark(self._marker)

    @property
    def touches_files(self) -> bool:
        """Whether `delete_files_without_rows` has anything to do."""
        return self._marker is not None

    def _begin_erasure(
        self, identities: Collection[int], references: Collection[int] = (), *, by: str = "", expired: bool
    ) -> None:
        marked, places = person_traces.begin_erasure(
            self.db, self._files, self.now, identities, references, by=by, expired=expired
        )
        if marked or places:
            self._announce(*places)

    def _announce(self, *places: tuple[str, str]) -> None:
        if self._marker is None:
            self._marker = self._files.mark()
        self._places += places
