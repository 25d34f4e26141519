"""Several sets of crops as one."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from biometric.entities import Image
from biometric.training.crops.store import Crops


class JoinedCrops:
    """store.Crops of several sets, one after the other; videos carry the number of their set."""

    def __init__(self, sets: Sequence[Crops]) -> None:
        self._sets = tuple(sets)
        self._ends = list(accumulate(len(each) for each in self._sets))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _place(self, index: int) -> tuple[int, int]:
        number = bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def name(self, index: int) -> str:
        """File name."""
        number, inner = self._place(index)
        return self._sets[number].name(inner)

    def video(self, index: int) -> str:
        """The number of the set and the video in it."""
        number, inner = self._place(index)
        return f"{number}/{self._sets[number].video(inner)}"

    def track(self, index: int) -> int | None:
        """Number of the track within its video."""
        number, inner = self._place(index)
        return self._sets[number].track(inner)

    def load(self, index: int) -> Image:
        """The picture, (h, w, 3) uint8 BGR."""
        number, inner = self._place(index)
        return self._sets[number].load(inner)
