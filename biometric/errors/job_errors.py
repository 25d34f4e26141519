"""The queue of clips to analyse cannot do what was asked."""

from biometric.errors.input_errors import InvalidInput
from biometric.errors.root_error import BiometricError


class UnknownJob(InvalidInput):
    """There is no such job in the queue."""


class JobStateRefused(InvalidInput):
    """A job is in a state in which this cannot be done with it."""


class JobQueueError(BiometricError):
    """The queue of clips to analyse cannot do what was asked."""


class JobQueueCorrupt(JobQueueError):
    """The queue's database is damaged, of a newer version, or another program's."""


class JobQueueBusy(JobQueueError):
    """Another process held the queue for too long."""


class JobLost(JobQueueError):
    """The job is not this worker's any more: it was silent for too long, and another one took the job over."""


class WorkersFailed(JobQueueError):
    """No worker can go on, for a reason that has nothing to do with a clip."""
