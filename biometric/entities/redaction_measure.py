"""What hiding leaves of people: how often they are detected and recognised still."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from biometric.entities.redaction import Hiding, HidingMethod


@dataclass(frozen=True, slots=True)
class MeasuredHiding:
    """What a hiding leaves. All rates are in [0, 1].

    Attributes:
        hiding: None: the footage as it is.
        detection_rate: of the people detected in the original, in how many frames they are detected (IoU 0.5) still.
        rank1: how often a hidden person is closest to their own picture as it is.
        rank1_alike: how often, where the pictures that are compared with are hidden in the same way. A person who
            looks for somebody can do that.
        match_rate: how many hidden people reach the threshold with their own picture as it is.
        false_match_rate: how often hidden people reach it with somebody else's.
        chance: whether neither rank-1 is better than guessing (one-sided binomial test at 5 %).
    """

    hiding: Hiding | None
    detection_rate: float
    rank1: float
    rank1_alike: float
    match_rate: float
    false_match_rate: float
    chance: bool


@dataclass(frozen=True, slots=True)
class RedactionMeasure:
    """What each hiding leaves of the people of one clip.

    Attributes:
        rows: the footage as it is, then each method from weak to strong.
        people: how many people were told apart.
        detections: how many boxes the detection rate is counted on.
        threshold: the comparison threshold of `match_rate`.
        day: ISO 8601, when it was measured.
    """

    rows: tuple[MeasuredHiding, ...]
    people: int
    detections: int
    threshold: float
    model_id: str
    detector: str
    day: str = ""

    @property
    def guess_rate(self) -> float:
        """Rank-1 of guessing."""
        return 1 / self.people

    @property
    def weakest_safe(self) -> Hiding | None:
        """The weakest setting at and above which its method is no better than chance; see `weakest_safe_hiding`."""
        return weakest_safe_hiding(self.rows) if self.people >= FEWEST_PEOPLE else None


FEWEST_PEOPLE: Final = 20
"""Of fewer people nothing is told: with ten, three of them recognised may be guessing."""

_PREFERRED = (HidingMethod.BLUR, HidingMethod.PIXELS, HidingMethod.BOX, HidingMethod.SILHOUETTE)
"""Methods by how much of people they leave to be seen, most first."""


def weakest_safe_hiding(rows: Sequence[MeasuredHiding]) -> Hiding | None:
    """Return the weakest setting of the mildest method that is no better than chance, as all stronger ones of it are.

    None where no method is. A setting that is safe by luck, with a stronger one that is not, does not count.
    """
    for method in _PREFERRED:
        safe: Hiding | None = None
        for row in reversed([row for row in rows if row.hiding is not None and row.hiding.method is method]):
            if not row.chance:
                break
            safe = row.hiding
        if safe is not None:
            return safe
    return None
