"""Groups of sightings of unknown people."""

from collections.abc import Collection, Sequence
from typing import Protocol

from biometric.entities.enrolled import Identity
from biometric.entities.gallery_changes import GalleryChange
from biometric.entities.sighting_groups import GroupNaming, SightingGroup, StandingGroups
from biometric.ports.neighbour_port import NeighbourSearch


class SightingGroups(Protocol):
    """Keeps groups of sightings without a name (adapter: `gallery/group_keeping.py`).

    What people do is a change of the gallery, with a line in its history, which can be undone. Any method may raise
    the `GalleryError` family; those that write, `StorageFull`. Then nothing has changed.
    """

    @property
    def nearest(self) -> NeighbourSearch:
        """What finds the nearest of many templates."""

    def standing(self, model_id: str) -> StandingGroups:
        """All sightings of unknown people of a model, with their groups."""

    def store(self, standing: StandingGroups, groups: Sequence[tuple[Sequence[int], int | None]]) -> bool:
        """Put sightings into groups, by the machine; returns False, and does nothing, where others were changed since.

        Args:
            standing: what was read before.
            groups: rows of it that are one person, with the number of the group that takes them in; None: a new one.
        """

    def find(self, *, ignored: bool = False) -> list[SightingGroup]:
        """The groups with at least one sighting without a name, the largest first; the ignored ones, or all others."""

    def get(self, number: int) -> SightingGroup:
        """One group. Raises `UnknownGroup`."""

    def not_people(self, number: int) -> frozenset[str]:
        """Ids of the identities that sightings of a group were said not to be."""

    def of_sighting(self, sighting_id: str) -> int:
        """The group of a sighting without a name; it gets one where it has none. Raises `UnknownSighting`."""

    def join(self, numbers: Sequence[int]) -> GalleryChange:
        """Make several groups one, the first of them. Raises `UnknownGroup`, `InvalidInput`."""

    def split(self, number: int, sighting_ids: Collection[str]) -> GalleryChange:
        """Say that some sightings of a group are somebody else: they get a group of their own.

        Raises:
            UnknownGroup: there is no such group.
            InvalidInput: none or all of its sightings are named, or one that is none of them.
        """

    def set_ignored(self, number: int, ignored: bool) -> GalleryChange:
        """Leave a group out of lists, or no more. Raises `UnknownGroup`, `InvalidInput`."""

    def name(self, number: int, naming: GroupNaming) -> tuple[Identity, GalleryChange]:
        """Enroll a group: each of its sightings becomes a reference, in one change.

        Raises:
            UnknownGroup: there is no such group.
            NameTaken: somebody else than `naming.owner` has the name.
            BasisMissing: no basis is given, and the gallery has no default.
            ModelMismatch: the gallery holds templates of another model.
        """
