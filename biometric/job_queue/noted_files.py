"""Digests of files that were read once, so that a folder of thousands need not be read again at each start."""

from collections.abc import Iterable

from biometric.job_queue.queue_database import QueueDatabase


class NotedFiles:
    """The part of a queue that notes digests."""

    def __init__(self, database: QueueDatabase) -> None:
        self._database = database

    def known_digest(self, path: str, size: int, changed_ns: int) -> str | None:
        """Return the digest that was noted for a file of this size and time of change; None without."""
        with self._database.reading() as db:
            sql = "SELECT digest FROM files WHERE path = ? AND size = ? AND changed_ns = ?"
            row = None if db is None else db.execute(sql, [path, size, changed_ns]).fetchone()
            return None if row is None else str(row[0])

    def note_digest(self, path: str, size: int, changed_ns: int, digest: str) -> None:
        """Note a file's digest, so that it need not be read again."""
        with self._database.writing() as db:
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", [path, size, changed_ns, digest])

    def forget_files(self, paths: Iterable[str]) -> None:
        """Forget digests of files that are gone."""
        with self._database.writing() as db:
            db.executemany("DELETE FROM files WHERE path = ?", [[path] for path in paths])
