"""Identities compared with each other, with the real gallery."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric.domain import recognition
from biometric.domain.resemblance import SharedFrames, frames_shared, resemblance, resemblances
from biometric.entities import Identity, Purpose, Threshold, ThresholdSource
from biometric.errors import UnknownIdentity
from biometric.gallery.repository import SQLiteGallery
from tests.builders import axis, observed_clip, person


def threshold(purpose: Purpose) -> Threshold:
    return Threshold(0.5, ThresholdSource.MODEL_CARD)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[SQLiteGallery]:
    opened = SQLiteGallery(tmp_path / "gallery")
    yield opened
    opened.close()


def enroll(
    gallery: SQLiteGallery, folder: Path, name: str, number: int, lean: float = 0.0, *, box: int = 1, first: int = 0
) -> Identity:
    observed = observed_clip(folder, person(box, folder, axis(number, lean), first))
    return recognition.enroll(gallery, observed, name, None, (), threshold, add=True, force=True).identity


def test_the_score_of_two_identities_is_that_of_their_closest_references(
    gallery: SQLiteGallery, tmp_path: Path
) -> None:
    ada = enroll(gallery, tmp_path, "Ada", 0)
    enroll(gallery, tmp_path, "Ada", 1)
    ben = enroll(gallery, tmp_path, "Ben", 2)
    enroll(gallery, tmp_path, "Ben", 1, 0.2)
    carl = enroll(gallery, tmp_path, "Carl", 3)
    own = gallery.references(ada.id)
    found = resemblances(gallery, own, 5, but=[ada.id])
    assert [item.identity.name for item in found] == ["Ben", "Carl"]
    assert found[0].score == pytest.approx(1 / (1 + 0.2**2) ** 0.5)
    assert found[0].own_reference_id == own[1].id
    assert found[0].reference_id == gallery.references(ben.id)[1].id
    assert found[1].score == pytest.approx(0.0, abs=1e-6)
    assert resemblance(gallery, own, gallery.find("Ben")) == found[0]
    assert resemblance(gallery, own, carl) is not None
    assert resemblance(gallery, [], ben) is None


def test_only_so_many_are_returned_and_none_that_is_left_out(gallery: SQLiteGallery, tmp_path: Path) -> None:
    people = [enroll(gallery, tmp_path, f"Person {number}", number, 0.1 * number) for number in range(5)]
    own = gallery.references(people[0].id)
    found = resemblances(gallery, own, 2, but=[people[0].id, people[4].id])
    assert [item.identity.name for item in found] == ["Person 3", "Person 2"]
    assert resemblances(gallery, [], 2) == []


def test_somebody_who_is_gone_is_told(gallery: SQLiteGallery, tmp_path: Path) -> None:
    ada, ben = enroll(gallery, tmp_path, "Ada", 0), enroll(gallery, tmp_path, "Ben", 1)
    gallery.remove(ben.id)
    with pytest.raises(UnknownIdentity):
        resemblance(gallery, gallery.references(ada.id), ben)


def test_people_side_by_side_are_seen_together(gallery: SQLiteGallery, tmp_path: Path) -> None:
    ada = enroll(gallery, tmp_path, "Ada", 0, box=1, first=0)
    ben = enroll(gallery, tmp_path, "Ben", 1, box=2, first=2)
    carl = enroll(gallery, tmp_path, "Carl", 2, box=3, first=4)
    twice = enroll(gallery, tmp_path, "Ada again", 0, box=1, first=1)
    held = {one.id: gallery.references(one.id) for one in (ada, ben, carl, twice)}
    assert frames_shared(held[ada.id], held[ben.id]) == (SharedFrames("clip.mp4", 2, 3),)
    assert frames_shared(held[ada.id], held[carl.id]) == ()  # one after the other
    assert frames_shared(held[ada.id], held[twice.id]) == ()  # the same crops: one person enrolled twice
    assert frames_shared(held[ada.id], []) == ()
