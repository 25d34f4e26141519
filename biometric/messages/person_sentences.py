"""When a person is in view, and what is known of their tracks, in words."""

from collections.abc import Mapping, Sequence

from biometric.entities import Identification, LookCounts, Observation
from biometric.messages import clock, decimal
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _


def stretch_times(person: Observation) -> str:
    """Return when a person is in view: "0:06.0–0:13.0, 0:41.0–0:52.0"."""
    return _times(_seconds(person))


def brief_times(person: Observation) -> str:
    """Return when a person is in view, in little room: of more than two stretches the whole time, and how many."""
    return describe_times(_seconds(person), most=2)


def describe_times(times: Sequence[tuple[float, float]], most: int = 4) -> str:
    """Return times, (first, last) seconds in order; of more than `most` the whole time, and how many there are."""
    if len(times) <= most:
        return _times(times)
    return _("{span}, seen {n} times").format(span=_times([(times[0][0], times[-1][1])]), n=len(times))


def describe_looks(looks: LookCounts | None) -> str:
    """Return in which frames people were looked for, and why not in the others; whether the picture kept changing.

    "" where it was each frame and that is nothing unusual.
    """
    if looks is None:
        return ""
    moved = looks.moved > looks.analysed / 2
    if looks.looked == looks.analysed and not moved and not looks.all_decoded:
        return ""
    parts = []
    if looks.unchanged:
        parts.append(_("in {n:,} nothing had changed").format(n=looks.unchanged))
    if looks.bridged:
        parts.append(_("in {n:,} everybody walked on as before").format(n=looks.bridged))
    said = _("People were looked for in {looked:,} of {analysed:,} analysed frames")
    said = said.format(looked=looks.looked, analysed=looks.analysed)
    said += f": {', '.join(parts)}." if parts else "."
    if looks.undecoded:
        said += " " + _("{n:,} frames did not even have to be decoded.").format(n=looks.undecoded)
    if looks.all_decoded:
        said += " " + _("The file does not tell beforehand where nothing happens, so frames had to be decoded.")
    if moved:
        said += " " + _("The picture as a whole keeps changing, as when the camera moves.")
    return said


def _seconds(person: Observation) -> list[tuple[float, float]]:
    return [(item.first_seconds, item.last_seconds) for item in person.stretches]


def _times(times: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{clock(first)}–{clock(last)}" for first, last in times)


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


def answered_names(answers: Sequence[Identification]) -> dict[int, str]:
    """Return the names of those who were identified, by the number of the person."""
    return {answer.observation.person: answer.identity.name for answer in answers if answer.identity is not None}


def describe_perhaps(person: Observation, names: Mapping[int, str]) -> str:
    """Return "perhaps the same as Ada, person 7"; "" where nobody else is likely to be.

    Args:
        names: those of `answered_names`.
    """
    if not person.perhaps:
        return ""
    people = ", ".join(_name_or_number(other.person, names) for other in person.perhaps)
    return _("perhaps the same as {people}").format(people=people)


def describe_perhaps_scores(person: Observation, names: Mapping[int, str]) -> str:
    """Return a sentence with the scores: "Perhaps the same as person 7 (score 0.55)."; arguments as before."""
    return " ".join(
        _("Perhaps the same as {person} (score {score}).").format(
            person=_name_or_number(other.person, names), score=decimal(other.score)
        )
        for other in person.perhaps
    )


def _name_or_number(person: int, names: Mapping[int, str]) -> str:
    return names[person] if person in names else _("person {person}").format(person=person)


def describe_links(person: Observation) -> str:
    """Return that a person is made of several tracks and how sure that is; "" where it is one."""
    if not person.linked:
        return ""
    tracks = counted(len(person.linked), "track")
    if person.link_score is None:
        return _("Put together from {tracks}.").format(tracks=tracks)
    text = _("Put together from {tracks}; the lowest score between them is {score}.")
    return text.format(tracks=tracks, score=decimal(person.link_score))
