"""Groups of sightings of unknown people: `ports.SightingGroups` in the gallery's SQLite database."""

import itertools
from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from biometric.entities import ChangeKind, GalleryChange, Identity, NewReference, NewSample, clean_name, name_key
from biometric.entities.sighting_groups import GroupNaming, GroupState, SightingGroup, StandingGroups
from biometric.entities.sightings import Sighting
from biometric.errors import InvalidInput, UnknownGroup, UnknownSighting
from biometric.gallery import basis_rows, group_rows, rows
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.neighbours import find_neighbours
from biometric.gallery.records import make_record, read_crops
from biometric.gallery.sighting_keeping import GallerySightings
from biometric.gallery.sighting_reading import not_people, numbers_of, read_sightings
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.write_transaction import WriteTransaction
from biometric.ports import NeighbourSearch

EXAMPLES = 4
"""Sightings of a group that are shown in a list."""


class GallerySightingGroups:
    """A `ports.SightingGroups`. Several threads and processes may use one gallery at a time.

    Args:
        transactions: the gallery's one write path.
        sightings: the same gallery's.
    """

    def __init__(self, transactions: GalleryTransactions, sightings: GallerySightings) -> None:
        self._transactions = transactions
        self._files = transactions.files
        self._sightings = sightings

    @property
    def nearest(self) -> NeighbourSearch:
        """What finds the nearest of many templates."""
        return find_neighbours

    # --- grouping ------------------------------------------------------------------------------------------------

    def standing(self, model_id: str) -> StandingGroups:
        """All sightings of unknown people of a model, with their groups."""
        ids: list[str] = []
        parts, cursor = [], 0
        while True:
            part = self._sightings.vectors(model_id, after=cursor)
            ids += part.ids
            parts += [part.vectors] if part.ids else []
            cursor = part.cursor
            if not cursor:
                break
        row_of = {sighting_id: row for row, sighting_id in enumerate(ids)}
        pairs = [[row_of[first], row_of[second]] for first, second in self._sightings.seen_at_once(ids)]
        with self._transactions.reading_or_empty() as db:
            numbers = numbers_of(db, ids)
            group_of = group_rows.groups_of(db, numbers.values())
            different = frozenset(group_rows.different_pairs(db))
            sql = "SELECT number FROM sighting_groups WHERE state <> ?"
            settled = frozenset(int(row[0]) for row in db.execute(sql, [GroupState.OPEN.value]))
        return StandingGroups(
            tuple(ids),
            np.concatenate(parts) if parts else np.empty((0, 1), np.float32),
            np.array(pairs, np.int64).reshape(-1, 2),
            np.array([group_of.get(numbers.get(item, 0), -1) for item in ids], np.int64),
            settled,
            different,
        )

    def store(self, standing: StandingGroups, groups: Sequence[tuple[Sequence[int], int | None]]) -> bool:
        """Put sightings into groups, by the machine; see `SightingGroups.store`."""
        with self._transactions.writing() as write:
            db, former = write.db, standing.group_of
            numbers = numbers_of(db, standing.ids)
            now = group_rows.groups_of(db, numbers.values())
            if any(now.get(number, -1) != former.get(item, -1) for item, number in numbers.items()):
                return False
            for members, group in groups:
                target = group_rows.add_group(db, GroupState.OPEN, write.now) if group is None else group
                for row in members:
                    number = numbers.get(standing.ids[row])
                    if number is not None and now.get(number) != target:
                        group_rows.put(db, number, target)
            return True

    # --- finding -------------------------------------------------------------------------------------------------

    def find(self, *, ignored: bool = False) -> list[SightingGroup]:
        """The groups with at least one sighting without a name, the largest first; see `SightingGroups.find`."""
        with self._transactions.reading_or_empty() as db:
            found = group_rows.unnamed_by_group(db, self._transactions.now(), ignored)
            groups = [_group(number, members, ()) for number, members in found.items()]
            return sorted(groups, key=lambda group: (-len(group.sighting_ids), group.number))

    def get(self, number: int) -> SightingGroup:
        """One group, with examples. Raises `UnknownGroup`."""
        with self._transactions.reading_or_empty() as db:
            members = group_rows.unnamed_of_group(db, number, self._transactions.now())
            if not members:
                raise _unknown(number)
            # The tallest pictures show most.
            best = sorted(members, key=lambda member: (-(member.height or 0), member.sighting))[:EXAMPLES]
            read = read_sightings(db, self._files, [member.sighting for member in best])
            return _group(number, members, tuple(read[member.sighting] for member in best))

    def not_people(self, number: int) -> frozenset[str]:
        """Ids of the identities that sightings of a group were said not to be."""
        with self._transactions.reading_or_empty() as db:
            members = group_rows.unnamed_of_group(db, number, self._transactions.now())
            refused = not_people(db, [member.sighting for member in members])
            return frozenset(itertools.chain.from_iterable(refused.values()))

    def of_sighting(self, sighting_id: str) -> int:
        """The group of a sighting without a name; it gets one where it has none. Raises `UnknownSighting`."""
        sighting = self._sightings.get(sighting_id)
        if sighting.identity_id is not None:
            raise InvalidInput("This sighting has a name already. Choose one of an unknown person.")
        with self._transactions.writing_existing() as write:
            number = numbers_of(write.db, [sighting_id]).get(sighting_id)
            if number is None:
                raise UnknownSighting("This sighting was deleted just now. Choose another one.")
            group = group_rows.groups_of(write.db, [number]).get(number)
            if group is None:
                group = group_rows.add_group(write.db, GroupState.OPEN, write.now)
                group_rows.put(write.db, number, group)
            return group

    # --- what people do ------------------------------------------------------------------------------------------

    def join(self, numbers: Sequence[int]) -> GalleryChange:
        """Make several groups one, the first of them; see `SightingGroups.join`."""
        chosen = list(dict.fromkeys(numbers))
        if len(chosen) < 2:
            raise InvalidInput("Name at least two groups that are one person.")
        with self._transactions.writing_existing() as write:
            members = {number: self._members(write, number) for number in chosen}
            everybody = list(itertools.chain.from_iterable(members.values()))
            if group_rows.seen_at_once(write.db, everybody) is not None:
                raise InvalidInput(
                    "Nothing was joined: people of these groups were in view at the same time, so they are not one "
                    "person. Split off whoever is in the wrong group first."
                )
            recorder = ChangeRecorder(write, ChangeKind.GROUPS_JOINED)
            target, *others = chosen
            for number in itertools.chain.from_iterable(members[other] for other in others):
                group_rows.move(write.db, recorder.steps, number, target)
            for first, second in group_rows.different_pairs(write.db):
                if {first, second} <= set(chosen):
                    group_rows.set_different(write.db, recorder.steps, first, second, False)
                elif {first, second} & set(others):
                    other = second if first in others else first
                    group_rows.set_different(write.db, recorder.steps, target, other, True)
            group_rows.set_state(write.db, recorder.steps, target, GroupState.SETTLED)
            recorder.note(groups=[*chosen], sightings=len(everybody))
            return recorder.finish(0, 0)

    def split(self, number: int, sighting_ids: Collection[str]) -> GalleryChange:
        """Give some sightings of a group one of their own; see `SightingGroups.split`."""
        with self._transactions.writing_existing() as write:
            members = self._members(write, number)
            wanted = numbers_of(write.db, sighting_ids)
            if len(wanted) < len(set(sighting_ids)) or not set(wanted.values()) <= set(members):
                raise InvalidInput("One of these sightings is not in group {number}.", number=number)
            if not wanted or len(wanted) == len(members):
                raise InvalidInput("Name some of the group's sightings, but not all: those that are somebody else.")
            recorder = ChangeRecorder(write, ChangeKind.GROUP_SPLIT)
            other = group_rows.add_group(write.db, GroupState.SETTLED, write.now)
            for sighting in sorted(wanted.values()):
                group_rows.move(write.db, recorder.steps, sighting, other)
            state = group_rows.state_of(write.db, number)
            if state is GroupState.OPEN:
                group_rows.set_state(write.db, recorder.steps, number, GroupState.SETTLED)
            for first, second in group_rows.different_pairs(write.db):
                if number in (first, second):  # who is not this group's person is not the split-off one either
                    group_rows.set_different(
                        write.db, recorder.steps, other, second if first == number else first, True
                    )
            group_rows.set_different(write.db, recorder.steps, number, other, True)
            recorder.note(groups=[number, other], sightings=len(wanted))
            return recorder.finish(0, 0)

    def set_ignored(self, number: int, ignored: bool) -> GalleryChange:
        """Leave a group out of lists, or no more; see `SightingGroups.set_ignored`."""
        with self._transactions.writing_existing() as write:
            members = self._members(write, number)
            if (group_rows.state_of(write.db, number) is GroupState.IGNORED) == ignored:
                raise InvalidInput("Group {number} is so already. Nothing was changed.", number=number)
            kind = ChangeKind.GROUP_IGNORED if ignored else ChangeKind.GROUP_NOTICED
            recorder = ChangeRecorder(write, kind)
            state = GroupState.IGNORED if ignored else GroupState.SETTLED
            group_rows.set_state(write.db, recorder.steps, number, state)
            recorder.note(groups=[number], sightings=len(members))
            return recorder.finish(0, 0)

    def name(self, number: int, naming: GroupNaming) -> tuple[Identity, GalleryChange]:
        """Enroll a group; see `SightingGroups.name`."""
        name = clean_name(naming.name)
        with self._transactions.writing_existing() as write:
            db = write.db
            members = self._members(write, number)
            sightings = read_sightings(db, self._files, members)
            holder = rows.number_by_key(db, name_key(name))
            rows.require_owner(name, naming.owner, None if holder is None else rows.identity_id(db, holder))
            default = basis_rows.read_default_basis(db)
            recorder = ChangeRecorder(write, ChangeKind.GROUP_NAMED)
            owner = recorder.add_identity(name) if holder is None else holder
            if holder is not None:
                recorder.touch(owner)
            recorder.add_people(owner)
            owner_id, samples = rows.identity_id(db, owner), 0
            for sighting in (sightings[member] for member in members):
                reference = _reference(sighting, naming)
                rows.check_model(db, reference.template.model_id, reference.template.vector.size)
                record = make_record(reference, write.now, default)
                recorder.note_new_reference(write.store(owner, owner_id, record, read_crops(reference)))
                samples += len(reference.samples)
            recorder.note(groups=[number], sightings=len(members))
            identity = rows.identity_by_id(db, self._files, owner_id)
            return identity, recorder.finish(len(members), samples)

    def _members(self, write: WriteTransaction, number: int) -> list[int]:
        members = [member.sighting for member in group_rows.unnamed_of_group(write.db, number, write.now)]
        if not members:
            raise _unknown(number)
        return members


def _unknown(number: int) -> UnknownGroup:
    return UnknownGroup(
        "There is no unknown person {number}, or nobody of that group is unknown any more. List the unknown people for "
        "their numbers.",
        number=number,
    )


def _group(number: int, members: Sequence[group_rows.Member], examples: tuple[Sighting, ...]) -> SightingGroup:
    begins = [member.begins_at for member in members if member.begins_at]
    ends = [member.ends_at for member in members if member.ends_at]
    return SightingGroup(
        number,
        members[0].state,
        tuple(member.id for member in members),
        len({member.clip_digest for member in members}),
        tuple(sorted({member.camera for member in members})),
        datetime.fromisoformat(min(begins)) if begins else None,
        datetime.fromisoformat(max(ends)) if ends else None,
        examples,
    )


def _reference(sighting: Sighting, naming: GroupNaming) -> NewReference:
    """Return a sighting as a reference; its best crop stands for all samples, with the template of all."""
    template = sighting.template
    samples: tuple[NewSample, ...] = ()
    if sighting.crop is not None:
        name = sighting.crop.name
        samples = (NewSample(name, sighting.crop, 0.0, int(name.split("_")[0]), template.vector),)
    return NewReference(
        template,
        samples,
        sighting.clip_digest,
        sighting.clip_name,
        sighting.first_frame,
        sighting.last_frame,
        sighting.camera,
        naming.given,
    )
