"""1:1 scores of more comparisons than memory holds: histograms and counts, one block of scores at a time. Numpy only.

Which comparisons count: genuine ones are of one person by two cameras, impostor ones of two people by any cameras.
Junk and distractors do not take part: an impostor is a person. In a symmetric trial each pair counts once.

20 000 × 20 000 comparisons fill 1.6 GB as float32; here they never exist at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.evaluation.comparisons import BLOCK, Block, Trial, blocks
from biometric.statistics.error_rates import Distribution
from biometric.statistics.intervals import Rate, bootstrap_pairs, bootstrap_ratio, pair_ratios, rate

BINS_PER_UNIT = 1 << 19
"""Bins between score 0 and the score limit: 1.9e-6 wide for cosines, 4.9e-4 for normalised scores.

A power of two, as the limits are, so that a float32 score falls into its bin exactly."""

CLUSTERS = 512
"""Most people whose pairs are counted one by one; of more, random groups of people are drawn by the bootstrap."""

Watch = Callable[[int], None]
"""Called with the number of probes done."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Genuine and impostor scores, counted in bins of `Trial.score_limit / BINS_PER_UNIT`."""

    genuine: Distribution
    impostor: Distribution
    limit: float = 1.0


def collect_scores(trial: Trial, size: int = BLOCK, watch: Watch | None = None) -> Scores:
    """Count the scores of all comparisons; a side without any has a `total` of 0."""
    counts = np.zeros((2, 2 * BINS_PER_UNIT + 1), np.int64)
    bins_per_score = np.float32(BINS_PER_UNIT / trial.score_limit)
    for block in blocks(trial, size):
        genuine, impostor = _masks(trial, block)
        for kind, mask in enumerate((genuine, impostor)):
            bins = np.floor(block.scores[mask] * bins_per_score).astype(np.int32)
            counts[kind] += np.bincount(bins + BINS_PER_UNIT, minlength=counts.shape[1])
        if watch is not None:
            watch(block.start + len(block.scores))
    width = trial.score_limit / BINS_PER_UNIT
    edges = np.arange(-BINS_PER_UNIT, BINS_PER_UNIT + 1, dtype=np.float64) * np.float64(width)
    sides = [Distribution.counted(edges, count, bin_width=width) for count in counts]
    return Scores(sides[0], sides[1], trial.score_limit)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Errors and trials by person, at T thresholds, so that intervals can be drawn over people.

    Attributes:
        thresholds: (T,) float64.
        missed: (T, I) float64, genuine comparisons below each threshold, per person.
        genuine: (I,) float64, genuine comparisons per person.
        matched: (T, C, C) float64, impostor comparisons at or above each threshold, per pair of clusters of people.
        impostor: (C, C) float64, impostor comparisons per pair of clusters; a cluster is one person up to `CLUSTERS`.
        pairs: number of pairs of two people that are compared.
    """

    thresholds: NDArray[np.float64]
    missed: NDArray[np.float64]
    genuine: NDArray[np.float64]
    matched: NDArray[np.float64]
    impostor: NDArray[np.float64]
    pairs: int

    def fnmr(self, index: int, seed: int = 0) -> Rate | None:
        """FNMR at the threshold of that index, None without genuine comparisons."""
        total = int(self.genuine.sum())
        if total == 0:
            return None
        missed = self.missed[index]
        interval = bootstrap_ratio(missed, self.genuine, seed=seed)
        people = int((self.genuine > 0).sum())
        return rate(int(missed.sum()), total, interval, distinct=int((missed > 0).sum()), independent=people)

    def fmr(self, index: int, seed: int = 0) -> Rate | None:
        """FMR at the threshold of that index, None without impostor comparisons."""
        total = round(self.impostor.sum())
        if total == 0:
            return None
        matched = self.matched[index]
        interval = bootstrap_pairs(matched, self.impostor, seed=seed)
        distinct = int(np.triu(matched + matched.T).astype(bool).sum())
        return rate(round(matched.sum()), total, interval, distinct=distinct, independent=self.pairs)

    def fmr_draws(self, index: int, seed: int = 0) -> NDArray[np.float64]:
        """FMR of each bootstrap draw, (rounds,), NaN where a draw has no comparison."""
        return pair_ratios(self.matched[index], self.impostor, seed=seed)


def count_errors(trial: Trial, thresholds: list[float], size: int = BLOCK, seed: int = 0) -> Errors:
    """Count errors at thresholds (one at least) in a second pass over the comparisons.

    Raises:
        ValueError: no thresholds, or nobody to compare.
    """
    people = trial.people
    if not thresholds or len(people) == 0:
        raise ValueError(f"expected thresholds and people, got {len(thresholds)} and {len(people)}")
    levels = np.asarray(thresholds, np.float64)
    order = np.argsort(levels, kind="stable")
    counter = _Counter(trial, people, levels[order], _clusters(len(people), seed))
    for block in blocks(trial, size):
        counter.add(block)
    missed, genuine, matched, impostor = counter.results()
    back = np.argsort(order, kind="stable")
    return Errors(levels, missed[back], genuine, matched[back], impostor, _pairs(trial))


class _Counter:
    """Sums over blocks. A comparison's level is the number of (ascending) thresholds that its score reaches."""

    def __init__(
        self, trial: Trial, people: NDArray[np.int64], levels: NDArray[np.float64], clusters: NDArray[np.int64]
    ) -> None:
        self.trial = trial
        self.levels = levels
        self.people = len(people)
        self.clusters = int(clusters.max()) + 1 if len(clusters) else 0
        self.owners = [
            np.where(side.identities >= 0, np.searchsorted(people, side.identities), 0)
            for side in (trial.probes, trial.references)
        ]
        self.cluster_of = [
            clusters[owner] if len(clusters) else np.zeros(len(owner), np.int64) for owner in self.owners
        ]
        steps = len(levels) + 1
        self.genuine = np.zeros(steps * self.people, np.int64)
        self.matched = np.zeros(steps * self.clusters**2, np.int64)

    def add(self, block: Block) -> None:
        genuine, impostor = _masks(self.trial, block)
        rows, _ = np.nonzero(genuine)
        level = np.searchsorted(self.levels, block.scores[genuine], side="right")
        owners = self.owners[0][block.start + rows]
        self.genuine += np.bincount(level * self.people + owners, minlength=len(self.genuine))
        impostor &= block.scores >= self.levels[0]
        rows, columns = np.nonzero(impostor)
        level = np.searchsorted(self.levels, block.scores[impostor], side="right")
        first, second = self.cluster_of[0][block.start + rows], self.cluster_of[1][columns]
        cells = (level * self.clusters + first) * self.clusters + second
        self.matched += np.bincount(cells, minlength=len(self.matched))

    def results(self) -> tuple[NDArray[np.float64], ...]:
        """(T, I) missed, (I,) genuine, (T, C, C) matched, (C, C) impostor."""
        by_level = self.genuine.reshape(-1, self.people).astype(np.float64)
        missed = np.cumsum(by_level, axis=0)[:-1]
        reached = self.matched.reshape(-1, self.clusters, self.clusters).astype(np.float64)
        matched = np.cumsum(reached[::-1], axis=0)[::-1][1:]
        return missed, by_level.sum(axis=0), matched, self._impostor_trials()

    def _impostor_trials(self) -> NDArray[np.float64]:
        """Every pair of two different people, counted without looking at a score."""
        counts, own = [], np.ones(self.people)
        for side, owner, cluster in zip(
            (self.trial.probes, self.trial.references), self.owners, self.cluster_of, strict=True
        ):
            real = side.identities >= 0
            counts.append(np.bincount(cluster[real], minlength=self.clusters).astype(np.float64))
            own *= np.bincount(owner[real], minlength=self.people)
        trials: NDArray[np.float64] = np.outer(counts[0], counts[1])
        cluster_of_person = np.zeros(self.people, np.int64)
        for owner, cluster in zip(self.owners, self.cluster_of, strict=True):
            cluster_of_person[owner] = cluster
        trials[np.diag_indices(self.clusters)] -= np.bincount(cluster_of_person, own, minlength=self.clusters)
        return trials / 2.0 if self.trial.symmetric else trials


def _pairs(trial: Trial) -> int:
    """Pairs of two people of which one is a probe and the other a reference, each pair once."""
    probes, references = trial.probes.people, trial.references.people
    both = len(np.intersect1d(probes, references))
    return len(probes) * len(references) - both - both * (both - 1) // 2


def _clusters(people: int, seed: int) -> NDArray[np.int64]:
    """Cluster of each person: themselves up to `CLUSTERS` people, above that one of as many random groups."""
    numbers = np.arange(people, dtype=np.int64)
    if people > CLUSTERS:
        numbers = np.random.default_rng(seed).permutation(people).astype(np.int64) % CLUSTERS
    return numbers


def _masks(trial: Trial, block: Block) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(genuine, impostor) comparisons of a block that count in 1:1."""
    rows = slice(block.start, block.start + len(block.scores))
    real = (trial.probes.identities[rows] >= 0)[:, None] & (trial.references.identities >= 0)[None, :]
    if trial.symmetric:
        numbers = np.arange(len(trial.references))
        real &= numbers[None, :] > numbers[rows, None]
    return block.same & ~block.ignored & real, ~block.same & real
