"""The gallery's one write path and its read path: transactions that cover rows and crop files together."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from biometric.entities.audit import AuditEvent, AuditHead
from biometric.errors import BiometricError, GalleryError, UndoRefused, UnknownIdentity
from biometric.gallery import calibration_rows, cohort_rows, derivative_files, journal, stored_crops
from biometric.gallery.audit_log import AuditLog, HeadFolder
from biometric.gallery.database import GalleryDatabase, check_folder, translate_errors
from biometric.gallery.files import GalleryFiles
from biometric.gallery.migrations import migrate
from biometric.gallery.protection import DATABASE_NAME, GalleryProtection
from biometric.gallery.records import Clock, stored_time
from biometric.gallery.write_transaction import WriteTransaction

_PATIENCE = 6
"""How many times longer the record of an answer waits than a change, which is quickly made again."""


class GalleryTransactions:
    """Database and crop files of one gallery folder.

    Args:
        protection: of the gallery's folder.
        busy_seconds: how long to wait for another process that is writing.
        trash_time: how long changes can be undone.
        clock: tells the time.
        heads: where heads of the audit trail are written to, None for nowhere.
    """

    def __init__(
        self,
        protection: GalleryProtection,
        busy_seconds: float,
        trash_time: timedelta,
        clock: Clock,
        heads: HeadFolder | None = None,
    ) -> None:
        self.protection = protection
        self.audit = AuditLog(protection, heads)
        self.files = GalleryFiles(protection.folder, protection)
        self._database = GalleryDatabase(protection.folder / DATABASE_NAME, protection, busy_seconds)
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

    def make_encrypted(self) -> None:
        """Lay the keys of a gallery that is to be encrypted and does not exist yet; else do nothing."""
        if self.protection.source is not None:
            self._database.make()

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
                until = stored_time(now + self._trash_time)
                write = WriteTransaction(db, self.files, stored_time(now), until, self.audit)
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
        """Write the database file anew where its bytes need that, or are encrypted: free space holds nothing then."""
        with translate_errors():
            needs = self.protection.is_on() or needed(self._database.path)
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
        self.files.sweep(partial(stored_crops.known_crops, db))
        derivative_files.delete_marked(db)
