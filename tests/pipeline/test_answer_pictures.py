"""Pixels and sharpness behind an answer, read from the crops of both sides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from biometric.clips.crops import JpegCropStore, sharpness
from biometric.entities import (
    Candidate,
    Decision,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Observation,
    Threshold,
    ThresholdSource,
    Verification,
)
from biometric.entities.picture_detail import ComparedDetail, PictureDetail
from biometric.errors import UnknownIdentity
from biometric.pipeline.answer_pictures import AnswerPictures
from tests.builders import axis, person
from tests.test_service import ServiceSetup

LIMIT = Threshold(0.6, ThresholdSource.MODEL_CARD)
ADA = Identity("a" * 32, "Ada", 1, 3, "2026-01-02", "2026-01-02")


@dataclass
class StoredReference:
    id: str
    crops: tuple[Path, ...]


class OneIdentity:
    """A gallery of Ada alone, with a reference of these crops."""

    def __init__(self, *crops: Path, gone: bool = False) -> None:
        self.crops, self.gone = crops, gone

    def references(self, identity_id: str) -> list[StoredReference]:
        if self.gone:
            raise UnknownIdentity("Nobody has this id.")
        return [StoredReference("older", ()), StoredReference("r1", self.crops)]


def noise(height: int, blur: float = 0.0) -> np.ndarray:
    image = np.random.default_rng(0).integers(0, 256, (height, height // 2, 3)).astype(np.uint8)
    return image if blur == 0 else cv2.GaussianBlur(image, (0, 0), blur)


def save(folder: Path, *images: np.ndarray) -> tuple[Path, ...]:
    paths = tuple(folder / f"{number:08d}_00.jpg" for number in range(len(images)))
    for path, image in zip(paths, images, strict=True):
        JpegCropStore().save(image, path)
    return paths


@pytest.fixture
def probe(tmp_path: Path) -> Observation:
    """A person of three crops, 64, 100 and 300 pixels high."""
    seen = person(1, tmp_path, axis(1), count=3)
    for sample, height in zip(seen.samples, (64, 100, 300), strict=True):
        assert sample.crop is not None
        JpegCropStore().save(noise(height), sample.crop)
    return seen


@pytest.fixture
def pictures() -> AnswerPictures:
    return AnswerPictures(JpegCropStore(), sharpness, lambda: None)


def verification(probe: Observation, reference_id: str | None = "r1") -> Verification:
    reason = Notice(NoticeCode.SCORE_REACHES_THRESHOLD)
    return Verification(Decision.MATCH, ADA, 0.9, LIMIT, None, None, reference_id, probe, 1, reason)


def identification(probe: Observation, *candidates: Candidate) -> Identification:
    reason = Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    score = candidates[0].score if candidates else None
    return Identification(probe, Decision.UNKNOWN, None, score, LIMIT, None, candidates, reason)


def test_both_sides_tell_the_medians_of_their_crops(
    probe: Observation, pictures: AnswerPictures, tmp_path: Path
) -> None:
    gallery: Any = OneIdentity(*save(tmp_path / "stored", noise(128, 3.0), noise(132, 3.0)))
    detail = pictures.checked_verification(gallery, verification(probe)).detail
    assert detail is not None
    assert detail.probe is not None
    assert detail.reference is not None
    assert (detail.probe.height, detail.probe.samples) == (100, 3)
    assert (detail.reference.height, detail.reference.samples) == (130, 2)
    assert detail.reference.sharpness < detail.probe.sharpness / 10
    assert (detail.least_height, detail.least_sharpness) == (100, detail.reference.sharpness)
    closest = Candidate(ADA, 0.4, 1, "r1")
    assert pictures.checked_identification(gallery, identification(probe, closest)).detail == detail


def test_pictures_that_are_gone_are_not_recorded(probe: Observation, pictures: AnswerPictures, tmp_path: Path) -> None:
    missing, removed = tmp_path / "00000001_00.jpg", OneIdentity(gone=True)
    cases: list[tuple[Any, str | None]] = [(OneIdentity(missing), "r1"), (removed, "r1"), (OneIdentity(), None)]
    for gallery, reference_id in cases:
        detail = pictures.checked_verification(gallery, verification(probe, reference_id)).detail
        assert detail is not None
        assert detail.probe is not None
        assert (detail.reference, detail.least_height, detail.least_sharpness) == (None, None, None)
    for sample in probe.samples:
        assert sample.crop is not None
        sample.crop.unlink()
    fresh = AnswerPictures(JpegCropStore(), sharpness, lambda: None)
    nobody: Any = OneIdentity()
    assert fresh.checked_identification(nobody, identification(probe)).detail == ComparedDetail(None, None)


def test_detail_is_measured_once_for_the_same_crops(probe: Observation) -> None:
    measured: list[int] = []

    def count(image: np.ndarray) -> float:
        measured.append(image.shape[0])
        return 1.0

    pictures, gallery = AnswerPictures(JpegCropStore(), count, lambda: None), OneIdentity()
    for _ in range(3):
        pictures.checked_identification(gallery, identification(probe))  # type: ignore[arg-type]
    assert measured == [64, 100, 300]


@pytest.mark.parametrize(("height", "value", "samples"), [(0, 1.0, 1), (9, -1.0, 1), (9, float("nan"), 1), (9, 1.0, 0)])
def test_a_detail_that_cannot_be_is_refused(height: int, value: float, samples: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        PictureDetail(height, value, samples)


def test_an_enrollment_tells_its_own_and_the_compared_reference(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path, crops=JpegCropStore())
    try:
        first = setup.service.enroll(setup.observe(0, 50), "Ada")
        assert first.detail is not None
        assert first.detail.probe is not None
        assert (first.detail.probe.height, first.detail.reference) == (250, None)
        added = setup.service.enroll(setup.observe(51, 99), "Ada", add=True)
        assert added.compared_reference_id == first.reference.id
        assert added.detail == ComparedDetail(added.detail.probe, first.detail.probe)  # type: ignore[union-attr]
    finally:
        setup.service.close()
