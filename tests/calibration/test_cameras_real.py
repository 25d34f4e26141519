"""Calibrating with the real weights on people whom a second camera shows in another colour cast."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric.bootstrap import build
from biometric.domain.comparison import pool
from biometric.entities import Adapting, NewReference, ObservedClip, Template
from biometric.entities.progress import finish
from biometric.service import Sightline
from biometric.settings import Settings

pytestmark = pytest.mark.real

CAST = np.array([0.45, 0.8, 1.0], np.float32)
"""What the yard's camera leaves of blue, green and red."""


@pytest.fixture(scope="module")
def service(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sightline]:
    folder = tmp_path_factory.mktemp("sightline")
    folders = {name: folder / name for name in ("gallery", "query", "library", "temp")}
    service = build(Settings(**folders, models=shared / "models", offline=True, device="cpu"))  # type: ignore[arg-type]
    yield service
    service.close()


def enroll_by_two_cameras(service: Sightline, observed: ObservedClip) -> dict[str, Template]:
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
        cast = [np.clip(crop * CAST, 0, 255).astype(np.uint8) for crop in crops[half:]]
        name = f"Person {person.person}"
        for camera, pictures in (("Door", crops[:half]), ("Yard", cast)):
            template = pool(list(embedder.embed(pictures)), embedder.model_id)
            digest = f"{camera}{person.person}".encode().hex().rjust(64, "0")
            service.gallery().enroll(name, NewReference(template, (), digest, f"{camera}.mp4", 0, 9, camera))
            yard[name] = template
    return yard


def test_a_colour_cast_is_learnt_and_nothing_gets_worse(service: Sightline, shared: Path) -> None:
    observed = finish(service.observe(shared / "clips" / "street.mp4"))
    yard = enroll_by_two_cameras(service, observed)
    assert len(yard) >= 20
    calibration = finish(service.calibrate([], target_fmr=0.02, force=True))
    report = calibration.report
    assert report is not None
    [tried] = report.tried
    print(f"\n{len(yard)} people: {tried}, threshold {calibration.verification.value}, {calibration.unadapted}")
    assert (tried.people, tried.other_visits) == (len(yard), True)
    assert tried.after <= tried.before
    assert service.threshold("verification").adaptation == calibration.adaptation

    gallery, probe = service.gallery(), next(iter(yard))
    again = finish(service.calibrate([], target_fmr=0.02, force=True))
    assert again.adaptation == calibration.adaptation, "the same footage teaches the same"
    found = gallery.search(yard[probe], 1, Adapting(calibration.adaptation, "Yard"))
    assert found[0].identity.name == probe
    walked = dataclasses.replace(observed, camera="Door")
    answers = service.identify(walked)
    named = [answer for answer in answers if answer.identity is not None]
    assert all(
        answer.threshold.adaptation == calibration.adaptation for answer in answers if calibration.identification
    )
    assert all(answer.identity.name == f"Person {answer.observation.person}" for answer in named if answer.identity)
