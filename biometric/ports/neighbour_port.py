"""What grouping asks of an index: the nearest of many vectors, for many vectors at once."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class NeighbourSearch(Protocol):
    """Finds for each of some vectors those of a set with which its inner product is highest."""

    def __call__(
        self, vectors: NDArray[np.float32], queries: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return for (Q, D) queries the inner products and rows of their `count` nearest of (N, D) vectors.

        Both are (Q, count), best first; row -1 where there are fewer. Exact but for rounding to float32. Memory
        does not grow with Q times N.
        """
        ...
