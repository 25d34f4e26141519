"""The detector as a graphics card runs it: the people that ultralytics finds. Nothing here needs OpenVINO.

Most tests run on torch's CPU device, in the code that a card runs; those marked `gpu` need one.
"""

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from biometric.entities import Detection, Frame
from biometric.entities.boxes import iou
from biometric.errors import DeviceFailed, UnsupportedModel
from biometric.models import detection_torch
from biometric.models.detection import EVERYTHING, UltralyticsDetector, prepare_ultralytics
from biometric.models.detection_torch import TorchDetector, people_candidates
from biometric.models.exported_detectors import ExportedDetector, people_in
from tests.conftest import PROJECT
from tests.gpu.card import needed_card

STARTER = PROJECT / "models" / "starter-detector.pt"

pytestmark = pytest.mark.filterwarnings("ignore")  # torch warns of deprecated functions that ultralytics uses


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def frames_of(clip: Path, numbers: range) -> list[Frame]:
    capture = cv2.VideoCapture(str(clip))
    pictures = [capture.read()[1] for _ in range(numbers.stop)]
    capture.release()
    return [Frame(number, pictures[number], number / 10) for number in numbers]


def noise(count: int, height: int = 90, width: int = 160) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [Frame(number, rng.integers(0, 256, (height, width, 3), np.uint8), 0.0) for number in range(count)]


def assert_same_people(found: list[list[Detection]], expected: list[list[Detection]], pixels: float) -> None:
    assert [len(people) for people in found] == [len(people) for people in expected]
    assert any(expected)
    for mine, theirs in zip(chain.from_iterable(found), chain.from_iterable(expected), strict=True):
        np.testing.assert_allclose(mine.box, theirs.box, atol=pixels)
        assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-3)
        assert (mine.frame_index, mine.box_index, mine.seconds) == (
            theirs.frame_index, theirs.box_index, theirs.seconds)  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize("clip", ["street.mp4", "one-by-one.mp4"])
def test_the_people_are_those_of_ultralytics(shared: Path, cache: Path, clip: str) -> None:
    frames = frames_of(shared / "clips" / clip, range(0, 120, 17))
    expected = UltralyticsDetector(STARTER, "starter", "cpu", cache).detect(frames)
    detector = TorchDetector(STARTER, "starter", "cpu", cache)
    assert_same_people(detector.detect(frames), expected, 0.1)
    assert (detector.name, detector.device) == ("starter", "CPU · torch")


@pytest.mark.real
def test_weak_detections_are_those_of_ultralytics(shared: Path, cache: Path) -> None:
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 20, 10))
    expected = UltralyticsDetector(STARTER, "x", "cpu", cache, EVERYTHING).detect(frames)
    assert max(len(people) for people in expected) > 50
    found = TorchDetector(STARTER, "x", "cpu", cache, EVERYTHING).detect(frames)
    assert [len(people) for people in found] == [len(people) for people in expected]


@pytest.mark.real
def test_of_networks_with_two_heads_the_one_is_read_that_ultralytics_reads(
    shared: Path, tmp_path: Path, cache: Path
) -> None:
    prepare_ultralytics(cache)
    from ultralytics import YOLO

    model = YOLO(STARTER)
    model.model.end2end = True
    model.save(tmp_path / "two.pt")
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 40, 10))
    expected = UltralyticsDetector(tmp_path / "two.pt", "x", "cpu", cache).detect(frames)
    detector = TorchDetector(tmp_path / "two.pt", "x", "cpu", cache)
    assert_same_people(detector.detect(frames), expected, 0.1)


def test_of_many_classes_people_alone_come_back() -> None:
    export = ExportedDetector(person=1, classes=3, size=(640, 640), stride=32, end_to_end=False)
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.uniform(100, 500, (2, 2, 3000)), rng.uniform(20, 60, (2, 2, 3000))], axis=1)
    answers = np.concatenate([boxes, rng.uniform(0, 1, (2, 3, 3000)) ** 8], axis=1).astype(np.float32)
    made = people_candidates(torch.from_numpy(answers), export)
    assert made.shape == (2, 5, 2000)
    alone = ExportedDetector(person=0, classes=1, size=(640, 640), stride=32, end_to_end=False)
    for candidates, answer in zip(made.numpy(), answers, strict=True):
        expected = people_in(answer, export, 0.1)
        assert len(expected) > 20
        np.testing.assert_allclose(people_in(candidates, alone, 0.1), expected, atol=1e-3)


def test_frames_are_started_before_others_are_waited_for(cache: Path) -> None:
    detector = TorchDetector(STARTER, "x", "cpu", cache, EVERYTHING)
    frames = [*noise(3), *noise(2, 120, 90)]
    expected = detector.detect(frames)
    waits = [detector.start([frame]) for frame in frames]
    assert_same_people([people for wait in waits for people in wait()], expected, 0.1)
    assert detector.detect([]) == []


def test_too_little_memory_means_fewer_frames_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = TorchDetector(STARTER, "x", "cpu", cache, EVERYTHING)
    expected, sizes = detector.detect(noise(7)), []
    network = detector._network

    def failing(pictures: torch.Tensor) -> object:
        sizes.append(len(pictures))
        if len(pictures) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return network(pictures)

    monkeypatch.setattr(detector, "_network", failing)
    found = detector.detect(noise(7))
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert [len(people) for people in found] == [len(people) for people in expected]

    def broken(pictures: torch.Tensor) -> object:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(detector, "_network", broken)
    with pytest.raises(DeviceFailed, match="unspecified launch failure"):
        detector.detect(noise(1))


def test_large_frames_are_sent_a_few_at_a_time(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = TorchDetector(STARTER, "x", "cpu", cache, EVERYTHING)
    expected = detector.detect(noise(5))
    monkeypatch.setattr(detection_torch, "BATCH_BYTES", 2 * 90 * 160 * 3)
    assert [len(people) for people in detector.detect(noise(5))] == [len(people) for people in expected]


def test_networks_that_only_ultralytics_runs_are_left_to_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_ultralytics(cache)
    from ultralytics import YOLO

    YOLO("yolov8n-seg.yaml").save(tmp_path / "masks.pt")
    with pytest.raises(UnsupportedModel, match="segment"):
        TorchDetector(tmp_path / "masks.pt", "x", "cpu", cache)
    monkeypatch.setattr(detection_torch, "_HEADS", ("Another",))
    with pytest.raises(UnsupportedModel, match="directly"):
        TorchDetector(STARTER, "x", "cpu", cache)


@pytest.mark.gpu
@pytest.mark.real
def test_a_card_finds_the_people_of_the_processor(shared: Path, cache: Path) -> None:
    device = needed_card()
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 120, 7))
    expected = TorchDetector(STARTER, "starter", "cpu", cache, 0.5).detect(frames)
    found = TorchDetector(STARTER, "starter", device, cache, 0.45).detect(frames)
    people = [(person, others) for mine, others in zip(expected, found, strict=True) for person in mine]
    agreed = sum(max((iou(person.box, other.box) for other in others), default=0) > 0.9 for person, others in people)
    print(f"\n{agreed} of {len(people)} boxes agree")
    assert agreed >= 0.99 * len(people)
