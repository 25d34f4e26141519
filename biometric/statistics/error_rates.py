"""1:1 error rates of comparison scores (similarities: higher is closer). Numpy only.

The decision is `comparison.decide`'s: a score at or above the threshold is a match. With impostor scores I and genuine
scores G (ISO/IEC 2382-37, ISO/IEC 19795-1):

    FMR(t)  = |{s in I : s >= t}| / |I|      false match rate, falls with t
    FNMR(t) = |{s in G : s <  t}| / |G|      false non-match rate, rises with t

Both are step functions that change just above an observed score. All functions take either an array of scores or a
`Distribution`, which may hold a histogram of more scores than memory does (see `blocks`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FMR_TARGETS = (1e-1, 1e-2, 1e-3, 1e-4)
"""Operating points at which FNMR is reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Scores as distinct values with counts.

    Attributes:
        values: (V,) float64, strictly rising.
        counts: (V,) int64, at least 1 each.
        above: (V + 1,) int64, number of scores at or above each value; the last one is 0.
        single: whether the scores were float32, so that "just above a score" means the next float32.
        bin_width: where scores were counted in bins, by their lower edges, the width of a bin, else 0. Rates at an
            edge are then exact, and "just above a score" means the next edge.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    above: NDArray[np.int64]
    single: bool = False
    bin_width: float = 0.0

    @classmethod
    def of(cls, scores: ArrayLike) -> "Distribution":
        """Count scores of any shape.

        Raises:
            ValueError: a score is NaN or infinite.
        """
        array = np.asarray(scores)
        single = array.dtype in (np.dtype(np.float32), np.dtype(np.float16))
        values, counts = np.unique(array.astype(np.float64), return_counts=True)
        return cls.counted(values, counts, single)

    @classmethod
    def counted(
        cls,
        values: NDArray[np.float64],
        counts: NDArray[np.integer],
        single: bool = False,
        bin_width: float = 0.0,
    ) -> "Distribution":
        """Make a distribution of strictly rising (V,) values and their (V,) counts; empty bins are dropped.

        Raises:
            ValueError: values that are not finite or do not rise.
        """
        if not np.isfinite(values).all():
            raise ValueError("expected finite scores, got NaN or infinity")
        if len(values) != len(counts) or not (np.diff(values) > 0).all():
            raise ValueError("expected strictly rising values and as many counts")
        is_filled = counts > 0
        filled_counts = np.asarray(counts[is_filled], np.int64)
        above = np.concatenate([np.cumsum(filled_counts[::-1])[::-1], np.zeros(1, np.int64)]).astype(np.int64)
        return cls(values[is_filled], filled_counts, above, single, bin_width)

    @property
    def total(self) -> int:
        """Number of scores."""
        return int(self.above[0])

    @property
    def mean(self) -> float:
        """Mean score."""
        return float(self.values @ self.counts) / self.total

    @property
    def variance(self) -> float:
        """Variance of the scores as a population (divided by their number)."""
        return float(((self.values - self.mean) ** 2) @ self.counts) / self.total

    def at_or_above(self, thresholds: ArrayLike) -> NDArray[np.int64]:
        """Number of scores at or above each threshold."""
        counts: NDArray[np.int64] = self.above[np.searchsorted(self.values, np.asarray(thresholds), side="left")]
        return counts

    def just_above(self, value: float) -> float:
        """The smallest threshold that a score of exactly `value` does not reach, in the precision of the scores."""
        if self.bin_width > 0.0:
            return value + self.bin_width
        step = np.float32(value) if self.single else np.float64(value)
        return float(np.nextafter(step, step.dtype.type(np.inf)))


Scores = Distribution | NDArray[np.floating] | Sequence[float]


def distribution(scores: Scores) -> Distribution:
    """Return scores as a distribution.

    Raises:
        ValueError: no scores, or NaN or infinity among them.
    """
    counted = scores if isinstance(scores, Distribution) else Distribution.of(scores)
    if counted.total == 0:
        raise ValueError("expected at least one score, got none")
    return counted


def fmr(impostor: Scores, threshold: float) -> float:
    """False match rate: the share of impostor scores at or above the threshold (ISO/IEC 19795-1)."""
    counted = distribution(impostor)
    return int(counted.at_or_above(threshold)) / counted.total


def fnmr(genuine: Scores, threshold: float) -> float:
    """False non-match rate: the share of genuine scores below the threshold (ISO/IEC 19795-1)."""
    counted = distribution(genuine)
    return (counted.total - int(counted.at_or_above(threshold))) / counted.total


def threshold_at_fmr(impostor: Scores, target: float) -> float:
    """Return the lowest threshold whose FMR is at most `target` (in [0, 1]).

    At most k = floor(target · |I|) impostors may match. FMR steps just above each observed score, so the threshold is
    the next number above the (k+1)-th highest impostor score, in the scores' precision. Ties at that score are all
    kept out, so FMR may fall below the target, never above. With k = |I| the lowest impostor score is returned.
    A threshold above 1 means that impostors scored 1 and no cosine threshold reaches the target.

    Raises:
        ValueError: no scores, or a target outside [0, 1].
    """
    if not 0.0 <= target <= 1.0:
        raise ValueError(f"expected a target rate in [0, 1], got {target}")
    counted = distribution(impostor)
    allowed = math.floor(target * counted.total + 1e-9)  # 0.29 * 100 is 28.999… in floating point
    if allowed >= counted.total:
        return float(counted.values[0])
    # the highest value that more than `allowed` scores reach is the (allowed+1)-th highest score
    blocking = int(np.nonzero(counted.above[:-1] > allowed)[0][-1])
    return counted.just_above(float(counted.values[blocking]))


def threshold_at_fnmr(genuine: Scores, target: float) -> float:
    """Return the highest observed genuine score at which FNMR is at most `target` (in [0, 1]).

    With k = floor(target · |G|) that is the (k+1)-th lowest genuine score; with k = |G|, just above the highest.
    """
    if not 0.0 <= target <= 1.0:
        raise ValueError(f"expected a target rate in [0, 1], got {target}")
    counted = distribution(genuine)
    missed = math.floor(target * counted.total + 1e-9)
    if missed >= counted.total:
        return counted.just_above(float(counted.values[-1]))
    below = counted.total - counted.above[:-1]
    return float(counted.values[np.nonzero(below <= missed)[0][-1]])


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """EER with the threshold at which it was read off."""

    rate: float
    threshold: float


def eer(genuine: Scores, impostor: Scores) -> EqualErrorRate:
    """Equal error rate: where FMR and FNMR meet.

    Step functions seldom meet exactly, so the mean of the two is taken at the observed score (or just above the
    highest) where they differ least; of several such thresholds, the lowest.
    """
    matched, missed, thresholds = curves(genuine, impostor)
    best = int(np.abs(matched - missed).argmin())
    return EqualErrorRate(float(matched[best] + missed[best]) / 2.0, float(thresholds[best]))


def auc(genuine: Scores, impostor: Scores) -> float:
    """Area under the ROC: P(g > i) + P(g = i) / 2 for a genuine score g and an impostor score i.

    The Mann–Whitney statistic (Hanley and McNeil, Radiology 143 (1982)); equal scores count half.
    """
    genuine_counted, impostor_counted = distribution(genuine), distribution(impostor)
    left = np.searchsorted(impostor_counted.values, genuine_counted.values, side="left")
    right = np.searchsorted(impostor_counted.values, genuine_counted.values, side="right")
    below = impostor_counted.total - impostor_counted.above[left]
    equal = impostor_counted.above[left] - impostor_counted.above[right]
    wins = (below + equal / 2.0) @ genuine_counted.counts
    return float(wins) / genuine_counted.total / impostor_counted.total


def d_prime(genuine: Scores, impostor: Scores) -> float:
    """Decidability d′ = (μ_G - μ_I) / sqrt((σ_G² + σ_I²) / 2), with population variances.

    Daugman, "Biometric decision landscapes", TR482, University of Cambridge (2000), with its sign kept: a negative
    value says that strangers score higher. Infinite where neither distribution has any width but their means differ.
    """
    genuine_counted, impostor_counted = distribution(genuine), distribution(impostor)
    difference = genuine_counted.mean - impostor_counted.mean
    width = math.sqrt((genuine_counted.variance + impostor_counted.variance) / 2.0)
    if width == 0.0:
        return 0.0 if difference == 0.0 else math.copysign(math.inf, difference)
    return difference / width


def fnmr_at_fmr(genuine: Scores, impostor: Scores, target: float) -> tuple[float, float]:
    """Return (FNMR, threshold) at the threshold that `threshold_at_fmr` finds for the target."""
    threshold = threshold_at_fmr(impostor, target)
    return fnmr(genuine, threshold), threshold


def curves(genuine: Scores, impostor: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (FMR, FNMR, thresholds), each (T,), at every observed score and just above the highest."""
    genuine_counted, impostor_counted = distribution(genuine), distribution(impostor)
    observed = np.union1d(genuine_counted.values, impostor_counted.values)
    higher = genuine_counted if genuine_counted.values[-1] >= impostor_counted.values[-1] else impostor_counted
    thresholds = np.append(observed, higher.just_above(float(observed[-1])))
    matched = impostor_counted.at_or_above(thresholds) / impostor_counted.total
    missed = 1.0 - genuine_counted.at_or_above(thresholds) / genuine_counted.total
    return matched, missed, thresholds
