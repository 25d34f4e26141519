"""The lowest threshold that keeps a target error rate with 95 % confidence, or a refusal. Numpy only.

What counts as a trial: comparisons that share people are not independent, so a trial of verification is a pair of
different people (their highest score), and a trial of identification is a stranger searched in the whole gallery.
Pairs that all involve the same few people are weaker evidence than as many pairs of many people; n pairs are counted as
at most

    m (m - 1) / 2    with m = 1 / Σ share²,    share = a person's part in the pairs (summing to 1)

which is all pairs that m people can form, m being the effective number of people (Kish's design effect). For
everybody compared with everybody else that is n itself; for one person against many strangers it is about 6.

A threshold keeps the target p when the one-sided 95 % upper limit of the error rate (rule of 3 without errors,
Clopper–Pearson otherwise: `intervals`) is at most p. Without errors that takes 3 / p independent trials; with fewer
the calibration is refused. Errors come in groups that the effective number cannot see (people of one uniform), so a
threshold with errors must also keep the target with a margin in 95 % of the draws of a bootstrap over people; another
bootstrap gives the interval of the threshold. All assume that the people of the footage are a random sample of the
people that will be seen.

Scores that are no trials of their own (`more`, see `collection`) count as errors of every threshold up to them.

Identification in a gallery of N: where enough strangers were searched in it, from the maximum of their N scores
(empirical); otherwise from FPIR = 1 - (1 - FMR)^N, which takes the N comparisons of a search for independent, and
above the score of every search that was made.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biometric.entities import FitBasis, FittedThreshold, Notice, NoticeCode
from biometric.entities.calibration_footage import count_needed_trials as count_needed_trials
from biometric.errors import CalibrationRefused
from biometric.errors.phrases import Phrase
from biometric.statistics import intervals
from biometric.statistics.error_rates import threshold_at_fmr

ROUNDS = 200
"""Draws of the bootstrap for a threshold's interval."""
ONE_SIDED = 0.90
"""Confidence of the two-sided interval whose upper end is a one-sided 95 % limit."""
ONE_SIDED_QUANTILE = 0.95
"""Share of a bootstrap's draws that must keep the target times `MARGIN`."""
MARGIN = 0.5
"""A bootstrap of few errors between pairs is too narrow. Of 100 people of whom 10 wear one uniform, 3 of 12 simulated
calibrations for 1e-3 exceeded it on new people (by up to 39 %); at half the target none did. Strangers who were
searched are drawn one by one and need no margin."""

Pairs = Mapping[tuple[int, int], float]
"""The highest score of each pair of different people."""
MorePairs = Sequence[tuple[tuple[int, int], float]]
"""Further scores of two tracks or names, which count as errors but are no trials."""


def count_independent(pairs: Collection[tuple[int, int]]) -> int:
    """Return how many independent comparisons pairs of people count for (see the module); 0 for none."""
    if not pairs:
        return 0
    person_counts = np.array(list(Counter(person for pair in pairs for person in pair).values()), np.float64)
    effective = (2 * len(pairs)) ** 2 / float((person_counts**2).sum())
    return min(len(pairs), math.floor(effective * (effective - 1) / 2 + 1e-9))


def upper_limit(errors: int, trials: int) -> float:
    """One-sided 95 % upper limit of an error rate: rule of 3 without errors, else Clopper–Pearson."""
    if errors == 0:
        return intervals.rule_of_three(trials)
    return intervals.clopper_pearson(errors, trials, ONE_SIDED).high


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


def fit_pairs(pairs: Pairs, target: float, seconds: float = 0.0, more: MorePairs = ()) -> FittedThreshold:
    """Return the lowest threshold at which the FMR over pairs of people keeps the target with 95 % confidence.

    Raises:
        CalibrationRefused: fewer than 3 / target independent comparisons.
    """
    trials = count_independent(pairs)
    allowed = errors_allowed(trials, target)
    if allowed is None:
        raise _refusal(target, trials, seconds)
    scores = np.array([*pairs.values(), *(score for _, score in more)], np.float64)
    people = np.array([*pairs, *(pair for pair, _ in more)])
    data = _Scores(scores, np.unique(people, return_inverse=True)[1].reshape(-1, 2), len(pairs))
    return _fit(data, math.floor(allowed * len(pairs) / trials), trials, target, FitBasis.PAIRS)


def fit_searches(
    strangers: Mapping[int, float],
    pairs: Pairs,
    target: float,
    gallery_size: int,
    seconds: float = 0.0,
    more: MorePairs = (),
    more_searches: Sequence[tuple[int, float]] = (),
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
            "people to be recognised, then calibrate again.",
            note=Notice(NoticeCode.IDENTIFICATION_NEEDS_GALLERY),
        )
    allowed = errors_allowed(len(strangers), target)
    scores = np.array([*strangers.values(), *(score for _, score in more_searches)], np.float64)
    if allowed is not None:
        people = np.array([*strangers, *(person for person, _ in more_searches)])
        data = _Scores(scores, np.unique(people, return_inverse=True)[1].reshape(-1, 1), len(strangers))
        return _fit(data, allowed, len(strangers), target, FitBasis.SEARCHES)
    single = -math.expm1(math.log1p(-target) / gallery_size)
    try:
        fitted = fit_pairs(pairs, single, seconds, more)
    except CalibrationRefused as error:
        raise CalibrationRefused(
            "For identification in a gallery of {gallery_size} with a false-positive identification rate "
            "of {target:g}, it takes {strangers_needed:,} strangers in clips other than the enrollments' "
            "(there are {strangers:,}), or {comparisons_needed:,} independent comparisons of different "
            "people (there are {comparisons:,}). Add footage, or choose a higher rate.",
            error.needed,
            error.available,
            error.people,
            Notice(
                NoticeCode.IDENTIFICATION_NEEDS_DATA,
                identities=gallery_size,
                rate=target,
                strangers_needed=count_needed_trials(target),
                strangers=len(strangers),
                needed=error.needed,
                available=error.available,
            ),
            gallery_size=gallery_size,
            target=target,
            strangers_needed=count_needed_trials(target),
            strangers=len(strangers),
            comparisons_needed=error.needed,
            comparisons=error.available,
        ) from error
    # the searches are too few to fit by, but a threshold that one of them reaches is known to be too low
    value = max(fitted.value, _above(scores, 0)) if len(scores) else fitted.value
    return replace(
        fitted,
        value=value,
        target=target,
        upper=-math.expm1(gallery_size * math.log1p(-fitted.upper)),
        high=max(fitted.high, value),
        basis=FitBasis.PAIRS_FOR_SEARCHES,
        errors=fitted.errors if value == fitted.value else _reach(pairs, more, value),
    )


def _reach(pairs: Pairs, more: MorePairs, value: float) -> int:
    return sum(score >= value for score in [*pairs.values(), *(score for _, score in more)])


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """(N,) scores, the first `trials` of which are trials, and (N, K) who takes part in each, numbered from 0."""

    scores: NDArray[np.float64]
    people: NDArray[np.integer]
    trials: int


def _fit(data: _Scores, allowed: int, independent_trials: int, target: float, basis: FitBasis) -> FittedThreshold:
    """Fit with at most so many errors, then raise the threshold until the bootstrap agrees where there are any."""
    value = _above(data.scores, allowed)
    limits = intervals.percentile_interval(_drawn(data, target))
    if (data.scores >= value).any():
        kept_rate = target * MARGIN if data.people.shape[1] > 1 else target
        cautious = float(np.quantile(_drawn(data, kept_rate), ONE_SIDED_QUANTILE, method="higher"))
        value = max(value, _above(np.array([cautious]), 0))
    errors = int((data.scores >= value).sum())
    # with errors, target is the one limit on which both counts and draws agree
    upper = target if errors else upper_limit(0, independent_trials)
    # the interval is widened to hold the threshold, which errs on the safe side and may lie above it
    low, high = min(limits.low, value), max(limits.high, value)
    return FittedThreshold(value, target, errors, data.trials, upper, low, high, basis)


def _drawn(data: _Scores, target: float) -> NDArray[np.float64]:
    """Return, for each bootstrap draw of people, the score above which a share `target` of its trials lies at most.

    A score's weight is the product of its people's. The share counts all scores, over the trials alone.
    """
    order = np.argsort(-data.scores)
    ranked, owners, trial = data.scores[order], data.people[order], order < data.trials
    limits = []
    for weights in intervals.draws(int(data.people.max()) + 1, ROUNDS):
        for drawn in weights:
            weight = drawn[owners].prod(axis=1)
            reached, total = np.cumsum(weight), float(weight[trial].sum())
            if total > 0:
                place = int(np.searchsorted(reached, target * total, side="right"))
                limits.append(ranked[min(place, len(ranked) - 1)])
    return np.array(limits) if limits else data.scores


def _above(scores: NDArray[np.float64], allowed: int) -> float:
    """The lowest threshold of three decimals that at most `allowed` of (N,) scores reach."""
    exact = threshold_at_fmr(scores, allowed / len(scores))
    thousandths = math.ceil(exact * 1000)
    while thousandths / 1000 < exact:  # the product was rounded down
        thousandths += 1
    if thousandths > 1000:
        raise CalibrationRefused(
            "People who must be different score 1.00 with each other, so no threshold can tell them apart. Check that "
            "nobody is enrolled under two names and that the clips show people, not their pictures or reflections.",
            note=Notice(NoticeCode.IDENTIFICATION_NOT_SEPARABLE),
        )
    return thousandths / 1000


def _refusal(target: float, trials: int, seconds: float) -> CalibrationRefused:
    wanted = count_needed_trials(target)
    people = math.ceil((1 + math.sqrt(1 + 8 * wanted)) / 2)
    ways = Phrase("{people:,} different people who are all compared with each other", people=people)
    if trials and seconds:
        minutes = math.ceil((wanted - trials) / trials * seconds / 60)
        ways = Phrase("{ways} or about {minutes:,} more minutes of footage like this", ways=ways, minutes=minutes)
    supported = Phrase(" You can use 1 in {n:,} now.", n=trials // 3) if trials >= 6 else ""
    return CalibrationRefused(
        "Not enough footage for 1 in {most:,}: to keep a false match rate of {target:g}, at least {wanted:,} "
        "independent comparisons of different people without an error are needed (rule of 3), and there are "
        "{trials:,}. {ways} would do. Add footage in which several people are seen at the same time, enroll more "
        "people, or choose a higher rate.{supported}",
        wanted,
        trials,
        people,
        most=round(1 / target),
        target=target,
        wanted=wanted,
        trials=trials,
        ways=ways,
        supported=supported,
    )
