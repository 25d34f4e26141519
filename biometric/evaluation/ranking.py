"""CMC, mAP and mINP: how early a ranked list shows the right person. Numpy only.

For a probe, references are ordered by falling score; those of the same person by the same camera and junk are left out
(see `comparisons`). With the right references at ranks r_1 < … < r_n (counted from 1):

    CMC(k) = share of probes with r_1 <= k
    AP     = (1/n) Σ_j j / r_j          mean: mAP. Precision at each right reference, without interpolation
                                        (Zheng and others, "Scalable person re-identification", ICCV 2015, as computed
                                        by torchreid and fast-reid; Market-1501's first MATLAB code used trapezoids)
    INP    = n / r_n                    mean: mINP (Ye and others, "Deep learning for person re-identification: a
                                        survey and outlook", TPAMI 2021)

Probes without any right reference left are not counted, as in torchreid and fast-reid.

**Ties.** Equal scores keep the order of the references, which is what a stable sort of distances gives; torchreid's
and fast-reid's own sort leaves it open. `Ranking.tied` counts the probes whose numbers depend on that order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.evaluation.comparisons import BLOCK, Block, Trial, blocks

SINGLE_SHOT_RANKS = 50
"""Highest rank of `single_shot`."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What the ranked lists of all counted probes say.

    Attributes:
        probes: (Q,) int64, indices of the probes that have a right reference.
        first_ranks: (Q,) int64, rank of the first right reference, from 1.
        average_precision: (Q,) float64 in (0, 1].
        inverse_negative_penalty: (Q,) float64 in (0, 1].
        uncounted: number of probes without a right reference (junk probes are not even that).
        tied: number of counted probes in which a right and a wrong reference have one score.
    """

    probes: NDArray[np.int64]
    first_ranks: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    inverse_negative_penalty: NDArray[np.float64]
    uncounted: int
    tied: int

    def cmc(self, highest: int = 50) -> NDArray[np.float64]:
        """CMC at ranks 1 … `highest`, (highest,) in [0, 1]; rank k is element k - 1.

        Raises:
            ValueError: no probe was counted.
        """
        self._check()
        reached = np.bincount(np.minimum(self.first_ranks, highest + 1), minlength=highest + 2)
        curve: NDArray[np.float64] = np.cumsum(reached[1 : highest + 1]) / len(self.first_ranks)
        return curve

    @property
    def mean_average_precision(self) -> float:
        """MAP in (0, 1]."""
        self._check()
        return float(self.average_precision.mean())

    @property
    def mean_inverse_negative_penalty(self) -> float:
        """MINP in (0, 1]."""
        self._check()
        return float(self.inverse_negative_penalty.mean())

    def _check(self) -> None:
        if len(self.probes) == 0:
            raise ValueError("expected a probe with a right reference by another camera, got none")


def rank(trial: Trial, size: int = BLOCK) -> Ranking:
    """Rank all references for each probe; `size` bounds memory, not the result."""
    probes: list[int] = []
    firsts: list[int] = []
    precisions: list[float] = []
    penalties: list[float] = []
    uncounted = tied = 0
    for row in _rows(trial, size):
        if not row.right.any():
            uncounted += 1
            continue
        ranks, has_tie = right_ranks(row.scores, row.right)
        tied += has_tie
        probes.append(row.probe)
        firsts.append(int(ranks[0]))
        precisions.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)))
        penalties.append(len(ranks) / float(ranks[-1]))
    return Ranking(
        np.array(probes, np.int64),
        np.array(firsts, np.int64),
        np.array(precisions, np.float64),
        np.array(penalties, np.float64),
        uncounted,
        tied,
    )


def right_ranks(scores: NDArray[np.floating], right: NDArray[np.bool_]) -> tuple[NDArray[np.int64], bool]:
    """Return the ranks of the right ones among (G,) scores, ascending from 1, and whether one ties with a wrong one.

    Only values are sorted, which is many times faster than sorting positions; ties are then put in order.
    """
    ordered = np.sort(scores)
    own = scores[right]
    left = np.searchsorted(ordered, own, side="left")
    equal = np.searchsorted(ordered, own, side="right") - left
    ranks = len(scores) - left - equal + 1
    has_tie = False
    for number in np.nonzero(equal > 1)[0]:
        position = np.nonzero(right)[0][number]
        same_score = scores == own[number]
        ranks[number] += int(same_score[:position].sum())
        has_tie = has_tie or bool((same_score & ~right).any())
    return np.sort(ranks), has_tie


def single_shot(trial: Trial, highest: int = SINGLE_SHOT_RANKS, size: int = BLOCK) -> NDArray[np.float64]:
    """CMC of CUHK03's first protocol: one reference a person, drawn at random; (highest,) in [0, 1].

    torchreid and fast-reid average ten random draws; this is what such averages tend to: for a right reference with
    score s the number of people drawn above it is a sum of independent events, person j with the share of j's
    references that come before s (Li and others, "DeepReID", CVPR 2014, for the protocol).

    Raises:
        ValueError: no probe has a right reference.
    """
    total = np.zeros(highest)
    counted = 0
    for row in _rows(trial, size):
        if row.right.any():
            counted += 1
            total += _expected_first_rank(row.scores, row.right, row.people, highest)
    if counted == 0:
        raise ValueError("expected a probe with a right reference by another camera, got none")
    curve: NDArray[np.float64] = np.cumsum(total) / counted
    return curve


def _expected_first_rank(
    scores: NDArray[np.float32], right: NDArray[np.bool_], people: NDArray[np.int64], highest: int
) -> NDArray[np.float64]:
    """Chance of each rank 1 … highest of the right person when every person shows one reference."""
    _, owner = np.unique(people, return_inverse=True)
    pictures = np.bincount(owner)
    order = np.argsort(-scores, kind="stable")
    chances = np.zeros(highest)
    positions = np.nonzero(right[order])[0]
    for position in positions:
        before = np.bincount(owner[order[:position]], minlength=len(pictures)) / pictures
        before[owner[order[position]]] = 0.0
        ahead = np.zeros(highest)  # chance of so many people ahead
        ahead[0] = 1.0
        for chance in before[before > 0]:
            ahead[1:] = ahead[1:] * (1 - chance) + ahead[:-1] * chance
            ahead[0] *= 1 - chance
        chances += ahead / len(positions)
    return chances


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One probe's counted references: scores, which are right, and whose they are."""

    probe: int
    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    people: NDArray[np.int64]


def _rows(trial: Trial, size: int) -> Iterator[_Row]:
    for block in blocks(trial, size):
        for offset in range(len(block.scores)):
            if trial.probes.identities[block.start + offset] >= 0:
                yield _row(trial, block, offset)


def _row(trial: Trial, block: Block, offset: int) -> _Row:
    counted = ~block.ignored[offset]
    return _Row(
        block.start + offset,
        block.scores[offset][counted],
        block.same[offset][counted],
        trial.references.identities[counted],
    )
