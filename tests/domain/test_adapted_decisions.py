"""Verify, identify and enroll on scores that the gallery's calibration adapts to cameras, and what says so."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biometric.calibration.verdict_scores import read_verdict_scores
from biometric.domain import recognition
from biometric.domain.thresholds import for_camera, threshold_in_force
from biometric.domain.verdict_counts import count_verdicts
from biometric.domain.verdict_desk import VerdictDesk
from biometric.entities import (
    UNADAPTED,
    AdaptationReport,
    Calibration,
    Decision,
    LearntCameras,
    NoticeCode,
    ObservedClip,
    Threshold,
    ThresholdSource,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import describe_evidence
from biometric.messages.verdict_sentences import describe_below
from biometric.results.answer_json import identification_json, verdict_json, verification_json
from tests.builders import DIMENSION, axis, observed_clip, person
from tests.fakes import MODEL_ID, FakeDetector, FakeEmbedder, FakeModels
from tests.gallery.test_migrations import calibration

SHIFT = 0.75
"""What the door's camera adds to each template, along an axis that nobody has."""


def learnt_door() -> LearntCameras:
    mean = np.zeros(DIMENSION, np.float32)
    mean[6] = 0.6
    return LearntCameras(("door",), np.array([30]), mean[np.newaxis], mean / 2)


def seen_by_the_door(number: int, folder: Path, camera: str = "Door") -> ObservedClip:
    vector = axis(number) + SHIFT * axis(6)
    clip = observed_clip(folder, person(1, folder, (vector / np.linalg.norm(vector)).astype(np.float32)))
    return dataclasses.replace(clip, camera=camera)


def adapted_calibration(learnt: LearntCameras, **changes: object) -> Calibration:
    plain = calibration(MODEL_ID, 0.9)
    identification = dataclasses.replace(plain.verification, value=0.35)
    values = {
        "verification": dataclasses.replace(plain.verification, value=0.3),
        "identification": identification,
        "report": AdaptationReport(learnt.mark, 1, 30),
        "unadapted": UnadaptedThresholds(plain.verification, dataclasses.replace(identification, value=0.8), None),
        "references": 1,
    }
    return dataclasses.replace(plain, **{**values, **changes})  # type: ignore[arg-type]


class Door:
    """A gallery in which Ada was enrolled as the door's camera saw her."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gallery = SQLiteGallery(folder / "gallery")
        self.models = FakeModels(FakeDetector({}), FakeEmbedder())
        self.learnt = learnt_door()
        self.enroll("Ada", seen_by_the_door(0, folder / "ada"))

    def threshold(self, purpose, value: float | None = None, **options) -> Threshold:
        return threshold_in_force(self.models, self.gallery, purpose, value, **options)

    def enroll(self, name: str, clip: ObservedClip, **options):
        return recognition.enroll(self.gallery, clip, name, None, (), self.threshold, **options)

    def calibrate(self, **changes: object) -> None:
        self.gallery.save_calibration(adapted_calibration(self.learnt, **changes), self.learnt)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_strangers_whom_only_the_camera_makes_alike_are_told_apart(door: Door, tmp_path: Path) -> None:
    stranger, again = seen_by_the_door(1, tmp_path / "s"), seen_by_the_door(0, tmp_path / "a")
    plain = Threshold(0.3, ThresholdSource.USER)
    assert recognition.verify(door.gallery, stranger, "Ada", None, plain).decision is Decision.MATCH
    door.calibrate()
    limit = door.threshold("verification")
    assert limit.adaptation == door.learnt.mark
    assert recognition.verify(door.gallery, stranger, "Ada", None, limit).decision is Decision.NO_MATCH
    found = recognition.verify(door.gallery, again, "Ada", None, limit)
    assert (found.decision, found.score) == (Decision.MATCH, pytest.approx(1.0))
    [person_found] = recognition.identify(door.gallery, stranger, door.threshold("identification"))
    assert person_found.decision is Decision.UNKNOWN
    [person_found] = recognition.identify(door.gallery, again, door.threshold("identification"))
    assert person_found.decision is Decision.IDENTIFIED


def test_enrolling_asks_by_the_same_scores(door: Door, tmp_path: Path) -> None:
    door.models.values["verification"] = door.models.values["identification"] = 0.3
    stranger = seen_by_the_door(1, tmp_path / "s")
    before = recognition.enroll(door.gallery, stranger, "Ben", None, (), door.threshold)
    assert [item.identity.name for item in before.lookalikes] == ["Ada"]
    door.calibrate(identification=dataclasses.replace(adapted_calibration(door.learnt).verification, value=0.35))
    other = seen_by_the_door(2, tmp_path / "t")
    assert door.enroll("Cem", other).lookalikes == ()


def test_every_score_says_what_it_was_made_with(door: Door, tmp_path: Path) -> None:
    stranger = seen_by_the_door(1, tmp_path / "s")
    plain = recognition.verify(door.gallery, stranger, "Ada", None, door.threshold("verification"))
    assert verification_json(plain, stranger)["adaptation"] == {"kind": "none", "id": None}
    door.calibrate()
    mark = {"kind": "centring", "id": door.learnt.id}
    for value in (None, 0.123):
        verified = recognition.verify(door.gallery, stranger, "Ada", None, door.threshold("verification", value))
        assert verification_json(verified, stranger)["adaptation"] == mark
        assert any(
            "centred by camera" in text and door.learnt.id in text for text in describe_evidence(verified.threshold)
        )
    found = recognition.identify(door.gallery, stranger, door.threshold("identification"))
    [person_json] = identification_json(found, None, stranger)["people"]
    assert person_json["adaptation"] == mark


@pytest.mark.parametrize(
    ("camera", "code"), [("Door", None), ("yard", NoticeCode.CAMERA_NOT_LEARNT), ("", NoticeCode.CAMERA_UNKNOWN)]
)
def test_a_camera_that_was_not_learnt_is_said(door: Door, camera: str, code: NoticeCode | None) -> None:
    door.calibrate()
    limit = for_camera(door.threshold("verification"), door.gallery, camera)
    told = {notice.code for notice in limit.evidence} & {NoticeCode.CAMERA_NOT_LEARNT, NoticeCode.CAMERA_UNKNOWN}
    assert told == ({code} if code else set())
    plain = Threshold(0.5, ThresholdSource.USER)
    assert for_camera(plain, door.gallery, camera) == plain


def test_thresholds_for_scores_as_they_are_decide_on_these(door: Door) -> None:
    door.calibrate(identification=None)
    assert door.threshold("verification").adaptation == door.learnt.mark
    assert door.threshold("identification").adaptation == UNADAPTED, "the card's"
    plain = door.threshold("verification", adapted=False)
    assert (plain.value, plain.adaptation) == (0.9, UNADAPTED)
    door.models.sources["verification"] = ThresholdSource.SETTING
    assert door.threshold("verification").adaptation == UNADAPTED, "a setting was made for scores as they are"
    assert door.threshold("verification", 0.2).adaptation == UNADAPTED


def test_a_gallery_that_has_grown_goes_back_to_scores_that_the_card_knows(door: Door, tmp_path: Path) -> None:
    door.calibrate()
    assert door.threshold("identification").adaptation == door.learnt.mark
    for number in range(1, 6):
        door.enroll(f"P{number}", seen_by_the_door(number, tmp_path / str(number)))
    grown = door.threshold("identification")
    assert NoticeCode.GALLERY_HAS_GROWN in {notice.code for notice in grown.evidence}
    assert (grown.adaptation, grown.value) == (UNADAPTED, max(0.8, door.models.values["identification"]))


def test_verdicts_on_other_scores_say_nothing_of_a_threshold(door: Door, tmp_path: Path) -> None:
    stranger = seen_by_the_door(1, tmp_path / "s")
    desk = VerdictDesk(lambda folder: door.gallery)
    for purpose_limit in (door.threshold("verification", 0.3), None):
        if purpose_limit is None:
            door.calibrate()
            purpose_limit = door.threshold("verification")
        answer = recognition.verify(door.gallery, stranger, "Ada", None, purpose_limit)
        said = desk.record(stranger, answer, "wrong").verdict
        assert said.score == pytest.approx(answer.score)
        assert (said.adaptation, verdict_json(said)["adaptation"]["id"]) == (
            purpose_limit.adaptation,
            purpose_limit.adaptation.id or None,
        )
        counts = count_verdicts(door.gallery.verdicts(), MODEL_ID, "verification", purpose_limit)
        assert counts.total == 1
        evidence = read_verdict_scores(door.gallery, MODEL_ID).at("verification", purpose_limit)
        assert evidence.other_adaptation == len(door.gallery.verdicts()) - 1
        other = dataclasses.replace(purpose_limit, adaptation=learnt_other().mark)
        evidence = read_verdict_scores(door.gallery, MODEL_ID).at("verification", other)
        assert (evidence.highest_wrong, evidence.is_empty) == (None, False)
        assert "another adaptation to cameras" in describe_below(evidence)
        assert count_verdicts(door.gallery.verdicts(), MODEL_ID, "verification", other).total == 0


def learnt_other() -> LearntCameras:
    return dataclasses.replace(learnt_door(), counts=np.array([31]), everywhere=np.zeros(DIMENSION, np.float32))
