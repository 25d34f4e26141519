"""The nearest of many vectors for many vectors at once, in blocks: FAISS where it can be imported, numpy otherwise."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from biometric.gallery.index import HAVE_FAISS

if HAVE_FAISS:
    import faiss

_Find = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.int64]]]

BLOCK = 1 << 12
"""Queries answered at once."""

_NUMPY_BLOCK = 1 << 8
"""The same where a block's scores with all vectors are in memory: 100 MB for 100,000 vectors."""


def find_neighbours(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """See `ports.NeighbourSearch`.

    Raises:
        ValueError: the shapes do not fit.
    """
    if vectors.ndim != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1] or count < 1:
        raise ValueError(f"expected (N, D), (Q, D) and a count, got {vectors.shape}, {queries.shape} and {count}")
    scores = np.full((len(queries), count), -np.inf, np.float32)
    rows = np.full((len(queries), count), -1, np.int64)
    wanted = min(count, len(vectors))
    if not wanted or not len(queries):
        return scores, rows
    vectors, queries = (np.ascontiguousarray(matrix, np.float32) for matrix in (vectors, queries))
    find = _faiss_search(vectors, wanted) if HAVE_FAISS else _numpy_search(vectors, wanted)
    block = BLOCK if HAVE_FAISS else _NUMPY_BLOCK
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        scores[part, :wanted], rows[part, :wanted] = find(queries[part])
    return scores, rows


def _faiss_search(vectors: NDArray[np.float32], wanted: int) -> _Find:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def find(queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores, rows = index.search(queries, wanted)
        return scores, rows

    return find


def _numpy_search(vectors: NDArray[np.float32], wanted: int) -> _Find:
    def find(queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores = queries @ vectors.T
        best = np.argpartition(-scores, wanted - 1, axis=1)[:, :wanted]
        values = np.take_along_axis(scores, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        return np.take_along_axis(values, order, axis=1), np.take_along_axis(best, order, axis=1)

    return find
