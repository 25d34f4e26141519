"""Who is seen when: one bar a person over the whole clip, under its player, as soon as there is an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from biometric.entities import Decision, Identification, ObservedClip, VideoInfo
from biometric.messages import clock
from biometric.messages.translation import gettext as _
from biometric.ui import answers, elements, templating


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a clip as shares of its length.

    Attributes:
        left, width: percent of the clip, from 0 to 100, to three decimals.
    """

    left: float
    width: float


@dataclass(frozen=True, slots=True)
class BarPiece:
    """A stretch of a person's bar.

    Attributes:
        words: name and times.
        where: its place.
        seek: when the stretch begins, in seconds of the clip, to milliseconds.
    """

    words: str
    where: Span
    seek: str


@dataclass(frozen=True, slots=True)
class PresenceBar:
    """One person's bar, with gaps where the person is out of view.

    Attributes:
        name: who it is, or the person's number.
        mood: its colour and icon.
    """

    name: str
    mood: elements.Mood
    pieces: tuple[BarPiece, ...]


def presence(identifications: Sequence[Identification], observed: ObservedClip) -> str:
    """Return one bar a person over the clip, which takes the player there; "" where there is no time to show."""
    info = observed.video
    if info.photograph or not identifications:
        return ""
    return templating.render(
        "presence.html",
        bars=[bar(answer, info) for answer in identifications],
        chosen=span(info, info.time_of(observed.frames.first), info.time_of(observed.frames.stop)),
        start=clock(0.0),
        end=clock(info.times.end),
    )


def bar(answer: Identification, info: VideoInfo) -> PresenceBar:
    """Return one person's bar; each stretch lasts until the frame after its last one appears."""
    mood: elements.Mood = "unsure"
    name = _("Person {person}").format(person=answer.observation.person)
    outcome = f", {answers.outcome_word(answer)}"
    if answer.decision is Decision.IDENTIFIED and answer.identity is not None:
        mood, name, outcome = "good", answer.identity.name, ""
    pieces = tuple(
        BarPiece(
            f"{name}{outcome}, {clock(stretch.first_seconds)} to {clock(stretch.last_seconds)}",
            span(info, stretch.first_seconds, max(stretch.last_seconds, info.time_of(stretch.last_frame + 1))),
            f"{stretch.first_seconds:.3f}",
        )
        for stretch in answer.observation.stretches
    )
    return PresenceBar(name, mood, pieces)


def span(info: VideoInfo, start: float, end: float) -> Span:
    """Return the stretch from `start` to `end`, in seconds of the clip, cut off at its ends."""
    length = max(info.times.end, 1e-6)
    left = min(100.0, max(0.0, 100 * start / length))
    right = min(100.0, max(left, 100 * end / length))
    return Span(round(left, 3), round(right - left, 3))
