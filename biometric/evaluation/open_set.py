"""1:N with people who are not enrolled: FPIR, FNIR and DIR over the size of the gallery. Numpy only.

People are drawn (seeded) into a gallery of N identities; probes of everybody else are non-mated. An identity's score is
its best reference's, as in the app. With a threshold t (ISO/IEC 19795-1; Grother and others, NIST IR 8271; Phillips,
Grother and Micheals, "Evaluation methods in face recognition", 2011, for DIR):

    FPIR(N, t) = non-mated probes whose best identity scores at or above t / non-mated probes
    FNIR(N, t) = mated probes that are not answered with their own identity (it scores below t, or another one scores
                 as high or higher) / mated probes
    DIR        = 1 - FNIR at rank 1, reported at the threshold that gives a wanted FPIR (then also called FAR)

A tie between the right and another identity counts as an error. Same-camera references of a probe's own person are left
out, junk and distractors do not take part; a mated probe whose own references are all left out is not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.evaluation.comparisons import BLOCK, Samples, Trial, blocks
from biometric.statistics.error_rates import Distribution, threshold_at_fmr
from biometric.statistics.intervals import Rate, bootstrap_mean, rate

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
FPIR_TARGETS = (1e-1, 1e-2, 1e-3)
DRAWS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """Searches in galleries of one size, over all draws.

    Attributes:
        size: N, number of identities enrolled.
        mated_own, mated_other: (M,) float64, score of the right identity and of the best other one (-inf for N = 1).
        mated_people: (M,) int64, whose probe it was.
        unmated_best: (U,) float64, score of the best identity.
        unmated_people: (U,) int64.
    """

    size: int
    mated_own: NDArray[np.float64]
    mated_other: NDArray[np.float64]
    mated_people: NDArray[np.int64]
    unmated_best: NDArray[np.float64]
    unmated_people: NDArray[np.int64]

    def fpir(self, threshold: float, seed: int = 0) -> Rate | None:
        """FPIR at a threshold with its interval; None without non-mated probes."""
        return _rate(self.unmated_best >= threshold, self.unmated_people, seed)

    def fnir(self, threshold: float, seed: int = 0) -> Rate | None:
        """FNIR (rank 1) at a threshold with its interval; None without mated probes."""
        missed = (self.mated_own < threshold) | (self.mated_other >= self.mated_own)
        return _rate(missed, self.mated_people, seed)

    def threshold_at_fpir(self, target: float) -> float | None:
        """The lowest threshold whose FPIR is at most `target`, as `error_rates.threshold_at_fmr` finds it."""
        if len(self.unmated_best) == 0:
            return None
        return threshold_at_fmr(Distribution.of(self.unmated_best), target)

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(FPIR, FNIR, thresholds), (T,) each, at every score at which FPIR steps."""
        thresholds = np.unique(np.append(self.unmated_best, np.nextafter(self.unmated_best.max(), np.inf)))
        right = np.sort(np.where(self.mated_other < self.mated_own, self.mated_own, -np.inf))
        best = np.sort(self.unmated_best)
        fpir = 1.0 - np.searchsorted(best, thresholds, side="left") / len(best)
        fnir = np.searchsorted(right, thresholds, side="left") / len(right)
        return fpir, fnir, thresholds


def search(
    trial: Trial, sizes: Sequence[int] = SIZES, draws: int = DRAWS, seed: int = 0, size: int = BLOCK
) -> list[Searches]:
    """Search every probe in galleries of each size; sizes above half of the people give way to exactly half.

    Only people with references can be enrolled. Fewer than two such people leave nobody to be unknown: an empty list.
    """
    probes = trial.probes.select(trial.probes.identities >= 0)
    references = trial.references.select(trial.references.identities >= 0)
    people = references.people
    largest = len(people) // 2
    if largest == 0 or len(probes) == 0:
        return []
    galleries = [number for number in sizes if number < largest] + [largest]
    generator = np.random.default_rng(seed)
    drawn = [
        _draw(probes, references, generator.permutation(people).astype(np.int64), galleries, size) for _ in range(draws)
    ]
    return [_searches(number, probes, [draw[index] for draw in drawn]) for index, number in enumerate(galleries)]


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """One draw at one size: (P,) own and best other score, and whether the probe's person is enrolled."""

    own: NDArray[np.float64]
    other: NDArray[np.float64]
    enrolled: NDArray[np.bool_]


def _draw(
    probes: Samples, references: Samples, order: NDArray[np.int64], galleries: list[int], size: int
) -> list[_Draw]:
    """Enroll people in an order; a gallery of N is its first N people, so that one pass serves all sizes."""
    place = np.full(int(max(probes.identities.max(), references.identities.max())) + 1, len(order), np.int64)
    place[order] = np.arange(len(order))
    enrolled = references.select(place[references.identities] < galleries[-1])
    enrolled = enrolled.select(np.argsort(place[enrolled.identities], kind="stable"))
    starts = np.searchsorted(place[enrolled.identities], np.arange(galleries[-1]))
    own_place = place[probes.identities]
    own = np.full(len(probes), -np.inf)
    other = np.full((len(galleries), len(probes)), -np.inf)
    for block in blocks(Trial(probes, enrolled), size):
        rows = slice(block.start, block.start + len(block.scores))
        scores = np.where(block.ignored, np.float32(-np.inf), block.scores)
        best = np.maximum.reduceat(scores, starts, axis=1).astype(np.float64)
        mated = np.nonzero(own_place[rows] < galleries[-1])[0]
        own[block.start + mated] = best[mated, own_place[rows][mated]]
        best[mated, own_place[rows][mated]] = -np.inf
        for index, number in enumerate(galleries):
            other[index, rows] = best[:, :number].max(axis=1)
    return [_Draw(own, other[index], own_place < number) for index, number in enumerate(galleries)]


def _searches(number: int, probes: Samples, draws: list[_Draw]) -> Searches:
    own = np.concatenate([draw.own for draw in draws])
    other = np.concatenate([draw.other for draw in draws])
    enrolled = np.concatenate([draw.enrolled for draw in draws])
    people = np.tile(probes.identities, len(draws))
    mated = enrolled & np.isfinite(own)
    return Searches(number, own[mated], other[mated], people[mated], other[~enrolled], people[~enrolled])


def _rate(errors: NDArray[np.bool_], people: NDArray[np.int64], seed: int) -> Rate | None:
    if len(errors) == 0:
        return None
    interval = bootstrap_mean(errors.astype(np.float64), people, seed=seed)
    distinct, everybody = len(np.unique(people[errors])), len(np.unique(people))
    return rate(int(errors.sum()), len(errors), interval, distinct=distinct, independent=everybody)
