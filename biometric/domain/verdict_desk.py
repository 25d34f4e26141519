"""Takes verdicts on answers, lists and withdraws them, and says what they mean for identities."""

from collections.abc import Callable
from pathlib import Path

from biometric.domain.constraints import probe_record, verdicts_between
from biometric.entities import (
    Adapting,
    GalleryChange,
    Identification,
    Identity,
    NewVerdict,
    ObservedClip,
    RecordedVerdict,
    Verdict,
    VerdictWord,
    Verification,
)
from biometric.errors import InvalidInput, UnknownPerson
from biometric.errors.phrases import Phrase
from biometric.ports import Gallery

Answer = Verification | Identification


def read_word(text: object) -> VerdictWord:
    """Return a verdict's word from what a caller wrote. Raises `InvalidInput`."""
    if isinstance(text, str) and text in list(VerdictWord):
        return VerdictWord(text)
    given = str(text)[:40] or Phrase("nothing")
    raise InvalidInput("A verdict is confirmed, wrong or undecided, not {given}.", given=given)


class VerdictDesk:
    """Verdicts on the service's answers. `gallery` is a folder everywhere, None for the configured one.

    Args:
        open_gallery: returns the gallery of a folder.
    """

    def __init__(self, open_gallery: Callable[[Path | None], Gallery]) -> None:
        self._open_gallery = open_gallery

    def record(
        self,
        observed: ObservedClip,
        answer: Answer,
        word: VerdictWord | str,
        name: str | None = None,
        *,
        gallery: Path | None = None,
    ) -> RecordedVerdict:
        """Store what somebody says of the comparison behind an answer; an earlier verdict on it is replaced.

        Args:
            observed: what the answer is about.
            word: "confirmed": the person is the identity; "wrong": they are not; "undecided": nobody can tell.
            name: whom the person was compared with; None: the identity that the answer names, else the closest one.

        Raises:
            InvalidInput: there is no such word, or the answer compared the person with nobody.
            UnknownPerson: the answer is not about one of the people observed.
            UnknownIdentity: nobody of that name is enrolled (any more).
            NoUsableSample: the person has no template.
            ModelMismatch: the gallery holds templates of another model.
        """
        word = read_word(word)
        if answer.observation not in observed.observations:
            raise UnknownPerson("There is no such person {person} in these frames.", person=answer.observation.person)
        probe = probe_record(observed, answer.observation)
        opened = self._open_gallery(gallery)
        identity = _judged_identity(answer) if name is None else opened.find(name)
        adapting = Adapting(answer.threshold.adaptation, observed.camera)
        scores = opened.scores(probe.template, identity.id, adapting)
        if not scores:
            raise InvalidInput(
                "The references of {name} have expired, so there is nothing to judge. Enroll {name} again.",
                name=identity.name,
            )
        reference_id, score = scores[0]
        return opened.save_verdict(
            NewVerdict(
                word=word,
                identity_id=identity.id,
                reference_id=reference_id,
                probe=probe,
                purpose="verification" if isinstance(answer, Verification) else "identification",
                score=score,
                threshold=answer.threshold.value,
                decision=answer.decision,
                adaptation=answer.threshold.adaptation,
            )
        )

    def listed(self, gallery: Path | None = None) -> list[Verdict]:
        """Return the verdicts about everybody enrolled, the latest first."""
        return self._open_gallery(gallery).verdicts()

    def withdraw(self, verdict_id: int, gallery: Path | None = None) -> GalleryChange:
        """Take a verdict back, as if it had not been given. Raises `UnknownVerdict`."""
        return self._open_gallery(gallery).remove_verdict(verdict_id)

    def between(self, first: Identity, second: Identity, gallery: Path | None = None) -> list[Verdict]:
        """Return the verdicts that say of two identities that they are different people.

        Raises:
            UnknownIdentity: one of them is no longer there.
        """
        opened = self._open_gallery(gallery)
        verdicts = opened.verdicts()
        if not verdicts:
            return []
        one, other = ((identity.id, opened.references(identity.id)) for identity in (first, second))
        return verdicts_between(verdicts, one, other)


def _judged_identity(answer: Answer) -> Identity:
    """Return whom a verdict without a name is about."""
    if isinstance(answer, Verification):
        return answer.identity
    identity = answer.identity or (answer.candidates[0].identity if answer.candidates else None)
    if identity is None:
        raise InvalidInput(
            "Person {person} was compared with nobody. Say who they are by a name.", person=answer.observation.person
        )
    return identity
