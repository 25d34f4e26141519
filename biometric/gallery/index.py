"""Exact search over the gallery's vectors: FAISS where it can be imported, plain numpy otherwise.

An index lives in memory only and is derived from the database: it is built, brought up to date and thrown away, but
never saved, so there is no file whose damage could go unnoticed. It keeps, in insertion order, each vector with the
number of its reference and of the identity that owns it; numbers are the integer keys of the database.

A kind may keep vectors rounded (`compact_index`). It says by how much its scores can be off, and whatever could be
among the best by that much is scored again from the stored vectors, so the answer does not depend on the kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import CohortScores
from biometric.domain.stranger_scores import describe_by_strangers, normalised
from biometric.entities import StrangerCohort

try:
    import faiss

    HAVE_FAISS = True
except ImportError:  # search then runs in numpy: the same scores, slower
    HAVE_FAISS = False

Numbers = NDArray[np.int64]
Matrix = NDArray[np.float32]

ReadVectors = Callable[[Numbers], Matrix]
"""Returns the (N, D) float32 unit vectors of (N,) references, in their order, as they were given to the index."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An identity (`owner`) with its best reference and that one's comparison score in [-1, 1]."""

    owner: int
    reference: int
    score: float


class FlatIndex(ABC):
    """Exact inner-product search over unit vectors of one dimension. Not thread-safe: the caller holds a lock.

    Attributes:
        score_error: by how much a score of `_best` can differ from the exact one, for a query of length 1; at least 0.

    Args:
        dimension: D.
        cohort: scores are normalised with it; None: they are cosines. Only kinds with a `score_error` of 0 take one.
    """

    score_error = 0.0

    def __init__(self, dimension: int, cohort: StrangerCohort | None = None) -> None:
        self.dimension = dimension
        self._cohort = cohort
        self._described = CohortScores(np.empty(0, np.float32), np.empty(0, np.float32))
        """How each reference scores against the cohort, where there is one."""
        self._references: Numbers = np.empty(0, np.int64)
        self._owners: Numbers = np.empty(0, np.int64)

    def __len__(self) -> int:
        """Number of references held."""
        return len(self._references)

    def update(self, removed: Numbers, references: Numbers, owners: Numbers, vectors: Matrix) -> None:
        """Take out the references `removed` (those not held are ignored), then add others.

        Args:
            removed: (R,) int64 reference numbers.
            references, owners: (N,) int64, the added references and the identities they belong to.
            vectors: (N, D) float32 of unit length.

        Raises:
            ValueError: the shapes do not fit.
        """
        if vectors.shape != (len(references), self.dimension) or len(owners) != len(references):
            expected = (len(references), self.dimension)
            raise ValueError(f"expected vectors of shape {expected} and as many owners, got {vectors.shape}")
        is_removed = np.isin(self._references, removed)
        if is_removed.any():
            self._remove(np.flatnonzero(is_removed))
            self._references, self._owners = self._references[~is_removed], self._owners[~is_removed]
            self._described = self._described.select(~is_removed) if self._cohort is not None else self._described
        if len(references):
            self._add(np.ascontiguousarray(vectors, dtype=np.float32))
            self._references = np.concatenate([self._references, references])
            self._owners = np.concatenate([self._owners, owners])
            if self._cohort is not None:
                self._described = self._described.join(describe_by_strangers(self._cohort, vectors))

    def search(self, query: NDArray[np.float32], count: int, read: ReadVectors | None = None) -> list[Hit]:
        """Return the `count` best identities for a (D,) unit float32 query, highest score first.

        Exact: the references are taken in order of score until enough different owners are among them. Where scores
        are not exact, all references are taken that could be among the best, and scored again. With a cohort all
        cosines of one matrix product are normalised before. A query that is not finite or of length zero has no
        direction, so it matches nobody: [].

        Args:
            read: reads stored vectors; not needed where `score_error` is 0.

        Raises:
            ValueError: the query is not of shape (D,), or `read` is missing.
        """
        if query.shape != (self.dimension,):
            raise ValueError(f"expected a query of shape ({self.dimension},), got {query.shape}")
        length = float(np.linalg.norm(query))
        if count < 1 or len(self) == 0 or not np.isfinite(length) or length < 1e-6:
            return []
        if self.score_error > 0.0 and read is None:
            raise ValueError("expected a way to read stored vectors, since this index keeps them rounded")
        query = np.ascontiguousarray(query, dtype=np.float32)
        every_score = None if self._cohort is None else self._normalised(query, self._cohort)
        # An identity of the answer scores, exactly, at least what the last of the `count` best ones here does less the
        # error, and so here at least that less the error again. Likewise the best reference of each identity.
        margin = 2.0 * self.score_error * length
        wanted = min(len(self), max(16, 4 * count) if margin == 0.0 else max(64, 8 * count))
        while True:
            scores, positions = self._best(query, wanted) if every_score is None else best_of(every_score, wanted)
            valid = (positions >= 0) & np.isfinite(scores)  # FAISS fills up with -1, Python's "last one"
            scores, positions = scores[valid], positions[valid]
            first = _first_of_each(self._owners[positions])
            least = scores[first[count - 1]] - margin if len(first) >= count else -np.inf
            if wanted == len(self) or (len(first) >= count and (margin == 0.0 or scores[-1] < least)):
                break
            wanted = min(len(self), 8 * wanted)
        if margin > 0.0 and read is not None:
            _, bests, inverse = np.unique(self._owners[positions], return_index=True, return_inverse=True)
            positions = positions[scores >= np.maximum(least, scores[bests][inverse] - margin)]
            scores = read(self._references[positions]) @ query
            order = np.argsort(-scores, kind="stable")
            scores, positions = scores[order], positions[order]
            first = _first_of_each(self._owners[positions])
        chosen = first[:count]
        owners = self._owners[positions[chosen]].tolist()
        references = self._references[positions[chosen]].tolist()
        clipped = np.clip(scores[chosen], -1.0, 1.0).tolist()
        return [
            Hit(owner, reference, score) for owner, reference, score in zip(owners, references, clipped, strict=True)
        ]

    def _normalised(self, query: NDArray[np.float32], cohort: StrangerCohort) -> NDArray[np.float32]:
        """The (N,) normalised scores of all vectors."""
        cosines = np.clip(self._cosines(query), -1.0, 1.0)
        probe = describe_by_strangers(cohort, query[np.newaxis])
        return normalised(cosines[np.newaxis], probe, self._described).reshape(-1)

    @abstractmethod
    def _add(self, vectors: Matrix) -> None:
        """Append (N, D) vectors."""

    @abstractmethod
    def _remove(self, positions: Numbers) -> None:
        """Take out the vectors at these positions; later ones move up."""

    @abstractmethod
    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        """Return scores and positions, both (wanted,), of the best vectors, highest score first."""

    def _cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (N,) inner products of all vectors, in one matrix product."""
        scores, positions = self._best(query, len(self))
        return scores[np.argsort(positions)]


class FaissIndex(FlatIndex):
    """`faiss.IndexFlatIP`: exhaustive, so the same answer as comparing one by one."""

    def __init__(self, dimension: int, cohort: StrangerCohort | None = None) -> None:
        super().__init__(dimension, cohort)
        self._index = faiss.IndexFlatIP(dimension)

    def _add(self, vectors: Matrix) -> None:
        self._index.add(vectors)

    def _remove(self, positions: Numbers) -> None:
        self._index.remove_ids(faiss.IDSelectorBatch(positions))

    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        scores, positions = self._index.search(query[None], wanted)
        return scores[0], positions[0]

    def _cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        count = len(self) * self.dimension
        vectors = faiss.rev_swig_ptr(self._index.get_xb(), count).reshape(len(self), self.dimension)  # not a copy
        products: NDArray[np.float32] = vectors @ query
        return products


class NumpyIndex(FlatIndex):
    """One matrix product a query; used where FAISS cannot be imported."""

    def __init__(self, dimension: int, cohort: StrangerCohort | None = None) -> None:
        super().__init__(dimension, cohort)
        self._vectors: Matrix = np.empty((0, dimension), np.float32)

    def _add(self, vectors: Matrix) -> None:
        self._vectors = np.concatenate([self._vectors, vectors])

    def _remove(self, positions: Numbers) -> None:
        self._vectors = np.delete(self._vectors, positions, axis=0)

    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        return best_of(self._cosines(query), wanted)

    def _cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        products: NDArray[np.float32] = self._vectors @ query
        return products


def make_index(dimension: int, cohort: StrangerCohort | None = None) -> FlatIndex:
    """Return an empty index that keeps vectors as they are, the fastest kind that can be imported.

    Args:
        dimension, cohort: as of `FlatIndex`.
    """
    return FaissIndex(dimension, cohort) if HAVE_FAISS else NumpyIndex(dimension, cohort)


def best_of(scores: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
    """Return the highest of (N,) scores and their positions, both (wanted,), highest first."""
    best = np.argpartition(-scores, wanted - 1)[:wanted]
    best = best[np.argsort(-scores[best], kind="stable")]
    return scores[best], best.astype(np.int64)


def _first_of_each(owners: Numbers) -> NDArray[np.intp]:
    """Return the positions, ascending, at which each different owner occurs first."""
    return np.sort(np.unique(owners, return_index=True)[1])
