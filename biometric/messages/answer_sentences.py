"""What kept answers said, as sentences, with the names that people have now."""

from collections.abc import Mapping

from biometric.entities import AnsweredPerson, AnswerKind, Decision, KeptAnswer, ScoreBand
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext

NAMES_SAID = 4
"""Most names in a sentence; the others are counted."""


def describe_answer(answer: KeptAnswer, names: Mapping[str, str]) -> str:
    """Return what an answer said: "Identified 3 people: Ada, Ben, 1 unknown"."""
    if answer.kind is AnswerKind.ENROLLMENT:
        return _("Enrolled {name}").format(name=name_of(answer.people[0], names))
    if answer.kind is AnswerKind.VERIFICATION:
        person = answer.people[0]
        outcome = {Decision.MATCH: _("match"), Decision.NO_MATCH: _("no match")}.get(
            person.decision or Decision.NO_DECISION, _("no decision")
        )
        return _("Verified as {name}: {outcome}").format(name=name_of(person, names), outcome=outcome)
    if not answer.people:
        return _("Nobody was found")
    found = counted(len(answer.people), "person")
    return _("Identified {people}: {outcomes}").format(people=found, outcomes=_outcomes(answer, names))


def name_of(person: AnsweredPerson, names: Mapping[str, str]) -> str:
    """Return the name that an identity has now, or why there is none."""
    if person.erased:
        return _("an erased person")
    return names.get(person.identity_id or "", _("somebody who is no longer in the gallery"))


def unnamed(answer: KeptAnswer) -> list[str]:
    """Return how many people an identification could not name: ["2 unsure", "3 unknown"]."""
    people = [person for person in answer.people if not person.found]
    unsure = sum(person.band is ScoreBand.UNSURE for person in people)
    unknown = len(people) - unsure
    words = []
    if unsure:
        words.append(ngettext("{n:,} unsure", "{n:,} unsure", unsure).format(n=unsure))
    if unknown:
        words.append(ngettext("{n:,} unknown", "{n:,} unknown", unknown).format(n=unknown))
    return words


def _outcomes(answer: KeptAnswer, names: Mapping[str, str]) -> str:
    found = list(dict.fromkeys(name_of(person, names) for person in answer.people if person.found))
    said = found[:NAMES_SAID]
    if len(found) > NAMES_SAID:
        more = len(found) - NAMES_SAID
        said.append(ngettext("{n:,} more", "{n:,} more", more).format(n=more))
    return ", ".join([*said, *unnamed(answer)])
