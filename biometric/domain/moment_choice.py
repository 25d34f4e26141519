"""Which moments of a track are worth embedding: enough for a certain template, and to see where appearance changes.

Embedding is the most expensive step for each person of a crowd, and moments of somebody who walks on look alike. So the
moments of a stretch are taken together: a few, spread over it, are embedded; where two neighbours differ, or the
colours of a moment in between do, those between them are, too, until it is clear where one person ends and the next one
begins. Samples are added until they no longer move the template. Numpy only.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from biometric.domain.continuity import colour_change, colour_grid
from biometric.domain.selection import Pick
from biometric.entities import Vector

STRETCH = 16
"""Moments of a track that are looked at together; their crops wait in memory."""

EVERY = 8
"""In each run of so many moments at least one is embedded."""

FEWEST = 3
"""Samples of a person that are embedded before the template can count as certain: of two that differ, nothing tells
which one is of somebody else."""

CERTAIN = 0.97
"""Cosine of a template with the one before its latest sample from which further samples are not needed. The template of
all samples then has a cosine of .994 with it in the median and .97 for one in twenty; with four samples and .985 it was
.996 and .97, with an eighth more crops."""

UNUSABLE_RUN = 4
"""Unusable moments in a row of which at least one is embedded, though usable ones are preferred."""

SHARP = 0.5
"""Share of the median sharpness of the moments that wait below which one is embedded only where no other serves: of few
samples, none can be told to be blurred afterwards."""

OTHER_COLOURS = 30.0
OTHER_COLOURS_AT_END = 22.0
"""Mean difference of the colours of a moment and of both embedded ones around it, of 255, from which it may be somebody
else. One person's differ less in 99 of 100 pairs a second apart. Where only one is embedded, before or behind it, less
is enough: nothing else tells there whether somebody came."""


@dataclass(slots=True)
class EmbeddedSoFar:
    """What a track's stretches leave to the next one: the template of the samples, and whether the latest one moved it.

    Args:
        most: samples after which the template counts as certain in any case.

    Attributes:
        latest: embedding of the latest moment that was embedded.
        tail: samples of the moments behind it.
    """

    most: int
    latest: Vector | None = None
    tail: list[Pick] = field(default_factory=list)
    _total: NDArray[np.float32] | None = None
    _count: int = 0
    _agreement: float = 0.0

    def add(self, row: Vector) -> None:
        """Take the next sample's embedding, (D,) unit float32."""
        if self._total is None:
            self._total = row.copy()
        else:
            total = self._total + row
            lengths = float(np.linalg.norm(self._total) * np.linalg.norm(total))
            self._agreement = float(self._total @ total) / max(lengths, 1e-6)
            self._total = total
        self._count += 1

    @property
    def is_certain(self) -> bool:
        """Whether further samples are not needed."""
        return self._count >= self.most or (self._count >= min(FEWEST, self.most) and self._agreement >= CERTAIN)


class MomentStretch:
    """Consecutive moments of one track that wait to be embedded, at most `STRETCH`.

    Args:
        min_similarity: comparison score that two segments of one person's track at least have.
        so_far: what earlier stretches of the track left; they are embedded in order.
    """

    def __init__(self, min_similarity: float, so_far: EmbeddedSoFar) -> None:
        self._min_similarity, self._so_far = min_similarity, so_far
        self._picks: list[Pick] = []
        self._rows: dict[int, Vector] = {}
        self._grids: dict[int, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        """Moments that wait."""
        return len(self._picks)

    def __getitem__(self, place: int) -> Pick:
        """The sample of a moment."""
        return self._picks[place]

    def append(self, pick: Pick) -> None:
        """Take the sample of the next moment."""
        self._picks.append(pick)

    @property
    def is_full(self) -> bool:
        """Whether the next moment belongs to another stretch."""
        return len(self._picks) >= STRETCH

    def wanted(self) -> list[int]:
        """Return the places of the moments to embed next; none once everything needed is known.

        Places change at the first call: the moments that the stretch before left over come first.
        """
        if not self._rows:
            self._picks = self._so_far.tail + self._picks
            self._so_far.tail = []
            return self._seeds()
        return self._between() or self._further()

    def give(self, place: int, row: Vector) -> None:
        """Take the embedding of a wanted moment, (D,) unit float32."""
        self._rows[place] = row
        if self._picks[place].usable:
            self._so_far.add(row)

    def close(self) -> list[Pick]:
        """Return the samples that were embedded, in frame order, and leave those behind them to the next stretch."""
        last = max(self._rows)
        self._so_far.latest, self._so_far.tail = self._rows[last], self._picks[last + 1 :]
        return [replace(self._picks[place], row=self._rows[place]) for place in sorted(self._rows)]

    def _seeds(self) -> list[int]:
        count = -(-len(self._picks) // EVERY)
        if not self._so_far.is_certain:
            count = max(count, FEWEST)
        parts = np.array_split(np.arange(len(self._picks)), min(count, len(self._picks)))
        seeds = [self._best(part.tolist()) for part in parts]
        return sorted(seeds + [self._best(run) for run in self._unusable_runs() if not set(run) & set(seeds)])

    def _unusable_runs(self) -> list[list[int]]:
        """Return runs of unusable moments, `UNUSABLE_RUN` or longer: seeds pass over them, whoever may be there."""
        places = range(len(self._picks))
        runs = [list(run) for usable, run in itertools.groupby(places, self._is_usable) if not usable]
        return [run for run in runs if len(run) >= UNUSABLE_RUN]

    def _is_usable(self, place: int) -> bool:
        return self._picks[place].usable

    def _between(self) -> list[int]:
        """Return moments in gaps between embedded ones: where these differ, or colours say that one in between does.

        Of somebody who is embedded once beside somebody else, one more moment is wanted, so that they are a person.
        """
        different = (1 + 3 * self._min_similarity) / 4
        places = sorted(self._rows)
        ends = [-1, *places, len(self._picks)]
        rows = [self._so_far.latest, *(self._rows[place] for place in places), None]
        apart = [
            earlier is not None and later is not None and float(earlier @ later) < different
            for earlier, later in itertools.pairwise(rows)
        ]
        wanted = []
        for gap, (first, second) in enumerate(itertools.pairwise(ends)):
            inner = range(first + 1, second)
            if not inner:
                continue
            is_single = (rows[gap] is None and apart[gap + 1]) or (rows[gap + 1] is None and apart[gap - 1])
            if apart[gap] or is_single:
                wanted.append(inner[(len(inner) - 1) // 2])
                continue
            embedded = [place for place in (first, second) if place in self._rows]
            change, place = max((min(self._change(place, end) for end in embedded), place) for place in inner)
            if change > (OTHER_COLOURS if len(embedded) == 2 else OTHER_COLOURS_AT_END):
                wanted.append(place)
        return wanted

    def _further(self) -> list[int]:
        """Return the usable moment that is farthest from those embedded, while the template is not certain."""
        if self._so_far.is_certain:
            return []
        rest = [place for place, pick in enumerate(self._picks) if pick.usable and place not in self._rows]
        if not rest:
            return []
        distances = {place: min(abs(place - other) for other in self._rows) for place in rest}
        return [max(rest, key=lambda place: (distances[place], self._picks[place].quality))]

    def _best(self, places: Sequence[int]) -> int:
        middle = (places[0] + places[-1]) / 2
        least = SHARP * float(np.median([pick.sharpness for pick in self._picks]))

        def rank(place: int) -> tuple[bool, bool, float, float]:
            pick = self._picks[place]
            return pick.usable, pick.sharpness >= least, pick.quality, -abs(place - middle)

        return max(places, key=rank)

    def _change(self, first: int, second: int) -> float:
        return colour_change(self._grid(first), self._grid(second))

    def _grid(self, place: int) -> NDArray[np.float32]:
        if place not in self._grids:
            self._grids[place] = colour_grid(self._picks[place].image)
        return self._grids[place]
