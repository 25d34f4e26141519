"""Groups of sightings of unknown people: who is taken for one person, over clips and cameras, without a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from biometric.entities.life_cycle import NOTHING_GIVEN, GivenBasis
from biometric.entities.sightings import Sighting


class GroupState(StrEnum):
    """What people did with a group. The values stand in databases and JSON."""

    OPEN = "open"
    """Nothing: grouping may link it with others."""
    SETTLED = "settled"
    """It was joined or split: new sightings may join it, no other group."""
    IGNORED = "ignored"
    """Nobody wants to see it: as settled, and left out of lists."""


@dataclass(frozen=True, slots=True, eq=False)
class SightingGroup:
    """An unknown person: the sightings of a group that nobody's name belongs to, at least one.

    Attributes:
        number: by which people speak of it; never used again.
        sighting_ids: all sightings, in the order in which they were kept.
        clips: how many clips they are of.
        cameras: in order; "" for the unknown one.
        first_at, last_at: of those whose time is known; None where it is of none.
        examples: some sightings to show, those with the best pictures first.
    """

    number: int
    state: GroupState
    sighting_ids: tuple[str, ...]
    clips: int
    cameras: tuple[str, ...]
    first_at: datetime | None
    last_at: datetime | None
    examples: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StandingGroups:
    """All sightings of unknown people of one model, and the groups in which they stand.

    Attributes:
        ids: (N) of the sightings, in the order in which they were kept; `vectors` (N, D) float32 are their templates.
        at_once: (P, 2) int64, rows of those that were in view at once.
        groups: (N,) int64, number of the group of each; -1: of none.
        settled: groups that were joined, split or ignored.
        different: pairs of groups that somebody said to be different people.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    at_once: NDArray[np.int64]
    groups: NDArray[np.int64]
    settled: frozenset[int]
    different: frozenset[tuple[int, int]]

    @property
    def group_of(self) -> Mapping[str, int]:
        """The group of each sighting that has one."""
        return {item: int(group) for item, group in zip(self.ids, self.groups, strict=True) if group >= 0}


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What a grouping did.

    Attributes:
        sightings: of unknown people, that were looked at.
        groups: of two or more sightings, after it.
        alone: sightings in no group.
        joined: sightings that came into a group now.
        linked: groups that went into another one.
    """

    sightings: int
    groups: int
    alone: int
    joined: int
    linked: int


@dataclass(frozen=True, slots=True)
class GroupNaming:
    """Who a group is.

    Attributes:
        name: of the person.
        owner: id of the identity that has the name, None where nobody has it.
        given: the basis of the enrollment.
    """

    name: str
    owner: str | None = None
    given: GivenBasis = NOTHING_GIVEN
