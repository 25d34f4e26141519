"""Confidence intervals of error rates, and the rules for when there are too few data.

Sources:
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 26 (1934).
    ISO/IEC 19795-1, rule of 3 (no error in n independent trials: below 3/n with 95 % confidence) and rule of 30
        (Doddington and others, "The NIST speaker recognition evaluation", Speech Communication 31 (2000): 30 errors
        are needed to be 90 % sure that the true rate is within ±30 % of the measured one).
    Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", Computer
        Vision and Image Understanding 93 (2004): comparisons that share a person are not independent, so people are
        drawn, not comparisons.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating] | NDArray[np.integer]

CONFIDENCE = 0.95
ROUNDS = 1000
"""Draws of a bootstrap; its 95 % limits then scatter by a few per cent of the interval's length."""

ERRORS_NEEDED = 30
"""Rule of 30."""

_CHUNK = 100
"""Bootstrap draws held in memory at once."""


class Support(StrEnum):
    """Whether there are enough errors to report a rate, by the rule of 30."""

    ENOUGH = "enough data"
    TOO_FEW = "too few data"


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits of a rate, `low` ≤ `high`, at a confidence in (0, 1); `method` says for people how it was found."""

    low: float
    high: float
    confidence: float = CONFIDENCE
    method: str = "Clopper–Pearson"

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"expected limits with low ≤ high, got {self.low} and {self.high}")
        if not 0.0 < self.confidence < 1.0:
            raise ValueError(f"expected a confidence between 0 and 1, got {self.confidence}")


@dataclass(frozen=True, slots=True)
class Rate:
    """A measured error rate: `errors` of `trials` (at least one trial), with its interval.

    `distinct` counts errors once a person (or pair of people): ten pictures of one look-alike are one piece of
    evidence. None where every trial stands for itself.
    """

    errors: int
    trials: int
    interval: Interval
    distinct: int | None = None

    def __post_init__(self) -> None:
        _check_counts(self.errors, self.trials)
        if self.distinct is not None:
            _check_counts(self.distinct, max(1, self.errors))

    @property
    def value(self) -> float:
        """The rate, in [0, 1]."""
        return self.errors / self.trials

    @property
    def support(self) -> Support:
        """Whether there are errors enough, of people enough, to trust the value."""
        return support(self.errors if self.distinct is None else self.distinct)


def support(errors: int) -> Support:
    """Judge a number of observed errors by the rule of 30."""
    return Support.ENOUGH if errors >= ERRORS_NEEDED else Support.TOO_FEW


def trials_needed(rate: float) -> int:
    """Return how many independent trials are expected to give the 30 errors that a rate in (0, 1] needs.

    Raises:
        ValueError: the rate is not in (0, 1].
    """
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"expected a rate in (0, 1], got {rate}")
    return math.ceil(ERRORS_NEEDED / rate - 1e-9)


def rate(
    errors: int,
    trials: int,
    interval: Interval | None = None,
    confidence: float = CONFIDENCE,
    distinct: int | None = None,
    independent: int | None = None,
) -> Rate:
    """Make a rate of counts; without an interval of its own it gets `binomial_interval`'s.

    Without errors the rule of three always holds, because a bootstrap of no errors has no width; it counts the
    `independent` trials (people, or pairs of people) where they are known.

    Raises:
        ValueError: no trials, or errors outside 0…trials.
    """
    _check_counts(errors, trials)
    if errors == 0:
        interval = binomial_interval(0, trials if independent is None else independent, confidence)
    elif interval is None:
        interval = binomial_interval(errors, trials, confidence)
    return Rate(errors, trials, interval, distinct)


def binomial_interval(errors: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Rule of three where no error was seen, else Clopper–Pearson; both assume independent trials."""
    _check_counts(errors, trials)
    if errors == 0:
        return Interval(0.0, rule_of_three(trials, confidence), confidence, "rule of three")
    return clopper_pearson(errors, trials, confidence)


def rule_of_three(trials: int, confidence: float = CONFIDENCE) -> float:
    """Upper limit of a rate of which `trials` independent trials showed no case: -ln(1 - confidence) / trials.

    At 95 % that is 2.996 / trials, by custom 3 / trials, which is what is returned there. At most 1.
    """
    _check_counts(0, trials)
    return min(1.0, (3.0 if confidence == CONFIDENCE else -math.log(1.0 - confidence)) / trials)


def clopper_pearson(errors: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Exact two-sided interval of a binomial proportion: quantiles of Beta(e, n-e+1) and Beta(e+1, n-e).

    Its coverage is at least the confidence, for any true rate; the trials must be independent.

    Raises:
        ValueError: no trials, or errors outside 0…trials.
    """
    from scipy.special import betaincinv  # half a second, which whoever only lists models need not wait for

    _check_counts(errors, trials)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1.0 - tail))
    return Interval(low, high, confidence)


def bootstrap_mean(
    values: Numbers,
    identities: NDArray[np.integer],
    confidence: float = CONFIDENCE,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Interval:
    """Interval of the mean of (N,) values, drawing the people that (N,) identities name with replacement.

    A person who is drawn brings all their values. Percentile method (Efron).

    Raises:
        ValueError: no values, or not as many identities as values.
    """
    if len(values) == 0 or len(values) != len(identities):
        raise ValueError(f"expected as many identities as values, at least one, got {len(identities)}, {len(values)}")
    people, owner = np.unique(identities, return_inverse=True)
    sums = np.bincount(owner, weights=np.asarray(values, np.float64), minlength=len(people))
    counts = np.bincount(owner, minlength=len(people)).astype(np.float64)
    return bootstrap_ratio(sums, counts, confidence, rounds, seed)


def bootstrap_ratio(
    errors: Numbers,
    trials: Numbers,
    confidence: float = CONFIDENCE,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Interval:
    """Interval of sum(errors) / sum(trials), both (I,) per person, drawing people with replacement."""
    tops, bottoms = [], []
    for weights in draws(len(errors), rounds, seed):
        tops.append(weights @ np.asarray(errors, np.float64))
        bottoms.append(weights @ np.asarray(trials, np.float64))
    return percentile_interval(ratios(np.concatenate(tops), np.concatenate(bottoms)), confidence)


def bootstrap_pairs(
    errors: Numbers,
    trials: Numbers,
    confidence: float = CONFIDENCE,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Interval:
    """Interval of sum(errors) / sum(trials), both (I, I) per pair of people, drawing people with replacement.

    A person drawn twice counts twice on both sides of a comparison: with multiplicities w the rate is (wᵀEw) / (wᵀTw).
    A diagonal of zeros keeps a person drawn twice from being an impostor to themselves.
    """
    return percentile_interval(pair_ratios(errors, trials, rounds, seed), confidence)


def pair_ratios(errors: Numbers, trials: Numbers, rounds: int = ROUNDS, seed: int = 0) -> NDArray[np.float64]:
    """The rates of `rounds` bootstrap draws over (I, I) counts; NaN where a draw has no trial."""
    tops, bottoms = [], []
    wrong, tried = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
    for weights in draws(len(wrong), rounds, seed):
        tops.append(((weights @ wrong) * weights).sum(axis=1))
        bottoms.append(((weights @ tried) * weights).sum(axis=1))
    return ratios(np.concatenate(tops), np.concatenate(bottoms))


def draws(people: int, rounds: int = ROUNDS, seed: int = 0) -> list[NDArray[np.float64]]:
    """Multiplicities of `people` drawn with replacement, `rounds` times, as a list of (≤100, people) arrays.

    Raises:
        ValueError: nobody to draw, or no rounds.
    """
    if people < 1 or rounds < 1:
        raise ValueError(f"expected at least one person and one round, got {people} and {rounds}")
    generator = np.random.default_rng(seed)
    shares = np.full(people, 1.0 / people)
    sizes = [min(_CHUNK, rounds - start) for start in range(0, rounds, _CHUNK)]
    return [generator.multinomial(people, shares, size).astype(np.float64) for size in sizes]


def percentile_interval(statistics: NDArray[np.floating], confidence: float = CONFIDENCE) -> Interval:
    """Percentile interval of bootstrap statistics; draws without a value (NaN) are left out, infinity is a value.

    With no value at all nothing is known: the interval is 0 to 1.
    """
    known = statistics[~np.isnan(statistics)]
    if len(known) == 0:
        return Interval(0.0, 1.0, confidence, "bootstrap over identities (no draw had a trial)")
    tail = (1.0 - confidence) / 2.0
    if np.isinf(known).any():
        # Interpolating between a number and infinity gives NaN: take the draws themselves.
        low, high = np.quantile(known, tail, method="lower"), np.quantile(known, 1.0 - tail, method="higher")
    else:
        low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(float(low), float(high), confidence, "bootstrap over identities")


def ratios(tops: NDArray[np.float64], bottoms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elementwise quotient, NaN where the divisor is 0."""
    quotients: NDArray[np.float64] = np.divide(tops, bottoms, out=np.full(tops.shape, np.nan), where=bottoms > 0)
    return quotients


def _check_counts(errors: int, trials: int) -> None:
    if trials < 1:
        raise ValueError(f"expected at least one trial, got {trials}")
    if not 0 <= errors <= trials:
        raise ValueError(f"expected errors from 0 to {trials}, got {errors}")
