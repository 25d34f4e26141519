"""Jobs: clips that are to be analysed by whichever worker is free, and what became of them.

A job carries the path of a clip and how it is to be analysed, never a picture. What was seen in a clip is kept in the
library; a job says how many people it was, and nothing that was measured of them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from biometric.entities.names import clean_camera
from biometric.errors import InvalidFrameRange, InvalidInput


class JobState(StrEnum):
    """What has become of a job. The values stand in the queue and in JSON."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """How a clip is to be analysed.

    Attributes:
        first, last: frames, 0-based and inclusive; None: from the start, to the end.
        thorough: people are looked for in each analysed frame.
        accept_damaged: a clip that cannot be read to its end is analysed as far as it can be read.
        camera: which one it is from, "" for the unknown one; None: as the library or the file says.

    Raises:
        InvalidFrameRange: a frame below 0, or the first after the last.
        InvalidCamera: a name that cannot be used.
    """

    first: int | None = None
    last: int | None = None
    thorough: bool = False
    accept_damaged: bool = False
    camera: str | None = None

    def __post_init__(self) -> None:
        first, last = self.first or 0, self.last
        if first < 0 or (last is not None and last < first):
            raise InvalidFrameRange(
                "Frames are counted from 0, and the first must not be after the last, got {first} to {last}.",
                first=first,
                last=last,
            )
        if self.camera is not None:
            object.__setattr__(self, "camera", clean_camera(self.camera))


@dataclass(frozen=True, slots=True)
class NewClipJob:
    """A clip that is to be analysed.

    Attributes:
        root: name of the folder of `SIGHTLINE_ANALYSIS_ROOTS` that `path` is relative to; "": `path` is absolute.
        path: of the clip, with slashes.
        digest: SHA-256 of the file, hexadecimal.
        needs: the models and settings that it is to be analysed with, as a text that equals that of fitting workers.
        asked_by: the name of whoever asked for it.
    """

    root: str
    path: str
    digest: str
    request: AnalysisRequest
    needs: str
    asked_by: str = ""

    @property
    def key(self) -> str:
        """What is the same for the same clip, wherever it lies, analysed in the same way (SHA-256, hexadecimal)."""
        parts = {"digest": self.digest, "needs": self.needs, **asdict(self.request)}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JobResult:
    """What an analysed clip left.

    Attributes:
        people: how many were seen.
        identified: how many of them are somebody of the gallery.
        frames: how many frames the range has.
        footage_seconds, work_seconds: how long it is, and how long analysing took.
        clip_id, answer_id: where the library keeps it.
    """

    people: int
    identified: int
    frames: int
    footage_seconds: float
    work_seconds: float
    clip_id: str
    answer_id: str

    def __post_init__(self) -> None:
        if not 0 <= self.identified <= self.people:
            raise InvalidInput(
                "Expected from 0 to {people} identified people, got {identified}.",
                people=self.people,
                identified=self.identified,
            )


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why an attempt failed.

    Attributes:
        kind: name of the error's class; "Crashed" where the process that analysed the clip ended.
        words: a sentence for people, in the language of the worker.
        lasting: another attempt would end in the same way.
    """

    kind: str
    words: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class ClipJob:
    """A job as it is in the queue.

    Attributes:
        id: number from 1.
        attempts: how often a worker has begun it in this run.
        run: how often it was asked for anew after it had ended, from 1.
        worker: id of the worker that runs it, "" without.
        cancelling: its worker is to stop.
        changed: rises whenever a job of the queue changes; two changes never have the same number.
        created_at, started_at, ended_at: seconds since 1970 by the queue's clock; None while it is not so.
        failure: of the latest attempt; None where none failed.
    """

    id: int
    new: NewClipJob
    state: JobState
    attempts: int
    run: int
    worker: str
    cancelling: bool
    changed: int
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    failure: JobFailure | None = None
    result: JobResult | None = None

    @property
    def answer_id(self) -> str:
        """The id of this run's answer in the library: the same whoever gives it, so that none is kept twice."""
        return hashlib.sha256(f"{self.new.key} {self.run}".encode()).hexdigest()[:32]

    @property
    def shown_path(self) -> str:
        """The clip's path as people are shown it."""
        return f"{self.new.root}/{self.new.path}" if self.new.root else self.new.path


@dataclass(frozen=True, slots=True)
class JobSearch:
    """Which jobs are wanted, newest first.

    Attributes:
        states: of these states; none: of all.
        text: a part of the path.
    """

    states: tuple[JobState, ...] = ()
    text: str = ""
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs are in each state, and how many of those that wait need what."""

    by_state: Mapping[JobState, int] = field(default_factory=dict)
    waiting_by_needs: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, state: JobState) -> int:
        return self.by_state.get(state, 0)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker that the queue knows.

    Attributes:
        needs: the models and settings that it has.
        place: its machine and process, for people.
        beats: how many signs of life it has given.
        beat_at: when it gave the latest, seconds since 1970 by its own machine's clock; only shown, never compared.
    """

    id: str
    needs: str
    place: str
    beats: int
    beat_at: float


def job_json(job: ClipJob) -> dict[str, Any]:
    """Return a job as commands and the API give it."""
    return {
        "id": job.id,
        "clip": job.shown_path,
        "state": job.state.value,
        "digest": job.new.digest,
        **asdict(job.new.request),
        "needs": job.new.needs,
        "asked_by": job.new.asked_by,
        "attempts": job.attempts,
        "run": job.run,
        "created_at": iso_time(job.created_at),
        "started_at": iso_time(job.started_at),
        "ended_at": iso_time(job.ended_at),
        "error": None if job.failure is None else {"kind": job.failure.kind, "message": job.failure.words},
        "result": None if job.result is None else asdict(job.result),
    }


def iso_time(seconds: float | None) -> str | None:
    """Return seconds since 1970 as ISO 8601 in UTC; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
