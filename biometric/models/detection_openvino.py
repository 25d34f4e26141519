"""Finds people with detectors exported to OpenVINO, on the CPU, without torch and without ultralytics.

Frames are prepared and answers are read as ultralytics does it, so that the boxes are the same. Frames keep their
proportions and are padded to the next multiple of the network's stride; to the export's size only where that is fixed
and no network can be made of it for another one.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from biometric.entities import Detection, Frame, Image
from biometric.errors import WeightsCorrupt
from biometric.models.detection import CONFIDENCE, to_detections
from biometric.models.detector_networks import DetectorNetworks
from biometric.models.exported_detectors import METADATA, PADDING, ExportedDetector, Letterbox, people_in, read_metadata
from biometric.models.measured_choices import MeasuredChoices
from biometric.models.network_shapes import is_quantized
from biometric.models.shared_weights import read_graph
from biometric.models.ultralytics_setup import first_line, unfitting_detector

COARSE = 2
"""By how much smaller pictures are in which people are looked for coarsely."""


class OpenVINODetector:
    """ports.Detector over an `.xml` of ultralytics with its `.bin` and its description.

    Args:
        path: the `.xml`; the others stand beside it. The description is called like it, or `metadata.yaml`.
        name: card name or file name, for people.
        confidence: least confidence to report, in [0, 1].
        cache: folder where measurements of this machine are kept; None: they are made again.
        weights: the file that holds the network's numbers, where the `.bin` does not (`shared_weights`).
        exact: compute in float32, also a quantized network, whatever is faster here.

    Raises:
        WeightsCorrupt: the files do not load, or hold no detector of ultralytics.
        UnsupportedModel: not a detection model, or one without a class of people.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        confidence: float = CONFIDENCE,
        cache: Path | None = None,
        weights: Path | None = None,
        exact: bool = False,
    ) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {confidence}")
        self._name = name
        self._confidence = confidence
        model = _read(path, name, weights)
        description = path.with_suffix(".yaml")
        export = self._export = read_metadata(description if description.is_file() else path.with_name(METADATA), name)
        _check_answers(model, export, name)
        digest = sha256(_digest(path)).hexdigest()
        self._is_quantized = is_quantized(model)
        choices = MeasuredChoices(cache, digest, f"openvino {openvino.__version__}")
        self._networks = DetectorNetworks(
            model, export.stride, export.size, export.end_to_end, _must_be_fixed(model), choices, exact
        )
        try:
            self._networks.prepare()
        except RuntimeError as error:
            raise unfitting_detector(name) from error

    @property
    def name(self) -> str:
        """Card name or file name, for people."""
        return self._name

    @property
    def device(self) -> str:
        """For people."""
        return "CPU · OpenVINO"

    @property
    def computes_in(self) -> str | None:
        """The precision in which an INT8 network computes on this processor, "INT8" or "float32"; None for others."""
        return self._networks.precision if self._is_quantized else None

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, highest confidence first, numbered from 0; [] for no frames.

        Boxes are clipped to the frame and at least one pixel wide and high.
        """
        return self._detect(frames, 1)

    def detect_coarsely(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, as `detect` does, from pictures half as wide and high, in a third of the time.

        Where no network can be made of the export for them, from pictures of the usual size.
        """
        return self._detect(frames, COARSE)

    def _detect(self, frames: Sequence[Frame], shrink: int) -> list[list[Detection]]:
        detections: list[list[Detection]] = []
        for (height, width), group in groupby(frames, key=lambda frame: frame.image.shape[:2]):
            same = list(group)
            letterbox = self._networks.letterbox(height, width, shrink)
            for frame, answer in zip(same, self._answers(same, letterbox), strict=True):
                rows = letterbox.in_frame(people_in(answer, self._export, self._confidence), height, width)
                detections.append(to_detections(rows, frame.index, width, height, frame.seconds))
        return detections

    def _answers(self, frames: Sequence[Frame], letterbox: Letterbox) -> Iterator[NDArray[np.float32]]:
        pictures = (_placed(frame.image, letterbox) for frame in frames)
        try:
            yield from self._networks.run(pictures, letterbox.height, letterbox.width)
        except RuntimeError as error:
            raise WeightsCorrupt(
                "The detector {model} cannot be run: {error}.", model=self._name, error=first_line(error)
            ) from error


def _placed(image: Image, letterbox: Letterbox) -> Image:
    picture = np.full((letterbox.height, letterbox.width, 3), PADDING, np.uint8)
    letterbox.place(image, picture)
    return picture


def _digest(path: Path) -> bytes:
    """Names the weights by the files' sizes and the graph's contents; reading all weights again would take time."""
    weights = path.with_suffix(".bin")
    return path.read_bytes() + str(weights.stat().st_size if weights.is_file() else 0).encode()


def _read(path: Path, name: str, weights: Path | None) -> openvino.Model:
    """Read a network of pictures in, boxes out. Raises `WeightsCorrupt` for anything else."""
    try:
        model = read_graph(path, weights)
    except (RuntimeError, OSError) as error:
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


def _check_answers(model: openvino.Model, export: ExportedDetector, name: str) -> None:
    """Raise `WeightsCorrupt` where answers are not those that the export's description tells of."""
    answers = [-1, -1, 6] if export.end_to_end else [-1, 4 + export.classes, -1]
    if not model.outputs[0].partial_shape.compatible(openvino.PartialShape(answers)):
        raise unfitting_detector(name)


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
