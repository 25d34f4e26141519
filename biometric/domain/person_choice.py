"""Which observed person a question is about, and why there may be none to answer it for."""

from collections import Counter
from collections.abc import Sequence

from biometric.entities import NoticeCode, Observation, ObservedClip
from biometric.errors import NobodyFound, NoUsableSample, SeveralPeople, UnknownPerson


def require_usable(observed: ObservedClip) -> None:
    """Raise `NobodyFound` or `NoUsableSample` unless somebody in range has a template."""
    if not observed.observations:
        raise NobodyFound(f"Nobody was found in {_where(observed)}. {_choose(observed)} in which a person is visible.")
    if not observed.usable:
        count = len(observed.observations)
        raise NoUsableSample(
            f"{count} {'person was' if count == 1 else 'people were'} found in {_where(observed)}, but no sample is "
            f"good enough. {_choose(observed)} in which the person is larger, sharper and whole.",
            refusals(observed.observations),
        )


def _where(observed: ObservedClip) -> str:
    return "this photograph" if observed.video.photograph else str(observed.frames)


def _choose(observed: ObservedClip) -> str:
    return "Choose a photograph" if observed.video.photograph else "Choose frames"


def one_person(observed: ObservedClip, person: int | None, purpose: str) -> Observation:
    """Return the chosen person, or the only usable one when none was chosen.

    Raises:
        SeveralPeople, NobodyFound, NoUsableSample, UnknownPerson: that is not exactly one usable person.
    """
    require_usable(observed)
    if person is not None:
        return _numbered(observed, person)
    if len(observed.usable) > 1:
        listed = "; ".join(
            f"person {item.person}"
            + ("" if observed.video.photograph else f" (frames {item.tracklet.first_frame}–{item.tracklet.last_frame})")
            for item in observed.usable
        )
        raise SeveralPeople(
            f"{len(observed.usable)} people are in {_where(observed)}: {listed}. Say which one to {purpose}.",
            [item.person for item in observed.usable],
        )
    return observed.usable[0]


def _numbered(observed: ObservedClip, person: int) -> Observation:
    chosen = next((item for item in observed.observations if item.person == person), None)
    if chosen is None:
        numbers = ", ".join(str(item.person) for item in observed.observations)
        raise UnknownPerson(f"There is no person {person} in {_where(observed)}. People there: {numbers}.")
    if chosen.template is None:
        raise NoUsableSample(
            f"Person {person} has no sample that is good enough. Choose other footage or another person.",
            chosen.refusals,
        )
    return chosen


def refusals(observations: Sequence[Observation]) -> Counter[NoticeCode]:
    """Return how many samples were refused, by reason."""
    return sum((observation.refusals for observation in observations), Counter())
