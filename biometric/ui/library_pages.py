"""Kept clips and the history of answers, as HTML."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from biometric.entities import AnsweredPerson, AnswerKind, ClipOrder, KeptAnswer, KeptClip, KeptUsage
from biometric.entities.names import CAMERA_LIMIT
from biometric.errors import BiometricError
from biometric.messages import clock, describe_error
from biometric.messages.answer_sentences import describe_answer, name_of, unnamed
from biometric.messages.person_sentences import describe_times
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui.library_state import ANSWERS_AT_ONCE, CLIPS_AT_ONCE, LibraryState
from biometric.ui.picture_uris import Pictures
from biometric.ui.templating import render
from biometric.ui.text_format import day_and_time, decimal, short_day, threshold_text

ORDERS = {
    ClipOrder.NEWEST: N_("Last answered"),
    ClipOrder.RECORDED: N_("Date"),
    ClipOrder.NAME: N_("Name"),
    ClipOrder.LONGEST: N_("Length"),
}
KINDS = {
    None: N_("All"),
    AnswerKind.ENROLLMENT: N_("Enrollments"),
    AnswerKind.VERIFICATION: N_("Verifications"),
    AnswerKind.IDENTIFICATION: N_("Identifications"),
}
TABS = {
    AnswerKind.IDENTIFICATION: N_("Identification"),
    AnswerKind.VERIFICATION: N_("Verification"),
    AnswerKind.ENROLLMENT: N_("Enrollment"),
}
"""The tabs in which a clip opens, by the kind of their answers, which is also their id."""


@dataclass(frozen=True, slots=True)
class Chip:
    """Somebody found in a clip, or how many could not be named; `note` says how sure that is."""

    text: str
    note: str
    mood: str


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer in words; `key` is "kind/clip id/answer id", which opens it."""

    key: str
    text: str
    detail: str
    when: str
    clip: str


@dataclass(frozen=True, slots=True)
class ClipRow:
    """One kept clip; `nobody` is what its latest answer said, where it found nobody."""

    id: str
    name: str
    picture: str
    facts: str
    camera: str
    chips: tuple[Chip, ...]
    nobody: str
    kind: str
    open: str
    tab: str
    answers: tuple[AnswerLine, ...]
    until: str
    unfolded: bool


def clips(
    found: Sequence[KeptClip],
    total: int,
    usage: KeptUsage,
    names: Mapping[str, str],
    state: LibraryState,
    pictures: Pictures,
    problem: BiometricError | None,
) -> str:
    """Return one page of kept clips; `total` clips fit the search."""
    return render(
        "library.html",
        rows=[_row(clip, names, state, pictures) for clip in found],
        state=state,
        query=state.query.strip(),
        total=total,
        kept=usage.clips,
        note=usage_note(usage),
        problem="" if problem is None else describe_error(problem),
        orders=[(str(order), _(text), order is state.order) for order, text in ORDERS.items()],
        tabs=[(str(kind), _(text)) for kind, text in TABS.items()],
        camera_limit=CAMERA_LIMIT,
        first=state.page * CLIPS_AT_ONCE,
        last=state.page * CLIPS_AT_ONCE + len(found),
        keeps=usage.days > 0,
    )


def history(answers: Sequence[KeptAnswer], total: int, names: Mapping[str, str], state: LibraryState) -> str:
    """Return one page of the history, the latest first; `total` answers are of the chosen kind."""
    return render(
        "library_history.html",
        lines=[_line(answer, names) for answer in answers],
        state=state,
        total=total,
        kinds=[("" if kind is None else str(kind), _(text), kind is state.kind) for kind, text in KINDS.items()],
        first=state.page * ANSWERS_AT_ONCE,
        last=state.page * ANSWERS_AT_ONCE + len(answers),
    )


def usage_note(usage: KeptUsage) -> str:
    """Return how long footage is kept, how much there is, and which settings say so."""
    if usage.days <= 0:
        return _("Footage is not kept: SIGHTLINE_LIBRARY_DAYS is 0.")
    days = f"{usage.days:g}"
    return _(
        "A clip is kept for {days} days after its latest answer (SIGHTLINE_LIBRARY_DAYS). "
        "{used} of {limit} are used (SIGHTLINE_LIBRARY_MB)."
    ).format(days=days, used=size_text(usage.size), limit=size_text(usage.limit))


def size_text(size: int) -> str:
    """Return "3.2 MB" of a number of bytes."""
    megabytes = size / 1e6
    return f"{decimal(megabytes / 1e3, 1)} GB" if megabytes >= 1000 else f"{decimal(megabytes, 1)} MB"


def found_people(clip: KeptClip) -> list[tuple[AnsweredPerson, KeptAnswer]]:
    """Return who the newest answers of each kind say was found, each identity once, the newest answer first."""
    seen: dict[str, tuple[AnsweredPerson, KeptAnswer]] = {}
    answers = [answer for kind in AnswerKind if (answer := clip.latest_of(kind)) is not None]
    for answer in sorted(answers, key=lambda answer: answer.when, reverse=True):
        for person in answer.people:
            if person.found:
                seen.setdefault(person.identity_id or f"{answer.id}/{person.person}", (person, answer))
    return list(seen.values())


def _row(clip: KeptClip, names: Mapping[str, str], state: LibraryState, pictures: Pictures) -> ClipRow:
    latest = clip.latest
    kind = AnswerKind.IDENTIFICATION if latest is None else latest.kind
    length = _("photograph") if clip.photograph else clock(clip.duration)
    recorded = _("recorded {day}").format(day=recorded_day(clip.recorded_at)) if clip.recorded_at else _("date unknown")
    facts = " · ".join([length, recorded, _("answered {when}").format(when=day_and_time(clip.used_at))])
    unfolded = clip.id == state.unfolded
    return ClipRow(
        id=clip.id,
        name=clip.label,
        picture=pictures.crop(clip.thumbnail, 160),
        facts=facts,
        camera=clip.camera,
        chips=tuple(_chips(clip, names)),
        nobody=_("Nobody was found") if latest is None else describe_answer(latest, names),
        kind=str(kind),
        open=f"{kind}/{clip.id}/",
        tab=_(TABS[kind]),
        answers=tuple(_line(answer, names) for answer in clip.answers[:ANSWERS_AT_ONCE]) if unfolded else (),
        until=short_day(clip.expires_at),
        unfolded=unfolded,
    )


def _chips(clip: KeptClip, names: Mapping[str, str]) -> list[Chip]:
    chips = []
    for person, answer in found_people(clip):
        note = _("enrolled") if answer.kind is AnswerKind.ENROLLMENT else decimal(person.score)
        known = person.identity_id in names
        chips.append(Chip(name_of(person, names), note, "good" if known else "info"))
    latest = clip.latest_of(AnswerKind.IDENTIFICATION)
    chips += [Chip(words, "", "info") for words in (unnamed(latest) if latest is not None else [])]
    return chips


def _line(answer: KeptAnswer, names: Mapping[str, str]) -> AnswerLine:
    frames = _("frames {first}–{last}").format(first=answer.first_frame, last=answer.last_frame)
    detail = [frames]
    if answer.threshold is not None:
        detail.append(_("threshold {value}").format(value=threshold_text(answer.threshold.value)))
    if answer.kind is not AnswerKind.IDENTIFICATION:
        detail.append(_("in view {times}").format(times=describe_times(answer.people[0].times)))
    if answer.kind is AnswerKind.VERIFICATION and answer.people[0].score is not None:
        detail.insert(0, _("score {value}").format(value=decimal(answer.people[0].score)))
    return AnswerLine(
        f"{answer.kind}/{answer.clip_id}/{answer.id}",
        describe_answer(answer, names),
        " · ".join(detail),
        day_and_time(answer.when),
        answer.clip_label,
    )


def recorded_day(stamp: str) -> str:
    """Return the day of a recording; a stamp without a zone is of the camera's clock, and is said as it is."""
    moment = datetime.datetime.fromisoformat(stamp)
    return short_day(stamp if moment.tzinfo is not None else moment.astimezone().isoformat())
