"""Thresholds and the answers to questions about people."""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from biometric.entities.adaptation import UNADAPTED, ScoreAdaptation
from biometric.entities.enrolled import BiometricReference, Candidate, Identity
from biometric.entities.gallery_changes import GalleryChange
from biometric.entities.likelihood_ratios import LikelihoodRatio
from biometric.entities.notices import Notice, NoticeCode
from biometric.entities.people import Observation
from biometric.entities.picture_detail import ComparedDetail
from biometric.errors import InvalidThreshold

if TYPE_CHECKING:
    from biometric.entities.verdicts import Verdict

Purpose = Literal["verification", "identification"]
"""What a threshold is for: 1:1 and 1:N have separate ones, because false positives grow with the gallery."""
PURPOSES: Final[tuple[Purpose, Purpose]] = ("verification", "identification")
"""Both, in the order in which people are told of them."""


class ThresholdSource(StrEnum):
    """Where a threshold came from. The values stand in JSON and CSV files."""

    MODEL_CARD = "model card"
    USER = "set by you"
    SETTING = "setting"
    CALIBRATION = "calibration"


class ScoreBand(StrEnum):
    """Where a score lies: UNSURE is below the threshold, but near. The values stand in JSON files."""

    MATCH = "match"
    UNSURE = "unsure"
    NO_MATCH = "no match"


UNSURE_WIDTH = 0.05
"""Width of the band below a threshold in which an answer is "unsure", where no calibration gives an interval.

A convention, not a measurement: about a tenth of the distance between the mean scores of one person and of different
people that the embedders at hand show, and the lead that is called a close call elsewhere.
"""


class RateKind(StrEnum):
    """Which error rate a threshold keeps."""

    FMR = "FMR"
    FPIR = "FPIR"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison threshold with its origin.

    Attributes:
        value: in [-1, 1]; a score at or above it is a match.
        evidence: what the number rests on; empty when nothing is known.
        rate: error rate in [0, 1] that the evidence supports at exactly this value, or None.
        rate_kind: of `rate`: the false match rate of a comparison (FMR), or the rate at which a search of the whole
            gallery names a stranger (FPIR).
        calibrated_on: date of the calibration that it came from, else "".
        likelihood: score → likelihood ratio, where this gallery has a calibration with one, whatever the origin.
        interval_low: lower end of the 95 % interval of the value, where a calibration gave it.
        adaptation: which scores it is for; it says nothing about others.

    Example:
        >>> threshold = service.threshold("verification", 0.6)
        >>> threshold.value, str(threshold.source)
        (0.6, 'set by you')
    """

    value: float
    source: ThresholdSource
    evidence: tuple[Notice, ...] = ()
    rate: float | None = None
    rate_kind: RateKind = RateKind.FMR
    calibrated_on: str = ""
    likelihood: LikelihoodRatio | None = None
    interval_low: float | None = None
    adaptation: ScoreAdaptation = UNADAPTED

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and -1.0 <= self.value <= 1.0):
            raise InvalidThreshold("The threshold must be a number from -1 to 1, got {value}.", value=self.value)
        if self.rate is not None and not 0.0 <= self.rate <= 1.0:
            raise ValueError(f"expected an error rate in [0, 1], got {self.rate}")
        if self.interval_low is not None and not math.isfinite(self.interval_low):
            raise ValueError(f"expected a finite end of the interval, got {self.interval_low}")

    @property
    def unsure_from(self) -> float:
        """Least score, in [-1, `value`], that is called unsure: the calibration's interval decides, else a width."""
        low = self.interval_low
        return max(-1.0, low if low is not None and low < self.value else self.value - UNSURE_WIDTH)

    def band(self, score: float | None) -> ScoreBand:
        """Return where a score lies; nothing (None, NaN) is no match."""
        if score is None or not score >= self.unsure_from:
            return ScoreBand.NO_MATCH
        return ScoreBand.MATCH if score >= self.value else ScoreBand.UNSURE


class Decision(StrEnum):
    """Outcome of a comparison. The values stand in JSON and CSV files.

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
        reason: why it was decided so.
        warnings: what should be checked before relying on the decision.
        verdicts: what was said of this person before, the latest first; "wrong" for the claimed identity decides.
        detail: pixels and sharpness of the probe and of the reference compared with; None: nobody has looked.

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
    reason: Notice
    warnings: tuple[Notice, ...] = ()
    verdicts: "tuple[Verdict, ...]" = ()
    detail: ComparedDetail | None = None

    @property
    def band(self) -> ScoreBand:
        """MATCH where the decision is one, UNSURE for near misses and where nothing could be decided, else NO_MATCH."""
        return _band(self.decision, self.score, self.threshold)


@dataclass(frozen=True, slots=True)
class Identification:
    """Answer to "who is this?" for one person of the range.

    Attributes:
        decision: IDENTIFIED, UNKNOWN, or NO_DECISION where somebody closer has the name in the same frames, or the
            references of everybody enrolled have expired.
        candidates: best identities first, at most five, whatever the threshold; without those that the person was
            said not to be.
        identity: the first candidate's when identified, else None.
        score: the first candidate's score; None when nothing could be compared.
        margin: score minus the second candidate's; None when there is nobody else.
        reason: why it was decided so.
        warnings: what should be checked before relying on the decision.
        verdicts: what was said of this person before, the latest first.
        detail: pixels and sharpness of the probe and of the first candidate's reference; None: nobody has looked.

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
    reason: Notice
    warnings: tuple[Notice, ...] = ()
    verdicts: "tuple[Verdict, ...]" = ()
    detail: ComparedDetail | None = None

    @property
    def band(self) -> ScoreBand:
        """MATCH where identified, UNSURE for near misses and where nothing could be decided, else NO_MATCH."""
        return _band(self.decision, self.score, self.threshold)


def _band(decision: Decision, score: float | None, threshold: Threshold) -> ScoreBand:
    if decision in (Decision.MATCH, Decision.IDENTIFIED):
        return ScoreBand.MATCH
    if decision is Decision.NO_DECISION:
        return ScoreBand.UNSURE
    return ScoreBand.UNSURE if threshold.band(score) is ScoreBand.UNSURE else ScoreBand.NO_MATCH


@dataclass(frozen=True, slots=True)
class NameConflict:
    """A new reference beside the identity that has its name already, and how they compare.

    Attributes:
        identity: who has the name.
        score: the new template's best comparison score against the identity's references, in [-1, 1]; None where
            nothing can be compared (references of another model, or none).
        threshold: the verification threshold in force.
        reaches_threshold: whether the score reaches it; False where there is no score.
        reference_id: the identity's reference that compares best, or None.
        reference_crop: that reference's best crop, else the identity's thumbnail, or None.
        sample_crop: the new sample that compares best with that reference, or None.
        said_not_to_be: a verdict says that this person is not the identity; then `reaches_threshold` is False.
        same_frames: that reference was enrolled from the same frames of the same clip.
    """

    identity: Identity
    score: float | None
    threshold: Threshold
    reaches_threshold: bool
    reference_id: str | None
    reference_crop: Path | None
    sample_crop: Path | None
    said_not_to_be: bool = False
    same_frames: bool = False

    @property
    def notice(self) -> Notice:
        """How they compare, as a code with numbers."""
        name = self.identity.name
        if self.said_not_to_be:
            return Notice(NoticeCode.NAME_EXISTS_SAID_NOT_TO_BE, name=name)
        if self.score is None:
            return Notice(NoticeCode.NAME_EXISTS_NOT_COMPARABLE, name=name)
        code = NoticeCode.NAME_EXISTS if self.reaches_threshold else NoticeCode.NAME_EXISTS_UNLIKE
        return Notice(code, name=name, score=self.score, threshold=self.threshold.value)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrollment stored. `added` says that the identity existed and got another reference.

    `change` is its line in the gallery's history: `change.id` undoes it. `told_apart` are ids of identities that the
    person was said not to be. `compared_reference_id` is the identity's earlier reference that the new one compares
    best with, `detail` pixels and sharpness of the new one (as probe) and of that one.

    Example:
        >>> enrollment = service.enroll(observed, "Ada Lovelace", add=True)
        >>> enrollment.added, len(enrollment.reference.crops) == enrollment.reference.template.sample_count
        (True, True)
    """

    identity: Identity
    reference: BiometricReference
    observation: Observation
    people: int
    added: bool
    lookalikes: tuple[Candidate, ...] = ()
    warnings: tuple[Notice, ...] = ()
    change: GalleryChange | None = None
    told_apart: frozenset[str] = frozenset()
    compared_reference_id: str | None = None
    detail: ComparedDetail | None = None
