"""Finds people with detectors exported to OpenVINO, on the CPU, without torch and without ultralytics.

Frames are prepared and answers are read as ultralytics does it, so that the boxes are the same. Frames keep their
proportions and are padded: to the export's size where that is fixed, else to the next multiple of its stride.
"""

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor

from biometric.entities import Detection, Frame, Image
from biometric.errors import WeightsCorrupt
from biometric.models.detection import BATCH, CONFIDENCE, to_detections
from biometric.models.exported_detectors import METADATA, PADDING, ExportedDetector, Letterbox, people_in, read_metadata
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.ultralytics_setup import first_line, unfitting_detector

_CONFIGURATION = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
"""Full precision where weights are float32, so that all processors find the same boxes: bfloat16, which OpenVINO
chooses on newer ones, moves them by up to a pixel and their confidence by 0.01. INT8 networks stay INT8."""


class OpenVINODetector:
    """ports.Detector over an `.xml` of ultralytics with its `.bin` and `metadata.yaml`.

    Args:
        path: the `.xml`; the other two stand beside it.
        name: card name or file name, for people.
        confidence: least confidence to report, in [0, 1].

    Raises:
        WeightsCorrupt: the files do not load, or hold no detector of ultralytics.
        UnsupportedModel: not a detection model, or one without a class of people.
    """

    def __init__(self, path: Path, name: str, confidence: float = CONFIDENCE) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {confidence}")
        self._name = name
        self._confidence = confidence
        self._lock = threading.Lock()
        model = _read(path, name)
        self._export = read_metadata(path.with_name(METADATA), name)
        shape = _fixed_input(model, self._export, name)
        self._fixed = None if shape is None else (shape[1], shape[2])
        self._source = path if shape is None and _must_be_fixed(model) else None
        self._batch = BATCH["cpu"] if shape is None and self._source is None else 1 if shape is None else shape[0]
        self._compiled_for: tuple[int, ...] | None = None
        self._network: Any = None
        if self._source is None:
            self._network = self._compile(model)

    @property
    def name(self) -> str:
        """Card name or file name, for people."""
        return self._name

    @property
    def device(self) -> str:
        """For people."""
        return "CPU · OpenVINO"

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, highest confidence first, numbered from 0; [] for no frames.

        Boxes are clipped to the frame and at least one pixel wide and high.
        """
        detections: list[list[Detection]] = []
        for batch in self._batches(frames):
            height, width = batch[0].image.shape[:2]
            letterbox = self._letterbox(height, width)
            for frame, answer in zip(batch, self._run([frame.image for frame in batch], letterbox), strict=False):
                rows = letterbox.in_frame(people_in(answer, self._export, self._confidence), height, width)
                detections.append(to_detections(rows, frame.index, width, height, frame.seconds))
        return detections

    def _batches(self, frames: Sequence[Frame]) -> Iterator[list[Frame]]:
        """Frames that follow each other and are of one size, at most as many as the network takes."""
        for _, group in groupby(frames, key=lambda frame: frame.image.shape):
            same = list(group)
            yield from (same[start : start + self._batch] for start in range(0, len(same), self._batch))

    def _letterbox(self, height: int, width: int) -> Letterbox:
        if self._fixed is not None:
            return Letterbox.of(height, width, self._fixed, None)
        return Letterbox.of(height, width, self._export.size, self._export.stride)

    def _run(self, images: Sequence[Image], letterbox: Letterbox) -> NDArray[np.float32]:
        """Return the network's answer, its first axis that of the images (there may be more, for a fixed batch)."""
        count = len(images) if self._fixed is None else self._batch
        pictures = np.full((count, letterbox.height, letterbox.width, 3), PADDING, np.uint8)
        for image, picture in zip(images, pictures, strict=False):
            letterbox.place(image, picture)
        with self._lock:
            try:
                answer: NDArray[np.float32] = np.array(self._network_for(pictures.shape)(pictures)[0], np.float32)
            except RuntimeError as error:
                raise WeightsCorrupt(
                    "The detector {model} cannot be run: {error}.", model=self._name, error=first_line(error)
                ) from error
        return answer

    def _network_for(self, shape: tuple[int, ...]) -> Any:
        if self._source is not None and self._compiled_for != shape:
            model = _read(self._source, self._name)
            model.reshape([shape[0], shape[3], shape[1], shape[2]])
            self._network, self._compiled_for = self._compile(model), shape
        return self._network

    def _compile(self, model: openvino.Model) -> Any:
        try:
            with signal_stack_kept():
                return openvino.Core().compile_model(_taking_pictures(model), "CPU", _CONFIGURATION)
        except RuntimeError as error:
            raise unfitting_detector(self._name) from error


def _read(path: Path, name: str) -> openvino.Model:
    """Read a network of pictures in, boxes out. Raises `WeightsCorrupt` for anything else."""
    try:
        model = openvino.Core().read_model(path)
    except RuntimeError as error:
        raise unfitting_detector(name) from error
    pictures, boxes = openvino.PartialShape([-1, 3, -1, -1]), openvino.PartialShape([-1, -1, -1])
    if (
        len(model.inputs) != 1
        or not model.outputs
        or not model.inputs[0].partial_shape.compatible(pictures)
        or not model.outputs[0].partial_shape.compatible(boxes)
    ):
        raise unfitting_detector(name)
    return model


def _fixed_input(model: openvino.Model, export: ExportedDetector, name: str) -> tuple[int, int, int] | None:
    """Return (count, height, width) of the pictures that the network takes, None where it takes any.

    Raises:
        WeightsCorrupt: its answers are not those that the export's description tells of.
    """
    answers = [-1, -1, 6] if export.end_to_end else [-1, 4 + export.classes, -1]
    if not model.outputs[0].partial_shape.compatible(openvino.PartialShape(answers)):
        raise unfitting_detector(name)
    taken = model.inputs[0].partial_shape
    if taken.is_dynamic:
        return None
    count, _, height, width = (int(length) for length in taken.to_shape())
    return count, height, width


def _taking_pictures(model: openvino.Model) -> openvino.Model:
    """The network with (N, H, W, 3) uint8 BGR as its input instead of (N, 3, H, W) float32 RGB from 0 to 1."""
    steps = PrePostProcessor(model)
    given = steps.input()
    given.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    given.tensor().set_color_format(ColorFormat.BGR)
    given.model().set_layout(openvino.Layout("NCHW"))
    given.preprocess().convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    return steps.build()


def _must_be_fixed(model: openvino.Model) -> bool:
    """Whether OpenVINO would crash unless the network is compiled for one shape.

    It does with INT8 networks of free shape on processors with AMX: https://github.com/openvinotoolkit/openvino/issues/37577
    """
    if not any(operation.get_type_name() == "FakeQuantize" for operation in model.get_ops()):
        return False
    try:
        return "amx_int8" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
