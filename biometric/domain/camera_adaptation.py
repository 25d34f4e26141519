"""Scores made comparable across cameras without labels: centring by camera, and score normalisation. Numpy only.

Each camera (its light, height, angle) shifts all templates alike. Two ways take the shift out; neither needs a name:

- Centring subtracts from a template the mean of the templates that its camera has seen, and scales to unit length
  again. Of few templates the mean is mostly chance, so it is shrunken towards zero: mean × n / (n + `PRIOR_TEMPLATES`),
  the posterior mean under a normal prior around zero (empirical Bayes; Efron and Morris, "Data analysis using Stein's
  estimator and its generalizations", JASA 70 (1975)).
- Adaptive symmetric score normalisation (adaptive s-norm) centres and scales a score by the closest cohort scores of
  its probe and of its reference: Matejka and others, "Analysis of score normalization in multilingual speaker
  recognition", Interspeech 2017; after Cumani and others, "Comparison of speaker recognition approaches for real
  applications", Interspeech 2011. The cohort are templates of strangers to everybody who is compared.

A score made with one adaptation says nothing about a threshold for another.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities.cohort import LEAST_COHORT as LEAST_COHORT

PRIOR_TEMPLATES = 20
"""Templates of a camera at which its mean counts half; chosen on CUHK01 and CUHK03, where it did no harm from 5 on."""

LEAST_LENGTH = 1e-3
"""A centred vector shorter than this has no direction but rounding's; the vector then stays as it was."""

COHORT_NEIGHBOURS = 200
"""Closest cohort scores that describe a template; of a smaller cohort, all."""

LEAST_DEVIATION = 0.01
"""Smallest deviation of cohort scores that is divided by (a cohort of near copies has almost none)."""

SCORE_LIMIT = 256.0
"""Normalised scores lie within ± this: cosines differ by 2 at most, which is 200 of the smallest deviation."""

CHUNK = 1 << 22
"""Cohort scores computed at once: 16 MB."""

Vectors = NDArray[np.float32]
Cameras = NDArray[Any]
"""Numbers (int64) or names (str) of cameras, of one kind in all calls."""


def shrunken_mean(templates: Vectors) -> Vectors:
    """Return the mean of (N, D) unit templates, times N / (N + `PRIOR_TEMPLATES`): (D,) float32, zero for N = 0.

    Raises:
        ValueError: not (N, D), or NaN or infinity.
    """
    templates = _checked(templates)
    count = len(templates)
    total = templates.sum(axis=0, dtype=np.float64) / (count + PRIOR_TEMPLATES)
    mean: Vectors = total.astype(np.float32)  # (sum / n) × n / (n + prior)
    return mean


def centre(vectors: Vectors, means: Vectors) -> Vectors:
    """Subtract means from (N, D) unit vectors and scale to unit length: (N, D) float32.

    `means` is (D,) for all or (N, D), one a vector. A vector that all but vanishes (`LEAST_LENGTH`) stays as it was; a
    shrunken mean of unit vectors is shorter than 1, so that only means from elsewhere can do that.

    Raises:
        ValueError: shapes that do not fit, or NaN or infinity.
    """
    vectors = _checked(vectors)
    means = np.asarray(means, np.float32)
    if means.shape not in (vectors.shape, vectors.shape[1:]) or not np.isfinite(means).all():
        raise ValueError(f"expected finite means of shape {vectors.shape[1:]} or {vectors.shape}, got {means.shape}")
    shifted = vectors - means
    lengths = np.linalg.norm(shifted, axis=1, keepdims=True)
    has_vanished = lengths < LEAST_LENGTH
    centred: Vectors = np.where(has_vanished, vectors, shifted / np.where(has_vanished, 1.0, lengths))
    return centred.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class CameraMeans:
    """Shrunken means of the templates that cameras have seen.

    Attributes:
        cameras: (C,) distinct, ascending: numbers (int64) or names (str).
        counts: (C,) int64, templates seen by each.
        means: (C, D) float32, shrunken.
        everywhere: (D,) float32, shrunken mean of all templates, for cameras that are not among them.

    Raises:
        ValueError: shapes that do not fit, or cameras that do not ascend.
    """

    cameras: Cameras
    counts: NDArray[np.int64]
    means: Vectors
    everywhere: Vectors

    def __post_init__(self) -> None:
        number = len(self.cameras)
        if self.counts.shape != (number,) or self.means.shape != (number, *self.everywhere.shape):
            raise ValueError(
                f"expected (C,) cameras and counts, (C, D) means and a (D,) mean of all, got {self.cameras.shape}, "
                f"{self.counts.shape}, {self.means.shape} and {self.everywhere.shape}"
            )
        if not (self.cameras[:-1] < self.cameras[1:]).all():
            raise ValueError("expected distinct cameras in ascending order")

    def centre(self, vectors: Vectors, cameras: Cameras) -> Vectors:
        """Centre (N, D) unit vectors, each by the mean of its camera of (N,), or by that of all cameras.

        Raises:
            ValueError: shapes that do not fit, or NaN or infinity.
        """
        if len(cameras) != len(vectors):
            raise ValueError(f"expected a camera for each vector, got {len(cameras)} for {len(vectors)}")
        return centre(vectors, np.concatenate([self.means, self.everywhere[None]])[self._rows(cameras)])

    def knows(self, cameras: Cameras) -> NDArray[np.bool_]:
        """Which of (N,) cameras have a mean of their own, (N,)."""
        return self._rows(cameras) < len(self.cameras)

    def _rows(self, cameras: Cameras) -> NDArray[np.int64]:
        """Index of each camera in `means`, C for others."""
        rows = np.searchsorted(self.cameras, cameras)
        found = np.minimum(rows, len(self.cameras) - 1)
        return np.where(self.cameras[found] == cameras, found, len(self.cameras)).astype(np.int64)


def learn_camera_means(templates: Vectors, cameras: Cameras) -> CameraMeans:
    """Learn the means of cameras from (N, D) unit templates and the (N,) camera of each; the order is of no account.

    A camera should count a person once or evenly, so pool what it saw of a person beforehand.

    Raises:
        ValueError: no template, shapes that do not fit, or NaN or infinity.
    """
    templates = _checked(templates)
    if len(templates) == 0 or np.shape(cameras) != (len(templates),):
        raise ValueError(f"expected templates with a camera each, got {templates.shape} and {np.shape(cameras)}")
    distinct, owners = np.unique(cameras, return_inverse=True)
    means = np.stack([shrunken_mean(templates[owners == number]) for number in range(len(distinct))])
    return CameraMeans(distinct, np.bincount(owners).astype(np.int64), means, shrunken_mean(templates))


@dataclass(frozen=True, slots=True, eq=False)
class CohortScores:
    """How high templates score against the cohort's templates that are closest to them.

    Attributes:
        means: (N,) float32, mean of the closest scores, in [-1, 1].
        deviations: (N,) float32, their standard deviation (as a population), at least `LEAST_DEVIATION`.
    """

    means: NDArray[np.float32]
    deviations: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.means.ndim != 1 or self.means.shape != self.deviations.shape:
            raise ValueError(f"expected (N,) means and deviations, got {self.means.shape}, {self.deviations.shape}")

    def __len__(self) -> int:
        return len(self.means)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.integer] | slice) -> "CohortScores":
        """The templates that a mask, indices or a slice choose."""
        return CohortScores(self.means[keep], self.deviations[keep])

    def join(self, others: "CohortScores") -> "CohortScores":
        """These templates, then others."""
        return CohortScores(
            np.concatenate([self.means, others.means]), np.concatenate([self.deviations, others.deviations])
        )


def score_against_cohort(
    vectors: Vectors, cohort: Vectors, neighbours: int = COHORT_NEIGHBOURS, below: float | None = None
) -> CohortScores | None:
    """Describe (N, D) unit vectors by their closest scores with a (C, D) cohort; None with fewer than `LEAST_COHORT`.

    Nobody of the cohort may be among those whom the vectors show. The order of the cohort is of no account.

    Args:
        below: where it is not known who the vectors show: scores of this and more do not count, because the template of
            the cohort may show the same person; where fewer than `LEAST_COHORT` remain, all count.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity, or fewer than one neighbour.
    """
    vectors, cohort = _checked(vectors), _checked(cohort)
    if neighbours < 1 or vectors.shape[1] != cohort.shape[1]:
        raise ValueError(
            f"expected vectors of one size and at least 1 neighbour, got {vectors.shape}, {cohort.shape}, {neighbours}"
        )
    if len(cohort) < LEAST_COHORT:
        return None
    closest = min(neighbours, len(cohort))
    means, deviations = (np.zeros(len(vectors), np.float32) for _ in range(2))
    rows = max(1, CHUNK // len(cohort))
    for start in range(0, len(vectors), rows):
        chunk = slice(start, start + rows)
        scores = np.clip(vectors[chunk] @ cohort.T, -1.0, 1.0)
        if below is not None:
            scores = _without_same_person(scores, below)
        top = np.partition(scores, len(cohort) - closest, axis=1)[:, len(cohort) - closest :].astype(np.float64)
        counted = np.isfinite(top)
        means[chunk] = top.mean(axis=1, where=counted)
        deviations[chunk] = top.std(axis=1, where=counted)
    return CohortScores(means, np.maximum(deviations, np.float32(LEAST_DEVIATION)))


def normalise_scores(
    scores: NDArray[np.float32], probes: CohortScores, references: CohortScores
) -> NDArray[np.float32]:
    """Normalise (P, R) cosines of P probes with R references: (P, R) float32 in ± `SCORE_LIMIT`, higher is closer.

    With mean μ and deviation σ of the closest cohort scores of either side:
    ((s - μ_probe) / σ_probe + (s - μ_reference) / σ_reference) / 2.

    Raises:
        ValueError: shapes that do not fit.
    """
    if scores.shape != (len(probes), len(references)):
        raise ValueError(f"expected scores of shape {(len(probes), len(references))}, got {scores.shape}")
    by_probe = (scores - probes.means[:, None]) / probes.deviations[:, None]
    by_reference = (scores - references.means) / references.deviations
    normalised: NDArray[np.float32] = np.asarray((by_probe + by_reference) / 2, np.float32)
    return normalised


def _without_same_person(scores: NDArray[np.float32], below: float) -> NDArray[np.float32]:
    """Return (N, C) scores, -inf in place of those of `below` or more, in rows where enough others remain."""
    is_stranger = scores < below
    is_stranger |= is_stranger.sum(axis=1, keepdims=True) < LEAST_COHORT
    return np.where(is_stranger, scores, np.float32(-np.inf))


def _checked(vectors: Vectors) -> Vectors:
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"expected finite vectors of shape (N, D), got {vectors.shape} or NaN or infinity")
    return vectors
