"""What people said about answers: whether a comparison's probe is the identity that it was compared with."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometric.entities.adaptation import UNADAPTED, ScoreAdaptation
from biometric.entities.decisions import Decision, Purpose, RateKind
from biometric.entities.gallery_changes import GalleryChange
from biometric.entities.people import Template


class VerdictWord(StrEnum):
    """What a person says about a comparison. The values stand in JSON and CSV files and in galleries."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class ProbeRecord:
    """What is kept of a probe, so that the same person of the same footage is recognised again.

    Attributes:
        clip_digest: SHA-256 of the footage, hexadecimal.
        clip_name: its name for people.
        person: the person's number in the range that was observed then, from 1.
        frames: (N,) int32, strictly rising 0-based frame numbers, at least one.
        box_indices: (N,) int32, number of the person's box within each frame (the BB of `NumFrame_BB.jpg`).
        boxes: (N, 4) float32, the person's boxes (x1, y1, x2, y2) in pixels in these frames.
        template: pooled from the kept samples.

    Raises:
        ValueError: a value is not as described.
    """

    clip_digest: str
    clip_name: str
    person: int
    frames: NDArray[np.int32]
    box_indices: NDArray[np.int32]
    boxes: NDArray[np.float32]
    template: Template

    def __post_init__(self) -> None:
        count = len(self.frames)
        if self.frames.ndim != 1 or not count or self.frames[0] < 0 or (np.diff(self.frames) <= 0).any():
            raise ValueError(f"expected strictly rising frame numbers from 0, got {self.frames!r:.200}")
        if self.box_indices.shape != (count,) or self.boxes.shape != (count, 4):
            raise ValueError(
                f"expected {count} box numbers and boxes of shape ({count}, 4), got {self.box_indices.shape} and "
                f"{self.boxes.shape}"
            )
        if not np.isfinite(self.boxes).all():
            raise ValueError("expected finite boxes")
        if self.person < 1:
            raise ValueError(f"expected a person's number from 1, got {self.person}")

    @property
    def first_frame(self) -> int:
        """The first frame that is kept."""
        return int(self.frames[0])

    @property
    def last_frame(self) -> int:
        """The last frame that is kept."""
        return int(self.frames[-1])


@dataclass(frozen=True, slots=True, eq=False)
class NewVerdict:
    """A verdict that is to be stored.

    Attributes:
        word: what was said.
        identity_id: the identity that the probe was compared with.
        reference_id: the identity's reference that compared best, or None where it is gone.
        probe: who was compared.
        purpose: what was asked: 1:1 or 1:N.
        score: comparison score in [-1, 1].
        threshold: comparison threshold in force then, in [-1, 1].
        decision: what was decided.
        adaptation: which adaptation to cameras score and threshold are of.

    Raises:
        ValueError: score or threshold is out of range.
    """

    word: VerdictWord
    identity_id: str
    reference_id: str | None
    probe: ProbeRecord
    purpose: Purpose
    score: float
    threshold: float
    decision: Decision
    adaptation: ScoreAdaptation = field(default=UNADAPTED, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (("score", self.score), ("threshold", self.threshold)):
            if not (math.isfinite(value) and -1.0 <= value <= 1.0):
                raise ValueError(f"expected a {name} in [-1, 1], got {value}")


@dataclass(frozen=True, slots=True, eq=False)
class Verdict(NewVerdict):
    """What somebody said about one comparison, as it is stored in the gallery.

    Attributes:
        id: rises with every verdict of a gallery.
        name: of the identity, as it is called now.
        created_at: ISO 8601, UTC.
        by: who gave it, "" for those of earlier versions; `by_user`: that is a user who was signed in, else the account
            of the operating system.

    Example:
        >>> (person,) = service.identify(observed)
        >>> verdict, change = service.record_verdict(observed, person, "wrong")
        >>> verdict.name, str(verdict.word), service.identify(observed)[0].identity
        ('Ada Lovelace', 'wrong', None)
    """

    id: int
    name: str
    created_at: str
    by: str = ""
    by_user: bool = False


class RecordedVerdict(NamedTuple):
    """A verdict that was stored; `change` is its line in the gallery's history, by which it can be undone."""

    verdict: Verdict
    change: GalleryChange


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """How the verdicts of one purpose compare with the threshold in force.

    Attributes:
        purpose: what was asked.
        threshold: comparison threshold in force.
        rate, rate_kind: error rate in [0, 1] that it promises, and which; None where nothing is known.
        confirmed: same person, score at or above the threshold.
        missed: same person, score below it.
        wrong: different people, score at or above it.
        told_apart: different people, score below it.
        undecided: looked at without a result.
    """

    purpose: Purpose
    threshold: float
    rate: float | None
    rate_kind: RateKind
    confirmed: int = 0
    missed: int = 0
    wrong: int = 0
    told_apart: int = 0
    undecided: int = 0

    @property
    def total(self) -> int:
        """All verdicts."""
        return self.confirmed + self.missed + self.wrong + self.told_apart + self.undecided
