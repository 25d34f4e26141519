"""The queue of several clips and the table over all of them, as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from biometric.messages.durations import describe_place
from biometric.messages.person_sentences import describe_times
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _
from biometric.results.occurrences import (
    AnsweredClip,
    Occurrence,
    PersonOccurrences,
    occurrences_csv,
    occurrences_table,
)
from biometric.ui import templating
from biometric.ui.batch_queue import AGAIN, UNFINISHED, ClipState, QueuedClip
from biometric.ui.batch_records import CutOffQueue
from biometric.ui.job_lines import how_far, share
from biometric.ui.jobs import Job
from biometric.ui.session import BATCH_JOB, Session
from biometric.ui.text_format import count, day_and_time

STATES = {
    ClipState.WAITING: N_("waiting"),
    ClipState.RUNNING: N_("running"),
    ClipState.DONE: N_("done"),
    ClipState.FAILED: N_("failed"),
    ClipState.CANCELLED: N_("cancelled"),
}
MOODS = {ClipState.DONE: "good", ClipState.FAILED: "bad"}
NAMES_SHOWN = 4
"""Most names that a line of the queue lists."""


@dataclass(frozen=True, slots=True)
class ClipLine:
    """One clip of the queue in words; `share` in percent, None where there is none to show."""

    key: str
    label: str
    camera: str
    state: str
    mood: str
    detail: str
    share: int | None
    can_cancel: bool
    can_retry: bool
    open: str


@dataclass(frozen=True, slots=True)
class OccurrenceLine:
    """One person in one clip; `open` is "clip id/answer id", "" where the clip is not kept; `seek` in seconds."""

    text: str
    open: str
    seek: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A row of the table over all clips."""

    key: str
    name: str
    clips: str
    first: str
    last: str
    occurrences: tuple[OccurrenceLine, ...]


def queue_html(session: Session, names: Mapping[str, str], cut_off: Sequence[CutOffQueue]) -> str:
    """Return the queue of a workspace and its table; "" where there is neither, nor a queue that was cut off.

    Args:
        names: names that people have now, by identity id.
        cut_off: queues of a former server that were not finished.
    """
    clips = session.batch.clips
    if not clips and not cut_off:
        return ""
    rows = answered(clips, names)
    return templating.render(
        "batch.html",
        lines=_lines(session, clips, names),
        active=session.batch.is_active,
        summary=_summary(clips),
        people=[_person(row, clips) for row in rows],
        csv="data:text/csv;charset=utf-8," + quote(occurrences_csv(rows)) if rows else "",
        cut_off=[_cut_off(queue) for queue in cut_off],
    )


def answered(clips: Sequence[QueuedClip], names: Mapping[str, str]) -> list[PersonOccurrences]:
    """Return the table over all clips that are done."""
    done = [
        AnsweredClip(clip.key, clip.label, clip.recorded_at, clip.people)
        for clip in clips
        if clip.state is ClipState.DONE
    ]
    return occurrences_table(done, names)


def _summary(clips: Sequence[QueuedClip]) -> str:
    """Return "2 of 3 clips are done, 1 failed"."""
    done = sum(clip.state is ClipState.DONE for clip in clips)
    failed = sum(clip.state is ClipState.FAILED for clip in clips)
    text = ngettext("{done} of {total} clip is done", "{done} of {total} clips are done", len(clips))
    text = text.format(done=done, total=len(clips))
    return text + (_(", {failed} failed").format(failed=failed) if failed else "")


def _lines(session: Session, clips: Sequence[QueuedClip], names: Mapping[str, str]) -> list[ClipLine]:
    job = session.jobs.get(BATCH_JOB)
    left = None if job is None or job.progress is None else job.progress.seconds_left
    # The clip whose turn it is may itself wait for other jobs; those after it then wait longer.
    place = None if job is None else job.place
    lines, waiting = [], 0 if place is None else place.number
    for clip in clips:
        waiting += clip.state is ClipState.WAITING
        detail = clip.problem
        if clip.state is ClipState.RUNNING:
            detail = how_far(place, None if job is None else job.progress)
        elif clip.state is ClipState.WAITING:
            detail = describe_place(waiting, session.batch.seconds_until(clip, left))
        elif clip.state is ClipState.DONE:
            detail = " ".join(filter(None, [_who(clip, names), clip.problem]))
        state = ClipState.WAITING if clip.state is ClipState.RUNNING and place is not None else clip.state
        lines.append(_line(clip, state, detail, job))
    return lines


def _line(clip: QueuedClip, state: ClipState, detail: str, job: Job | None) -> ClipLine:
    return ClipLine(
        clip.key,
        clip.label,
        clip.camera or "",
        _(STATES[state]),
        MOODS.get(state, "unsure"),
        detail,
        share(job.progress) if state is ClipState.RUNNING and job is not None else None,
        can_cancel=clip.state in UNFINISHED,
        can_retry=clip.state in AGAIN,
        open=_open(clip),
    )


def _who(clip: QueuedClip, names: Mapping[str, str]) -> str:
    """Return "Ada, Ben, 2 unknown"."""
    found = list(dict.fromkeys(names.get(person.identity_id or "", "") for person in clip.people if person.found))
    shown = [name for name in found if name]
    parts = shown[:NAMES_SHOWN]
    if len(shown) > NAMES_SHOWN:
        parts.append(_("{number} more").format(number=len(shown) - NAMES_SHOWN))
    unknown = sum(not person.found for person in clip.people)
    if unknown:
        parts.append(_("{number} unknown").format(number=unknown))
    return ", ".join(parts) or _("nobody seen")


def _person(row: PersonOccurrences, clips: Sequence[QueuedClip]) -> PersonLine:
    name = row.name
    if row.identity_id is None:
        name = _("Unknown ({number})").format(number=len(row.occurrences))
    by_key = {clip.key: clip for clip in clips}
    return PersonLine(
        row.identity_id or "unknown",
        name or _("erased"),
        count(row.clip_count, "clip"),
        row.first_words(),
        row.last_words(),
        tuple(_occurrence(occurrence, by_key[occurrence.clip.key]) for occurrence in row.occurrences),
    )


def _occurrence(occurrence: Occurrence, clip: QueuedClip) -> OccurrenceLine:
    person = occurrence.person
    text = _("{clip}, {time}").format(clip=occurrence.clip.label, time=describe_times(person.times))
    if not person.found:
        text = _("Person {number}, {where}").format(number=person.person, where=text)
    return OccurrenceLine(text, _open(clip), f"{person.first_seconds:.3f}")


def _open(clip: QueuedClip) -> str:
    return "" if clip.kept is None or clip.state is not ClipState.DONE else f"{clip.kept.clip_id}/{clip.kept.id}"


def _cut_off(queue: CutOffQueue) -> dict[str, str]:
    missing = ", ".join(queue.missing[:10]) + (" …" if len(queue.missing) > 10 else "")
    text = ngettext(
        "{missing} of {total} clip of a list of {day} was not done, because the server ended: {names}.",
        "{missing} of {total} clips of a list of {day} were not done, because the server ended: {names}.",
        queue.total,
    )
    day = day_and_time(queue.begun)
    return {
        "key": queue.key,
        "text": text.format(missing=len(queue.missing), total=queue.total, day=day, names=missing),
    }
