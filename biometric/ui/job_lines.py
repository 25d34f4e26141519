"""What runs and waits in a workspace, in words: one line a job, and the summary of all."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from biometric.entities import Progress
from biometric.messages.durations import describe_place, describe_progress, short_time_left
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _
from biometric.ui.batch_queue import ClipState
from biometric.ui.jobs import Job
from biometric.ui.session import BATCH_JOB, FILES_JOB, HIDING_JOB, MODELS_JOB, TABS, Session
from biometric.ui.turns import Place

STARTING = N_("Starting")
TITLES = {
    "enrollment": N_("Enrollment: look at the people in {clip}"),
    "verification": N_("Verification: look at the people in {clip}"),
    "identification": N_("Identification: look at the people in {clip}"),
    FILES_JOB: N_("Write the files of {clip}"),
    HIDING_JOB: N_("Hide strangers in {clip}"),
    "calibration": N_("Calibration"),
    MODELS_JOB: N_("Get better models"),
}
"""What each job does, by its name."""
OPENING = N_("Open a clip")
CANCELLED = {
    FILES_JOB: N_("Cancelled. The answer stands; its files were not written."),
    HIDING_JOB: N_("Cancelled. The answer stands; no clip was written."),
    "calibration": N_("Cancelled. The former thresholds stay."),
}
"""What its tab says after a job was cancelled, where that is not the usual sentence."""
CANCELLED_USUALLY = N_("Cancelled. Nothing was stored.")


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job in words.

    Attributes:
        name: its name in the workspace.
        tab: id of the tab that shows it.
        title: what it does.
        detail: how far it is, or its place in line.
        share: how much of the current stage is done, in percent, None where that is unknown.
        seconds_left: until the end of the current stage, None while it waits and where that is unknown.
    """

    name: str
    tab: str
    title: str
    detail: str
    share: int | None = None
    seconds_left: float | None = None


def job_lines(session: Session) -> list[JobLine]:
    """Return a line for each job that runs or waits, in the order in which they were begun."""
    return [_line(session, name, job) for name, job in session.jobs.running().items()]


def summary(lines: Sequence[JobLine]) -> str:
    """Return "1 job · 0:21 left": how many there are, and when the last of those whose end is known ends."""
    text = ngettext("{count} job", "{count} jobs", len(lines)).format(count=len(lines))
    known = [line.seconds_left for line in lines if line.seconds_left is not None]
    if known:
        return f"{text} · {short_time_left(max(known))}"
    return f"{text} · {lines[0].detail}" if len(lines) == 1 and lines[0].share is None else text


def after_cancel(name: str) -> str:
    """Return what a job's tab says after it was cancelled."""
    return _(CANCELLED.get(name, CANCELLED_USUALLY))


def _line(session: Session, name: str, job: Job) -> JobLine:
    tab = name.split("-")[0]
    title = _(TITLES.get(name, OPENING))
    if tab in TABS:
        title = title.format(clip=session.footage(tab).label)
    place, progress = job.place, job.progress
    if name == BATCH_JOB:
        return _batch_line(session, place, progress)
    left = None if place is not None or progress is None else progress.seconds_left
    return JobLine(name, tab, title, how_far(place, progress), share(progress), left)


def _batch_line(session: Session, place: Place | None, progress: Progress | None) -> JobLine:
    """Return the line of several clips: which one is looked at, and when the last one is done."""
    clips = session.batch.clips
    number = next((number for number, clip in enumerate(clips, 1) if clip.state is ClipState.RUNNING), len(clips))
    title = _("Several clips: {number} of {total}").format(number=number, total=len(clips))
    left = session.batch.seconds_until(None, None if progress is None else progress.seconds_left)
    if progress is not None:
        progress = dataclasses.replace(progress, seconds_left=left)  # of all clips, not of the one that is looked at
    return JobLine(BATCH_JOB, "library", title, how_far(place, progress), share(progress), left)


def how_far(place: Place | None, progress: Progress | None) -> str:
    """Return how far a job is, or its place in line."""
    if place is not None:
        return describe_place(place.number, place.seconds)
    return _(STARTING) if progress is None else describe_progress(progress)


def share(progress: Progress | None) -> int | None:
    """Return how much of a stage is done, in percent, None where that is unknown."""
    if progress is None or not progress.total:
        return None
    return min(100, round(100 * progress.done / progress.total))
