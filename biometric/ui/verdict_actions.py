"""What a click on the buttons of a verdict does: it records what was said, or takes it back."""

from collections.abc import Sequence
from pathlib import Path

from biometric.entities import GalleryChange, ObservedClip, VerdictWord, Verification
from biometric.errors import InvalidInput
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui.browser_input import parse_int
from biometric.ui.verdict_bar import Answer, judged

WITHDRAW = "withdraw"
WORDS = frozenset(word.value for word in VerdictWord)
IS = "is:"
"""Begins the action by which a text says who a person is; the person's number follows."""


def is_verdict(action: str) -> bool:
    """Return whether a click is about a verdict."""
    return action in WORDS or action == WITHDRAW or action.startswith(IS)


def take_verdict(
    service: Sightline,
    observed: ObservedClip,
    answers: Sequence[Answer],
    click: tuple[str, str],
    gallery: Path | None = None,
) -> tuple[GalleryChange, int]:
    """Do what a click says; return the change of the gallery, and the number of the person whom it is about.

    Args:
        answers: those that are shown.
        click: action and value, see `verdict_bar`.
        gallery: folder of the gallery that answered, None for the configured one.

    Raises:
        InvalidInput: it is about a person, an identity or a verdict that is not in the answers.
        UnknownIdentity, UnknownVerdict: it is gone from the gallery meanwhile.
    """
    action, value = click
    if action == WITHDRAW:
        wanted = parse_int(value, _("The number of the verdict"))
        for answer in answers:
            if wanted in {verdict.id for verdict in answer.verdicts}:
                return service.verdicts.withdraw(wanted, gallery), answer.observation.person
        raise InvalidInput("This verdict was taken back or replaced meanwhile. Nothing was changed.")
    if action.startswith(IS):
        answer = _answer(answers, action.removeprefix(IS))
        recorded = service.verdicts.record(observed, answer, VerdictWord.CONFIRMED, value, gallery=gallery)
        return recorded.change, answer.observation.person
    number, _separator, identity_id = value.partition(":")
    answer = _answer(answers, number)
    name = _compared(answer).get(identity_id)
    if name is None:
        raise InvalidInput("The answer has changed meanwhile. Nothing was recorded; look at it again.")
    person = answer.observation.person
    for given in answer.verdicts:
        if given.identity_id == identity_id and given.word == action:
            return service.verdicts.withdraw(given.id, gallery), person
    return service.verdicts.record(observed, answer, action, name, gallery=gallery).change, person


def _answer(answers: Sequence[Answer], number: str) -> Answer:
    person = parse_int(number, _("The person's number"))
    for answer in answers:
        if answer.observation.person == person:
            return answer
    raise InvalidInput("There is no person {person} in this answer. Nothing was recorded.", person=person)


def _compared(answer: Answer) -> dict[str, str]:
    """Return the names, by id, of the identities that a person was compared with or judged against."""
    candidates = () if isinstance(answer, Verification) else answer.candidates
    names = {candidate.identity.id: candidate.identity.name for candidate in candidates}
    names |= {verdict.identity_id: verdict.name for verdict in answer.verdicts}
    identity = judged(answer)
    return names if identity is None else names | {identity.id: identity.name}
