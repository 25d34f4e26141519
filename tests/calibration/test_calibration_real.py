"""Calibrating on the real clips with the real weights: what they support, and what they do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric.bootstrap import build
from biometric.entities import Calibration, FrameRange, ThresholdSource
from biometric.errors import CalibrationRefused
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
