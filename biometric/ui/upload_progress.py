"""How much of each upload has arrived, for the page that sent it."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FINISHED_KEPT = 10.0
"""Seconds after the end of an upload in which its page may still ask: a small one ends before it does."""
MOST_FINISHED = 200
"""Most uploads that are remembered after their end."""


@dataclass(slots=True)
class UploadProgress:
    """How much of an upload arrived, of which `told` bytes were told to its page.

    Attributes:
        ended_at: when it was complete or given up, None before.
    """

    name: str = ""
    received: int = 0
    told: int = 0
    ended_at: float | None = None

    @property
    def done(self) -> bool:
        """Whether it was complete or given up."""
        return self.ended_at is not None


class UploadProgresses:
    """Uploads by whose they are and by the word that their page asks with; those that ended a moment ago included.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[tuple[str, str], UploadProgress] = {}
        self._ended: OrderedDict[tuple[str, str], UploadProgress] = OrderedDict()

    def begin(self, sender: str, upload_id: str) -> UploadProgress:
        """Return the progress of an upload that begins; without a word, or with one in use, nobody can ask for it."""
        progress = UploadProgress()
        if upload_id:
            self._running.setdefault((sender, upload_id), progress)
        return progress

    def end(self, sender: str, upload_id: str, progress: UploadProgress) -> None:
        """Note that an upload is complete or given up."""
        progress.ended_at = self._clock()
        key = sender, upload_id
        if self._running.get(key) is progress:
            del self._running[key]
            self._ended[key] = progress
            self._ended.move_to_end(key)
        self._forget()

    def find(self, sender: str, upload_id: str) -> UploadProgress | None:
        """Return the progress of a sender's upload, None where there is no such upload."""
        self._forget()
        key = sender, upload_id
        return self._running.get(key) or self._ended.get(key)

    def __len__(self) -> int:
        return len(self._running) + len(self._ended)

    def _forget(self) -> None:
        """Forget uploads that ended too long ago, and the earliest of too many."""
        before = self._clock() - FINISHED_KEPT
        while self._ended:
            ended_at = next(iter(self._ended.values())).ended_at
            if len(self._ended) <= MOST_FINISHED and ended_at is not None and ended_at > before:
                return
            self._ended.popitem(last=False)
