"""Finds people with any ultralytics detection model, through ultralytics.

On processors OpenVINO's format and exported `.pt` files are run by `detection_openvino`, without ultralytics.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.ultralytics_setup import (
    decline_openvino_telemetry,
    first_line,
    library_missing,
    quiet_ultralytics,
    require_library,
    ultralytics_missing,
    ultralytics_version,
    unfitting_detector,
    vendor_errors,
)

CONFIDENCE = 0.1
"""Least confidence reported: ByteTrack continues tracks with detections as weak as this."""

STARTS_TRACK = 0.4
"""Least confidence that starts a track. Higher than that of a continued track, so that reflections and bags start
fewer."""

EVERYTHING = 0.001
"""Least confidence at which detectors are measured: COCO's tools and ultralytics' take all detections down to it."""

OVERLAP = 0.7
"""Boxes that overlap more (intersection over union) are one person; for models with non-maximum suppression."""

MOST = 100
"""Most people reported a frame."""

BATCH = {"cuda": 32, "cpu": 8}
"""Frames a run, for models that take several at once."""

_FOLDERS = ("_model", ".mlpackage", ".aimodel")


class UltralyticsDetector:
    """ports.Detector.

    Args:
        path: a `.pt`, a folder of an export, or any other file that ultralytics loads.
        name: card name or file name, for people.
        device: "cpu", "cuda", "cuda:1", …
        cache: folder for converted weights and ultralytics' own settings.
        confidence: least confidence to report, in [0, 1].
        files: the files of the model where they are not `path` alone.

    Raises:
        WeightsCorrupt: the file does not load, or holds anything but a model (pickled code is never run).
        UnsupportedModel: not a detection model, or one without a class of people.
        ModelLibraryMissing: ultralytics is not installed.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        device: str,
        cache: Path,
        confidence: float = CONFIDENCE,
        files: Sequence[Path] = (),
    ) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {confidence}")
        self._name = name
        self._lock = threading.Lock()
        self._has_run = False
        require_library(path)
        if ultralytics_version() is None:
            raise ultralytics_missing(path.name)
        prepare_ultralytics(cache)
        self._model, self._device = load_for_ultralytics(_folder(path, files)), "cpu"
        if path.suffix == ".pt":
            require_detection(path.name, self._model.task)
            person_class(self._model.names, path.name)
            self._device = "cuda:0" if device == "cuda" else device
        self._person: int | None = None
        self._options: dict[str, Any] = {
            "conf": confidence,
            "iou": OVERLAP,
            "max_det": MOST,
            "device": self._device,
            "verbose": False,
            "save": False,
        }
        if self._device != "cpu":
            self._options["quantize"] = 16  # half precision: twice as fast, boxes move by fractions of a pixel
        with signal_stack_kept():
            self._predict([np.zeros((360, 640, 3), np.uint8)])  # the first prediction builds the network
        backend = self._model.predictor.model
        require_detection(name, getattr(backend, "task", None) or self._model.task)
        self._person = person_class(backend.names, name)
        self._options["classes"] = [self._person]
        # Exports of fixed shape take one frame at a time; stacking them would only cost memory traffic.
        dynamic = bool(getattr(backend, "dynamic", False))
        many = backend.format == "pt" or dynamic
        if dynamic:
            # ultralytics takes 640 pixels for any export of free size; people are found at the size of the training.
            self._options["imgsz"] = backend.imgsz
        self._batch = BATCH[self._device.split(":")[0]] if many else 1
        self._format = str(backend.format)

    @property
    def name(self) -> str:
        """Card name or file name, for people."""
        return self._name

    @property
    def device(self) -> str:
        """For people, such as "CPU · OpenVINO"."""
        if self._device != "cpu":
            return f"CUDA · {self._device}"
        return "CPU · " + {"pt": "torch", "onnx": "ONNX"}.get(self._format, self._format)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, highest confidence first, numbered from 0; [] for no frames.

        Boxes are clipped to the frame and at least one pixel wide and high.
        """
        detections: list[list[Detection]] = []
        for start in range(0, len(frames), self._batch):
            batch = frames[start : start + self._batch]
            for frame, rows in zip(batch, self._predict([frame.image for frame in batch]), strict=True):
                height, width = frame.image.shape[:2]
                detections.append(to_detections(rows, frame.index, width, height, frame.seconds))
        return detections

    def _predict(self, images: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return (N, 6) float32 rows x1, y1, x2, y2, confidence, class for each image."""
        with self._lock:
            try:
                results = self._model.predict(images, batch=len(images), **self._options)
            except ImportError as error:
                raise library_missing(self._name, error) from error
            except vendor_errors() as error:
                if isinstance(error, RuntimeError) and "out of memory" in str(error).lower():
                    raise
                if not self._has_run:
                    raise unfitting_detector(self._name) from error
                raise WeightsCorrupt(
                    "The detector {model} cannot be run: {error}.", model=self._name, error=first_line(error)
                ) from error
            self._has_run = True
        return [
            np.asarray(result.boxes.data.cpu().numpy(), np.float32) for result in results if result.boxes is not None
        ]


def to_detections(
    rows: NDArray[np.float32], frame_index: int, width: int, height: int, seconds: float = 0.0
) -> list[Detection]:
    """Turn (N, ≥5) rows x1, y1, x2, y2, confidence in pixels into detections, as `UltralyticsDetector.detect` says.

    Rows that are not finite, or that leave less than a pixel inside the frame, are dropped.
    """
    rows = rows[np.isfinite(rows[:, :5]).all(axis=1)]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    limits = np.array([width, height, width, height], np.float32)
    boxes = rows[:, :4].clip(0, limits)
    is_inside = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    pairs = zip(boxes[is_inside].tolist(), rows[is_inside, 4].tolist(), strict=True)
    return [
        Detection(frame_index, (box[0], box[1], box[2], box[3]), min(1.0, max(0.0, confidence)), number, seconds)
        for number, (box, confidence) in enumerate(pairs)
    ][:MOST]


def require_detection(name: str, task: str) -> None:
    """Raise `UnsupportedModel` for a model of another task."""
    if task != "detect":
        raise not_detection(name, task)


def not_detection(name: str, task: str) -> UnsupportedModel:
    """Return the error for a model of another task, such as "segment"."""
    return UnsupportedModel(
        "{model} is a model for the task {task!r}. Name a detection model, such as yolo26n.pt.", model=name, task=task
    )


def person_class(names: Any, model: str) -> int:
    """Return the number of the class of people, of names by number: "person", or the only one there is.

    Raises:
        UnsupportedModel: there is none; names the model.
    """
    classes = {int(number): str(name).strip().lower() for number, name in dict(names).items()}
    for number, name in classes.items():
        if name == "person":
            return number
    if len(classes) == 1:
        return next(iter(classes))
    raise UnsupportedModel(
        "{model} does not know people: none of its {classes_count} classes is called person.",
        model=model,
        classes_count=len(classes),
    )


def prepare_ultralytics(cache: Path) -> None:
    """Import ultralytics: no network use (OpenVINO's reports included), no installs, no free unpickling, little log."""
    quiet_ultralytics(cache)
    import ultralytics.nn.tasks as tasks
    from ultralytics.utils import LOGGER, SETTINGS, checks

    LOGGER.setLevel(logging.ERROR)
    # Somebody may have imported it before with another environment: these are read once, at import.
    tasks.SAFE_LOAD = True
    checks.AUTOINSTALL = False
    if SETTINGS.get("sync"):
        SETTINGS["sync"] = False  # writes ultralytics' settings file, in our cache
    decline_openvino_telemetry()


def load_for_ultralytics(path: Path) -> Any:
    """Return ultralytics' own object of a file. Raises `WeightsCorrupt`, `UnsupportedModel`."""
    from ultralytics import YOLO

    try:
        return YOLO(path)
    except ImportError as error:
        raise library_missing(path.name, error) from error
    except vendor_errors() as error:
        raise unfitting_detector(path.name) from error


def _folder(path: Path, files: Sequence[Path]) -> Path:
    """ultralytics recognises an export of several files only by its folder's name."""
    return next((folder for folder in path.parents if len(files) > 1 and folder.name.endswith(_FOLDERS)), path)
