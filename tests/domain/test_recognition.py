"""Enroll, verify, identify on observed people, with the real gallery."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric import messages
from biometric.domain import recognition
from biometric.domain.comparison import pool
from biometric.entities import Decision, NewReference, NoticeCode, Purpose, Threshold, ThresholdSource
from biometric.errors import (
    DamagedClip,
    EmptyGallery,
    IdentityExists,
    InvalidName,
    LooksDifferent,
    ModelMismatch,
    NobodyFound,
    NoUsableSample,
    SeveralPeople,
    UnknownIdentity,
    UnknownPerson,
)
from biometric.gallery.repository import SQLiteGallery
from tests.builders import DAMAGED, axis, observed_clip, person
from tests.fakes import MODEL_ID

CARD = {"verification": 0.5, "identification": 0.6}


def threshold(purpose: Purpose) -> Threshold:
    return Threshold(CARD[purpose], ThresholdSource.MODEL_CARD)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[SQLiteGallery]:
    opened = SQLiteGallery(tmp_path / "gallery")
    yield opened
    opened.close()


def enroll(
    gallery: SQLiteGallery, folder: Path, name: str, number: int = 0, add: bool = False, force: bool = False, **options
):
    observed = observed_clip(folder, person(1, folder, axis(number, **options)))
    return recognition.enroll(gallery, observed, name, None, (), threshold, add=add, force=force)


def test_enrolling_stores_the_kept_samples(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enrollment = enroll(gallery, tmp_path, "Ada")
    assert enrollment.identity.name == "Ada"
    assert not enrollment.added
    assert enrollment.warnings == ()
    assert enrollment.reference.template.sample_count == 4
    assert all(path.is_file() for path in enrollment.reference.crops)
    assert [path.name for path in enrollment.reference.crops] == [f"{frame:08d}_01.jpg" for frame in range(4)]


def test_an_existing_name_gets_another_reference_only_where_that_is_said(gallery, tmp_path: Path) -> None:
    first = enroll(gallery, tmp_path, "Ada")
    with pytest.raises(IdentityExists, match="another reference") as refused:
        enroll(gallery, tmp_path, "ADA", lean=0.3)
    conflict = refused.value.conflict
    assert (conflict.identity.id, conflict.reference_id) == (first.identity.id, first.reference.id)
    assert conflict.score == pytest.approx(1 / np.hypot(1, 0.3))
    assert (conflict.threshold.value, conflict.reaches_threshold) == (0.5, True)
    assert conflict.reference_crop == first.reference.best_crop
    assert conflict.sample_crop.parent == tmp_path
    assert "Ada is enrolled already, and the new reference scores 0.96" in messages.describe_error(refused.value)
    assert gallery.reference_count() == 1
    again = enroll(gallery, tmp_path, "ADA", lean=0.3, add=True)
    assert again.added
    assert again.identity.reference_count == 2
    assert again.warnings == ()


def test_a_reference_unlike_the_earlier_ones_takes_a_second_word(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada")
    for consent, error in (({}, IdentityExists), ({"force": True}, IdentityExists), ({"add": True}, LooksDifferent)):
        with pytest.raises(error) as refused:
            enroll(gallery, tmp_path, "Ada", number=3, **consent)
        assert (refused.value.conflict.score, refused.value.conflict.reaches_threshold) == (0.0, False)
        assert "looks like a different person" in messages.describe_error(refused.value)
    assert gallery.reference_count() == 1
    again = enroll(gallery, tmp_path, "Ada", number=3, add=True, force=True)
    assert [warning.code for warning in again.warnings] == [NoticeCode.UNLIKE_OWN_REFERENCES]


def test_the_best_of_several_references_and_samples_is_the_one_compared(gallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path / "first", "Ada")
    second = enroll(gallery, tmp_path / "second", "Ada", number=3, add=True, force=True)
    near, far = person(1, tmp_path, axis(3)), person(1, tmp_path, axis(3, 1.0), first=10)
    samples = (*far.samples, *near.samples)
    template = pool([sample.embedding for sample in samples], MODEL_ID)
    mixed = dataclasses.replace(near, samples=samples, template=template)
    with pytest.raises(IdentityExists) as refused:
        recognition.enroll(gallery, observed_clip(tmp_path, mixed), "Ada", None, (), threshold)
    assert refused.value.conflict.reference_id == second.reference.id
    assert refused.value.conflict.sample_crop in {sample.crop for sample in near.samples}


def test_add_enrolls_a_new_name_and_the_score_at_the_threshold_is_enough(gallery, tmp_path: Path) -> None:
    assert not enroll(gallery, tmp_path, "Ada", add=True).added
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(0)))

    def equal(purpose: Purpose) -> Threshold:
        return Threshold(gallery.scores(observed.observations[0].template, ada)[0][1], ThresholdSource.USER)

    ada = gallery.find("Ada").id
    assert recognition.enroll(gallery, observed, "Ada", None, (), equal, add=True).added


class OtherProcess(SQLiteGallery):
    """A gallery in which another process does something between a look at a name and the enrollment."""

    def __init__(self, folder: Path, meanwhile: list[Callable[[], object]]) -> None:
        super().__init__(folder)
        self.meanwhile = meanwhile

    def enroll(self, name: str, reference: NewReference, **options):
        if self.meanwhile:
            self.meanwhile.pop()()
        return super().enroll(name, reference, **options)


def test_a_name_that_another_process_enrolls_meanwhile_is_compared_anew(gallery, tmp_path: Path) -> None:
    other = OtherProcess(gallery.folder, [lambda: enroll(gallery, tmp_path, "Ada")])
    with pytest.raises(IdentityExists) as refused:
        enroll(other, tmp_path, "Ada", number=3)
    assert refused.value.conflict.score == 0.0
    other.meanwhile.append(lambda: enroll(gallery, tmp_path, "Ben"))
    with pytest.raises(LooksDifferent):
        enroll(other, tmp_path, "Ben", number=3, add=True)
    assert sorted(identity.name for identity in gallery.identities()) == ["Ada", "Ben"]
    assert gallery.reference_count() == 2


def test_a_name_that_becomes_free_meanwhile_is_enrolled_anew(gallery, tmp_path: Path) -> None:
    first = enroll(gallery, tmp_path, "Ada")
    other = OtherProcess(gallery.folder, [lambda: gallery.remove(first.identity.id)])
    again = enroll(other, tmp_path, "Ada", add=True)
    assert (again.added, again.identity.id == first.identity.id) == (False, False)
    assert gallery.reference_count() == 1


def test_a_lookalike_already_enrolled_is_warned_about(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada")
    enrollment = enroll(gallery, tmp_path, "Ben", lean=0.5)
    assert [item.identity.name for item in enrollment.lookalikes] == ["Ada"]
    assert (enrollment.warnings[0].code, enrollment.warnings[0]["other"]) == (NoticeCode.LOOKS_LIKE, "Ada")


def test_dropped_samples_are_left_out_and_not_all_can_be(gallery: SQLiteGallery, tmp_path: Path) -> None:
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(0)))
    names = [sample.detection.crop_name for sample in observed.observations[0].kept]
    enrollment = recognition.enroll(gallery, observed, "Ada", None, names[:3], threshold)
    assert enrollment.reference.template.sample_count == 1
    assert [path.name for path in enrollment.reference.crops] == names[3:]
    with pytest.raises(NoUsableSample, match="Keep at least one"):
        recognition.enroll(gallery, observed, "Ben", None, names, threshold)
    assert [identity.name for identity in gallery.identities()] == ["Ada"]


def test_one_of_several_people_has_to_be_chosen(gallery: SQLiteGallery, tmp_path: Path) -> None:
    people = [person(1, tmp_path, axis(0)), person(2, tmp_path, axis(1)), person(3, tmp_path, None)]
    observed = observed_clip(tmp_path, *people)
    with pytest.raises(SeveralPeople, match=r"person 1 \(frames 0–3\); person 2") as caught:
        recognition.enroll(gallery, observed, "Ada", None, (), threshold)
    assert caught.value.people == (1, 2)
    assert gallery.is_empty()
    assert recognition.enroll(gallery, observed, "Ada", 2, (), threshold).observation.person == 2
    with pytest.raises(SeveralPeople):
        recognition.verify(gallery, observed, "Ada", None, threshold("verification"))
    with pytest.raises(UnknownPerson, match="People there: 1, 2, 3"):
        recognition.enroll(gallery, observed, "Ben", 9, (), threshold)
    with pytest.raises(NoUsableSample, match="Person 3 has no sample") as refused:
        recognition.enroll(gallery, observed, "Ben", 3, (), threshold)
    assert refused.value.refusals == {NoticeCode.TOO_SMALL: 4}


def test_nobody_or_only_refused_samples_are_errors_that_say_what_to_do(gallery, tmp_path: Path) -> None:
    with pytest.raises(NobodyFound, match="Choose frames"):
        recognition.enroll(gallery, observed_clip(tmp_path), "Ada", None, (), threshold)
    observed = observed_clip(tmp_path, person(1, tmp_path, None))
    with pytest.raises(NoUsableSample, match="larger, sharper and whole") as refused:
        recognition.enroll(gallery, observed, "Ada", None, (), threshold)
    assert messages.describe_error(refused.value).endswith("Refused samples: too small (4).")


def test_promise_12_no_enrollment_from_a_damaged_clip_unless_accepted(gallery, tmp_path: Path) -> None:
    damaged = observed_clip(tmp_path, person(1, tmp_path, axis(0)), damage=DAMAGED)
    with pytest.raises(DamagedClip, match="Nothing was enrolled") as caught:
        recognition.enroll(gallery, damaged, "Ada", None, (), threshold)
    assert (caught.value.readable, caught.value.claimed) == (100, 200)
    assert messages.describe_error(caught.value).startswith("The clip is damaged: 78 of 200 frames can be read.")
    assert gallery.is_empty()
    accepted = dataclasses.replace(damaged, damage_accepted=True)
    assert recognition.enroll(gallery, accepted, "Ada", None, (), threshold).identity.name == "Ada"


def test_a_bad_name_is_refused_before_anything_happens(gallery: SQLiteGallery, tmp_path: Path) -> None:
    for name in ("", "   ", "x" * 101, "a\x00b", "a\u202eb"):
        with pytest.raises(InvalidName):
            enroll(gallery, tmp_path, name)
    assert not (tmp_path / "gallery").exists()


@pytest.mark.parametrize(
    ("vector", "decision"),
    [(axis(0, 0.3), Decision.MATCH), (axis(3), Decision.NO_MATCH), (axis(1, 0.8, 0), Decision.NO_DECISION)],
)
def test_verification(gallery: SQLiteGallery, tmp_path: Path, vector, decision: Decision) -> None:
    enroll(gallery, tmp_path, "Ada", 0)
    enroll(gallery, tmp_path, "Ben", 1)
    probe = observed_clip(tmp_path, person(1, tmp_path, vector))
    verification = recognition.verify(gallery, probe, "ada", None, threshold("verification"))
    assert verification.decision is decision
    assert verification.best_other is not None
    assert verification.best_other.identity.name == "Ben"
    assert verification.margin == pytest.approx(verification.score - verification.best_other.score)
    assert verification.reference_id is not None


def test_verification_without_anybody_else_has_no_margin(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada")
    probe = observed_clip(tmp_path, person(1, tmp_path, axis(0)))
    verification = recognition.verify(gallery, probe, "Ada", None, threshold("verification"))
    assert (verification.margin, verification.best_other) == (None, None)
    assert verification.score == pytest.approx(1.0)


def test_verification_needs_somebody_enrolled_of_that_name(gallery: SQLiteGallery, tmp_path: Path) -> None:
    probe = observed_clip(tmp_path, person(1, tmp_path, axis(0)))
    with pytest.raises(EmptyGallery):
        recognition.verify(gallery, probe, "Ada", None, threshold("verification"))
    enroll(gallery, tmp_path, "Ada")
    with pytest.raises(UnknownIdentity):
        recognition.verify(gallery, probe, "Adam Smith", None, threshold("verification"))


def test_each_person_is_identified_on_their_own(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada", 0)
    enroll(gallery, tmp_path, "Ben", 1)
    people = [
        person(1, tmp_path, axis(1, 0.2)),
        person(2, tmp_path, axis(4)),
        person(3, tmp_path, axis(0, 0.2)),
        person(4, tmp_path, None),
    ]
    first, second, third, fourth = recognition.identify(
        gallery, observed_clip(tmp_path, *people), threshold("identification")
    )
    assert (first.decision, first.identity.name) == (Decision.IDENTIFIED, "Ben")
    assert [item.identity.name for item in first.candidates] == ["Ben", "Ada"]
    assert first.margin == pytest.approx(first.candidates[0].score - first.candidates[1].score)
    assert (second.decision, second.identity) == (Decision.UNKNOWN, None)
    assert second.score is not None
    assert third.identity.name == "Ada"
    assert (fourth.decision, fourth.score, fourth.candidates) == (Decision.UNKNOWN, None, ())
    assert fourth.reason.code is NoticeCode.NO_GOOD_SAMPLE
    assert messages.describe_reason(fourth) == "No sample is good enough. Refused samples: too small (4)."


def test_a_lower_threshold_identifies_more(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada", 0)
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(0, 2.0)))
    strict, loose = Threshold(0.6, ThresholdSource.USER), Threshold(0.0, ThresholdSource.USER)
    assert recognition.identify(gallery, observed, strict)[0].decision is Decision.UNKNOWN
    assert recognition.identify(gallery, observed, loose)[0].decision is Decision.IDENTIFIED


def test_promise_19_empty_galleries_and_other_models_identify_nobody(gallery, tmp_path: Path) -> None:
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(0)))
    with pytest.raises(EmptyGallery):
        recognition.identify(gallery, observed, threshold("identification"))
    enroll(gallery, tmp_path, "Ada")
    other = observed_clip(tmp_path, person(1, tmp_path, axis(0), model_id="another"), model_id="another")
    for work in (
        lambda: recognition.identify(gallery, other, threshold("identification")),
        lambda: recognition.verify(gallery, other, "Ada", None, threshold("verification")),
        lambda: recognition.enroll(gallery, other, "Eve", None, (), threshold),
    ):
        with pytest.raises(ModelMismatch, match=r"fake-8.*another"):
            work()
    assert [identity.name for identity in gallery.identities()] == ["Ada"]


def test_one_name_is_in_one_place(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada", 0)
    closer, weaker = person(1, tmp_path, axis(0, 0.2)), person(2, tmp_path, axis(0, 0.4))
    later = person(3, tmp_path, axis(0, 0.5), first=50)
    answers = recognition.identify(gallery, observed_clip(tmp_path, closer, weaker, later), threshold("identification"))
    decisions = [item.decision for item in answers]
    assert decisions == [Decision.IDENTIFIED, Decision.NO_DECISION, Decision.IDENTIFIED]
    assert answers[1].reason.code is NoticeCode.NAME_IN_TWO_PLACES


def test_a_bystander_who_is_closer_leaves_a_claim_undecided(gallery: SQLiteGallery, tmp_path: Path) -> None:
    enroll(gallery, tmp_path, "Ada", 0)
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(0, 0.2)), person(2, tmp_path, axis(0, 0.4)))
    first = recognition.verify(gallery, observed, "Ada", 1, threshold("verification"))
    second = recognition.verify(gallery, observed, "Ada", 2, threshold("verification"))
    assert (first.decision, second.decision) == (Decision.MATCH, Decision.NO_DECISION)
    assert [(warning.code, warning["person"]) for warning in first.warnings] == [(NoticeCode.BYSTANDER_ALSO_REACHES, 2)]
    assert (second.reason.code, second.reason["person"]) == (NoticeCode.BYSTANDER_CLOSER, 1)
    apart = observed_clip(tmp_path, person(1, tmp_path, axis(0, 0.4)), person(2, tmp_path, axis(0), first=50))
    assert recognition.verify(gallery, apart, "Ada", 1, threshold("verification")).warnings == ()
