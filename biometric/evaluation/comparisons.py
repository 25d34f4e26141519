"""Samples with identity and camera, and which of their comparisons count. Numpy only.

The standard protocol of re-identification (Market-1501, torchreid, fast-reid): a probe is not compared with references
of the same person by the same camera, because a match with a neighbouring frame is no evidence; junk is compared with
nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import SCORE_LIMIT, CohortScores, normalise_scores

JUNK = -1
"""Identity of samples that are ignored (Market-1501's `-1`: badly cut pictures of enrolled people)."""

DISTRACTOR = -2
"""Identity of samples of nobody in particular (Market-1501's `0000`): wrong answers in a ranking, never right ones."""

BLOCK = 1 << 22
"""Scores computed at once; with masks and copies that is about 100 MB, whatever the number of samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Embedded samples.

    Attributes:
        vectors: (N, D) unit float32.
        identities: (N,) int64; 0 and above for people, else `JUNK` or `DISTRACTOR`.
        cameras: (N,) int64.
        cohort: how high each scores against strangers, N of them, where scores are to be normalised.

    Raises:
        ValueError: shapes that do not fit.
    """

    vectors: NDArray[np.float32]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    cohort: CohortScores | None = None

    def __post_init__(self) -> None:
        count = len(self.identities)
        if self.vectors.ndim != 2 or len(self.vectors) != count or self.cameras.shape != (count,):
            raise ValueError(
                f"expected (N, D) vectors, (N,) identities and (N,) cameras, "
                f"got {self.vectors.shape}, {self.identities.shape} and {self.cameras.shape}"
            )
        if self.cohort is not None and len(self.cohort) != count:
            raise ValueError(f"expected cohort scores of {count} samples, got those of {len(self.cohort)}")

    def __len__(self) -> int:
        return len(self.identities)

    @property
    def people(self) -> NDArray[np.int64]:
        """The distinct identities of people, ascending."""
        distinct: NDArray[np.int64] = np.unique(self.identities[self.identities >= 0])
        return distinct

    def select(self, keep: NDArray[np.bool_] | NDArray[np.integer]) -> "Samples":
        """The samples that a mask or indices choose."""
        cohort = None if self.cohort is None else self.cohort.select(keep)
        return Samples(self.vectors[keep], self.identities[keep], self.cameras[keep], cohort)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Probes to be compared with references.

    Attributes:
        probes, references: the samples.
        symmetric: both sides are the same samples in the same order, so that 1:1 comparisons count once.
    """

    probes: Samples
    references: Samples
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.symmetric and not np.array_equal(self.probes.identities, self.references.identities):
            raise ValueError("expected the same samples on both sides of a symmetric trial")
        if (self.probes.cohort is None) != (self.references.cohort is None):
            raise ValueError("expected cohort scores of both sides or of neither")

    @property
    def score_limit(self) -> float:
        """No score is above this (or below its negative): 1 for cosines. A power of two."""
        return 1.0 if self.probes.cohort is None else SCORE_LIMIT

    @property
    def people(self) -> NDArray[np.int64]:
        """The distinct identities of people on either side, ascending."""
        distinct: NDArray[np.int64] = np.union1d(self.probes.people, self.references.people)
        return distinct

    def restrict_to(self, people: NDArray[np.integer]) -> "Trial":
        """The part of the trial between some people."""
        sides = [side.select(np.isin(side.identities, people)) for side in (self.probes, self.references)]
        return Trial(sides[0], sides[1], self.symmetric)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Scores of some probes with all references.

    Attributes:
        start: index of the first probe.
        scores: (B, G) float32, cosines in [-1, 1] or normalised scores in ± `Trial.score_limit`.
        same: (B, G) bool, both show one person (junk and distractors: never).
        ignored: (B, G) bool, junk, or one person by one camera.
    """

    start: int
    scores: NDArray[np.float32]
    same: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


def blocks(trial: Trial, size: int = BLOCK) -> Iterator[Block]:
    """Yield all comparisons, about `size` scores at a time, whole rows of probes in order."""
    probes, references = trial.probes, trial.references
    rows = max(1, size // max(1, len(references)))
    columns = np.ascontiguousarray(references.vectors.T)
    person = references.identities >= 0
    junk = references.identities == JUNK
    for start in range(0, len(probes), rows):
        batch = slice(start, start + rows)
        scores = np.clip(probes.vectors[batch] @ columns, -1.0, 1.0)
        if probes.cohort is not None and references.cohort is not None:
            scores = normalise_scores(scores, probes.cohort.select(batch), references.cohort)
        same = (probes.identities[batch, None] == references.identities[None, :]) & person
        ignored = same & (probes.cameras[batch, None] == references.cameras[None, :])
        ignored |= junk
        ignored |= (probes.identities[batch] == JUNK)[:, None]
        yield Block(start, scores, same, ignored)
