"""Search over vectors kept as float16: half the memory, and less than half the time of an exact index.

Vectors lie in segments of one FAISS index each. A segment never grows beyond its size, so adding one vector moves
little and needs no second copy of everything, and segments are searched in parallel, which FAISS does not do for a
single query.
"""

import itertools
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from biometric.gallery.index import HAVE_FAISS, FlatIndex, Matrix, Numbers

if HAVE_FAISS:
    import faiss

SEGMENT = 1 << 16
"""Most vectors of a segment."""

_MOST_THREADS = 8
"""Memory is read as fast as it can be by fewer."""


class CompactIndex(FlatIndex):
    """Scalar quantiser to float16 without training; scores are off by at most `score_error`.

    Args:
        dimension: D of the vectors.
        segment: most vectors of a segment.
    """

    def __init__(self, dimension: int, segment: int = SEGMENT) -> None:
        super().__init__(dimension)
        self.score_error = rounding_error(dimension)
        self._segment = segment
        self._segments: list[faiss.IndexScalarQuantizer] = []

    def _add(self, vectors: Matrix) -> None:
        while len(vectors):
            if not self._segments or self._segments[-1].ntotal >= self._segment:
                kind = faiss.ScalarQuantizer.QT_fp16
                self._segments.append(faiss.IndexScalarQuantizer(self.dimension, kind, faiss.METRIC_INNER_PRODUCT))
            last = self._segments[-1]
            room = self._segment - last.ntotal
            last.add(vectors[:room])
            vectors = vectors[room:]

    def _remove(self, positions: Numbers) -> None:
        starts = self._starts()
        for segment, start in zip(self._segments, starts, strict=True):
            inside = positions[(positions >= start) & (positions < start + segment.ntotal)]
            if len(inside):
                segment.remove_ids(faiss.IDSelectorBatch(inside - start))
        self._segments = [segment for segment in self._segments if segment.ntotal]

    def _best(self, query: NDArray[np.float32], wanted: int) -> tuple[NDArray[np.float32], Numbers]:
        def search(segment: "faiss.IndexScalarQuantizer") -> tuple[NDArray[np.float32], Numbers]:
            scores, positions = segment.search(query[np.newaxis], min(wanted, segment.ntotal))
            return scores[0], positions[0]

        threads = min(len(self._segments), _processors(), _MOST_THREADS)
        if threads == 1:
            parts = [search(segment) for segment in self._segments]
        else:
            with ThreadPoolExecutor(threads, "search") as pool:
                parts = list(pool.map(search, self._segments))
        starts = self._starts()
        scores = np.concatenate([part for part, _ in parts])
        # -1, FAISS's "nothing", must not become a position of another segment.
        positions = np.concatenate(
            [np.where(part < 0, -1, part + start) for (_, part), start in zip(parts, starts, strict=True)]
        )
        best = np.argsort(-scores, kind="stable")[:wanted]
        return scores[best], positions[best]

    def _starts(self) -> list[int]:
        """The position of each segment's first vector."""
        return list(itertools.accumulate((segment.ntotal for segment in self._segments[:-1]), initial=0))


def rounding_error(dimension: int) -> float:
    """Return the most by which the inner product of unit vectors changes when one is rounded to float16.

    A number of float16 is off by at most 2^-11 of itself, or by 2^-25 where it is very small; by the inequality of
    Cauchy and Schwarz these add up to at most 2^-11 and 2^-25 times the root of `dimension`. To that comes what
    summing up in float32 may lose, on both sides.
    """
    summing = 2.0 * dimension * 2.0**-24
    return 1.001 * (2.0**-11 + math.sqrt(dimension) * 2.0**-25 + summing)  # stored lengths are 1 within 0.001


def _processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
