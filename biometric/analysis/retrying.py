"""Which errors may be gone at the next attempt, and which have nothing to do with the clip."""

from dataclasses import dataclass

from biometric import errors
from biometric.entities.clip_jobs import JobFailure
from biometric.errors import BiometricError
from biometric.messages import describe_error

MACHINE_FAULTS: tuple[type[BiometricError], ...] = (
    errors.WeightsMissing,
    errors.WeightsCorrupt,
    errors.UnsupportedModel,
    errors.ModelLibraryMissing,
    errors.ModelMismatch,
    errors.GalleryCorrupt,
    errors.GalleryUnavailable,
    errors.KeptFootageCorrupt,
    errors.KeptFootageUnavailable,
    errors.InvalidSetting,
    errors.WorkersFailed,
)
"""With these no clip can be analysed here: the worker ends, and its job is left to others."""

FLEETING: tuple[type[BiometricError], ...] = (
    errors.ClipNotFound,  # a folder of another machine may come back
    errors.PathRefused,
    errors.StorageFull,
    errors.DeviceFailed,
    errors.GalleryError,
    errors.KeptFootageError,
    errors.JobQueueError,
)
"""Another attempt may succeed. All others of ours tell what the clip is, or what was asked, and stay as they are."""


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a clip that failed is tried again.

    Attributes:
        attempts: most attempts of one run.
        first_delay: seconds before the second attempt; each later one waits three times as long.
        longest_delay: most seconds between two attempts.
        take_overs: a job that has lost more workers than this fails.
    """

    attempts: int = 3
    first_delay: float = 5.0
    longest_delay: float = 300.0
    take_overs: int = 20

    def delay(self, attempt: int) -> float:
        """Return how many seconds to wait after an attempt, from 1."""
        return float(min(self.longest_delay, self.first_delay * 3.0 ** (attempt - 1)))


def failure_of(error: Exception) -> JobFailure:
    """Return an error as a job keeps it, told in the language of this process."""
    if isinstance(error, BiometricError):
        lasting = not isinstance(error, FLEETING)
        return JobFailure(type(error).__name__, describe_error(error), lasting)
    return JobFailure(type(error).__name__, f"{type(error).__name__}: {error}")


def is_machine_fault(error: Exception) -> bool:
    """Whether no clip can be analysed here."""
    return isinstance(error, MACHINE_FAULTS)
