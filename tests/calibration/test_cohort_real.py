"""Normalising scores of people in photographs with the real embedder: from the calibration to the answer without it."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometric.bootstrap import build
from biometric.calibration import procedure
from biometric.calibration.crossed_scores import CohortTerms
from biometric.domain.comparison import pool
from biometric.entities import (
    UNADAPTED,
    AdaptationGain,
    AdaptationKind,
    Adapting,
    Image,
    NewReference,
    NoticeCode,
    Template,
)
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary
from biometric.service import Sightline
from biometric.settings import Settings
from tests.calibration.test_calibration_real import finish

pytestmark = pytest.mark.real
NAMES, STRANGERS, UNSEEN = 30, 90, 20


@pytest.fixture
def service(shared: Path, tmp_path: Path) -> Iterator[Sightline]:
    folders = {name: tmp_path / name for name in ("gallery", "query", "library", "temp")}
    service = build(Settings(**folders, models=shared / "models", offline=True, device="cpu"))  # type: ignore[arg-type]
    yield service
    service.close()


def photographed(folder: Path, count: int) -> list[Image]:
    """The largest person of each of so many photographs."""
    if not (folder / "labels").is_dir():
        pytest.skip("the photographs are not here")
    crops = []
    for label in sorted((folder / "labels" / "train").glob("*.txt")):
        boxes = [[float(number) for number in line.split()[1:5]] for line in label.read_text().splitlines()]
        largest = max(boxes, key=lambda box: box[3], default=(0, 0, 0, 0))
        [picture, *_] = [*(folder / "images" / "train").glob(f"{label.stem}.*"), None]
        if largest[3] < 0.27 or largest[2] < 0.1 or picture is None:
            continue
        image = cv2.imread(str(picture))
        height, width = image.shape[:2]
        x, y, wide, high = largest
        rows = slice(max(0, int((y - high / 2) * height)), int((y + high / 2) * height))
        crops.append(image[rows, max(0, int((x - wide / 2) * width)) : int((x + wide / 2) * width)])
        if len(crops) == count:
            break
    return crops


def seen_again(crop: Image, generator: np.random.Generator) -> Image:
    """Cut off a little, lighter or darker, and a quarter hidden."""
    height, width = crop.shape[:2]
    top, left = (generator.uniform(0, 0.1, 2) * (height, width)).astype(int)
    seen = np.clip(crop[top:, left:] * generator.uniform(0.7, 1.3), 0, 255).astype(np.uint8)
    start = int(len(seen) * generator.uniform(0.1, 0.6))
    seen[start : start + len(seen) // 4] = generator.integers(0, 255, 3)
    return seen


def templates(service: Sightline, crops: Sequence[Image]) -> list[Template]:
    embedder = service.models.embedder()
    return [pool([vector], embedder.model_id) for vector in embedder.embed(list(crops))]


def test_strangers_who_were_not_seen_keep_the_rate_and_nobody_is_compared_across(
    service: Sightline, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = photographed(shared / "data" / "people", NAMES + STRANGERS + UNSEEN)
    generator = np.random.default_rng(0)
    door = templates(service, crops)
    yard = templates(service, [seen_again(crop, generator) for crop in crops])
    gallery, model_id = service.gallery(), service.models.embedder_id()
    for number in range(NAMES):
        for camera, side in (("Door", door), ("Yard", yard)):
            digest = f"{camera}{number}".encode().hex().rjust(64, "0")
            gallery.enroll(f"P{number}", NewReference(side[number], (), digest, f"{camera}.mp4", 0, 9, camera))
    clips = [
        ClipSummary(
            camera,
            model_id,
            tuple(CalibrationTrack(item.vector, None, {}) for item in side[NAMES : NAMES + STRANGERS]),
            60.0,
            camera=camera,
        )
        for camera, side in (("Door", door), ("Yard", yard))
    ]
    # fewer people than it takes, and a gain that need not be certain: what is tested comes after that
    monkeypatch.setattr(procedure, "CohortTerms", functools.partial(CohortTerms, needed=40))
    chosen = property(lambda gain: gain.kind is AdaptationKind.NORMALISATION)
    monkeypatch.setattr(AdaptationGain, "is_certain", chosen)
    (calibration, _), _ = finish(service.calibrations().fit(clips, target_fmr=0.01, keep_cohort=30, force=True))
    assert calibration.adaptation.kind is AdaptationKind.NORMALISATION
    [kept] = gallery.cohorts()
    assert set(kept.people) == {"door", "yard"}

    limit = service.threshold("verification")
    adapting = Adapting(limit.adaptation, "Yard")
    unseen = [item.score for probe in yard[-UNSEEN:] for item in gallery.search(probe, NAMES, adapting)]
    assert len(unseen) == UNSEEN * NAMES
    assert np.mean(np.array(unseen) >= limit.value) <= 0.01, "0.001 of 6,000 when 360 strangers were kept"
    again = templates(service, [seen_again(crop, generator) for crop in crops[:NAMES]])
    found = [gallery.search(probe, 1, adapting)[0] for probe in again]
    right = [item for number, item in enumerate(found) if item.identity.name == f"P{number}"]
    assert len(right) >= 0.9 * NAMES
    assert np.mean([item.score >= limit.value for item in right]) >= 0.7

    service.calibrations().delete_cohorts()
    fallback = service.threshold("verification")
    assert (fallback.adaptation, fallback.value) == (UNADAPTED, calibration.unadapted.verification.value)  # type: ignore[union-attr]
    assert NoticeCode.COHORT_NOT_KEPT in {notice.code for notice in fallback.evidence}
