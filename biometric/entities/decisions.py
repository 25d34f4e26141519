"""Thresholds and the answers to questions about people."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from biometric.entities.calibration import LikelihoodRatio
from biometric.entities.enrolled import BiometricReference, Candidate, Identity
from biometric.entities.people import Observation
from biometric.errors import InvalidThreshold

Purpose = Literal["verification", "identification"]
"""What a threshold is for: 1:1 and 1:N have separate ones, because false positives grow with the gallery."""


class ThresholdSource(StrEnum):
    """Where a threshold came from, in words for people."""

    MODEL_CARD = "model card"
    USER = "set by you"
    SETTING = "setting"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison threshold with its origin.

    Attributes:
        value: in [-1, 1]; a score at or above it is a match.
        evidence: a sentence on what the number rests on ("" when nothing is known).
        fmr: false match rate that the evidence supports at exactly this value, or None; for a calibrated
            identification, the rate at which a search of the gallery names a stranger (FPIR).
        calibrated_on: date of the calibration that it came from, else "".
        likelihood: score → likelihood ratio, where this gallery has a calibration that could tell, whatever the origin.

    Example:
        >>> threshold = service.threshold("verification", 0.6)
        >>> threshold.value, threshold.origin
        (0.6, 'set by you')
    """

    value: float
    source: ThresholdSource
    evidence: str = ""
    fmr: float | None = None
    calibrated_on: str = ""
    likelihood: LikelihoodRatio | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and -1.0 <= self.value <= 1.0):
            raise InvalidThreshold(f"The threshold must be a number from -1 to 1, got {self.value}.")

    @property
    def origin(self) -> str:
        """Where it came from, to stand beside a score: "model card", or when it was calibrated and for which rate."""
        if self.source is not ThresholdSource.CALIBRATION or self.fmr is None:
            return str(self.source)
        return f"calibrated here on {self.calibrated_on}: {strangers(self.fmr)}"


def strangers(rate: float) -> str:
    """Return what a false match rate in (0, 1] means: "of 1,000 strangers, about 1 would pass"."""
    total = 100
    while total * rate < 1 and total < 10**9:
        total *= 10
    return f"of {total:,} strangers, about {round(total * rate):,} would pass"


class Decision(StrEnum):
    """Outcome of a comparison, in the words shown to people.

    Example:
        >>> service.verify(observed, "Ada Lovelace").decision is biometric.Decision.MATCH
        True
    """

    MATCH = "match"
    NO_MATCH = "no match"
    NO_DECISION = "no decision"
    IDENTIFIED = "identified"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verification:
    """Answer to "is this person who they claim to be?".

    Attributes:
        decision: MATCH, NO_MATCH or NO_DECISION.
        score: comparison score against the claimed identity's best reference; None without decision material.
        margin: score minus the best other identity's; None when there is nobody else.
        reason: why, in words.

    Example:
        >>> verification = service.verify(observed, "Ada Lovelace")
        >>> verification.identity.name, verification.score >= verification.threshold.value
        ('Ada Lovelace', True)
    """

    decision: Decision
    identity: Identity
    score: float | None
    threshold: Threshold
    margin: float | None
    best_other: Candidate | None
    reference_id: str | None
    observation: Observation
    people: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Identification:
    """Answer to "who is this?" for one person of the range.

    Attributes:
        decision: IDENTIFIED or UNKNOWN.
        candidates: best identities first, at most five, whatever the threshold.
        identity: the first candidate's when identified, else None.
        score: the first candidate's score; None when nothing could be compared.
        margin: score minus the second candidate's; None when there is nobody else.
        reason: why, in words.

    Example:
        >>> for person in service.identify(observed):
        ...     print(person.observation.person, person.decision, person.identity.name)
        1 identified Ada Lovelace
    """

    observation: Observation
    decision: Decision
    identity: Identity | None
    score: float | None
    threshold: Threshold
    margin: float | None
    candidates: tuple[Candidate, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrollment stored. `added` says that the identity existed and got another reference.

    Example:
        >>> enrollment = service.enroll(observed, "Ada Lovelace")
        >>> enrollment.added, len(enrollment.reference.crops) == enrollment.reference.template.sample_count
        (True, True)
    """

    identity: Identity
    reference: BiometricReference
    observation: Observation
    people: int
    added: bool
    lookalikes: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()
