"""The gallery's one write path and its read path: transactions that cover rows and crop files together.

Whatever must accompany every write belongs here, such as the audit record of a change.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from biometric.entities.audit import AuditAction, AuditEvent, AuditHead
from biometric.errors import BiometricError, GalleryError, UndoRefused, UnknownIdentity
from biometric.gallery import (
    calibration_rows,
    cohort_rows,
    derivative_files,
    journal,
    person_traces,
    reference_rows,
    retention_rows,
    trash_rows,
)
from biometric.gallery.audit_log import AuditLog, HeadFolder
from biometric.gallery.database import GalleryDatabase, check_folder, translate_errors
from biometric.gallery.files import GalleryFiles
from biometric.gallery.migrations import migrate
from biometric.gallery.records import Clock, ReferenceRecord, stored_time

DATABASE_NAME = "gallery.sqlite3"
_PATIENCE = 6
"""How many times longer the record of an answer waits than a change, which is quickly made again."""


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

    def store(self, owner: int, folder: str, record: ReferenceRecord, crops: Iterable[tuple[str, bytes]]) -> int:
        """Add a reference to the identity of that row number, its crops (name, JPEG) below `folder`; return its own."""
        self._announce((folder, record.id))
        number = reference_rows.insert_reference(self.db, owner, folder, record)
        self._files.place(folder, record.id, crops)
        return number

    def erase(self, numbers: Iterable[int], by: str = "", *, expired: bool = False) -> None:
        """Delete identities (`by` whom, or `expired`) with all of theirs; files follow. Raises `OnLegalHold`."""
        identities = list(numbers)
        retention_rows.require_no_hold(self.db, identities)
        if person_traces.begin_erasure(self.db, self._files, self.now, identities, by=by, expired=expired):
            self._announce()
        cohort_rows.delete_with_people(self.db, identities)
        places, references = trash_rows.delete_identities(self.db, identities)
        self._announce(*places)
        journal.forget_references(self.db, references)
        journal.forget_people(self.db, identities)

    def erase_references(self, numbers: Iterable[int]) -> None:
        """Delete references, enrolled or in the trash; crops follow after the commit."""
        references = list(numbers)
        person_traces.begin_erasure(self.db, self._files, self.now, (), references, expired=True)
        self._announce(*trash_rows.delete_references(self.db, references))
        journal.forget_references(self.db, references)

    def purge(self, changes: Iterable[int]) -> None:
        """Let changes expire, unless they are of people under a legal hold: what they put into the trash is deleted."""
        expired = journal.without_held(self.db, changes)
        if expired:
            gone = trash_rows.people_and_references(self.db, expired)
            if person_traces.begin_erasure(self.db, self._files, self.now, *gone, expired=True):
                self._announce()
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
        known = reference_rows.known_crops(db, [reference for _, reference in self._places])
        for folder, reference in self._places:
            self._files.discard(folder, reference, known.get(reference, ()))
        derivative_files.delete_marked(db)
        if self._marker is not None:
            self._files.unmark(self._marker)

    @property
    def touches_files(self) -> bool:
        """Whether `delete_files_without_rows` has anything to do."""
        return self._marker is not None

    def _announce(self, *places: tuple[str, str]) -> None:
        if self._marker is None:
            self._marker = self._files.mark()
        self._places += places


class GalleryTransactions:
    """Database and crop files of one gallery folder.

    Args:
        folder: the gallery's folder.
        busy_seconds: how long to wait for another process that is writing.
        trash_time: how long changes can be undone.
        clock: tells the time.
        heads: where heads of the audit trail are written to, None for nowhere.
    """

    def __init__(
        self,
        folder: Path,
        busy_seconds: float,
        trash_time: timedelta,
        clock: Clock,
        heads: HeadFolder | None = None,
    ) -> None:
        self.audit = AuditLog(folder, heads)
        self.files = GalleryFiles(folder)
        self._database = GalleryDatabase(folder / DATABASE_NAME, busy_seconds)
        self._busy_seconds = busy_seconds
        self._trash_time = trash_time
        self._clock = clock

    def now(self) -> str:
        """Return the time, as it is stored."""
        return stored_time(self._clock())

    def origin(self, db: Database) -> tuple[object, ...]:
        """Identify the database file, so that a restored backup is distinguished from the file it replaced."""
        status = self._database.path.stat()
        return (db.execute("SELECT id, restored FROM gallery").fetchone(), status.st_dev, status.st_ino)

    @contextmanager
    def reading(self) -> Iterator[Database | None]:
        """Yield a snapshot, or None (and create nothing) when there is no gallery yet."""
        with translate_errors():
            check_folder(self._database.path.parent)
            interrupted = self._database.journal.exists() or bool(self.files.interrupted())
        if interrupted:
            self._recover()
        with self._database.reading() as db:
            now = self.now()
            if db is None or not (journal.is_expired(db, now) or cohort_rows.is_expired(db, now)):
                yield db
                return
        # No waiting, as in `_recover`; what is expired is in no answer even where it cannot be deleted now.
        with suppress(GalleryError), self.writing(busy_seconds=0):
            pass
        with self._database.reading() as db:
            yield db

    @contextmanager
    def reading_or_empty(self) -> Iterator[Database]:
        """Yield a snapshot, or an empty database in memory when there is no gallery yet."""
        with self.reading() as db:
            if db is not None:
                yield db
                return
            with closing(Database(memory=True, execute_plugins=False)) as empty:
                migrate(empty)
                yield empty

    @contextmanager
    def writing(self, busy_seconds: float | None = None) -> Iterator[WriteTransaction]:
        """Hold the write lock; at the end rows and files are all there, or none of them.

        Before and after, what is expired is deleted: after, because without a trash everything expires at once.
        """
        write: WriteTransaction | None = None
        try:
            with self._database.writing(busy_seconds) as db:
                self._sweep(db)
                changes_before = db.conn.total_changes
                now = self._clock()
                write = WriteTransaction(
                    db, self.files, stored_time(now), stored_time(now + self._trash_time), self.audit
                )
                write.purge_expired()
                yield write
                write.purge_expired()
                if db.conn.total_changes - write.recorded > changes_before:
                    db.execute("UPDATE gallery SET revision = revision + 1")
            if write.head is not None:
                self.audit.write_due_head(write.head)
        finally:
            if write is not None and write.touches_files:
                # Without the lock the marker stays, and the next process that opens the gallery cleans up.
                with suppress(GalleryError), self._database.writing() as db:
                    write.delete_files_without_rows(db)

    def record(self, event: AuditEvent) -> None:
        """Add a record of something that changed nothing: pages that follow the gallery's revision do not notice."""
        with self._database.writing(self._busy_seconds * _PATIENCE) as db:
            if event.calibrated_model is not None:
                in_force = calibration_rows.read_in_force(db, event.calibrated_model)
                details = {**event.details, "calibration": None if in_force is None else in_force[0]}
                event = replace(event, details=details)
            head = self.audit.append(db, event, self.now())
        self.audit.write_due_head(head)

    def rotate_key(self) -> AuditHead:
        """Make a new key; see `AuditLog.rotate`."""
        with self._database.writing() as db:
            head = self.audit.rotate(db, self.now())
        self.audit.write_due_head(head)
        return head

    @contextmanager
    def recording(self) -> Iterator[tuple[Database, str] | None]:
        """Hold the write lock for what no page shows, such as the register; yield the database and the time.

        None (and nothing is created) when there is no gallery yet.
        """
        with self.reading() as existing:
            is_there = existing is not None
        if not is_there:
            yield None
            return
        with self._database.writing() as db:
            yield db, self.now()

    def rewrite_if(self, needed: Callable[[Path], bool]) -> None:
        """Write the database file anew where its bytes need that: free space then holds nothing of former rows."""
        with translate_errors():
            needs = needed(self._database.path)
        if needs:
            self._database.rewrite()

    @contextmanager
    def writing_existing(self) -> Iterator[WriteTransaction]:
        """Like `writing`, but raise `UnknownIdentity` instead of creating a gallery."""
        self._require(UnknownIdentity("Nobody is enrolled yet. Enroll somebody first."))
        with self.writing() as write:
            yield write

    @contextmanager
    def writing_history(self) -> Iterator[WriteTransaction]:
        """Like `writing`, but raise `UndoRefused` instead of creating a gallery."""
        self._require(UndoRefused("There is nothing to undo."))
        with self.writing() as write:
            yield write

    def _require(self, absent: BiometricError) -> None:
        """Raise the error where there is no gallery yet."""
        with self.reading() as db:
            if db is None:
                raise absent

    def _recover(self) -> None:
        # No waiting: a lock that is taken has a running holder, and every holder sweeps first.
        with suppress(GalleryError), self._database.writing(busy_seconds=0) as db:
            self._sweep(db)
            # A process killed early leaves a journal that SQLite ignores but keeps. It holds old pages, so old
            # biometric data; any write replaces it and the commit deletes it.
            db.execute("UPDATE gallery SET id = id")

    def _sweep(self, db: Database) -> None:
        """Finish what killed processes left half-done. Only with the write lock held."""
        self.files.sweep(partial(reference_rows.known_crops, db))
        derivative_files.delete_marked(db)
