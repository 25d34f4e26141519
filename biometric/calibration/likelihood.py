"""Comparison score → likelihood ratio, by logistic regression (scikit-learn).

With as much weight on all genuine scores together as on all impostor scores together, the fitted log-odds are the
logarithm of the likelihood ratio p(score | one person) / p(score | two people), because the prior odds are 1
(Morrison, "Tutorial on logistic-regression calibration and fusion", Australian Journal of Forensic Sciences 45, 2013).
The regression is regularised (C = 1 on standardised scores), so that well separated scores do not make it infinitely
steep, and the ratio is capped by the number of people that it rests on: see `entities.LikelihoodRatio`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from biometric.entities import LikelihoodRatio, Notice
from biometric.entities.likelihood_ratios import LikelihoodSpread
from biometric.statistics import intervals

GENUINE_NEEDED = 10
"""Fewest people with genuine scores, and fewest impostor trials, for a mapping to be fitted at all."""
ROUNDS = 200
"""Draws of the bootstrap that says how sure slope and intercept are."""
_BINS = 2000
"""Bins over [-1, 1] in which a draw's scores are counted: a thousandth each."""
_STEPS = 50
"""Most steps of Newton's method; ten are usual."""


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


def with_spread(
    fitted: LikelihoodRatio, genuine: Sequence[tuple[int, float]], pairs: Mapping[tuple[int, int], float]
) -> LikelihoodRatio:
    """Return a mapping with how much it varies from one draw of people to another (bootstrap over people).

    A person who is drawn twice counts twice in genuine scores, and on their side of each pair.

    Args:
        genuine: (person, score) that the mapping was fitted to.
        pairs: its impostor scores, by pair of people.
    """
    same, same_people = np.array([score for _, score in genuine]), np.array([person for person, _ in genuine])
    different, different_people = np.array(list(pairs.values())), np.array(list(pairs))
    everybody, owners = np.unique(np.concatenate([same_people, different_people.ravel()]), return_inverse=True)
    own, both = owners[: len(same)], owners[len(same) :].reshape(-1, 2)
    scores = np.concatenate([same, different])
    centre, spread, total = float(scores.mean()), float(scores.std()), len(scores)
    places = [np.clip(((values + 1) / 2 * _BINS).astype(int), 0, _BINS - 1) for values in (same, different)]
    found = []
    for weights in intervals.draws(len(everybody), ROUNDS):
        for drawn in weights:
            weighed = drawn[own], drawn[both].prod(axis=1)
            counts = tuple(
                np.bincount(place, weight, _BINS).astype(np.float64)
                for place, weight in zip(places, weighed, strict=True)
            )
            line = _weighted_line(counts, centre, spread, total)
            if line is not None:
                found.append(line)
    if len(found) < ROUNDS / 2:
        return fitted
    (slope, shared), (_, intercept) = np.cov(np.array(found).T).tolist()
    return replace(fitted, spread=LikelihoodSpread(slope, intercept, shared, len(found)))


def _weighted_line(
    counts: tuple[NDArray[np.float64], ...], centre: float, spread: float, total: int
) -> tuple[float, float] | None:
    """Return slope and intercept of genuine and impostor scores counted in bins; None where a draw has too few."""
    if any(np.count_nonzero(side) < 2 for side in counts):
        return None
    middles = (np.arange(_BINS) + 0.5) / _BINS * 2 - 1
    used = [np.flatnonzero(side) for side in counts]
    rows = (np.concatenate([middles[place] for place in used]) - centre) / spread
    labels = np.concatenate([np.ones(len(used[0])), np.zeros(len(used[1]))])
    weights = np.concatenate([side[place] / side.sum() * total / 2 for side, place in zip(counts, used, strict=True)])
    line = _newton(rows, labels, weights)
    return None if line is None else (line[0] / spread, line[1] - line[0] / spread * centre)


def _newton(
    rows: NDArray[np.float64], labels: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Return slope and intercept of the same regularised regression as `fit_likelihood_ratio`'s, by Newton's method.

    Hundreds of small fits take a fraction of a second so; None where it does not converge.
    """
    design = np.column_stack([rows, np.ones(len(rows))])
    penalty = np.diag([1.0, 0.0])  # C = 1; the intercept is free
    line = np.zeros(2)
    for _ in range(_STEPS):
        chances = 1.0 / (1.0 + np.exp(-np.clip(design @ line, -50, 50)))
        gradient = design.T @ (weights * (chances - labels)) + penalty @ line
        curvature = (design * (weights * chances * (1 - chances))[:, np.newaxis]).T @ design + penalty
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        line = line - step
        if float(np.abs(step).max()) < 1e-9:
            return float(line[0]), float(line[1])
    return None
