"""Unknown people in a gallery: grouped, joined, split, ignored, named; undone; gone with their sightings."""

from pathlib import Path

import numpy as np
import pytest

from biometric.domain.unknown_people import UnknownPeople
from biometric.entities import LinkScores, VerdictWord
from biometric.entities.audit import AuditQuery
from biometric.entities.sighting_groups import GroupState
from biometric.entities.sightings import Naming
from biometric.errors import BasisMissing, IdentityExists, InvalidInput, UndoRefused, UnknownGroup, UnknownIdentity
from biometric.gallery import basis_rows
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_verdicts import verdict
from tests.lawful import TEST_BASIS
from tests.made_galleries import MODEL, check, reference
from tests.made_sightings import analysis, clip_digest, person

HOURS = 72.0


class CardThresholds:
    """As `ports.Models`, but for thresholds only."""

    def embedder_id(self) -> str:
        return MODEL

    def link_scores(self) -> LinkScores:
        return LinkScores(0.9, 0.85)


class People(UnknownPeople):
    """With the model card's scores in force."""

    def limits(self) -> LinkScores:
        return LinkScores(0.9, 0.85)


@pytest.fixture
def lawful(gallery: SQLiteGallery) -> SQLiteGallery:
    gallery.set_default_basis(TEST_BASIS)
    return gallery


@pytest.fixture
def people(lawful: SQLiteGallery) -> People:
    return People(lawful, CardThresholds())  # type: ignore[arg-type]


def keep(gallery: SQLiteGallery, clip: int, *seeds: int, at_once: bool = False, model_id: str = MODEL) -> list[str]:
    """Keep a clip in which the people of these seeds are seen; the same seed looks the same in every clip."""
    numbers = range(1, len(seeds) + 1)
    crowd = [
        person(
            number,
            seed,
            digest=clip_digest(clip),
            with_=[item for item in numbers if at_once and item != number],
            model_id=model_id,
        )
        for number, seed in zip(numbers, seeds, strict=True)
    ]
    return [sighting.id for sighting in gallery.sightings.keep(analysis(clip, crowd, camera=f"c{clip % 2}"), HOURS)]


def sets(people: People, **options: bool) -> set[frozenset[str]]:
    return {frozenset(group.sighting_ids) for group in people.find(**options)}


def test_the_same_person_is_grouped_over_clips_as_they_come(lawful: SQLiteGallery, people: People) -> None:
    first, second = keep(lawful, 1, 7), keep(lawful, 2, 7, 8)
    counts = people.group()
    assert (counts.sightings, counts.groups, counts.alone, counts.joined) == (3, 1, 1, 2)
    [group] = people.find()
    assert (set(group.sighting_ids), group.clips, group.cameras) == ({first[0], second[0]}, 2, ("c0", "c1"))
    third = keep(lawful, 3, 8, 7)
    assert people.group().joined == 3
    assert sets(people) == {frozenset({first[0], second[0], third[1]}), frozenset({second[1], third[0]})}
    assert people.get(group.number).examples[0].id in {first[0], second[0], third[1]}
    assert people.group().joined == 0
    check(lawful)


def test_an_empty_gallery_has_no_unknown_people(people: People) -> None:
    assert (people.group().sightings, people.find()) == (0, [])
    with pytest.raises(UnknownGroup):
        people.get(1)


def test_who_is_seen_at_once_is_never_one_person(lawful: SQLiteGallery, people: People) -> None:
    first = keep(lawful, 1, 7, 7, at_once=True)
    people.group()
    assert people.find() == []
    numbers = [people.number_of(sighting) for sighting in first]
    with pytest.raises(InvalidInput, match="in view at the same time"):
        people.join(numbers)
    assert len(people.find()) == 2


def test_joining_is_undone_and_made_again(lawful: SQLiteGallery, people: People) -> None:
    [one], [other] = keep(lawful, 1, 7), keep(lawful, 2, 8)
    numbers = [people.number_of(one), people.number_of(other)]
    apart = {frozenset({one}), frozenset({other})}
    assert sets(people) == apart
    change = people.join(numbers)
    assert sets(people) == {frozenset({one, other})}
    assert people.get(numbers[0]).state is GroupState.SETTLED
    undone = lawful.undo(change.id)
    assert sets(people) == apart
    assert people.get(numbers[0]).state is GroupState.OPEN
    lawful.undo(undone.id)
    assert sets(people) == {frozenset({one, other})}
    actions = [record.action for record in lawful.audit.records(AuditQuery())[0]]
    assert {"groups_joined", "undone", "redone"} <= set(actions)
    assert lawful.audit.verify().intact
    with pytest.raises(InvalidInput, match="at least two"):
        people.join([numbers[0], numbers[0]])


def test_a_split_is_never_joined_again_by_the_machine(lawful: SQLiteGallery, people: People) -> None:
    everybody = [keep(lawful, clip, 7)[0] for clip in (1, 2, 3, 4)]
    people.group()
    [group] = people.find()
    change = people.split(group.number, everybody[2:])
    apart = {frozenset(everybody[:2]), frozenset(everybody[2:])}
    assert sets(people) == apart
    people.group()
    assert sets(people) == apart
    [new] = keep(lawful, 5, 7)  # looks like both, so it is neither's
    people.group()
    assert sets(people) == apart
    with pytest.raises(InvalidInput, match="not in group"):
        people.split(group.number, [new])
    with pytest.raises(InvalidInput, match="but not all"):
        people.split(group.number, everybody[:2])
    joined = people.join([group.number, people.number_of(everybody[2])])
    with pytest.raises(UndoRefused, match="joined or split again"):
        lawful.undo(change.id)
    lawful.undo(joined.id)
    lawful.undo(change.id)
    people.group()
    assert sets(people) == {frozenset([*everybody, new])}


def test_the_ignored_are_left_out_and_take_their_own_in(lawful: SQLiteGallery, people: People) -> None:
    one, other = keep(lawful, 1, 7)[0], keep(lawful, 2, 7)[0]
    people.group()
    [group] = people.find()
    change = people.set_ignored(group.number, True)
    assert (people.find(), sets(people, ignored=True)) == ([], {frozenset({one, other})})
    with pytest.raises(InvalidInput, match="so already"):
        people.set_ignored(group.number, True)
    [third] = keep(lawful, 3, 7)
    people.group()
    assert (people.find(), sets(people, ignored=True)) == ([], {frozenset({one, other, third})})
    lawful.undo(change.id)
    assert sets(people) == {frozenset({one, other, third})}


def test_naming_enrolls_all_sightings_in_one_change(lawful: SQLiteGallery, people: People) -> None:
    ids = [keep(lawful, clip, 7)[0] for clip in (1, 2, 3)]
    people.group()
    [group] = people.find()
    identity, change = people.name(group.number, "Ada")
    assert (identity.name, identity.reference_count, change.references) == ("Ada", 3, 3)
    sightings = lawful.sightings.of_ids(ids)
    assert {(item.identity_id, item.naming) for item in sightings} == {(identity.id, Naming.ENROLLED)}
    assert {held.basis.basis for held in lawful.references(identity.id) if held.basis} == {TEST_BASIS}
    assert people.find() == []
    with pytest.raises(UnknownGroup):
        people.name(group.number, "Ben")
    check(lawful)
    lawful.undo(change.id)
    assert sets(people) == {frozenset(ids)}
    with pytest.raises(UnknownIdentity):
        lawful.find("Ada")
    check(lawful)


def test_naming_asks_for_a_basis_and_before_a_name_is_used_again(
    lawful: SQLiteGallery, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lawful.enroll("Ada", reference(tmp_path / "crops", 99))
    number = people.number_of(keep(lawful, 1, 7)[0])
    with pytest.raises(IdentityExists):
        people.name(number, "ada")
    assert people.name(number, "ada", add=True)[0].reference_count == 2
    lawful.undo()
    monkeypatch.setattr(basis_rows, "read_default_basis", lambda db: None)
    with pytest.raises(BasisMissing):
        people.name(number, "Ben")
    assert {identity.name for identity in lawful.identities()} == {"Ada"}


def test_who_was_said_not_to_be_somebody_does_not_become_them(
    lawful: SQLiteGallery, people: People, tmp_path: Path
) -> None:
    ada = lawful.enroll("Ada", reference(tmp_path / "crops", 99)).identity
    [sighting] = keep(lawful, 1, 7)
    number = people.number_of(sighting)
    probe = lawful.sightings.get(sighting).probe
    lawful.save_verdict(verdict(ada.id, VerdictWord.WRONG, probe))
    with pytest.raises(InvalidInput, match="not Ada"):
        people.name(number, "Ada", add=True)
    assert lawful.find("Ada").reference_count == 1


def test_a_sighting_that_is_deleted_leaves_its_group(lawful: SQLiteGallery, people: People) -> None:
    ids = [keep(lawful, clip, 7)[0] for clip in (1, 2)]
    people.group()
    [group] = people.find()
    change = people.set_ignored(group.number, True)
    lawful.sightings.remove(ids[:1])
    assert sets(people, ignored=True) == {frozenset(ids[1:])}
    lawful.undo(change.id)
    check(lawful)


def test_what_others_did_meanwhile_is_not_overwritten(lawful: SQLiteGallery, people: People) -> None:
    ids = [keep(lawful, clip, 7)[0] for clip in (1, 2)]
    standing = lawful.groups.standing(MODEL)
    people.number_of(ids[0])
    assert not lawful.groups.store(standing, [((0, 1), None)])
    assert sets(people) == {frozenset(ids[:1])}
    assert lawful.groups.standing(MODEL).groups.tolist().count(-1) == 1


def test_sightings_of_another_model_are_left_alone(lawful: SQLiteGallery, people: People) -> None:
    crowd = [person(1, 7, digest=clip_digest(5), model_id="another")]
    lawful.sightings.keep(analysis(5, crowd), HOURS)
    assert people.group().sightings == 0
    assert lawful.groups.standing("another").vectors.dtype == np.float32
