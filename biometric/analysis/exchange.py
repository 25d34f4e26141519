"""What a worker and the process that analyses its clips say to each other."""

from dataclasses import dataclass

from biometric.entities.clip_jobs import ClipJob, JobFailure, JobResult


@dataclass(frozen=True, slots=True)
class Begin:
    """Worker → process: analyse this clip."""

    job: ClipJob


@dataclass(frozen=True, slots=True)
class Stop:
    """Worker → process: leave the clip of this job alone."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Process → worker: it takes clips."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """Process → worker: it is one step farther with its clip, so it does not hang."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Process → worker: it is done with a clip.

    Attributes:
        result: what it left; None where it failed or was stopped.
        failure: why it failed.
        unusable: no clip can be analysed by this process.
    """

    result: JobResult | None = None
    failure: JobFailure | None = None
    unusable: bool = False
