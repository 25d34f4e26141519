"""The queue of several clips of one workspace: what waits, runs, is done, has failed. Safe for several threads."""

import secrets
import statistics
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from biometric.entities import AnsweredPerson, KeptAnswer
from biometric.errors import InvalidInput

MOST_CLIPS = 500
"""Most clips of one queue."""


class ClipState(StrEnum):
    """How far a clip of the queue is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (ClipState.WAITING, ClipState.RUNNING)
AGAIN = (ClipState.FAILED, ClipState.CANCELLED)
"""States of clips that may be tried again."""


@dataclass(slots=True, eq=False)
class QueuedClip:
    """One clip of a queue.

    Attributes:
        label: its name for people.
        path: the file.
        uploaded: it is the workspace's own file; else it lies in a folder of this machine.
        camera: which one it is from; None: as the library or the file says.
        thorough: every frame is looked at.
        problem: why it failed, or what went wrong beside its answer, as a sentence.
        people: who was identified.
        recorded_at: as of `VideoInfo`.
        kept: the answer in the library, None where it is not kept.
        seconds: how long the work on it took.
        attempt: how often it was begun.
    """

    label: str
    path: Path
    uploaded: bool
    camera: str | None = None
    thorough: bool = False
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    state: ClipState = ClipState.WAITING
    problem: str = ""
    people: tuple[AnsweredPerson, ...] = ()
    recorded_at: str | None = None
    kept: KeptAnswer | None = None
    seconds: float | None = None
    attempt: int = 0


class BatchQueue:
    """The queue; at most one of its clips runs.

    Attributes:
        changed: called after each change, with the clips as they are; not while the lock is held.
        changes: how many there were.
        drawn: how a queue in which nothing runs was drawn last, and from what.
    """

    def __init__(self) -> None:
        self._clips: list[QueuedClip] = []
        self._closed = False
        self._lock = threading.RLock()
        self.changed: Callable[[], object] = lambda: None
        self.changes = 0
        self.drawn: tuple[object, str] = (None, "")

    @property
    def clips(self) -> list[QueuedClip]:
        """All clips, in their order."""
        with self._lock:
            return list(self._clips)

    @property
    def current(self) -> QueuedClip | None:
        """The clip that runs."""
        return next((clip for clip in self.clips if clip.state is ClipState.RUNNING), None)

    @property
    def is_active(self) -> bool:
        """Whether a clip runs or waits."""
        return any(clip.state in UNFINISHED for clip in self.clips)

    def add(self, clips: Iterable[QueuedClip]) -> None:
        """Append clips. Raises `InvalidInput`: the queue would be too long."""
        added = list(clips)
        with self._lock:
            if len(self._clips) + len(added) > MOST_CLIPS:
                raise InvalidInput(
                    "The list takes at most {number} clips. Clear what ended, or choose fewer clips.", number=MOST_CLIPS
                )
            self._clips += added
        self._tell()

    def take_next(self) -> QueuedClip | None:
        """Return the next waiting clip, which runs from now on; None where there is none or one runs already."""
        with self._lock:
            if self._closed or self.current is not None:
                return None
            clip = next((clip for clip in self._clips if clip.state is ClipState.WAITING), None)
            if clip is not None:
                clip.state = ClipState.RUNNING
                clip.attempt += 1
            return clip

    def finish(self, clip: QueuedClip, attempt: int, state: ClipState, problem: str = "") -> None:
        """Note how an attempt at a clip ended; one that was cancelled meanwhile, or begun anew, stays so."""
        with self._lock:
            if clip.state is ClipState.RUNNING and clip.attempt == attempt:
                clip.state, clip.problem = state, problem
        self._tell()

    def cancel(self, key: str | None = None) -> bool:
        """Cancel a clip, or with None all that run or wait; True when the one that runs is among them."""
        with self._lock:
            chosen = [clip for clip in self._clips if clip.state in UNFINISHED and key in (None, clip.key)]
            was_running = any(clip.state is ClipState.RUNNING for clip in chosen)
            for clip in chosen:
                clip.state, clip.problem = ClipState.CANCELLED, ""
        self._tell()
        return was_running

    def retry(self, key: str) -> None:
        """Let a clip wait again that failed or was cancelled."""
        with self._lock:
            for clip in self._clips:
                if clip.key == key and clip.state in AGAIN:
                    clip.state, clip.problem = ClipState.WAITING, ""
        self._tell()

    def clear(self) -> list[QueuedClip]:
        """Take out all clips that neither run nor wait, and return them."""
        with self._lock:
            ended = [clip for clip in self._clips if clip.state not in UNFINISHED]
            self._clips = [clip for clip in self._clips if clip.state in UNFINISHED]
        self._tell()
        return ended

    def typical_seconds(self) -> float | None:
        """Return how long a clip of this queue takes, by those that are done; None before one is."""
        took = [clip.seconds for clip in self.clips if clip.seconds is not None]
        return statistics.median(took) if took else None

    def seconds_until(self, clip: QueuedClip | None, current_left: float | None) -> float | None:
        """Return when a waiting clip begins, or with None when the last one ends; None while that is unknown.

        Args:
            current_left: how long the clip that runs still takes.
        """
        clips = self.clips
        ahead = clips if clip is None or clip not in clips else clips[: clips.index(clip)]
        waiting = sum(other.state is ClipState.WAITING for other in ahead)
        runs = any(other.state is ClipState.RUNNING for other in ahead)
        typical = self.typical_seconds()
        if (runs and current_left is None) or (waiting and typical is None):
            return None
        return (current_left or 0.0) * runs + waiting * (typical or 0.0)

    def _tell(self) -> None:
        self.changes += 1
        self.changed()

    def close(self) -> None:
        """Begin no other clip: the workspace ends. What was not done stays noted as such."""
        with self._lock:
            self._closed = True
