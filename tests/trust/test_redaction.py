"""The promise of redaction: no frame shows whom it should hide, judged by others than itself (docs/trust.md)."""

from pathlib import Path

import numpy as np
import pytest

from biometric.bootstrap import build_releasable
from biometric.clips.video import PyAVReader
from biometric.entities import FrameRange
from biometric.entities.progress import finish
from biometric.entities.redaction import RedactionOptions
from biometric.settings import Settings
from tests.painted_people import PaintedService, walking, write_people

COVER = 64
"""Grey level of a solid box."""


@pytest.mark.parametrize("seed", range(4))
def test_whoever_a_detector_misses_for_half_a_second_is_in_no_frame(tmp_path: Path, seed: int) -> None:
    """The detector misses people at random, for up to half a second, in all passes; pixels are the witness."""
    setup = PaintedService(tmp_path)
    rng = np.random.default_rng(seed)
    places = {"Ruby": walking(75, 10, 3, 20), "Jade": walking(75, 250, -3, 120), "Azur": walking(75, 120, 0, 70)}
    for name in places:
        start = 0
        while start < 75:
            length = int(rng.integers(1, 13))
            setup.detector.blind |= {(frame, name) for frame in range(start, min(75, start + length))}
            start += length + int(rng.integers(3, 20))
    assert setup.detector.blind
    result = setup.redact(write_people(tmp_path / "clip.mp4", places), tmp_path / "out.mp4")
    assert [setup.seen(result.path, name) for name in places] == [[], [], []]
    setup.service.close()


@pytest.mark.real
def test_on_the_street_a_detector_that_took_no_part_sees_nobody_near(shared: Path, tmp_path: Path) -> None:
    """YOLOv8n judges; people under a sixth of the picture's height, whom the other one may miss, are told apart."""
    from biometric.models.detection_openvino import OpenVINODetector

    settings = Settings(data=tmp_path, temp=tmp_path / "temp", cache=tmp_path / "cache", offline=True)
    service, release = build_releasable(settings)
    frames = FrameRange(60, 90)
    work = service.redactor.redact(
        shared / "clips" / "street.mp4", tmp_path / "out.mp4", None, RedactionOptions(), frames
    )
    result = finish(work)
    service.close()
    release()
    oracle = OpenVINODetector(next((shared / "models" / "yolov8n_int8_openvino_model").glob("*.xml")), "oracle", 0.25)
    written = list(PyAVReader().read(result.path, FrameRange(0, len(frames))))
    assert len(written) == len(frames)
    people = oracle.detect(written)
    near = [
        (frame.index, person.box)
        for frame, seen in zip(written, people, strict=True)
        for person in seen
        if person.height >= frame.image.shape[0] / 6 and _shows_a_picture(frame.image, person.box)
    ]
    assert near == []


def _shows_a_picture(image: np.ndarray, box: tuple[float, float, float, float]) -> bool:
    """Whether more than a fifth of a box is not the colour of what hides."""
    x1, y1, x2, y2 = (round(side) for side in box)
    crop = image[y1:y2, x1:x2].astype(int)
    return bool((np.abs(crop - COVER).max(axis=2) > 12).mean() > 0.2)
