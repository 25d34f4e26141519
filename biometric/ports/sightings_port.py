"""Sightings of a gallery."""

from collections.abc import Collection
from typing import Protocol

from biometric.entities.life_cycle import EntryPoint
from biometric.entities.people import Template
from biometric.entities.sighting_queries import SightingFilter, SightingHits, SightingVectors
from biometric.entities.sightings import NewAnalysis, Sighting


class SightingStore(Protocol):
    """Keeps and finds sightings (adapter: `gallery/sighting_keeping.py`).

    What is expired is in no answer. Any method may raise the `GalleryError` family; those that write, `StorageFull`.
    Then nothing has changed. A name is not stored with a sighting: it follows from references that were enrolled from
    it and verdicts about it, so that undoing these takes it back.
    """

    def keep(
        self, analysis: NewAnalysis, keep_hours: float, entry_point: EntryPoint = EntryPoint.LIBRARY
    ) -> tuple[Sighting, ...]:
        """Keep the people of an analysed clip, with their crops, in one transaction.

        The same clip analysed again takes the place of the former analysis where it covers its frames: whoever is seen
        in both stays the same sighting, with the latest decision.

        Args:
            keep_hours: how long sightings of unknown people are kept; others are as long as their person's references.
            entry_point: by which way it came.

        Raises:
            BasisMissing: the gallery has no default basis.
        """

    def get(self, sighting_id: str) -> Sighting:
        """One sighting. Raises `UnknownSighting`."""

    def of_ids(self, sighting_ids: Collection[str]) -> list[Sighting]:
        """The sightings of these ids that are kept, in no order that matters."""

    def find(self, wanted: SightingFilter) -> tuple[list[Sighting], int]:
        """Sightings, the latest first (those of unknown time last, by when they were kept), and how many there are."""

    def search(self, template: Template, wanted: SightingFilter, least_score: float = -1.0) -> SightingHits:
        """Sightings by their exact comparison score with a template of the same model, the best first."""

    def vectors(self, model_id: str, *, unnamed: bool = True, after: int = 0, limit: int = 10_000) -> SightingVectors:
        """Templates of one model, in the order in which they were kept.

        Args:
            unnamed: only of sightings that nobody's name belongs to.
            after: `cursor` of the part before; 0: from the first.
        """

    def seen_at_once(self, sighting_ids: Collection[str]) -> list[tuple[str, str]]:
        """Pairs of these sightings that were in view at once, so that they are different people; each pair once."""

    def cameras(self) -> list[str]:
        """The cameras of sightings, in order; "" for the unknown one."""

    def count(self) -> int:
        """How many are kept."""

    def revision(self) -> int:
        """A number that rises with each sighting that is kept or removed; 0 before the first."""

    def remove(self, sighting_ids: Collection[str]) -> int:
        """Delete sightings with their crops at once and for good; returns how many there were.

        Raises:
            OnLegalHold: one is of somebody under a legal hold; nothing is deleted.
        """

    def purge_overdue(self) -> int:
        """Delete those that were kept long enough, but none of people under a legal hold; returns how many."""
