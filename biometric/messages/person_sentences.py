"""When a person is in view, and what is known of their tracks, in words."""

from biometric.entities import Observation
from biometric.messages import clock, decimal
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _


def stretch_times(person: Observation) -> str:
    """Return when a person is in view: "0:06.0–0:13.0, 0:41.0–0:52.0"."""
    return ", ".join(f"{clock(item.first_seconds)}–{clock(item.last_seconds)}" for item in person.stretches)


def brief_times(person: Observation) -> str:
    """Return when a person is in view, in little room: of more than two stretches the whole time, and how many."""
    stretches = person.stretches
    if len(stretches) <= 2:
        return stretch_times(person)
    span = f"{clock(stretches[0].first_seconds)}–{clock(stretches[-1].last_seconds)}"
    return _("{span}, seen {n} times").format(span=span, n=len(stretches))


def stretch_numbers(person: Observation) -> str:
    """Return in which frames a person is in view: "63–130, 410–520"."""
    return ", ".join(
        f"{item.first_frame}–{item.last_frame}" if item.last_frame > item.first_frame else f"{item.first_frame}"
        for item in person.stretches
    )


def stretch_frames(person: Observation) -> str:
    """Return "frames 63–130, 410–520", or "frame 63" where there is one."""
    stretches = person.stretches
    one = len(stretches) == 1 and stretches[0].first_frame == stretches[0].last_frame
    text = _("frame {frames}") if one else _("frames {frames}")
    return text.format(frames=stretch_numbers(person))


def describe_perhaps(person: Observation) -> str:
    """Return "perhaps the same as person 7"; "" where nobody else is likely to be."""
    if not person.perhaps:
        return ""
    people = ", ".join(str(other.person) for other in person.perhaps)
    return _("perhaps the same as person {people}").format(people=people)


def describe_perhaps_scores(person: Observation) -> str:
    """Return a sentence with the scores: "Perhaps the same as person 7 (score 0.55)."; "" where there is nobody."""
    return " ".join(
        _("Perhaps the same as person {person} (score {score}).").format(
            person=other.person, score=decimal(other.score)
        )
        for other in person.perhaps
    )


def describe_links(person: Observation) -> str:
    """Return that a person is made of several tracks and how sure that is; "" where it is one."""
    if not person.linked:
        return ""
    tracks = counted(len(person.linked), "track")
    if person.link_score is None:
        return _("Put together from {tracks}.").format(tracks=tracks)
    text = _("Put together from {tracks}; the lowest score between them is {score}.")
    return text.format(tracks=tracks, score=decimal(person.link_score))
