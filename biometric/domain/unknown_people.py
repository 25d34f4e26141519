"""Unknown people: sightings without a name grouped over clips, and what people do with the groups.

The commands and the library call this; `domain/grouping` decides who is one person, `ports.SightingGroups` keeps it.
"""

from collections.abc import Sequence

from biometric.domain import thresholds
from biometric.domain.grouping import ALONE, GroupableSightings, group_sightings
from biometric.entities import GalleryChange, GivenBasis, Identity, LinkScores, Threshold, ThresholdSource
from biometric.entities.decisions import UNSURE_WIDTH
from biometric.entities.life_cycle import NOTHING_GIVEN
from biometric.entities.names import clean_name
from biometric.entities.sighting_groups import GroupCounts, GroupNaming, SightingGroup
from biometric.errors import GalleryBusy, IdentityExists, InvalidInput, UnknownIdentity
from biometric.ports import Gallery, Models

ATTEMPTS = 5
"""How often grouping begins anew where others changed groups meanwhile."""


class UnknownPeople:
    """The unknown people of a gallery.

    Args:
        gallery: where sightings are kept.
        models: say which model is in use, and its thresholds.
    """

    def __init__(self, gallery: Gallery, models: Models) -> None:
        self._gallery = gallery
        self._models = models

    def threshold(self) -> Threshold:
        """Return the threshold of identification in force, for scores as they are: from it on groups are one person.

        Its evidence says which rate it keeps: how often somebody who is not enrolled is taken for one of a gallery.
        """
        return thresholds.threshold_in_force(self._models, self._gallery, "identification", adapted=False)

    def limits(self) -> LinkScores:
        """Return from which mean scores groups are one person, and below which they do not look alike."""
        threshold, card = self.threshold(), self._models.link_scores()
        if threshold.source is ThresholdSource.MODEL_CARD:
            return card
        return LinkScores(threshold.value, max(-1.0, threshold.value - UNSURE_WIDTH))

    def group(self) -> GroupCounts:
        """Put sightings of unknown people that are in no group yet into groups; what stands stays.

        Raises:
            GalleryBusy: others changed groups all the time.
        """
        groups = self._gallery.groups
        for _ in range(ATTEMPTS):
            standing = groups.standing(self._models.embedder_id())
            groupable = GroupableSightings(
                standing.vectors, standing.at_once, standing.groups, standing.settled, standing.different
            )
            found = group_sightings(groupable, self.limits(), groups.nearest)
            wanted = [
                (rows, stood[0] if stood else None)
                for rows, stood in zip(found.members, found.stood, strict=True)
                if stood or len(rows) > 1
            ]
            if groups.store(standing, wanted):
                return GroupCounts(
                    sightings=len(standing.ids),
                    groups=len(wanted),
                    alone=len(found.members) - len(wanted),
                    joined=sum(int((standing.groups[list(rows)] == ALONE).sum()) for rows, _ in wanted),
                    linked=sum(max(0, len(stood) - 1) for stood in found.stood),
                )
        raise GalleryBusy("Groups of unknown people were changed by others all the time. Try again later.")

    def find(self, *, ignored: bool = False, least: int = 1) -> list[SightingGroup]:
        """Return the groups of at least so many sightings, the largest first; the ignored ones, or all others."""
        return [group for group in self._gallery.groups.find(ignored=ignored) if len(group.sighting_ids) >= least]

    def get(self, number: int) -> SightingGroup:
        """Return one group with examples. Raises `UnknownGroup`."""
        return self._gallery.groups.get(number)

    def number_of(self, word: str) -> int:
        """Return the group that a word names: its number, or the id of one of its sightings.

        Raises:
            UnknownSighting, InvalidInput: there is no such sighting, or it has a name.
        """
        is_number = word.isascii() and word.isdigit() and len(word) < 16
        return int(word) if is_number else self._gallery.groups.of_sighting(word)

    def join(self, numbers: Sequence[int]) -> GalleryChange:
        """Say that groups are one person. Raises as `ports.SightingGroups.join`."""
        return self._gallery.groups.join(numbers)

    def split(self, number: int, sighting_ids: Sequence[str]) -> GalleryChange:
        """Say that some sightings of a group are somebody else. Raises as `ports.SightingGroups.split`."""
        return self._gallery.groups.split(number, sighting_ids)

    def set_ignored(self, number: int, ignored: bool) -> GalleryChange:
        """Leave a group out of lists, or no more. Raises as `ports.SightingGroups.set_ignored`."""
        return self._gallery.groups.set_ignored(number, ignored)

    def name(
        self, number: int, name: str, given: GivenBasis = NOTHING_GIVEN, *, add: bool = False
    ) -> tuple[Identity, GalleryChange]:
        """Enroll a group under a name: each of its sightings becomes a reference.

        Args:
            given: the basis of the enrollment; without one, the gallery's default.
            add: somebody who has the name already gets the references.

        Raises:
            UnknownGroup, InvalidName, BasisMissing, ModelMismatch: as `ports.SightingGroups.name`.
            IdentityExists: somebody has the name, and `add` was not said.
            InvalidInput: somebody said that a sighting of the group is not that person.
        """
        name = clean_name(name)
        owner = self._owner(name)
        if owner is not None and not add:
            raise IdentityExists(
                "Nothing was stored, because {name} is enrolled already. Choose another name, or say that "
                "{name} gets another reference.",
                None,
                name=owner.name,
            )
        if owner is not None and owner.id in self._gallery.groups.not_people(number):
            raise InvalidInput(
                "Nothing was stored: somebody said of a sighting of this group that it is not {name}. Withdraw that "
                "verdict, or split the sighting off, if that was wrong.",
                name=owner.name,
            )
        naming = GroupNaming(name, None if owner is None else owner.id, given)
        return self._gallery.groups.name(number, naming)

    def _owner(self, name: str) -> Identity | None:
        try:
            return self._gallery.find(name)
        except UnknownIdentity:
            return None
