"""What few pixels and blur cost: how often a model misses the right person, by height and by sharpness."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

PEOPLE_NEEDED = 30
"""Fewer people say too little of a share: with 30 of whom none was missed it may still be 10 % (rule of three)."""


class DetailMeasure(StrEnum):
    """What rows are told apart by. The values stand in tables and JSON."""

    HEIGHT = "height"
    SHARPNESS = "sharpness"


@dataclass(frozen=True, slots=True)
class MissedShare:
    """How many comparisons of one person with themselves missed a threshold.

    Attributes:
        missed: comparisons below the threshold.
        low, high: 95 % interval of their share, in [0, 1].
    """

    missed: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.missed < 0:
            raise ValueError(f"expected 0 or more missed comparisons, got {self.missed}")
        if not 0.0 <= self.low <= self.high <= 1.0:  # false for NaN
            raise ValueError(f"expected an interval within [0, 1], got {self.low} to {self.high}")


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """Comparisons whose poorer side lies in one range of pixels of height, or of sharpness.

    Attributes:
        start, stop: the range, `stop` excluded; None: no upper end.
        people: whose comparisons they are.
        comparisons: how many, at least one.
        verification, identification: what misses the thresholds of the table.
    """

    measure: DetailMeasure
    start: float
    stop: float | None
    people: int
    comparisons: int
    verification: MissedShare
    identification: MissedShare

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start >= 0.0) or (self.stop is not None and self.stop <= self.start):
            raise ValueError(f"expected a rising range from 0 on, got {self.start} to {self.stop}")
        most = max(self.verification.missed, self.identification.missed)
        if not 1 <= self.people <= self.comparisons or most > self.comparisons:
            raise ValueError(
                f"expected people ≤ comparisons ≥ missed, got {self.people}, {self.comparisons} and {most}"
            )

    @property
    def enough(self) -> bool:
        """Whether there are people enough to say how often the right one is missed."""
        return self.people >= PEOPLE_NEEDED

    def missed(self, purpose: str) -> MissedShare:
        """What misses the threshold of "verification" or "identification"."""
        return self.verification if purpose == "verification" else self.identification

    def share(self, purpose: str) -> float:
        """The false non-match rate in [0, 1] at the threshold of "verification" or "identification"."""
        return self.missed(purpose).missed / self.comparisons

    def holds(self, value: float) -> bool:
        """Whether a height or sharpness lies in the row's range."""
        return self.start <= value and (self.stop is None or value < self.stop)


@dataclass(frozen=True, slots=True)
class RobustnessTable:
    """What was measured of one model.

    Attributes:
        model_id: of the embedder.
        data: what it was measured on, in words.
        day: date of the measurement, ISO 8601.
        verification, identification: thresholds at which misses were counted, in [-1, 1].
        samples: pooled a template, on average.
        rows: of both measures; ranges of one measure do not overlap.
    """

    model_id: str
    data: str
    day: str
    verification: float
    identification: float
    samples: float
    rows: tuple[RobustnessRow, ...]

    def __post_init__(self) -> None:
        if not all(-1.0 <= value <= 1.0 for value in (self.verification, self.identification)):
            raise ValueError(f"expected thresholds in [-1, 1], got {self.verification} and {self.identification}")
        if not (math.isfinite(self.samples) and self.samples >= 1.0):
            raise ValueError(f"expected at least 1 sample a template, got {self.samples}")
        for measure in DetailMeasure:
            rows = sorted(self.of(measure), key=lambda row: row.start)
            for row, following in pairwise(rows):
                if row.stop is None or row.stop > following.start:
                    raise ValueError(f"expected ranges of {measure} that do not overlap at {following.start:g}")

    def of(self, measure: DetailMeasure) -> Iterator[RobustnessRow]:
        """The rows of one measure, in their order."""
        return (row for row in self.rows if row.measure is measure)

    def row(self, measure: DetailMeasure, value: float | None) -> RobustnessRow | None:
        """The row that a height or sharpness lies in; None where there is none."""
        return None if value is None else next((row for row in self.of(measure) if row.holds(value)), None)

    def threshold(self, purpose: str) -> float:
        """The threshold of "verification" or "identification"."""
        return self.verification if purpose == "verification" else self.identification


@dataclass(frozen=True, slots=True)
class DetailCost:
    """What the pixels behind one answer cost: the row that it lies in, and what that rests on.

    Attributes:
        purpose: "verification" or "identification": whose threshold of the table counts.
        threshold: at which misses were counted.
    """

    row: RobustnessRow
    purpose: str
    threshold: float
    data: str

    @property
    def share(self) -> float:
        """The false non-match rate in [0, 1]."""
        return self.row.share(self.purpose)

    @property
    def missed(self) -> MissedShare:
        """The misses behind it, with the interval of their share."""
        return self.row.missed(self.purpose)
