"""Which workers have ended or hang, without comparing the clocks of two processes."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from biometric.entities.clip_jobs import WorkerRow
from biometric.storage.claims import is_held


class SilentWorkers:
    """Watches the signs of life of workers.

    Args:
        folder: where their lock files lie.
        clock: tells seconds that only rise.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def lock_file(self, worker_id: str) -> Path:
        """Return the file that a worker's process holds a lock on as long as it lives."""
        return self._folder / f"worker-{worker_id}.lock"

    def among(self, workers: Sequence[WorkerRow], seconds: float) -> list[WorkerRow]:
        """Return those whose process has ended, and those that gave no sign of life while this watched for so long."""
        now = self._clock()
        with self._lock:
            former, self._seen = self._seen, {}
            for worker in workers:
                beats, since = former.get(worker.id, (worker.beats, now))
                self._seen[worker.id] = (beats, since) if beats == worker.beats else (worker.beats, now)
            hanging = {worker_id for worker_id, (_, since) in self._seen.items() if now - since >= seconds}
        return [worker for worker in workers if worker.id in hanging or self._has_ended(worker)]

    def _has_ended(self, worker: WorkerRow) -> bool:
        try:
            return not is_held(self.lock_file(worker.id))
        except (OSError, NotImplementedError):
            return False  # a file system without locks: its signs of life tell
