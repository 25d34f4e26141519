"""Calibrating on the real clips with the real weights: what they support, what they do not, and cameras."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometric.bootstrap import build
from biometric.domain.comparison import pool
from biometric.entities import (
    UNADAPTED,
    Adapting,
    Calibration,
    Decision,
    FrameRange,
    Image,
    NewReference,
    ObservedClip,
    Template,
    ThresholdSource,
)
from biometric.errors import CalibrationRefused
from biometric.ports import Gallery
from biometric.service import Sightline
from biometric.settings import Settings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def service(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sightline]:
    folder = tmp_path_factory.mktemp("sightline")
    folders = {name: folder / name for name in ("gallery", "query", "library", "temp")}
    service = build(Settings(**folders, models=shared / "models", offline=True, device="cpu"))  # type: ignore[arg-type]
    yield service
    service.close()


def finish(work):
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as finished:
            return finished.value, steps


def test_a_street_supports_1e_2_and_refuses_1e_4(service: Sightline, shared: Path) -> None:
    street, one_by_one = (shared / "clips" / name for name in ("street.mp4", "one-by-one.mp4"))
    made, steps = finish(service.calibrate([street], target_fmr=0.01, force=True))
    assert isinstance(made, Calibration)
    assert any(step.stage.startswith("Clip 1 of 1: Reading frame") for step in steps)
    assert 25 <= made.people <= 45
    assert made.pairs >= 300
    assert 0.35 < made.verification.value < 0.6
    assert made.verification.upper <= 0.01
    assert made.identification is None
    assert made.likelihood is None, "one visit says nothing on another"

    with pytest.raises(CalibrationRefused, match="30,000 independent comparisons") as refused:
        finish(service.calibrate([street], target_fmr=0.0001))
    assert refused.value.people == 246
    assert service.calibration() == made, "the refusal left the former one"

    for name, first, last in (("A", 63, 130), ("B", 231, 340)):
        observed, _ = finish(service.observe(one_by_one, FrameRange.inclusive(first, last)))
        service.enroll(observed, name)
    verified = service.verify(finish(service.observe(one_by_one, FrameRange.inclusive(131, 190)))[0], "A")
    assert verified.threshold.source is ThresholdSource.CALIBRATION
    assert verified.threshold.value == made.verification.value
    assert verified.decision == "match"

    again, _ = finish(service.calibrate([street], target_fmr=0.01, target_fpir=0.1, force=True))
    assert set(again.sources) == {"same time", "enrolled", "unlabelled"}
    assert made.people + 2 <= again.people <= made.people + 4, "the street holds neither A nor B"
    assert again.identification is not None
    assert again.gallery_size == 2
    assert service.threshold("identification").rate == 0.1


CAST = np.array([0.54, 0.18, 0.09], np.float32)
"""What the yard's camera leaves of blue, green and red, besides haze and a sixth of the resolution."""


def by_the_yard(crop: Image) -> Image:
    height, width = crop.shape[:2]
    small = cv2.resize(crop, (max(4, width // 6), max(8, height // 6)), interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(small, (width, height)) * CAST + 50, 0, 255).astype(np.uint8)


def enroll_by_two_cameras(service: Sightline, gallery: Gallery, observed: ObservedClip) -> dict[str, Template]:
    """Enroll everybody by the first half of what was seen; the second half, with the cast, is the yard's.

    Returns:
        The yard's template of each person, which is enrolled as well.
    """
    yard = {}
    embedder = service.models.embedder()
    for person in observed.usable:
        crops = [service.crops.load(sample.crop) for sample in person.kept if sample.crop is not None]
        if len(crops) < 4:
            continue
        half = len(crops) // 2
        cast = [by_the_yard(crop) for crop in crops[half:]]
        name = f"Person {person.person}"
        for camera, pictures in (("Door", crops[:half]), ("Yard", cast)):
            template = pool(list(embedder.embed(pictures)), embedder.model_id)
            digest = f"{camera}{person.person}".encode().hex().rjust(64, "0")
            gallery.enroll(name, NewReference(template, (), digest, f"{camera}.mp4", 0, 9, camera))
            yard[name] = template
    return yard


def test_a_colour_cast_is_learnt_and_nothing_gets_worse(service: Sightline, shared: Path, tmp_path: Path) -> None:
    observed, _ = finish(service.observe(shared / "clips" / "street.mp4"))
    gallery = service.gallery(tmp_path)
    yard = enroll_by_two_cameras(service, gallery, observed)
    assert len(yard) >= 20
    calibration, _ = finish(service.calibrate([], target_fmr=0.02, gallery=tmp_path, force=True))
    report = calibration.report
    assert report is not None
    [tried] = report.tried
    assert (tried.people, tried.other_visits) == (len(yard), True)
    assert tried.after < tried.before, "FNMR at 1e-2 was 0.61 without and 0.39 with centring"
    assert (calibration.adaptation == UNADAPTED) is not tried.is_certain
    assert service.threshold("verification", None, tmp_path).adaptation == calibration.adaptation

    again, _ = finish(service.calibrate([], target_fmr=0.02, gallery=tmp_path, force=True))
    assert again.adaptation == calibration.adaptation, "the same people teach the same"
    adapting = Adapting(calibration.adaptation, "Yard")
    for name, template in yard.items():
        assert gallery.search(template, 1, adapting)[0].identity.name == name
    walked = dataclasses.replace(observed, camera="Door")
    for person in walked.usable:
        name = f"Person {person.person}"
        if name in yard:
            answer = service.verify(walked, name, person.person, gallery=tmp_path)
            assert (answer.decision, answer.threshold.adaptation) == (Decision.MATCH, calibration.adaptation)
