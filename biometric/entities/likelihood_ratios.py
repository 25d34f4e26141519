"""Comparison score → likelihood ratio, with how sure its numbers are."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from biometric.entities.notices import Notice, NoticeCode

_NORMAL_95 = 1.959963984540054
"""Half of a 95 % interval of a normal distribution, in standard deviations."""


@dataclass(frozen=True, slots=True)
class LikelihoodSpread:
    """How much slope and intercept of a `LikelihoodRatio` vary from one draw of people to another.

    Attributes:
        slope, intercept: variances of both over the draws of a bootstrap over people, at least 0.
        both: their covariance.
        rounds: how many draws gave a mapping.
    """

    slope: float
    intercept: float
    both: float
    rounds: int

    def __post_init__(self) -> None:
        if not (
            math.isfinite(self.slope) and self.slope >= 0 and math.isfinite(self.intercept) and self.intercept >= 0
        ):
            raise ValueError(f"expected finite variances of at least 0, got {self.slope} and {self.intercept}")
        if not math.isfinite(self.both) or self.rounds < 2:
            raise ValueError(f"expected a finite covariance of two draws or more, got {self.both} of {self.rounds}")

    def deviation(self, score: float) -> float:
        """Return the standard deviation of the ratio's natural logarithm at a score."""
        variance = self.slope * score**2 + 2 * self.both * score + self.intercept
        return math.sqrt(max(0.0, variance))


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Maps a comparison score to how much likelier it is for one person than for two: exp(slope · score + intercept).

    Attributes:
        slope, intercept: of the natural logarithm of the ratio; slope > 0.
        lowest, highest: the ratio stays within these, because data of n people are no evidence on rarer events than 1
            in n (after Vergeer and others, "Numerical likelihood ratios outputted by LR systems are often based on
            extrapolation: when to stop extrapolating?", Science & Justice 56, 2016).
        basis: on how many scores it rests; None where that is not known.
        spread: how sure the numbers are; None in calibrations that did not measure it.
    """

    slope: float
    intercept: float
    lowest: float
    highest: float
    basis: Notice | None = None
    spread: LikelihoodSpread | None = None

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
        return self._limited(self._logarithm(score))

    def interval(self, score: float) -> tuple[float, float] | None:
        """Return the 95 % interval of the ratio at a score, within the limits; None where the spread is not known.

        It says how far the number would move had other people of the same kind been in the footage of the
        calibration, not whether that footage is like the footage compared. Raises as `ratio`.
        """
        logarithm = self._logarithm(score)
        if self.spread is None:
            return None
        half = _NORMAL_95 * self.spread.deviation(score)
        return self._limited(logarithm - half), self._limited(logarithm + half)

    def is_limited(self, score: float) -> bool:
        """Return whether the limits keep the ratio of a score from being larger or smaller. Raises as `ratio`."""
        return not math.log(self.lowest) < self._logarithm(score) < math.log(self.highest)

    def _logarithm(self, score: float) -> float:
        if not math.isfinite(score):
            raise ValueError(f"expected a finite score, got {score}")
        return self.slope * score + self.intercept

    def _limited(self, logarithm: float) -> float:
        if logarithm >= math.log(self.highest):
            return self.highest
        return self.lowest if logarithm <= math.log(self.lowest) else math.exp(logarithm)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, which `from_dict` reads."""
        return {**asdict(self), "basis": None if self.basis is None else self.basis.as_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LikelihoodRatio":
        """Read `as_dict`'s form, also that of earlier versions. Raises `KeyError`, `TypeError`, `ValueError`."""
        basis, spread = data.get("basis") or None, data.get("spread")
        read = {
            "basis": None if basis is None else read_note(basis),
            "spread": None if spread is None else LikelihoodSpread(**spread),
        }
        return cls(**{**data, **read})


def read_note(data: str | Mapping[str, Any]) -> Notice:
    """Return a stored notice, which earlier versions stored as a sentence."""
    return Notice(NoticeCode.STORED_NOTE, text=data) if isinstance(data, str) else Notice.from_dict(data)
