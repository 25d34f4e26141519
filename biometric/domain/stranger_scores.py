"""Scores normalised with a cohort of strangers: who is in the cohort, and how scores are made with it. Numpy only.

The method and its source are described in `camera_adaptation` (adaptive s-norm). Here the cohort is the operator's own
footage: of each camera by which `PEOPLE_NEEDED` people or more were seen who are not enrolled, one template a person.
With few people it does harm (CUHK03: with 50 a camera FNMR at FMR 1e-2 was .087 instead of .083), and so does a cohort
that holds the people who are compared: whoever is enrolled is left out of it, and templates that may show the probe or
the reference itself do not count among its closest.

A normalised score has no limit, cosines lie in [-1, 1]. `tanh(score / SPREAD)` lies there as well and keeps the order,
so that thresholds, histograms and likelihood ratios need no second scale.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import CohortScores, normalise_scores, score_against_cohort
from biometric.domain.camera_means import pool_people
from biometric.entities import StrangerCohort

PEOPLE_NEEDED = 200
"""People that a camera must have seen for its templates to be kept."""
PEOPLE_KEPT = 1000
"""Most people of a camera who are kept; which ones is chosen by digest, whatever their order."""
SPREAD = 10.0
"""Normalised score, in deviations, that becomes tanh(1) = 0.76."""


def gather_strangers(
    vectors: NDArray[np.float32],
    cameras: Sequence[str],
    people: Sequence[int],
    same_person: float,
    expires: str,
    needed: int = PEOPLE_NEEDED,
) -> StrangerCohort | None:
    """Return a cohort of the people seen by cameras; their order is of no account.

    Args:
        vectors: (N, D) unit float32, of people who are not enrolled.
        cameras: (N,) keys of the cameras that they were seen by, "" for the unknown one.
        people: (N,) whom they show.
        same_person, expires: as of `StrangerCohort`.
        needed: fewest people of a camera.

    Returns:
        None where no camera has seen so many.
    """
    keys, pooled = pool_people(vectors, cameras, people)
    counts = Counter(camera for camera, _ in keys)
    by_digest = sorted(
        (camera, hashlib.sha256(np.ascontiguousarray(vector, "<f4").tobytes()).digest(), row)
        for row, ((camera, _), vector) in enumerate(zip(keys, pooled, strict=True))
        if counts[camera] >= needed
    )
    kept: Counter[str] = Counter()
    rows = []
    for camera, _, row in by_digest:
        kept[camera] += 1
        if kept[camera] <= PEOPLE_KEPT:
            rows.append(row)
    if not rows:
        return None
    return StrangerCohort(tuple(keys[row][0] for row in rows), pooled[rows], same_person, expires)


def most_seen(cameras: Sequence[str], people: Sequence[int]) -> int:
    """Return how many people the camera saw that saw the most of them; 0 for nobody."""
    counts = Counter(camera for camera, _ in set(zip(cameras, people, strict=True)))
    return max(counts.values(), default=0)


def describe_by_strangers(cohort: StrangerCohort, vectors: NDArray[np.float32]) -> CohortScores:
    """Return how high (N, D) unit vectors score against the strangers of the cohort that are closest to them.

    Raises:
        ValueError: shapes that do not fit, or NaN or infinity.
    """
    described = score_against_cohort(vectors, cohort.vectors, below=cohort.same_person)
    if described is None:  # for the type checker: a cohort is never so small
        raise ValueError("expected a larger cohort")
    return described


def normalised(scores: NDArray[np.float32], probes: CohortScores, references: CohortScores) -> NDArray[np.float32]:
    """Return (P, R) cosines of P probes with R references, normalised, in [-1, 1]. Raises `ValueError`: shapes."""
    bounded: NDArray[np.float32] = np.tanh(normalise_scores(scores, probes, references) / np.float32(SPREAD))
    return bounded
