"""What an answer says where references have expired: nobody who could not be compared is silently "no match"."""

from collections.abc import Iterable
from dataclasses import replace

from biometric.entities import Decision, Identification, Identity, Notice, NoticeCode
from biometric.ports import Gallery


def expired_reason(gallery: Gallery, identity: Identity) -> Notice:
    """Return why an identity cannot be compared with: since when its last reference has expired.

    Raises:
        UnknownIdentity: the identity was removed meanwhile.
    """
    until = max((reference.match_until for reference in gallery.references(identity.id)), default="")
    return Notice(NoticeCode.REFERENCES_EXPIRED, name=identity.name, expired=until)


def mark_expired(gallery: Gallery, answers: Iterable[Identification]) -> tuple[Identification, ...]:
    """Say in the answers that name nobody how many people could not be compared, because their references expired.

    Where there was nobody else to compare with, that is the reason, and there is no decision.
    """
    expired = gallery.count_expired_people()
    if not expired:
        return tuple(answers)
    return tuple(_marked(answer, Notice(NoticeCode.PEOPLE_EXPIRED, people=expired)) for answer in answers)


def _marked(answer: Identification, notice: Notice) -> Identification:
    if answer.decision is not Decision.UNKNOWN or answer.observation.template is None:
        return answer
    if answer.reason.code is NoticeCode.NOBODY_TO_COMPARE:
        return replace(answer, decision=Decision.NO_DECISION, reason=notice)
    return replace(answer, warnings=(*answer.warnings, notice))
