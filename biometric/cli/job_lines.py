"""Jobs as lines for people."""

from biometric.entities.clip_jobs import ClipJob, JobState
from biometric.errors import BiometricError
from biometric.messages.answer_sentences import describe_answer
from biometric.messages.counted import counted
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.service import Sightline

STATE_NAMES = {
    JobState.WAITING: N_("waits"),
    JobState.RUNNING: N_("is being analysed"),
    JobState.DONE: N_("done"),
    JobState.FAILED: N_("failed"),
    JobState.CANCELLED: N_("cancelled"),
}


class JobNames:
    """Looks up what answers in the library say, with the names that people have now."""

    def __init__(self, service: Sightline) -> None:
        self._library = service.library
        self._names: dict[str, str] | None = None

    def outcome(self, job: ClipJob) -> str:
        """Return "Identified 3 people: Ada, 2 unknown", or how many people there were where that is not kept."""
        if job.result is None:
            return ""
        try:
            if self._names is None:
                self._names = self._library.names()
            return describe_answer(self._library.answer(job.result.clip_id, job.result.answer_id), self._names)
        except BiometricError:  # its time in the library is over
            return counted(job.result.people, "person")


def job_line(job: ClipJob, names: JobNames) -> str:
    """Return "visits/a.mp4: Identified 3 people: Ada, 2 unknown", or why there is no answer."""
    if job.state is JobState.DONE:
        return f"{job.shown_path}: {names.outcome(job)}"
    words = _(STATE_NAMES[job.state]) if job.failure is None or not job.state.is_final else job.failure.words
    return f"{job.shown_path}: {words}"
