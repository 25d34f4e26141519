"""The lowest threshold that keeps a target error rate with 95 % confidence, or a refusal. Numpy only.

What counts as a trial: comparisons that share people are not independent, so a trial of verification is a pair of
different people (their highest score), and a trial of identification is a stranger searched in the whole gallery.
Pairs that all involve the same few people say less than as many pairs of many people; n pairs are counted as at most

    m (m - 1) / 2    with m = 1 / Σ share²,    share = a person's part in the pairs (summing to 1)

which is all pairs that m people can form, m being the effective number of people (Kish's design effect). For
everybody compared with everybody else that is n itself; for one person against many strangers it is about 6.

A threshold keeps the target p when the one-sided 95 % upper limit of the error rate (rule of 3 without errors,
Clopper–Pearson otherwise: `intervals`) is at most p. Without errors that takes 3 / p independent trials; with fewer
the calibration is refused. The interval of the threshold comes from a bootstrap over people.

Identification in a gallery of N: where enough strangers were searched in it, from the maximum of their N scores
(empirical); otherwise from FPIR = 1 - (1 - FMR)^N, which takes the N comparisons of a search for independent.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from biometric.entities import FittedThreshold
from biometric.errors import CalibrationRefused
from biometric.evaluation import intervals
from biometric.evaluation.error_rates import threshold_at_fmr

ROUNDS = 200
"""Draws of the bootstrap for a threshold's interval."""
ONE_SIDED = 0.90
"""Confidence of the two-sided interval whose upper end is a one-sided 95 % limit."""

Pairs = Mapping[tuple[int, int], float]
"""The highest score of each pair of different people."""


def independent(pairs: Collection[tuple[int, int]]) -> int:
    """Return how many independent comparisons pairs of people count for (see the module); 0 for none."""
    if not pairs:
        return 0
    parts = np.array(list(Counter(person for pair in pairs for person in pair).values()), np.float64)
    effective = (2 * len(pairs)) ** 2 / float((parts**2).sum())
    return min(len(pairs), math.floor(effective * (effective - 1) / 2 + 1e-9))


def upper_limit(errors: int, trials: int) -> float:
    """One-sided 95 % upper limit of an error rate: rule of 3 without errors, else Clopper–Pearson."""
    if errors == 0:
        return intervals.rule_of_three(trials)
    return intervals.clopper_pearson(errors, trials, ONE_SIDED).high


def needed(target: float) -> int:
    """Return how many independent trials without an error keep a target rate: 3 / target (rule of 3)."""
    return math.ceil(3.0 / target - 1e-9)


def errors_allowed(trials: int, target: float) -> int | None:
    """Return the most errors in so many independent trials whose upper limit keeps the target, None when none may be.

    The limit rises with the errors, and n trials with n · target errors never keep it, so the search ends there.
    """
    if trials < 1 or upper_limit(0, trials) > target:
        return None
    low, high = 0, math.ceil(trials * target)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if upper_limit(middle, trials) <= target else (low, middle)
    return low


def fit_pairs(pairs: Pairs, target: float, seconds: float = 0.0) -> FittedThreshold:
    """Return the lowest threshold at which the FMR over pairs of people keeps the target with 95 % confidence.

    Raises:
        CalibrationRefused: fewer than 3 / target independent comparisons.
    """
    trials = independent(pairs)
    allowed = errors_allowed(trials, target)
    if allowed is None:
        raise _refusal(f"a false match rate of {target:g}", target, trials, seconds)
    scores = np.array(list(pairs.values()), np.float64)
    basis = "pairs of different people"
    value = _above(scores, math.floor(allowed * len(pairs) / trials))
    people = np.unique(np.array(list(pairs)), return_inverse=True)[1].reshape(-1, 2)
    low, high = _spread(scores, people, target, value)
    errors = int((scores >= value).sum())
    counted = math.ceil(errors * trials / len(pairs))
    return FittedThreshold(value, target, errors, len(pairs), upper_limit(counted, trials), low, high, basis)


def fit_searches(
    strangers: Mapping[int, float], pairs: Pairs, target: float, gallery_size: int, seconds: float = 0.0
) -> FittedThreshold:
    """Return the lowest threshold at which a search of the gallery names a stranger at most at the target rate.

    Args:
        strangers: for each stranger that was searched, the best score over the whole gallery.

    Raises:
        CalibrationRefused: nobody is enrolled, or neither strangers nor pairs suffice.
    """
    if gallery_size < 1:
        raise CalibrationRefused(
            "An identification threshold is for a gallery of a certain size, and nobody is enrolled yet. Enroll the "
            "people to be recognised, then calibrate again."
        )
    allowed = errors_allowed(len(strangers), target)
    if allowed is not None:
        scores = np.array(list(strangers.values()), np.float64)
        value = _above(scores, allowed)
        errors = int((scores >= value).sum())
        low, high = _spread(scores, np.arange(len(scores))[:, np.newaxis], target, value)
        basis = "strangers searched in the gallery"
        return FittedThreshold(value, target, errors, len(scores), upper_limit(errors, len(scores)), low, high, basis)
    single = -math.expm1(math.log1p(-target) / gallery_size)
    try:
        fitted = fit_pairs(pairs, single, seconds)
    except CalibrationRefused as error:
        raise CalibrationRefused(
            f"For identification in a gallery of {gallery_size} with a false-positive identification rate of "
            f"{target:g}, it takes {needed(target):,} strangers in clips other than the enrollments' (there are "
            f"{len(strangers):,}), or {error.needed:,} independent comparisons of different people (there are "
            f"{error.available:,}). Add footage, or choose a higher rate.",
            error.needed,
            error.available,
            error.people,
        ) from error
    upper = -math.expm1(gallery_size * math.log1p(-fitted.upper))
    basis = f"pairs of different people, taking the {gallery_size} comparisons of a search for independent"
    return FittedThreshold(fitted.value, target, fitted.errors, fitted.trials, upper, fitted.low, fitted.high, basis)


def _above(scores: NDArray[np.float64], allowed: int) -> float:
    """The lowest threshold of three decimals that at most `allowed` of (N,) scores reach."""
    exact = threshold_at_fmr(scores, allowed / len(scores))
    thousandths = math.ceil(exact * 1000)
    while thousandths / 1000 < exact:  # the product was rounded down
        thousandths += 1
    if thousandths > 1000:
        raise CalibrationRefused(
            "People who must be different score 1.00 with each other, so no threshold can tell them apart. Check that "
            "nobody is enrolled under two names and that the clips show people, not their pictures or reflections."
        )
    return thousandths / 1000


def _spread(
    scores: NDArray[np.float64], people: NDArray[np.integer], target: float, value: float
) -> tuple[float, float]:
    """95 % interval of the score that a share `target` reaches, drawing people with replacement.

    It is widened to hold the threshold `value`, which errs on the safe side and may lie above it.

    Args:
        scores: (N,).
        people: (N, K), who takes part in each score, numbered from 0; a score's weight is the product of theirs.
    """
    order = np.argsort(-scores)
    ranked, owners = scores[order], people[order]
    found = []
    for weights in intervals.draws(int(people.max()) + 1, ROUNDS):
        for drawn in weights:
            reached = np.cumsum(drawn[owners].prod(axis=1))
            if reached[-1] > 0:
                place = int(np.searchsorted(reached, target * reached[-1], side="right"))
                found.append(ranked[min(place, len(ranked) - 1)])
    limits = intervals.percentile_interval(np.array(found) if found else scores)
    return min(limits.low, value), max(limits.high, value)


def _refusal(what: str, target: float, trials: int, seconds: float) -> CalibrationRefused:
    wanted = needed(target)
    people = math.ceil((1 + math.sqrt(1 + 8 * wanted)) / 2)
    ways = [f"{people:,} different people who are all compared with each other"]
    if trials and seconds:
        ways.append(f"about {math.ceil((wanted - trials) / trials * seconds / 60):,} more minutes of footage like this")
    supported = f" A rate of {_rounded_up(3 / trials):g} or higher is supported now." if trials > 6 else ""
    return CalibrationRefused(
        f"To promise {what}, at least {wanted:,} independent comparisons of different people without a mistake are "
        f"needed (rule of 3), and there are {trials:,}. {' or '.join(ways)} would do. Add footage in which several "
        f"people are seen at the same time, enroll more people, or choose a higher rate.{supported}",
        wanted,
        trials,
        people,
    )


def _rounded_up(rate: float) -> float:
    """A rate to two significant digits, never below itself."""
    step = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return math.ceil(rate / step - 1e-9) * step
