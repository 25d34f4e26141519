"""Exact search over the gallery's vectors: FAISS where it can be imported, plain numpy otherwise.

An index lives in memory only and is derived from the database: it is built, brought up to date and thrown away, but
never saved, so there is no file whose damage could go unnoticed. It keeps, in insertion order, each vector with the
number of its reference and of the identity that owns it; numbers are the integer keys of the database.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

try:
    import faiss

    HAVE_FAISS = True
except ImportError:  # search then runs in numpy: the same scores, slower
    HAVE_FAISS = False

Numbers = NDArray[np.int64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hit:
    """An identity (`owner`) with its best reference and that one's comparison score in [-1, 1]."""

    owner: int
    reference: int
    score: float


class FlatIndex(ABC):
    """Exact inner-product search over unit vectors of one dimension. Not thread-safe: the caller holds a lock."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
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
        if len(references):
            self._add(np.ascontiguousarray(vectors, dtype=np.float32))
            self._references = np.concatenate([self._references, references])
            self._owners = np.concatenate([self._owners, owners])

    def search(self, query: NDArray[np.float32], count: int) -> list[Hit]:
        """Return the `count` best identities for a (D,) unit float32 query, highest score first.

        Exact: the references are taken in order of score until enough different owners are among them. A query that
        is not finite or of length zero has no direction, so it matches nobody: [].

        Raises:
            ValueError: the query is not of shape (D,).
        """
        if query.shape != (self.dimension,):
            raise ValueError(f"expected a query of shape ({self.dimension},), got {query.shape}")
        length = float(np.linalg.norm(query))
        if count < 1 or len(self) == 0 or not np.isfinite(length) or length < 1e-6:
            return []
        wanted = min(len(self), max(16, 4 * count))
        while True:
            scores, positions = self._best(np.ascontiguousarray(query, dtype=np.float32), wanted)
            valid = (positions >= 0) & np.isfinite(scores)  # FAISS fills up with -1, Python's "last one"
            scores, positions = scores[valid], positions[valid]
            first = _first_of_each(self._owners[positions])
            if len(first) >= count or wanted == len(self):
                break
            wanted = min(len(self), 8 * wanted)
        chosen = first[:count]
        owners = self._owners[positions[chosen]].tolist()
        references = self._references[positions[chosen]].tolist()
        clipped = np.clip(scores[chosen], -1.0, 1.0).tolist()
        return [
            Hit(owner, reference, score) for owner, reference, score in zip(owners, references, clipped, strict=True)
        ]

    @abstractmethod
    def _add(self, vectors: Matrix) -> None:
        """Append (N, D) vectors."""

    @abstractmethod
    def _remove(self, positions: Numbers) -> None:
        """Take out the vectors at these positions; later ones move up."""

    @abstractmethod
    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        """Return scores and positions, both (wanted,), of the best vectors, highest score first."""


class FaissIndex(FlatIndex):
    """`faiss.IndexFlatIP`: exhaustive, so the same answer as comparing one by one."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)
        self._index = faiss.IndexFlatIP(dimension)

    def _add(self, vectors: Matrix) -> None:
        self._index.add(vectors)

    def _remove(self, positions: Numbers) -> None:
        self._index.remove_ids(faiss.IDSelectorBatch(positions))

    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        scores, positions = self._index.search(query[None], wanted)
        return scores[0], positions[0]


class NumpyIndex(FlatIndex):
    """One matrix product a query; used where FAISS cannot be imported."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)
        self._vectors: Matrix = np.empty((0, dimension), np.float32)

    def _add(self, vectors: Matrix) -> None:
        self._vectors = np.concatenate([self._vectors, vectors])

    def _remove(self, positions: Numbers) -> None:
        self._vectors = np.delete(self._vectors, positions, axis=0)

    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        scores = self._vectors @ query
        best = np.argpartition(-scores, wanted - 1)[:wanted]
        best = best[np.argsort(-scores[best], kind="stable")]
        return scores[best], best.astype(np.int64)


def make_index(dimension: int) -> FlatIndex:
    """Return an empty index for vectors of this dimension, the fastest kind that can be imported."""
    return FaissIndex(dimension) if HAVE_FAISS else NumpyIndex(dimension)


def _first_of_each(owners: Numbers) -> NDArray[np.intp]:
    """Return the positions, ascending, at which each different owner occurs first."""
    return np.sort(np.unique(owners, return_index=True)[1])
