"""Exports of one size are made anew for the size of a clip's frames, and find the same people."""

import json
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from biometric.entities import Frame
from biometric.entities.boxes import iou
from biometric.models import detector_networks
from biometric.models.checking import check_detector
from biometric.models.detection_openvino import OpenVINODetector
from biometric.models.detector_networks import DetectorNetworks, trial_picture
from biometric.models.measured_choices import MeasuredChoices
from biometric.models.network_shapes import fitted, in_float32, is_quantized, place_centres
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.store import ModelStore
from biometric.settings import Settings

FULL = (64, 64)
STRIDES = (8, 16, 32)


def network(shuffled: bool = False, levels: int = 3) -> openvino.Model:
    """A network of 64×64 pixels that answers each place's centre (x, y), its size 0, and its mean colour."""
    picture = ops.parameter([1, 3, *FULL], np.float32, name="images")
    anchors, parts = [], []
    for stride in STRIDES[:levels]:
        rows, columns = FULL[0] // stride, FULL[1] // stride
        y, x = np.mgrid[0:rows, 0:columns]
        anchors.append((np.stack([x.reshape(-1), y.reshape(-1)]) + 0.5) * stride)
        pooled = ops.avg_pool(picture, [stride, stride], [0, 0], [0, 0], [stride, stride], False, "floor", "valid")
        mean = ops.reduce_mean(pooled, np.array([1]), True)
        parts.append(ops.reshape(mean, np.array([1, 1, -1]), False))
    centres = np.concatenate(anchors, axis=1).astype(np.float32)
    if shuffled:
        centres = centres[:, ::-1].copy()
    total = centres.shape[1]
    means = ops.reshape(ops.concat(parts, 2), np.array([1, 1, total]), False)
    zeros = ops.multiply(means, np.float32(0))
    answer = ops.concat([ops.add(ops.concat([zeros, zeros], 1), centres[None]), zeros, zeros, means], 1)
    return openvino.Model([answer], [picture], "detector")


def quantized_network() -> openvino.Model:
    """An INT8 network of any size, of one answer: what it was given."""
    picture = ops.parameter([-1, 3, -1, -1], np.float32, name="images")
    ends = [np.float32(end) for end in (0, 1, 0, 1)]
    return openvino.Model([ops.fake_quantize(picture, *ends, 256)], [picture], "quantized")


def networks(model: openvino.Model, folder: Path | None = None, end_to_end: bool = False) -> DetectorNetworks:
    return DetectorNetworks(model, 32, FULL, end_to_end, False, MeasuredChoices(folder, "abc", "openvino"))


def test_a_network_made_anew_answers_for_the_places_that_remain() -> None:
    with signal_stack_kept():
        made = networks(network())
        box = made.letterbox(30, 64)
        assert (box.height, box.width) == (32, 64), "no padding to a square"
        (answer,) = made.run([trial_picture(32, 64)], 32, 64)
        padded = np.zeros((*FULL, 3), np.uint8)
        padded[:32] = trial_picture(32, 64)
        (whole,) = made.run([padded], *FULL)
    places = place_centres(32 + 8 + 2, 32, 64)
    assert places is not None
    np.testing.assert_allclose(answer[:2], places[0])
    upper = whole[:, whole[1] < 32]
    np.testing.assert_allclose(answer[:, :32], upper[:, :32], atol=1e-5)
    assert answer.shape == (5, 32 + 8 + 2)


@pytest.mark.parametrize("case", ["places in another order", "rows of people", "unknown grids"])
def test_where_it_cannot_be_made_frames_are_padded(case: str) -> None:
    model = network(shuffled=case.startswith("places"), levels=2 if case.startswith("unknown") else 3)
    with signal_stack_kept():
        made = networks(model, end_to_end=case.startswith("rows"))
        box = made.letterbox(30, 64)
        assert (box.height, box.width) == FULL
        (answer,) = made.run([trial_picture(*FULL)], *FULL)
    assert len(answer) == 5


def test_what_was_measured_is_kept_for_machine_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with signal_stack_kept():
        networks(network(), tmp_path).letterbox(30, 64)
        (kept,) = (tmp_path / "measured").iterdir()
        assert json.loads(kept.read_text("utf-8")) == {"fits 32x64": "True"}

        def again(*_: object) -> bool:
            raise AssertionError("it was measured before")

        monkeypatch.setattr(DetectorNetworks, "_answers_for_its_places", again)
        assert networks(network(), tmp_path).letterbox(30, 64).height == 32
    assert MeasuredChoices(tmp_path, "other weights", "openvino").get("fits 32x64", lambda: "False") == "False"
    kept.write_text("no JSON")
    assert MeasuredChoices(tmp_path, "abc", "openvino").get("fits 32x64", lambda: "False") == "False"


def test_a_cache_that_cannot_be_written_costs_only_measuring_again(tmp_path: Path) -> None:
    (tmp_path / "measured").write_text("in the way")
    assert MeasuredChoices(tmp_path, "abc", "openvino").get("question", lambda: "answer") == "answer"


@pytest.mark.real
@pytest.mark.parametrize(("share", "precision"), [(0.0, "INT8"), (1e9, "float32")])
def test_a_quantized_network_computes_in_what_is_clearly_faster(
    share: float, precision: str, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector_networks, "CLEARLY_FASTER", share)
    graph = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    model = openvino.Core().read_model(graph)
    assert is_quantized(model)
    assert not is_quantized(in_float32(model))
    with signal_stack_kept():
        detector = OpenVINODetector(graph, "x")
        assert len(detector.detect([Frame(0, trial_picture(720, 1280), 0.0)])) == 1
        assert detector.computes_in == precision
        assert check_detector("x", detector).device == f"CPU · OpenVINO · {precision}", "`models check` says it"


@pytest.mark.real
def test_in_full_precision_nothing_is_left_to_what_is_faster(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(detector_networks, "CLEARLY_FASTER", 0.0)  # INT8, if it were measured
    found = {}
    for full in (False, True):
        settings = Settings(
            models=shared / "models",
            data=tmp_path,
            cache=tmp_path / "cache",
            detector="yolov8n-int8",
            offline=True,
            device="cpu",
            full_precision=full,
        )
        with signal_stack_kept():
            detector = ModelStore(settings).detector()
            detector.detect([Frame(0, trial_picture(720, 1280), 0.0)])
            found[full] = detector.computes_in  # type: ignore[attr-defined]
    assert found == {False: "INT8", True: "float32"}


@pytest.mark.parametrize("exact", [False, True])
def test_in_full_precision_a_quantized_network_is_not_measured(
    exact: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured: list[tuple[int, int]] = []

    def measure(model: openvino.Model, height: int, width: int) -> str:
        measured.append((height, width))
        return "float32"  # INT8 networks of free size must not be compiled on processors with AMX

    monkeypatch.setattr(detector_networks, "_faster_precision", measure)
    choices = MeasuredChoices(tmp_path, "abc", "openvino")
    with signal_stack_kept():
        made = DetectorNetworks(quantized_network(), 32, FULL, True, False, choices, exact)
        made.prepare()
    assert made.precision == "float32"
    assert measured == ([] if exact else [FULL])
    assert (tmp_path / "measured").exists() is not exact, "nothing that was not measured is kept"


@pytest.mark.real
def test_the_people_of_a_street_are_the_same_with_and_without_padding(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml"
    capture = cv2.VideoCapture(str(shared / "clips" / "street.mp4"))
    frames = [Frame(number, capture.read()[1], number / 10) for number in range(6)]
    capture.release()
    with signal_stack_kept():
        unpadded = OpenVINODetector(graph, "x", 0.4).detect(frames)
        monkeypatch.setattr(detector_networks, "fitted", lambda *_: None)
        padded = OpenVINODetector(graph, "x", 0.4).detect(frames)
    same = [
        max((iou(person.box, other.box) for other in others), default=0.0) > 0.8
        for people, others in zip(padded, unpadded, strict=True)
        for person in people
    ]
    assert len(same) > 60
    assert sum(same) >= 0.95 * len(same)
    assert len(list(chain.from_iterable(unpadded))) <= 1.05 * len(same)


def test_sizes_that_a_network_has_no_grids_for_are_refused() -> None:
    assert fitted(network(), 72, 64) is None
    assert fitted(network(), 32, 40) is None
