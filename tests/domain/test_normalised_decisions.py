"""Decisions on scores that are normalised with a cohort, and what decides once the cohort is gone."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biometric.calibration.gallery_calibration import GalleryCalibration
from biometric.domain import recognition
from biometric.domain.comparison import unit
from biometric.domain.thresholds import for_camera, threshold_in_force
from biometric.domain.verdict_desk import VerdictDesk
from biometric.entities import (
    UNADAPTED,
    AdaptationReport,
    Decision,
    NoticeCode,
    Retention,
    StrangerCohort,
    Threshold,
    ThresholdSource,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.errors import CohortGone
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import describe_evidence
from biometric.results.answer_json import identification_json, verification_json
from biometric.results.calibration_json import calibration_status_json
from tests.builders import DIMENSION, axis, observed_clip, person
from tests.fakes import MODEL_ID, FakeDetector, FakeEmbedder, FakeModels
from tests.gallery.test_migrations import calibration

START = datetime(2026, 3, 1, tzinfo=UTC)


class Hall:
    """A gallery of one, whose calibration normalises scores with strangers for ten days."""

    def __init__(self, folder: Path) -> None:
        self.now, self.folder = START, folder
        self.gallery = SQLiteGallery(folder / "gallery", clock=lambda: self.now)
        self.gallery.set_retention(Retention(365, 365))
        self.models = FakeModels(FakeDetector({}), FakeEmbedder())
        noise = np.random.default_rng(0).normal(size=(30, DIMENSION))
        expires = (START + timedelta(days=10)).isoformat()
        self.cohort = StrangerCohort(("hall",) * 30, unit(axis(5) + 0.3 * noise), 0.99, expires)
        recognition.enroll(self.gallery, self.seen(0), "Ada", None, (), self.threshold)
        plain = calibration(MODEL_ID, 0.9)
        fitted = plain.verification
        made = dataclasses.replace(
            plain,
            verification=dataclasses.replace(fitted, value=0.3),
            identification=dataclasses.replace(fitted, value=0.35),
            report=AdaptationReport(self.cohort.mark, 1, 30, expires=expires),
            unadapted=UnadaptedThresholds(fitted, dataclasses.replace(fitted, value=0.95), None),
            references=1,
        )
        self.gallery.save_calibration(made, self.cohort)

    def seen(self, number: int, camera: str = "Hall"):
        return dataclasses.replace(
            observed_clip(self.folder, person(1, self.folder / str(number), axis(number))), camera=camera
        )

    def threshold(self, purpose, value: float | None = None, **options) -> Threshold:
        return threshold_in_force(self.models, self.gallery, purpose, value, **options)

    def lose(self, way: str) -> None:
        if way == "expired":
            self.now += timedelta(days=10)
        else:
            self.gallery.delete_cohorts()


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def test_each_score_says_that_it_is_normalised(hall: Hall) -> None:
    mark = {"kind": "normalisation", "id": hall.cohort.id}
    limit = hall.threshold("verification")
    assert (limit.value, limit.adaptation) == (0.3, hall.cohort.mark)
    assert any("normalised" in text and hall.cohort.id in text for text in describe_evidence(limit))
    again, stranger = hall.seen(0), hall.seen(1)
    verified = recognition.verify(hall.gallery, again, "Ada", None, limit)
    assert verified.decision is Decision.MATCH
    assert verification_json(verified, again)["adaptation"] == mark
    found = recognition.identify(hall.gallery, stranger, hall.threshold("identification"))
    assert found[0].decision is Decision.UNKNOWN
    assert identification_json(found, None, stranger)["people"][0]["adaptation"] == mark
    assert hall.threshold("verification", adapted=False).adaptation == UNADAPTED


@pytest.mark.parametrize("way", ["expired", "deleted"])
def test_without_the_cohort_thresholds_for_scores_as_they_are_decide_and_that_is_said(hall: Hall, way: str) -> None:
    before = hall.threshold("verification")
    hall.lose(way)
    for purpose, value in (("verification", 0.9), ("identification", 0.95)):
        limit = hall.threshold(purpose)
        assert (limit.value, limit.adaptation, limit.source) == (value, UNADAPTED, ThresholdSource.CALIBRATION)
        assert NoticeCode.COHORT_NOT_KEPT in {notice.code for notice in limit.evidence}
        assert any("has expired or was deleted" in text for text in describe_evidence(limit))
    given = hall.threshold("verification", 0.31)
    assert (given.adaptation, given.source) == (UNADAPTED, ThresholdSource.USER)
    assert [notice.code for notice in given.evidence] == [NoticeCode.COHORT_NOT_KEPT]
    again = hall.seen(0)
    verified = recognition.verify(hall.gallery, again, "Ada", None, hall.threshold("verification"))
    assert (verified.decision, verified.score) == (Decision.MATCH, pytest.approx(1.0))
    assert verification_json(verified, again)["adaptation"] == {"kind": "none", "id": None}
    for_camera(hall.threshold("verification"), hall.gallery, "elsewhere")
    with pytest.raises(CohortGone, match="calibrate again"):
        recognition.verify(hall.gallery, again, "Ada", None, before)
    with pytest.raises(CohortGone):
        recognition.identify(hall.gallery, again, before)
    with pytest.raises(CohortGone):
        for_camera(before, hall.gallery, "Hall")


@pytest.mark.parametrize(
    ("camera", "code"),
    [("HALL", None), ("yard", NoticeCode.CAMERA_NOT_IN_COHORT), ("", NoticeCode.CAMERA_UNKNOWN_TO_COHORT)],
)
def test_a_camera_that_is_not_in_the_cohort_is_said(hall: Hall, camera: str, code: NoticeCode | None) -> None:
    limit = for_camera(hall.threshold("verification"), hall.gallery, camera)
    told = {notice.code for notice in limit.evidence} - {NoticeCode.CALIBRATED}
    assert told == (set() if code is None else {code})
    assert describe_evidence(limit)
    assert recognition.verify(hall.gallery, hall.seen(0, camera), "Ada", None, limit).decision is Decision.MATCH


def test_a_gallery_that_has_grown_is_decided_without_normalisation(hall: Hall) -> None:
    hall.models.values["identification"] = 0.5
    for number in range(1, 4):
        recognition.enroll(hall.gallery, hall.seen(number), f"P{number}", None, (), hall.threshold)
    limit = hall.threshold("identification")
    assert limit.adaptation == UNADAPTED
    assert NoticeCode.GALLERY_HAS_GROWN in {notice.code for notice in limit.evidence}


def test_verdicts_on_normalised_scores_are_not_counted_for_others(hall: Hall) -> None:
    again = hall.seen(0)
    verified = recognition.verify(hall.gallery, again, "Ada", None, hall.threshold("verification"))
    desk = VerdictDesk(lambda folder: hall.gallery)
    desk.record(again, verified, "wrong")
    calibrations = GalleryCalibration(hall.gallery, hall.models, lambda *_: iter(()))
    [evidence, _] = calibrations.verdict_evidence()
    assert (evidence.counts.wrong, evidence.other_adaptation) == (1, 0)
    hall.lose("expired")
    [evidence, _] = calibrations.verdict_evidence()
    assert (evidence.counts.wrong, evidence.other_adaptation) == (0, 1)
    with pytest.raises(CohortGone):
        desk.record(again, verified, "confirmed")
    [held] = hall.gallery.verdicts()
    assert held.adaptation == hall.cohort.mark


def test_the_status_tells_what_is_kept_and_no_template(hall: Hall) -> None:
    calibrations = GalleryCalibration(hall.gallery, hall.models, lambda *_: iter(()))
    [kept] = calibration_status_json(calibrations.status())["cohorts"]
    assert kept == {
        "adaptation": {"kind": "normalisation", "id": hall.cohort.id},
        "model_id": MODEL_ID,
        "people": {"hall": 30},
        "expires": "2026-03-11T00:00:00.000+00:00",
        "sentence": "A cohort of strangers is kept until 11 March 2026: nameless templates of 30 people by the camera "
        "hall.",
    }
    calibrations.delete_cohorts()
    status = calibration_status_json(calibrations.status())
    assert status["cohorts"] == []
    assert status["verification"]["threshold"] == 0.9
    assert any("has expired or was deleted" in text for text in status["verification"]["evidence"])
