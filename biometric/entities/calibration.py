"""A calibration on the operator's own footage: thresholds with intervals, counts, score → likelihood ratio.

A calibration holds numbers only: no template, no name, no clip name. Erasing a person needs no change to it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from biometric.entities.adaptation import UNADAPTED, AdaptationReport, ScoreAdaptation
from biometric.entities.likelihood_ratios import LikelihoodRatio, read_note
from biometric.entities.notices import Notice


class FitBasis(StrEnum):
    """Which trials a threshold was fitted to. The values stand in stored calibrations.

    PAIRS_FOR_SEARCHES: pairs of different people, taking the comparisons of one search for independent.
    """

    PAIRS = "pairs"
    SEARCHES = "searches"
    PAIRS_FOR_SEARCHES = "pairs for searches"

    @classmethod
    def read(cls, text: str) -> "FitBasis":
        """Return the basis of a stored text, which earlier versions wrote as a phrase. Raises `ValueError`."""
        if text in _SPELT_OUT:
            return _SPELT_OUT[text]
        if text.startswith("pairs of different people, taking the "):
            return cls.PAIRS_FOR_SEARCHES
        return cls(text)


_SPELT_OUT = {
    "pairs of different people": FitBasis.PAIRS,
    "strangers searched in the gallery": FitBasis.SEARCHES,
}


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
        basis: which trials it was fitted to.
    """

    value: float
    target: float
    errors: int
    trials: int
    upper: float
    low: float
    high: float
    basis: FitBasis

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
        kind: "same visit" (flattering: same clothes, light and camera), "repeated references" or "confirmed answers"
            (selected: only answers that were shown could be confirmed).
        people, comparisons: how many.
        missed: comparisons below the verification threshold.
        low, high: 95 % interval of the rate missed / comparisons (FNMR).
        lowest: the lowest of the scores; None in calibrations that did not keep it.
    """

    kind: str
    people: int
    comparisons: int
    missed: int
    low: float
    high: float
    lowest: float | None = None

    def __post_init__(self) -> None:
        if self.lowest is not None and not -1.0 <= self.lowest <= 1.0:
            raise ValueError(f"expected a score in [-1, 1], got {self.lowest}")
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
class UnadaptedThresholds:
    """What the same footage gives for scores without an adaptation to cameras; attributes as of `Calibration`."""

    verification: FittedThreshold
    identification: FittedThreshold | None
    likelihood: LikelihoodRatio | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds fitted on the operator's own footage, with the evidence for them.

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
        notes: assumptions, what was left out, what is missing.
        references: biometric references enrolled at that time; 0 in calibrations that did not count them.
        doubtful: comparisons of people in the clips with names so alike that they may be one person; they were counted
            as errors.
        report: which adaptation to cameras the scores were made with, and what it gains; None in calibrations that
            tried none.
        unadapted: thresholds for scores without it, where there is one: what the model card's are compared with.
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
    notes: tuple[Notice, ...] = ()
    references: int = 0
    doubtful: int = 0
    report: AdaptationReport | None = None
    unadapted: UnadaptedThresholds | None = None

    def __post_init__(self) -> None:
        for name in ("gallery_size", "people", "pairs", "independent", "clips", "references", "doubtful"):
            if getattr(self, name) < 0:
                raise ValueError(f"expected {name} of at least 0, got {getattr(self, name)}")
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"expected seconds of at least 0, got {self.seconds}")
        if (self.adaptation == UNADAPTED) != (self.unadapted is None):
            raise ValueError("expected thresholds without the adaptation where there is one, and only there")

    @property
    def adaptation(self) -> ScoreAdaptation:
        """Which scores the thresholds are for."""
        return UNADAPTED if self.report is None else self.report.chosen

    def without_adaptation(self) -> "Calibration":
        """Return it with its thresholds for scores without an adaptation; the counts of both are the same."""
        if self.unadapted is None:
            return self
        plain = {name: getattr(self.unadapted, name) for name in ("verification", "identification", "likelihood")}
        return replace(self, **plain, report=None, unadapted=None)

    @property
    def day(self) -> str:
        """The date, such as 2026-03-01."""
        return self.created_at[:10]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, which `from_dict` reads."""
        data = asdict(self)
        data["notes"] = [note.as_dict() for note in self.notes]
        _write_basis(data, self.likelihood)
        if self.unadapted is not None:
            _write_basis(data["unadapted"], self.unadapted.likelihood)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibration":
        """Read `as_dict`'s form, also that of earlier versions, whose notes were sentences.

        Raises:
            KeyError, TypeError, ValueError: it is not one.
        """
        report, unadapted = data.get("report"), data.get("unadapted")
        return cls(
            **{
                **data,
                **_thresholds(data),
                "report": None if report is None else AdaptationReport.from_dict(report),
                "unadapted": None if unadapted is None else UnadaptedThresholds(**_thresholds(unadapted)),
                "sources": dict(data["sources"]),
                "genuine": tuple(GenuineScores(**item) for item in data["genuine"]),
                "histogram": Histogram(tuple(data["histogram"]["different"]), tuple(data["histogram"]["same"])),
                "notes": tuple(read_note(note) for note in data["notes"]),
            }
        )


def _write_basis(data: dict[str, Any], likelihood: LikelihoodRatio | None) -> None:
    if likelihood is not None:
        data["likelihood"] = likelihood.as_dict()


def _thresholds(data: Mapping[str, Any]) -> dict[str, Any]:
    identification, likelihood = data["identification"], data["likelihood"]
    return {
        "verification": _fitted(data["verification"]),
        "identification": None if identification is None else _fitted(identification),
        "likelihood": None if likelihood is None else LikelihoodRatio.from_dict(likelihood),
    }


def _fitted(data: Mapping[str, Any]) -> FittedThreshold:
    return FittedThreshold(**{**data, "basis": FitBasis.read(data["basis"])})
