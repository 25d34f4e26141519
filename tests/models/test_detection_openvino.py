"""Exported detectors without torch: the same people as ultralytics finds, and what is refused."""

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from biometric.entities import Detection, Frame
from biometric.entities.boxes import iou
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.detection import EVERYTHING, MOST, UltralyticsDetector, prepare_ultralytics
from biometric.models.detection_openvino import OpenVINODetector
from biometric.models.detector_exporting import exported_checkpoint
from biometric.models.exported_detectors import ExportedDetector, Letterbox, people_in, read_metadata
from biometric.models.signal_stack import signal_stack_kept
from tests.conftest import PROJECT
from tests.fresh_interpreter import packages_loaded_by

ONE_CLASS = ExportedDetector(person=0, classes=1, size=(640, 640), stride=32, end_to_end=False)
THREE_CLASSES = ExportedDetector(person=1, classes=3, size=(640, 640), stride=32, end_to_end=False)
END_TO_END = ExportedDetector(person=1, classes=3, size=(640, 640), stride=32, end_to_end=True)


@pytest.fixture
def padded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of one size stay as they are, as ultralytics runs them."""
    monkeypatch.setattr("biometric.models.detector_networks.fitted", lambda *_: None)


def frames_of(clip: Path, numbers: range) -> list[Frame]:
    capture = cv2.VideoCapture(str(clip))
    pictures = [capture.read()[1] for _ in range(numbers.stop)]
    capture.release()
    return [Frame(number, pictures[number], number / 10) for number in numbers]


def assert_same_people(found: list[list[Detection]], expected: list[list[Detection]], pixels: float = 1.0) -> None:
    assert [len(people) for people in found] == [len(people) for people in expected]
    assert any(expected)
    for mine, theirs in zip(chain.from_iterable(found), chain.from_iterable(expected), strict=True):
        np.testing.assert_allclose(mine.box, theirs.box, atol=pixels)
        assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-3)
        assert (mine.frame_index, mine.box_index, mine.seconds) == (
            theirs.frame_index,
            theirs.box_index,
            theirs.seconds,
        )


@pytest.mark.real
@pytest.mark.usefixtures("exact", "padded")
@pytest.mark.parametrize("clip", ["street.mp4", "one-by-one.mp4"])
@pytest.mark.parametrize("model", ["starter", "int8"])
def test_the_boxes_are_those_of_ultralytics_on_real_clips(model: str, clip: str, shared: Path, cache: Path) -> None:
    """Of free size and without other classes (the starter), and fixed to 640×640 with 80 classes (INT8)."""
    if model == "starter":
        graph = exported_checkpoint(PROJECT / "models" / "starter-detector.pt", cache)
    else:
        graph = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    frames = frames_of(shared / "clips" / clip, range(0, 120, 13))
    with signal_stack_kept():
        theirs = UltralyticsDetector(graph, model, "cpu", cache, files=tuple(graph.parent.iterdir()))
        expected = theirs.detect(frames)
        detector = OpenVINODetector(graph, model)
        assert_same_people(detector.detect(frames), expected)
        assert detector.device == "CPU · OpenVINO"
        assert detector.name == model


@pytest.mark.real
@pytest.mark.usefixtures("exact", "padded")
def test_weak_detections_are_those_of_ultralytics(shared: Path, cache: Path) -> None:
    """As measured: down to a confidence of 0.001, where non-maximum suppression has most to do."""
    graph = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 20, 10))
    with signal_stack_kept():
        theirs = UltralyticsDetector(graph, "x", "cpu", cache, EVERYTHING, tuple(graph.parent.iterdir()))
        found = OpenVINODetector(graph, "x", EVERYTHING).detect(frames)
        assert max(len(people) for people in found) > 50
        assert_same_people(found, theirs.detect(frames))


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")  # torch warns of deprecated functions that ultralytics uses
@pytest.mark.usefixtures("exact")
def test_end_to_end_exports_give_rows(tmp_path: Path, shared: Path, cache: Path) -> None:
    prepare_ultralytics(cache)
    from ultralytics import YOLO

    checkpoint = tmp_path / "end.pt"
    shutil.copy(PROJECT / "models" / "starter-detector.pt", checkpoint)
    folder = Path(YOLO(checkpoint).export(format="openvino", imgsz=416, nms=False, dynamic=True, verbose=False))
    graph = next(folder.glob("*.xml"))
    assert read_metadata(graph.with_name("metadata.yaml"), "x").end_to_end
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 40, 10))
    with signal_stack_kept():
        theirs = UltralyticsDetector(graph, "x", "cpu", cache, files=tuple(folder.iterdir()))
        assert_same_people(OpenVINODetector(graph, "x").detect(frames), theirs.detect(frames))


@pytest.mark.real
def test_an_export_of_several_pictures_at_a_time_finds_what_one_of_a_single_picture_finds(
    shared: Path, tmp_path: Path, cache: Path
) -> None:
    import openvino

    free = exported_checkpoint(PROJECT / "models" / "starter-detector.pt", cache)
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 40, 10))
    found = []
    with signal_stack_kept():
        for pictures in (1, 3):
            model = openvino.Core().read_model(free)
            model.reshape([pictures, 3, 416, 416])
            folder = tmp_path / str(pictures)
            folder.mkdir()
            openvino.save_model(model, folder / "x.xml", compress_to_fp16=False)
            shutil.copy(free.with_name("metadata.yaml"), folder / "metadata.yaml")
            found.append(OpenVINODetector(folder / "x.xml", "x").detect(frames))
    assert_same_people(*found, pixels=0.01)


@pytest.mark.real
def test_frames_of_several_sizes_come_out_as_one_by_one(shared: Path, cache: Path) -> None:
    graph = exported_checkpoint(PROJECT / "models" / "starter-detector.pt", cache)
    wide = frames_of(shared / "clips" / "street.mp4", range(3))
    tall = [Frame(frame.index + 10, frame.image[:, 300:700].copy(), frame.seconds) for frame in wide]
    with signal_stack_kept():
        detector = OpenVINODetector(graph, "starter")
        mixed = [wide[0], tall[0], tall[1], wide[1], wide[2]]
        assert_same_people(detector.detect(mixed), [detector.detect([frame])[0] for frame in mixed], pixels=0.01)
        assert detector.detect([]) == []


@pytest.mark.real
def test_large_people_are_found_in_smaller_pictures(shared: Path) -> None:
    detector = OpenVINODetector(shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml", "x")
    frames = frames_of(shared / "clips" / "one-by-one.mp4", range(110, 114))
    (height, width), networks = frames[0].image.shape[:2], detector._networks
    coarse, full = networks.letterbox(height, width, 2), networks.letterbox(height, width)
    assert (coarse.height, coarse.width) == (full.height // 2, full.width // 2) == (192, 320)
    for found, expected in zip(detector.detect_coarsely(frames), detector.detect(frames), strict=True):
        assert iou(found[0].box, expected[0].box) > 0.8
        assert found[0].confidence > 0.6


@pytest.mark.real
def test_where_no_smaller_network_can_be_made_coarse_looks_are_full_ones(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biometric.models.detector_networks.fitted", lambda *_: None)
    detector = OpenVINODetector(shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml", "x")
    frames = frames_of(shared / "clips" / "street.mp4", range(1))
    assert detector.detect_coarsely(frames) == detector.detect(frames)


@pytest.mark.real
def test_a_network_compiled_for_one_shape_finds_the_same(
    shared: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As INT8 networks of free size are on processors with AMX."""
    graph = exported_checkpoint(PROJECT / "models" / "starter-detector.pt", cache)
    frames = frames_of(shared / "clips" / "street.mp4", range(2))
    frames.append(Frame(9, frames[0].image[:, 300:700].copy(), 0.9))
    with signal_stack_kept():
        free = OpenVINODetector(graph, "starter").detect(frames)
        monkeypatch.setattr("biometric.models.detection_openvino._must_be_fixed", lambda model: True)
        assert_same_people(OpenVINODetector(graph, "starter").detect(frames), free, pixels=0.01)


@pytest.mark.real
def test_neither_torch_nor_ultralytics_is_imported(shared: Path) -> None:
    graph = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    code = (
        "import numpy as np; from pathlib import Path; from biometric.entities import Frame\n"
        "from biometric.models.loading import load_detector_file\n"
        f"detector = load_detector_file(Path({str(graph)!r}), 'x', 'cpu', Path('/nowhere'), 0.1)\n"
        "assert detector.detect([Frame(0, np.zeros((90, 160, 3), np.uint8), 0.0)]) == [[]]"
    )
    packages = ("torch", "torchvision", "ultralytics", "matplotlib", "scipy", "openvino")
    assert packages_loaded_by(code, packages) == {"openvino"}


@pytest.mark.parametrize("size", [(720, 1280), (432, 768), (1080, 1920), (333, 77), (1, 3000), (640, 640), (50, 30)])
@pytest.mark.parametrize(
    ("target", "stride"), [((640, 640), None), ((640, 640), 32), ((416, 416), 32), ((384, 640), None)]
)
def test_frames_are_placed_as_ultralytics_places_them(
    size: tuple[int, int], target: tuple[int, int], stride: int | None, cache: Path
) -> None:
    prepare_ultralytics(cache)
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils.ops import scale_boxes

    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    theirs = LetterBox(target, auto=stride is not None, stride=stride or 32)(image=image)
    letterbox = Letterbox.of(*size, target, stride)
    picture = np.full((letterbox.height, letterbox.width, 3), 114, np.uint8)
    letterbox.place(image, picture)
    np.testing.assert_array_equal(picture, theirs)
    boxes = np.array([[20, 10, 60, 90], [3, 2, 300, 200]], np.float32)
    # Ultralytics estimates the size of the placed frame, to a pixel: wrong by so much for uncommon sizes.
    expected = scale_boxes(picture.shape[:2], boxes.copy(), size)
    clipped = letterbox.in_frame(boxes, *size).clip(0, np.array([size[1], size[0]] * 2))
    np.testing.assert_allclose(clipped, expected, atol=0.5)


def answer(*boxes: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What a network without an end-to-end head answers: a column for each box."""
    return np.array(boxes, np.float32).T


def test_overlapping_boxes_are_one_person() -> None:
    found = people_in(
        answer((50, 50, 20, 40, 0.6), (51, 50, 20, 40, 0.9), (150, 50, 20, 40, 0.3), (90, 50, 20, 40, 0.1)),
        ONE_CLASS,
        0.1,
    )
    np.testing.assert_allclose(found, [[41, 30, 61, 70, 0.9], [140, 30, 160, 70, 0.3]], atol=1e-5)


def test_only_boxes_that_are_people_more_than_anything_else_count() -> None:
    columns = answer((50, 50, 20, 40, 0.1, 0.6, 0.7), (90, 50, 20, 40, 0.1, 0.5, 0.4), (150, 50, 20, 40, 0.9, 0.0, 0.0))
    np.testing.assert_allclose(people_in(columns, THREE_CLASSES, 0.1), [[80, 30, 100, 70, 0.5]], atol=1e-5)


def test_rows_of_people_are_taken_as_they_are() -> None:
    rows = np.array([[1, 2, 30, 40, 0.9, 1], [1, 2, 30, 40, 0.8, 0], [1, 2, 30, 41, 0.05, 1]], np.float32)
    np.testing.assert_allclose(people_in(rows, END_TO_END, 0.1), [[1, 2, 30, 40, 0.9]])


@pytest.mark.parametrize("export", [ONE_CLASS, THREE_CLASSES])
def test_nobody_is_nobody(export: ExportedDetector) -> None:
    for columns in (0, 5):
        assert people_in(np.zeros((4 + export.classes, columns), np.float32), export, 0.1).shape == (0, 5)
    assert people_in(np.zeros((0, 6), np.float32), END_TO_END, 0.1).shape == (0, 5)


def test_boxes_of_negative_size_are_nothing() -> None:
    columns = answer((50, 50, -20, 40, 0.9), (50, 50, 20, -40, 0.9), (50, 50, 20, 40, 0.6), (51, 50, 20, 40, 0.5))
    np.testing.assert_allclose(people_in(columns, ONE_CLASS, 0.1), [[40, 30, 60, 70, 0.6]], atol=1e-5)


def test_a_crowd_is_limited() -> None:
    many = answer(*((10 + 30 * number, 50, 20, 40, 0.5) for number in range(MOST + 20)))
    assert len(people_in(many, ONE_CLASS, 0.1)) == MOST


GOOD = "task: detect\nstride: 32\nimgsz: [640, 640]\nnames: {0: person}\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("[640, 640]", "640"),
        GOOD.replace("{0: person}", "\"{0: 'person'}\"").replace("[640, 640]", "'[640, 640]'"),
        GOOD.replace("[640, 640]", "[630, 620]"),
        GOOD + "args: {nms: null}\nend2end: false\n",
    ],
)
def test_what_an_export_says_of_itself_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.yaml").write_text(text)
    assert read_metadata(tmp_path / "metadata.yaml", "x") == ONE_CLASS


@pytest.mark.parametrize(
    "text", ["", "[1]", "task: detect", GOOD.replace("{0: person}", "{}"), "a: [", GOOD + "stride: 0"]
)
def test_a_damaged_description_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.yaml").write_text(text)
    with pytest.raises(WeightsCorrupt, match="x cannot be loaded"):
        read_metadata(tmp_path / "metadata.yaml", "x")


def test_other_tasks_and_models_without_people_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "metadata.yaml"
    path.write_text(GOOD.replace("detect", "segment"))
    with pytest.raises(UnsupportedModel, match="for the task 'segment'"):
        read_metadata(path, "x")
    path.write_text(GOOD.replace("{0: person}", "{0: cat, 1: dog}"))
    with pytest.raises(UnsupportedModel, match="none of its 2 classes is called person"):
        read_metadata(path, "x")
    path.unlink()
    with pytest.raises(UnsupportedModel, match=r"metadata\.yaml is not beside it"):
        read_metadata(path, "x")


@pytest.mark.real
@pytest.mark.parametrize("names", ["{0: person}", "{0: person, 1: car}"])
def test_a_description_of_another_network_is_refused(names: str, shared: Path, tmp_path: Path) -> None:
    for part in (shared / "models" / "yolov8n_int8_openvino_model").iterdir():
        shutil.copy(part, tmp_path / part.name)
    (tmp_path / "metadata.yaml").chmod(0o644)
    (tmp_path / "metadata.yaml").write_text(GOOD.replace("{0: person}", names))
    with pytest.raises(WeightsCorrupt, match="x cannot be loaded"):
        OpenVINODetector(tmp_path / "yolov8n.xml", "x")


def test_a_confidence_outside_its_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="confidence"):
        OpenVINODetector(tmp_path / "x.xml", "x", confidence=1.5)
