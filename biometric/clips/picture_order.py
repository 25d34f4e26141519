"""Find pictures that are missing in the order in which pictures are to be shown (standard library only)."""

import itertools
from collections import Counter

_MOST_ODD = 0.1
"""The share of distances that may differ from the usual one. Where more do, the encoder leaves out numbers itself."""

_LONGEST = 4096
"""Pictures of one sequence; longer ones are judged in parts."""


class PictureOrder:
    """Collects the order numbers of pictures. Encoders count them in even steps; a gap is a picture that is gone."""

    def __init__(self) -> None:
        self._sequence: set[int] = set()
        self._last: int | None = None
        self._highest = self._highest_before = 0
        self._distances: Counter[int] = Counter()

    def begin(self) -> None:
        """Begin a sequence of its own: numbers before and behind are not compared."""
        ordered = sorted(self._sequence)
        self._distances.update(later - earlier for earlier, later in itertools.pairwise(ordered))
        self._sequence.clear()
        self._last = None

    def add(self, number: int, modulus: int = 0) -> None:
        """Note a picture's number, in order of decoding; of one that wraps around, its remainder."""
        if modulus and self._last is not None:
            number += modulus * round((self._last - number) / modulus)
        if not self._sequence:
            self._highest = self._highest_before = number
        elif number > self._highest:
            self._highest, self._highest_before = number, self._highest
        self._last = number
        if len(self._sequence) >= _LONGEST:
            self._keep_latest()
        self._sequence.add(number)

    def _keep_latest(self) -> None:
        latest = sorted(self._sequence)[-64:]
        last = self._last
        self._sequence = {number for number in self._sequence if number <= latest[0]}
        self.begin()
        self._sequence, self._last = set(latest), last

    @property
    def missing(self) -> int:
        """How many pictures are missing.

        Where a stream was cut off, those are not that would have come behind its last picture, to be shown before it.
        """
        ordered = sorted(number for number in self._sequence if number <= self._highest_before)
        distances = self._distances + Counter(b - a for a, b in itertools.pairwise(ordered))
        if not distances:
            return 0
        usual, times = distances.most_common(1)[0]
        total = distances.total()
        if total - times > _MOST_ODD * total:
            return 0
        return sum((distance // usual - 1) * count for distance, count in distances.items() if distance > usual)
