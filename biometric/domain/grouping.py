"""Which sightings of unknown people are of one person: groups over clips, cameras and days, made step by step.

Average linkage: two groups are one person where the mean score of all pairs of a sighting of one and a sighting of the
other reaches the threshold; the closest two are joined first. That mean is the inner product of the mean templates of
both groups, so an index over these finds whoever may be joined, and no matrix of all pairs is ever made (the method of
`linking`, which puts tracks of one clip together; "UPGMA", Sokal and Michener, 1958). What stands is kept: new
sightings join a group, open one, or link several, and nobody is taken out of a group again but by a person.

Two sightings that are seen in one frame are two people. So are two groups that a person said to be different. Whoever
might as well be somebody else stays alone: two groups are not joined while a third one, which does not look like one of
them, is about as close to the other.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biometric.domain.comparison import CLOSE_CALL
from biometric.entities import LinkScores
from biometric.ports import NeighbourSearch

NEIGHBOURS = 32
"""Nearest groups of a group that are tried at a time."""

ALONE = -1
"""Group of a sighting that no group was found for yet."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupableSightings:
    """N sightings of unknown people, of one model, in an order that does not depend on when they were read.

    Attributes:
        vectors: (N, D) float32 unit templates.
        at_once: (P, 2) int64, pairs of rows that were in view at once.
        groups: (N,) int64, number of the group in which it stands, or `ALONE`.
        settled: groups that a person named, joined, split or ignored: sightings without a group may join them, but no
            other group.
        different: pairs of groups that a person said to be different people.
    """

    vectors: NDArray[np.float32]
    at_once: Numbers
    groups: Numbers
    settled: frozenset[int] = frozenset()
    different: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        count = len(self.vectors)
        if self.vectors.ndim != 2 or self.groups.shape != (count,) or self.at_once.shape[1:] != (2,):
            shapes = (self.vectors.shape, self.at_once.shape, self.groups.shape)
            raise ValueError(f"expected (N, D) vectors, (P, 2) pairs and (N,) groups, got {shapes}")


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups that came of it.

    Attributes:
        members: the sightings (rows) of each group, rising, groups in order of their first sighting. Those that stay
            alone are groups of one.
        stood: for each group the numbers of the groups that it holds, rising; () for one that is new.
        unsure: pairs of groups (their positions) that reach the threshold, but where somebody else is as close; with
            their score, best first.
    """

    members: tuple[tuple[int, ...], ...]
    stood: tuple[tuple[int, ...], ...]
    unsure: tuple[tuple[int, int, float], ...] = ()

    def labels(self) -> Numbers:
        """Return (N,) the position of each sighting's group."""
        labels = np.empty(sum(map(len, self.members)), np.int64)
        for position, rows in enumerate(self.members):
            labels[list(rows)] = position
        return labels


def group_sightings(sightings: GroupableSightings, limits: LinkScores, search: NeighbourSearch) -> Grouping:
    """Put sightings into groups.

    The outcome depends on the sightings and on which groups stand, not on the order of rows but where scores are equal
    to the last digit.

    Args:
        limits: `same` is the least mean score of two groups that are one person; two below `perhaps` do not look alike.
        search: finds the nearest groups.
    """
    clusters = _Clusters(sightings, limits)
    changed = clusters.unsettled()
    while changed:
        clusters.find_neighbours(changed, search)
        changed = clusters.join_closest()
    return clusters.outcome()


@dataclass(slots=True)
class _Cluster:
    """A group while it is made.

    Attributes:
        rows: its sightings; `total` is the sum of their templates.
        beside: sightings that were in view at once with one of them.
        stood: numbers of the groups that it holds, of which one or more is `settled`.
        different: places of groups that are different people, as somebody said.
        near: scores of others that were found near, by their places.
    """

    rows: list[int]
    total: NDArray[np.float64]
    beside: set[int]
    stood: list[int] = field(default_factory=list)
    settled: bool = False
    different: set[int] = field(default_factory=set)
    near: dict[int, float] = field(default_factory=dict)

    @property
    def mean(self) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = self.total / len(self.rows)
        return mean


class _Clusters:
    """Clusters by place: that of their first row at the beginning, of the earlier of both after a join."""

    def __init__(self, sightings: GroupableSightings, limits: LinkScores) -> None:
        self._same, self._perhaps = limits.same, limits.perhaps
        self._least_near = min(limits.perhaps, limits.same - CLOSE_CALL)
        self._vectors = sightings.vectors
        beside: dict[int, set[int]] = {}
        for first, second in sightings.at_once.tolist():
            beside.setdefault(first, set()).add(second)
            beside.setdefault(second, set()).add(first)
        self._clusters: dict[int, _Cluster] = {}
        self._queue: list[tuple[float, int, int]] = []
        self._unsure: dict[tuple[int, int], float] = {}
        place_of: dict[int, int] = {}
        for row, number in enumerate(sightings.groups.tolist()):
            place = row if number == ALONE else place_of.setdefault(number, row)
            vector = sightings.vectors[row].astype(np.float64)
            if place == row:
                stood = [] if number == ALONE else [number]
                settled = number in sightings.settled
                self._clusters[row] = _Cluster([row], vector, set(beside.get(row, ())), stood, settled)
            else:
                cluster = self._clusters[place]
                cluster.rows.append(row)
                cluster.total += vector
                cluster.beside |= beside.get(row, set())
        for first, second in sightings.different:
            if first in place_of and second in place_of:
                self._clusters[place_of[first]].different.add(place_of[second])
                self._clusters[place_of[second]].different.add(place_of[first])

    def unsettled(self) -> list[int]:
        """Return the places of the sightings that have no group."""
        return [place for place, cluster in self._clusters.items() if not cluster.stood]

    def find_neighbours(self, places: Sequence[int], search: NeighbourSearch) -> None:
        """Look for the nearest of all clusters to some, and queue those that may be joined."""
        living = list(self._clusters)
        means = np.empty((len(living), self._vectors.shape[1]), np.float32)
        position = {}
        for row, (place, cluster) in enumerate(self._clusters.items()):
            means[row] = cluster.mean
            position[place] = row
        _, found = search(means, means[[position[place] for place in places]], NEIGHBOURS + 1)
        for place, rows in zip(places, found.tolist(), strict=True):
            self._meet(place, [living[row] for row in rows if row >= 0 and living[row] != place])

    def _meet(self, place: int, others: Iterable[int]) -> None:
        """Score a cluster against others; those that may be joined, or compete for who may be, stay its neighbours."""
        cluster = self._clusters[place]
        new = [other for other in others if other not in cluster.near]
        if not new:
            return
        scores = np.stack([self._clusters[other].mean for other in new]) @ cluster.mean
        for other, score in zip(new, scores.tolist(), strict=True):
            if score >= self._least_near:
                cluster.near[other] = self._clusters[other].near[place] = score
                if score >= self._same:
                    heapq.heappush(self._queue, (-score, min(place, other), max(place, other)))

    def join_closest(self) -> list[int]:
        """Join clusters, the closest two first, until none is left to join; return the places of those joined."""
        joined = set[int]()
        while self._queue:
            negative, first, second = heapq.heappop(self._queue)
            if self._score(first, second) != -negative or self._is_forbidden(first, second):
                continue
            if self._has_rival(first, second, -negative):
                self._unsure[first, second] = -negative
                continue
            self._join(first, second)
            joined.discard(second)
            joined.add(first)
        return sorted(joined)

    def _score(self, first: int, second: int) -> float | None:
        cluster = self._clusters.get(first)
        return None if cluster is None else cluster.near.get(second)

    def _is_forbidden(self, first: int, second: int) -> bool:
        one, other = self._clusters[first], self._clusters[second]
        taken_in = (one.settled and bool(other.stood)) or (other.settled and bool(one.stood))
        return taken_in or self._certainly_different(first, second)

    def _certainly_different(self, first: int, second: int) -> bool:
        one, other = self._clusters[first], self._clusters[second]
        if second in one.different:
            return True
        few, many = sorted((one, other), key=lambda cluster: len(cluster.rows))
        return not many.beside.isdisjoint(few.rows)

    def _has_rival(self, first: int, second: int, score: float) -> bool:
        """Return whether somebody who is not one of two clusters is about as close to the other."""
        for one, other in ((first, second), (second, first)):
            for rival, near in self._clusters[one].near.items():
                if rival != other and near > score - CLOSE_CALL and self._is_somebody_else(rival, other):
                    return True
        return False

    def _is_somebody_else(self, first: int, second: int) -> bool:
        score = self._score(first, second)
        if score is None:
            score = float(self._clusters[first].mean @ self._clusters[second].mean)
        return score < self._perhaps or self._certainly_different(first, second)

    def _join(self, first: int, second: int) -> None:
        """Put the cluster at `second` into the one at `first`."""
        one, other = self._clusters[first], self._clusters.pop(second)
        one.rows += other.rows
        one.total += other.total
        one.stood += other.stood
        one.settled |= other.settled
        one.beside |= other.beside
        near = [*one.near, *other.near]
        for place, cluster in ((first, one), (second, other)):
            for neighbour in cluster.near:
                if neighbour in self._clusters:
                    self._clusters[neighbour].near.pop(place, None)
        for place in other.different:
            self._clusters[place].different.discard(second)
            self._clusters[place].different.add(first)
        one.different |= other.different
        one.near = {}
        self._meet(first, dict.fromkeys(place for place in near if place not in (first, second)))

    def outcome(self) -> Grouping:
        """Return the groups as they are now."""
        places = sorted(self._clusters, key=lambda place: min(self._clusters[place].rows))
        position = {place: number for number, place in enumerate(places)}
        members = tuple(tuple(sorted(self._clusters[place].rows)) for place in places)
        stood = tuple(tuple(sorted(self._clusters[place].stood)) for place in places)
        unsure = [
            (position[first], position[second], score)
            for (first, second), score in self._unsure.items()
            if self._score(first, second) == score
        ]
        return Grouping(members, stood, tuple(sorted(unsure, key=lambda pair: (-pair[2], pair[:2]))))
