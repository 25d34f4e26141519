"""The library's one write path and its read path: transactions that cover rows and files together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from biometric.errors import KeptFootageError, StorageFull, UnknownClip
from biometric.errors.phrases import Phrase
from biometric.footage_store import library_rows as rows
from biometric.footage_store.clip_files import ClipFiles
from biometric.footage_store.library_database import LibraryDatabase
from biometric.storage import remove_leftovers

Clock = Callable[[], datetime]
"""Tells the time, with its zone."""

GONE = Phrase("This clip is no longer in the library.")


class LibraryTransactions:
    """Database and files of one library folder; nothing that is expired is seen through it.

    Args:
        folder: the library's folder.
        kept: how long a clip is kept after its latest answer.
        busy_seconds: how long to wait for another process that is writing.
        clock: tells the time.
    """

    def __init__(self, folder: Path, kept: timedelta, busy_seconds: float, clock: Clock) -> None:
        self.files = ClipFiles(folder)
        self._folder = folder
        self._kept = kept
        self._clock = clock
        self._database = LibraryDatabase(folder, busy_seconds)
        self._swept = False

    def now(self) -> str:
        """Return the time as it is stored."""
        return _stored(self._clock())

    def since(self) -> str:
        """Return when a clip must have been used after, to be kept."""
        return _stored(self._clock() - self._kept)

    def expiry(self, used_at: str) -> str:
        """Return when a clip that was used then is removed."""
        return _stored(datetime.fromisoformat(used_at) + self._kept)

    @contextmanager
    def reading(self) -> Iterator[Database | None]:
        """Yield a snapshot, or None without a library. Before the first, and where clips are expired, it is swept."""
        sql = "SELECT EXISTS (SELECT 1 FROM clips WHERE used_at <= ?) AS expired"
        with self._database.reading() as db:
            if db is None or (self._swept and not rows.query(db, sql, [self.since()])[0]["expired"]):
                yield db
                return
        self._swept = True
        remove_leftovers(self._folder)
        self.try_sweeping()  # what is expired is in no answer even where it cannot be deleted now
        with self._database.reading() as db:
            yield db

    @contextmanager
    def writing(self, busy_seconds: float | None = None) -> Iterator[tuple[Database, list[str]]]:
        """Hold the write lock; yield the database and a list for the ids of clips that are deleted in it.

        Before, what is expired is deleted, and files that killed processes left; after the commit, files of clips that
        were deleted.
        """
        removed: list[str] = []
        with self._database.writing(busy_seconds) as db:
            self.files.sweep(rows.observations_by_clip(db))
            removed += rows.delete_unused(db, self.since())
            yield db, removed
        for clip_id in removed:
            self.files.discard_clip(clip_id)

    @contextmanager
    def writing_existing(self) -> Iterator[tuple[Database, list[str]]]:
        """Like `writing`, but raise `UnknownClip` instead of creating a library."""
        with self.reading() as existing:
            if existing is None:
                raise UnknownClip(GONE)
        with self.writing() as write:
            yield write

    def sweep(self, max_bytes: int) -> int:
        """Delete what is expired or beyond a size, and what killed processes left; return how many clips."""
        with self._database.reading() as existing:
            if existing is None:
                return 0
        remove_leftovers(self._folder)
        with self.writing() as (db, removed):
            removed += rows.make_room(db, 0, max_bytes, None)
            return len(removed)

    def try_sweeping(self) -> None:
        """Delete what is expired and what killed processes left, where the lock is free."""
        # No waiting: a lock that is taken has a running holder, and every holder sweeps first.
        with suppress(KeptFootageError, StorageFull), self.writing(busy_seconds=0) as (db, _):
            # A process killed early may leave a journal that SQLite ignores but keeps: a write deletes it.
            db.execute("UPDATE library SET id = id")


def _stored(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
