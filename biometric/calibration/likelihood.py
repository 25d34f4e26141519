"""Comparison score → likelihood ratio, by logistic regression (scikit-learn).

With as much weight on all genuine scores together as on all impostor scores together, the fitted log-odds are the
logarithm of the likelihood ratio p(score | one person) / p(score | two people), because the prior odds are 1
(Morrison, "Tutorial on logistic-regression calibration and fusion", Australian Journal of Forensic Sciences 45, 2013).
The regression is regularised (C = 1 on standardised scores), so that well separated scores do not make it infinitely
steep, and the ratio is capped by the number of people that it rests on: see `entities.LikelihoodRatio`.
"""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from biometric.entities import LikelihoodRatio, Notice

GENUINE_NEEDED = 10
"""Fewest people with genuine scores, and fewest impostor trials, for a mapping to be fitted at all."""


def fit_likelihood_ratio(
    genuine: Sequence[float], impostor: Sequence[float], people: int, trials: int, basis: Notice
) -> LikelihoodRatio:
    """Fit the mapping from scores in [-1, 1].

    Args:
        people: independent genuine people; the ratio stays at or above 1 / people.
        trials: independent impostor comparisons; the ratio stays at or below their number.
        basis: on how many scores it rests.

    Raises:
        ValueError: fewer than `GENUINE_NEEDED` of either, or genuine scores that are no higher than impostor scores.
    """
    if people < GENUINE_NEEDED or trials < GENUINE_NEEDED or not genuine or not impostor:
        raise ValueError(f"expected at least {GENUINE_NEEDED} people and trials, got {people} and {trials}")
    scores = np.concatenate([np.asarray(genuine, np.float64), np.asarray(impostor, np.float64)])
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    centre, spread = float(scores.mean()), float(scores.std())
    if spread == 0.0:
        raise ValueError("expected scores that differ, got equal ones")
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000)
    model.fit(((scores - centre) / spread)[:, np.newaxis], same)
    slope = float(model.coef_[0, 0]) / spread
    intercept = float(model.intercept_[0]) - slope * centre
    if not (math.isfinite(slope) and slope > 0):
        raise ValueError("expected genuine scores above impostor scores, got the reverse")
    return LikelihoodRatio(slope, intercept, 1.0 / people, float(trials), basis)
