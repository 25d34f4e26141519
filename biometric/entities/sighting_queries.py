"""What is asked of sightings, and what comes back: filters, ranked lists, and templates as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from biometric.entities.decisions import RateKind, Threshold
from biometric.entities.footage import Vector
from biometric.entities.sightings import Sighting

MOST = 1000
"""Most sightings that one command or call lists."""


@dataclass(frozen=True, slots=True)
class SightingFilter:
    """Which sightings are asked for; what is not given does not matter.

    Attributes:
        identity_id: of this identity.
        unnamed: of nobody who is enrolled.
        camera: of this camera, "" for the unknown one.
        since, until: in view at some moment from then on, and before; with their zones. Both leave out sightings
            whose time is unknown.
        clip_digest: of this clip.
        without: ids of sightings that are left out.
        limit, offset: of the ordered list.

    Raises:
        ValueError: a limit below 1, an offset below 0, a time without a zone, or both identity and unnamed.
    """

    identity_id: str | None = None
    unnamed: bool = False
    camera: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    clip_digest: str | None = None
    without: tuple[str, ...] = ()
    limit: int = 24
    offset: int = 0

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0:
            raise ValueError(f"expected a limit of at least 1 and an offset of at least 0, got {self}")
        if any(time is not None and time.utcoffset() is None for time in (self.since, self.until)):
            raise ValueError(f"expected times with their zones, got {self}")
        if self.unnamed and self.identity_id is not None:
            raise ValueError("expected an identity or unnamed sightings, got both")


@dataclass(frozen=True, slots=True, eq=False)
class SightingHit:
    """A sighting that a search found, with its comparison score in [-1, 1]."""

    sighting: Sighting
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class SightingHits:
    """Part of a ranked list.

    Attributes:
        hits: the best first.
        compared: how many sightings passed the filter, and so were compared.
        has_more: whether the list goes on.
    """

    hits: tuple[SightingHit, ...] = ()
    compared: int = 0
    has_more: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LookedBack:
    """Older sightings that may be somebody: proposals, which name nobody.

    Attributes:
        hits: those whose score with one of the person's references reaches the threshold, the best first.
        threshold: what they reached.
        compared: how many sightings of nobody were compared.
        references: with how many references of the person each was compared.
    """

    hits: tuple[SightingHit, ...]
    threshold: Threshold
    compared: int
    references: int

    @property
    def by_chance(self) -> float | None:
        """How many sightings of others would reach the threshold by chance, at most; None where no rate is known.

        A false match rate is of one comparison; a rate of searches is of all that a search compares.
        """
        if self.threshold.rate is None:
            return None
        comparisons = self.references if self.threshold.rate_kind is RateKind.FMR else 1
        return min(1.0, self.threshold.rate * comparisons) * self.compared

    @property
    def clips(self) -> int:
        """In how many clips they are."""
        return len({hit.sighting.clip_digest for hit in self.hits})


@dataclass(frozen=True, slots=True, eq=False)
class SightingVectors:
    """Templates of many sightings, as arrays in one order.

    Attributes:
        ids: of the sightings.
        vectors: (N, D) float32 of unit length.
        cameras, clip_digests: of each.
        cursor: where the next part begins; 0 where this was the last.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    cameras: tuple[str, ...]
    clip_digests: tuple[str, ...]
    cursor: int = 0


def stacked(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    """Return (D,) vectors as (N, D) float32; (0, 0) for none."""
    return np.stack(vectors) if len(vectors) else np.empty((0, 0), np.float32)
