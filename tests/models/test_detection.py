"""The detector: real INT8 weights on real people, and every kind of ultralytics model made here untrained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import Detection, Frame
from biometric.entities.model_cards import Role
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.detection import CONFIDENCE, MOST, UltralyticsDetector, prepare_ultralytics, to_detections
from biometric.models.detection_openvino import OpenVINODetector
from biometric.models.loading import load_detector, load_detector_file
from biometric.models.own_weights import own_card
from biometric.models.weights import Weights


def frames(count: int = 2, height: int = 360, width: int = 640) -> list[Frame]:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (count, height // 20, width // 20, 3))
    return [Frame(10 + n, np.kron(blocks[n], np.ones((20, 20, 1))).astype(np.uint8), 0.0) for n in range(count)]


def untrained(folder: Path, recipe: str, cache: Path, names: dict[int, str] | None = None, size: int = 640) -> Path:
    """An ultralytics model with random weights whose first class fires, saved as `.pt`."""
    prepare_ultralytics(cache)
    import torch
    from ultralytics import YOLO

    torch.manual_seed(0)
    model = YOLO(f"{recipe}.yaml")
    model.model.names = names or {n: "person" if n == 0 else f"class {n}" for n in range(len(model.model.names))}
    batch = torch.from_numpy(np.stack([frame.image for frame in frames()]).transpose(0, 3, 1, 2).copy()).float() / 255
    batch = torch.nn.functional.pad(batch, (0, 0, 12, 12), value=0.45)
    head = model.model.model[-1]
    with torch.no_grad():
        for module in model.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0  # take the statistics of this batch, or the signal dies in an untrained network
        model.model.train()
        model.model(batch)
        model.model.eval()
        for branches in (getattr(head, "cv3", None), getattr(head, "one2one_cv3", None)):
            for branch in branches if branches is not None else ():
                branch[-1].bias.fill_(-20)
                branch[-1].bias[0] = -3
                branch[-1].weight.mul_(3)
    path = folder / f"{recipe}.pt"
    model.ckpt = {"train_args": {"imgsz": size}}
    model.save(path)
    return path


def overlap(one: Detection, two: Detection) -> float:
    left, top = max(one.box[0], two.box[0]), max(one.box[1], two.box[1])
    right, bottom = min(one.box[2], two.box[2]), min(one.box[3], two.box[3])
    common = max(0.0, right - left) * max(0.0, bottom - top)
    return common / (one.area + two.area - common)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(("recipe", "size"), [("yolo26n", 640), ("yolov8n", 640), ("yolov8n", 320)])
def test_an_export_finds_what_its_checkpoint_finds(
    recipe: str, size: int, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End-to-end (YOLO26) and with non-maximum suppression (YOLOv8), at the size that they were trained on."""
    path = untrained(tmp_path, recipe, cache, size=size)
    exported = load_detector_file(path, recipe, "cpu", cache, CONFIDENCE)
    assert exported.device == "CPU · OpenVINO"

    from ultralytics import YOLO
    from ultralytics.engine.predictor import BasePredictor

    def refuse(*_: object, **__: object) -> str:
        raise RuntimeError("not exported in this test")

    monkeypatch.setattr(YOLO, "export", refuse)
    plain = load_detector_file(path, recipe, "cpu", tmp_path / "nothing exported here", CONFIDENCE)
    assert plain.device == "CPU · torch"
    sizes: set[int] = set()
    original = BasePredictor.preprocess

    def preprocess(predictor: BasePredictor, images: Any) -> Any:
        sizes.update(predictor.imgsz)
        return original(predictor, images)

    monkeypatch.setattr(BasePredictor, "preprocess", preprocess)
    clip = frames(3)
    for found, expected in zip(exported.detect(clip), plain.detect(clip), strict=True):
        assert expected
        # Among its 100 boxes of a frame ultralytics counts those of negative size, which an untrained network answers.
        assert len(expected) <= len(found) <= MOST
        found = found[: len(expected)]
        assert all(max(overlap(box, other) for other in found) > 0.95 for box in expected)
        np.testing.assert_allclose([d.confidence for d in found], [d.confidence for d in expected], atol=2e-3)
    assert sizes == {size}


def test_promise_16_an_export_is_made_once_and_damage_makes_it_again(tmp_path: Path, cache: Path) -> None:
    path = untrained(tmp_path, "yolov8n", cache)
    own = tmp_path / "cache"
    load_detector_file(path, "x", "cpu", own, CONFIDENCE)
    folder = next((own / "detectors").glob("yolov8n-*_openvino_model"))
    made = (folder / "checksums.json").stat().st_mtime_ns
    load_detector_file(path, "x", "cpu", own, CONFIDENCE)
    assert (folder / "checksums.json").stat().st_mtime_ns == made
    weights = next(folder.glob("*.bin"))
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    load_detector_file(path, "x", "cpu", own, CONFIDENCE)
    assert (folder / "checksums.json").stat().st_mtime_ns != made
    assert sorted(part.name for part in tmp_path.iterdir()) == ["cache", "yolov8n.pt"]


@pytest.mark.parametrize("recipe", ["yolov8n-seg", "yolov8n-cls"])
def test_models_for_other_tasks_are_refused(recipe: str, tmp_path: Path, cache: Path) -> None:
    prepare_ultralytics(cache)
    from ultralytics import YOLO

    path = tmp_path / f"{recipe}.pt"
    YOLO(f"{recipe}.yaml").save(path)
    with pytest.raises(UnsupportedModel, match="task"):
        load_detector_file(path, recipe, "cpu", cache, CONFIDENCE)


def test_a_model_without_people_is_refused(tmp_path: Path, cache: Path) -> None:
    path = untrained(tmp_path, "yolov8n", cache, {n: f"thing {n}" for n in range(80)})
    with pytest.raises(UnsupportedModel, match="none of its 80 classes is called person"):
        load_detector_file(path, "things", "cpu", cache, CONFIDENCE)


def test_promise_16_a_pickle_called_pt_does_not_run(tmp_path: Path, cache: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    for content in ({"model": Trap()}, Trap()):
        torch.save(content, tmp_path / "trap.pt")
        with pytest.raises(WeightsCorrupt, match=r"trap\.pt"):
            load_detector_file(tmp_path / "trap.pt", "trap", "cpu", cache, CONFIDENCE)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"nothing"])
@pytest.mark.parametrize("name", ["x.pt", "x_openvino_model/x.xml", "x.strange", "x.onnx"])
def test_a_damaged_file_is_told_in_sentences_of_our_own(tmp_path: Path, cache: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt) as caught:
        load_detector_file(path, path.name, "cpu", cache, CONFIDENCE)
    assert str(caught.value) == (
        f"The detector {path.name} cannot be loaded: it is damaged or not a detection model of ultralytics. Fetch or "
        "export it again, or name another one, such as yolo26n.pt."
    )


@pytest.mark.real
@pytest.mark.parametrize("name", ["osnet_x0_25_msmt17.onnx", "person-reidentification-retail-0286.xml"])
def test_an_embedder_named_as_detector_is_refused(shared: Path, cache: Path, name: str) -> None:
    with pytest.raises(WeightsCorrupt, match="not a detection model of ultralytics"):
        load_detector_file(shared / "models" / name, name, "cpu", cache, CONFIDENCE)


@pytest.mark.real
@pytest.mark.parametrize("folder", ["mine_openvino_model", "mine"])
@pytest.mark.parametrize("file", ["", "yolov8n.xml"])
def test_an_export_of_ones_own_is_named_by_its_folder_or_file(
    shared: Path, tmp_path: Path, folder: str, file: str
) -> None:
    (tmp_path / folder).mkdir()
    for part in (shared / "models" / "yolov8n_int8_openvino_model").iterdir():
        (tmp_path / folder / part.name).write_bytes(part.read_bytes() + b"\n" * (part.suffix == ".yaml"))
    card, paths = own_card(Role.DETECTOR, tmp_path / folder / file)
    detector = load_detector(Weights(card, paths), "cpu", tmp_path / "cache")
    assert detector.device == "CPU · OpenVINO"


def test_ultralytics_writes_only_into_the_cache(cache: Path) -> None:
    prepare_ultralytics(cache)
    from ultralytics.nn import tasks
    from ultralytics.utils import SETTINGS, checks

    assert tasks.SAFE_LOAD
    assert not checks.AUTOINSTALL
    assert not SETTINGS["sync"]


def test_rows_become_detections_sorted_clipped_and_numbered() -> None:
    rows = np.array(
        [
            [10, 10, 20, 30, 0.5, 0],
            [-5, -5, 50, 200, 0.9, 0],
            [99.5, 10, 120, 30, 0.8, 0],
            [150, 10, 160, 30, 0.7, 0],
            [np.nan, 10, 20, 30, 0.6, 0],
            [30, 30, 31, 31, 0.4, 0],
        ],
        np.float32,
    )
    found = to_detections(rows, 7, 100, 100)
    assert [detection.box for detection in found] == [(0, 0, 50, 100), (10, 10, 20, 30), (30, 30, 31, 31)]
    assert [detection.box_index for detection in found] == [0, 1, 2]
    assert {detection.frame_index for detection in found} == {7}
    assert to_detections(np.empty((0, 6), np.float32), 0, 10, 10) == []


def test_a_crowd_is_limited() -> None:
    rows = np.tile(np.array([[1, 1, 5, 5, 0.5, 0]], np.float32), (MOST + 50, 1))
    assert len(to_detections(rows, 0, 10, 10)) == MOST


def test_a_confidence_outside_its_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="confidence"):
        UltralyticsDetector(tmp_path / "x.pt", "x", "cpu", tmp_path, confidence=1.5)


@pytest.fixture(scope="module")
def people(shared: Path) -> list[Frame]:
    import cv2

    capture = cv2.VideoCapture(str(shared / "clips" / "street.mp4"))
    found = [Frame(number, capture.read()[1], 0.0) for number in range(3)]
    capture.release()
    return found


@pytest.fixture(scope="module")
def int8(shared: Path) -> OpenVINODetector:
    return OpenVINODetector(shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml", "int8")


@pytest.mark.real
def test_real_people_are_found(int8: OpenVINODetector, people: list[Frame]) -> None:
    found = int8.detect(people)
    assert [len(boxes) > 10 for boxes in found] == [True] * 3
    for frame, boxes in zip(people, found, strict=True):
        confidences = [box.confidence for box in boxes]
        assert confidences == sorted(confidences, reverse=True)
        assert min(confidences) >= 0.1
        assert all(0 <= box.box[0] < box.box[2] <= 1280 and 0 <= box.box[1] < box.box[3] <= 720 for box in boxes)
        assert {box.frame_index for box in boxes} == {frame.index}
    assert int8.detect([]) == []
    assert int8.detect([Frame(0, np.zeros((50, 30, 3), np.uint8), 0.0)]) == [[]]


@pytest.mark.real
def test_promise_15_frames_in_parts_or_together_give_the_same(int8: OpenVINODetector, people: list[Frame]) -> None:
    assert int8.detect(people) == [int8.detect([frame])[0] for frame in people]


@pytest.mark.real
def test_an_export_outside_its_folder_serves(shared: Path, tmp_path: Path, people: list[Frame]) -> None:
    for part in (shared / "models" / "yolov8n_int8_openvino_model").iterdir():
        (tmp_path / part.name).write_bytes(part.read_bytes())
    detector = OpenVINODetector(tmp_path / "yolov8n.xml", "loose")
    assert len(detector.detect(people[:1])[0]) > 10


@pytest.mark.real
def test_a_higher_floor_reports_fewer(shared: Path, people: list[Frame]) -> None:
    path = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    sure = OpenVINODetector(path, "int8", confidence=0.6).detect(people[:1])[0]
    assert sure
    assert min(box.confidence for box in sure) >= 0.6
