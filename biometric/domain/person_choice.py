"""Which observed person a question is about, and why there may be none to answer it for."""

from collections import Counter
from collections.abc import Sequence

from biometric.entities import NoticeCode, Observation, ObservedClip
from biometric.errors import NobodyFound, NoUsableSample, SeveralPeople, UnknownPerson
from biometric.errors.phrases import Phrase, joined


def require_usable(observed: ObservedClip) -> None:
    """Raise `NobodyFound` or `NoUsableSample` unless somebody in range has a template."""
    if not observed.observations:
        raise NobodyFound(
            "Nobody was found in {where}. {choose} in which a person is visible.",
            where=_where(observed),
            choose=_choose(observed),
        )
    if not observed.usable:
        count = len(observed.observations)
        raise NoUsableSample(
            "1 person was found in {where}, but no sample is good enough. {choose} in which the person is larger, "
            "sharper and whole."
            if count == 1
            else "{count} people were found in {where}, but no sample is good enough. {choose} in which the person is "
            "larger, sharper and whole.",
            refusals(observed.observations),
            count=count,
            where=_where(observed),
            choose=_choose(observed),
        )


def _where(observed: ObservedClip) -> str:
    return (
        Phrase("this photograph") if observed.video.photograph else _frames(observed.frames.first, observed.frames.last)
    )


def _frames(first: int, last: int) -> Phrase:
    return Phrase("frames {first}–{last}", first=first, last=last)


def _choose(observed: ObservedClip) -> str:
    return Phrase("Choose a photograph") if observed.video.photograph else Phrase("Choose frames")


def one_person(observed: ObservedClip, person: int | None, purpose: str) -> Observation:
    """Return the chosen person, or the only usable one when none was chosen.

    Raises:
        SeveralPeople, NobodyFound, NoUsableSample, UnknownPerson: that is not exactly one usable person.
    """
    require_usable(observed)
    if person is not None:
        return _numbered(observed, person)
    if len(observed.usable) > 1:
        listed = joined(
            "; ",
            (
                Phrase("person {person}", person=item.person)
                if observed.video.photograph
                else Phrase(
                    "person {person} ({frames})",
                    person=item.person,
                    frames=_frames(item.tracklet.first_frame, item.tracklet.last_frame),
                )
                for item in observed.usable
            ),
        )
        raise SeveralPeople(
            "{n} people are in {where}: {listed}. Say which one to {purpose}.",
            [item.person for item in observed.usable],
            n=len(observed.usable),
            where=_where(observed),
            listed=listed,
            purpose=purpose,
        )
    return observed.usable[0]


def _numbered(observed: ObservedClip, person: int) -> Observation:
    chosen = next((item for item in observed.observations if item.person == person), None)
    if chosen is None:
        numbers = ", ".join(str(item.person) for item in observed.observations)
        raise UnknownPerson(
            "There is no person {person} in {where}. People there: {numbers}.",
            person=person,
            where=_where(observed),
            numbers=numbers,
        )
    if chosen.template is None:
        raise NoUsableSample(
            "Person {person} has no sample that is good enough. Choose other footage or another person.",
            chosen.refusals,
            person=person,
        )
    return chosen


def refusals(observations: Sequence[Observation]) -> Counter[NoticeCode]:
    """Return how many samples were refused, by reason."""
    return sum((observation.refusals for observation in observations), Counter())
