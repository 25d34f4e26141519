"""How often hidden people are detected and recognised still."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Box
from biometric.entities.boxes import iou
from biometric.entities.redaction import Hiding
from biometric.entities.redaction_measure import MeasuredHiding

DETECTED_IOU = 0.5
"""Intersection over union from which a detection is that of a person detected in the original, as in the study."""

SIGNIFICANCE = 0.05
"""Probability below which guessing would not recognise so many people."""

_EQUAL = 1e-5
"""Scores closer than this are the same: of pictures without content nobody is closest."""


def detected_again(original: Sequence[Box], hidden: Sequence[Box]) -> int:
    """How many boxes of people of a frame are detected in the hidden frame, each detection counted once."""
    left = list(hidden)
    count = 0
    for box in original:
        best = max(left, key=lambda other: iou(box, other), default=None)
        if best is not None and iou(box, best) >= DETECTED_IOU:
            left.remove(best)
            count += 1
    return count


def rank_one_hits(scores: NDArray[np.float32]) -> float:
    """How many of N probes are closest to their own reference, given (N, N) scores; n equal ones count 1/n."""
    best = scores.max(axis=1, keepdims=True)
    closest = scores >= best - _EQUAL
    return float((np.diag(closest) / closest.sum(axis=1)).sum())


def is_chance(hits: float, people: int) -> bool:
    """Whether guessing among so many people would do as well at least once in twenty times (binomial, one-sided)."""
    guess, least = 1 / people, math.ceil(hits - 1e-9)
    tail = sum(math.comb(people, n) * guess**n * (1 - guess) ** (people - n) for n in range(least, people + 1))
    return tail >= SIGNIFICANCE


def hiding_rates(
    hiding: Hiding | None,
    detection_rate: float,
    probes: NDArray[np.float32],
    references: NDArray[np.float32],
    hidden_references: NDArray[np.float32],
    threshold: float,
) -> MeasuredHiding:
    """Return what a hiding leaves of N people.

    Args:
        probes: (N, D) unit templates of hidden pictures.
        references: (N, D) of other pictures of the same people, in the same order, as they are.
        hidden_references: the same, hidden as the probes are.
        threshold: comparison threshold.
    """
    people = len(probes)
    scores = probes @ references.T
    plain, alike = rank_one_hits(scores), rank_one_hits(probes @ hidden_references.T)
    others = scores[~np.eye(people, dtype=bool)]
    return MeasuredHiding(
        hiding=hiding,
        detection_rate=detection_rate,
        rank1=plain / people,
        rank1_alike=alike / people,
        match_rate=float((np.diag(scores) >= threshold).mean()),
        false_match_rate=float((others >= threshold).mean()),
        chance=is_chance(plain, people) and is_chance(alike, people),
    )
