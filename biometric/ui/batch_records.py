"""Notes on disk of queues that are not finished, so that a restarted server can say what was not done."""

import contextlib
import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from biometric.storage import file_lock, remove_quietly, write_atomically
from biometric.ui.batch_queue import UNFINISHED, QueuedClip

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CutOffQueue:
    """A queue of a server that ended before it was through.

    Attributes:
        begun: ISO 8601, UTC.
        missing: names of the clips that were not done.
        total: how many clips there were.
    """

    key: str
    begun: str
    missing: tuple[str, ...]
    total: int


class BatchRecords:
    """The notes of all queues of this process, and those that former ones left.

    A process that runs holds the lock `.TOKEN.lock` of its notes `TOKEN-N.json`. Where the folder cannot be written,
    nothing is noted, and the queue runs all the same.

    Args:
        folder: made when the first note is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._token = secrets.token_hex(8)
        self._claim = contextlib.ExitStack()
        self._claimed = False

    def note(self, number: int, begun: str, clips: Sequence[QueuedClip]) -> None:
        """Write how far a queue is; its note goes when nothing runs or waits."""
        path = self._folder / f"{self._token}-{number}.json"
        if not any(clip.state in UNFINISHED for clip in clips):
            remove_quietly(path)
            return
        missing = [clip.label for clip in clips if clip.state in UNFINISHED]
        content = {"begun": begun, "missing": missing, "total": len(clips)}
        try:
            self._claim_once()
            write_atomically(path, json.dumps(content, ensure_ascii=False).encode())
        except OSError as error:
            logger.warning("how far a queue of clips is could not be noted: %s", error)

    def cut_off(self) -> list[CutOffQueue]:
        """Return the queues that former servers left, the latest first."""
        found = []
        for path in self._folder.glob("*-*.json"):
            token = path.name.split("-")[0]
            if token != self._token and self._is_left(token):
                queue = _read(path)
                if queue is not None:
                    found.append(queue)
        return sorted(found, key=lambda queue: queue.begun, reverse=True)

    def forget(self, key: str) -> None:
        """Remove the note of a queue that was cut off, by its key."""
        if key in {queue.key for queue in self.cut_off()}:
            remove_quietly(self._folder / f"{key}.json")

    def close(self) -> None:
        """Let go of the notes: what they say is not done stays not done."""
        self._claim.close()

    def _claim_once(self) -> None:
        if not self._claimed:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim.enter_context(file_lock(self._folder / f".{self._token}.lock", 0, keep=False))
            self._claimed = True

    def _is_left(self, token: str) -> bool:
        """Whether the process of these notes has ended."""
        try:
            with file_lock(self._folder / f".{token}.lock", 0, keep=False):
                return True
        except (OSError, TimeoutError):
            return False


def now() -> str:
    """Return the present moment as notes have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> CutOffQueue | None:
    """Return what a note says, None where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        missing = tuple(str(label) for label in content["missing"])
        return CutOffQueue(path.stem, str(content["begun"]), missing, int(content["total"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
