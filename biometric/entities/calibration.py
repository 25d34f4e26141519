"""What a calibration on one's own footage found: thresholds with intervals, counts, score → likelihood ratio.

A calibration holds numbers only: no template, no name, no clip name. Erasing a person needs no change to it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCALE: tuple[tuple[float, str], ...] = (
    (1e6, "extremely strong"),
    (1e4, "very strong"),
    (1e3, "strong"),
    (1e2, "moderately strong"),
    (1e1, "moderate"),
    (2.0, "weak"),
)
"""Verbal scale of the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), p. 17: least ratio, words.

Below 2 the observation supports neither proposition; ratios below 1 are read upside down, for the other one."""


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Maps a comparison score to how much likelier it is for one person than for two: exp(slope · score + intercept).

    Attributes:
        slope, intercept: of the natural logarithm of the ratio; slope > 0.
        lowest, highest: the ratio stays within these, because data of n people say nothing about rarer events than 1
            in n (after Vergeer and others, "Numerical likelihood ratios outputted by LR systems are often based on
            extrapolation: when to stop extrapolating?", Science & Justice 56, 2016).
        basis: a sentence for people on the scores behind it.
    """

    slope: float
    intercept: float
    lowest: float
    highest: float
    basis: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope > 0 and math.isfinite(self.intercept)):
            raise ValueError(f"expected a finite slope above 0 and intercept, got {self.slope} and {self.intercept}")
        if not (0 < self.lowest <= 1 <= self.highest and math.isfinite(self.highest)):
            raise ValueError(f"expected limits around 1, got {self.lowest} and {self.highest}")

    def ratio(self, score: float) -> float:
        """Return the likelihood ratio of a score in [-1, 1], within the limits; it never falls with the score.

        Raises:
            ValueError: the score is no number.
        """
        if not math.isfinite(score):
            raise ValueError(f"expected a finite score, got {score}")
        exponent = self.slope * score + self.intercept
        return math.exp(min(max(exponent, math.log(self.lowest)), math.log(self.highest)))

    def words(self, score: float) -> str:
        """Return what a score supports and how strongly: "moderate support for the same person"."""
        ratio = self.ratio(score)
        side = "the same person" if ratio >= 1 else "different people"
        strength = next((word for least, word in SCALE if max(ratio, 1 / ratio) >= least), None)
        return f"{strength} support for {side}" if strength is not None else "no support either way"

    def describe(self, score: float) -> str:
        """Return words and number: "likelihood ratio 11: moderate support for the same person".

        A score that is no number says nothing: "no likelihood ratio".
        """
        if not math.isfinite(score):
            return "no likelihood ratio"
        ratio = self.ratio(score)
        number = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
        return f"likelihood ratio {number}: {self.words(score)}"


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """A threshold for a target error rate.

    Attributes:
        value: in [-1, 1], three decimals, rounded up.
        target: the rate that `value` keeps with 95 % confidence: FMR of a comparison (verification), or FPIR of a
            search of the whole gallery (identification). In (0, 1).
        errors, trials: trials that reach `value`, of how many. A trial is a pair of people or a stranger, not a
            comparison: comparisons of the same people are not independent.
        upper: 95 % upper limit of the rate, at most `target`.
        low, high: 95 % interval of the threshold at the target, from a bootstrap over people.
        basis: how it was found, in words for people.
    """

    value: float
    target: float
    errors: int
    trials: int
    upper: float
    low: float
    high: float
    basis: str

    def __post_init__(self) -> None:
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"expected a threshold in [-1, 1], got {self.value}")
        if not 0 < self.target < 1:
            raise ValueError(f"expected a target rate in (0, 1), got {self.target}")
        if not 0 <= self.errors <= self.trials:
            raise ValueError(f"expected 0 ≤ errors ≤ trials, got {self.errors} of {self.trials}")
        if not 0 <= self.upper <= 1:
            raise ValueError(f"expected an upper limit in [0, 1], got {self.upper}")
        if not -1.0 <= self.low <= self.high <= 1.0:
            raise ValueError(f"expected -1 ≤ low ≤ high ≤ 1, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class GenuineScores:
    """Scores of one person with themselves, of one kind.

    Attributes:
        kind: "same visit" (flattering: same clothes, light and camera) or "repeated references".
        people, comparisons: how many.
        missed: comparisons below the verification threshold.
        low, high: 95 % interval of the rate missed / comparisons (FNMR).
    """

    kind: str
    people: int
    comparisons: int
    missed: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.missed <= self.comparisons:
            raise ValueError(f"expected 0 ≤ missed ≤ comparisons, got {self.missed} of {self.comparisons}")
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(f"expected a rate's interval within [0, 1], got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of scores in bins of equal width over [-1, 1], for pairs of different people and for one person."""

    different: tuple[int, ...]
    same: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.different) != len(self.same) or not self.different:
            raise ValueError(f"expected as many bins twice, got {len(self.different)} and {len(self.same)}")
        if not all(isinstance(count, int) and count >= 0 for count in (*self.different, *self.same)):
            raise ValueError("expected counts of at least 0 in every bin")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds fitted on footage of one's own, with all that is needed to judge them.

    Attributes:
        model_id: the embedder; the thresholds mean nothing for another one.
        created_at: ISO 8601, UTC.
        verification: for 1:1, target is an FMR.
        identification: for 1:N with `gallery_size` identities, target is an FPIR; None where the data did not suffice.
        gallery_size: identities enrolled at that time.
        people, pairs, independent: different people, pairs of different people compared, and how many independent
            comparisons these count for.
        clips, seconds: footage used.
        sources: number of comparisons by where they came from.
        genuine: scores of one person with themselves, by kind.
        likelihood: score → likelihood ratio, or None where there were too few genuine scores.
        notes: sentences for people: assumptions, what was left out, what is missing.
        references: biometric references enrolled at that time; 0 in calibrations that did not count them.
        doubtful: comparisons of people in the clips with names so alike that they may be one person; they were counted
            as mistakes.
    """

    model_id: str
    created_at: str
    verification: FittedThreshold
    identification: FittedThreshold | None
    gallery_size: int
    people: int
    pairs: int
    independent: int
    clips: int
    seconds: float
    sources: Mapping[str, int]
    genuine: tuple[GenuineScores, ...]
    likelihood: LikelihoodRatio | None
    histogram: Histogram
    notes: tuple[str, ...] = ()
    references: int = 0
    doubtful: int = 0

    def __post_init__(self) -> None:
        for name in ("gallery_size", "people", "pairs", "independent", "clips", "references", "doubtful"):
            if getattr(self, name) < 0:
                raise ValueError(f"expected {name} of at least 0, got {getattr(self, name)}")
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"expected seconds of at least 0, got {self.seconds}")

    @property
    def day(self) -> str:
        """The date, such as 2026-03-01."""
        return self.created_at[:10]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, which `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibration":
        """Read `as_dict`'s form.

        Raises:
            KeyError, TypeError, ValueError: it is not one.
        """
        identification, likelihood = data["identification"], data["likelihood"]
        return cls(
            **{
                **data,
                "verification": FittedThreshold(**data["verification"]),
                "identification": None if identification is None else FittedThreshold(**identification),
                "sources": dict(data["sources"]),
                "genuine": tuple(GenuineScores(**item) for item in data["genuine"]),
                "likelihood": None if likelihood is None else LikelihoodRatio(**likelihood),
                "histogram": Histogram(tuple(data["histogram"]["different"]), tuple(data["histogram"]["same"])),
                "notes": tuple(data["notes"]),
            }
        )
