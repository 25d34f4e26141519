"""What detectors exported by ultralytics take and answer: how frames are prepared, how people are read off.

The arithmetic is ultralytics' own (`LetterBox`, `non_max_suppression`, `scale_boxes`), so that the boxes are the same.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.errors import UnsupportedModel
from biometric.models.detection import MOST, OVERLAP, not_detection, person_class
from biometric.models.ultralytics_setup import unfitting_detector

METADATA = "metadata.yaml"
"""The file beside an export in which ultralytics says what it is."""

PADDING = 114
"""Grey level around frames, the one that detectors of ultralytics are trained with."""

_CANDIDATES = 30_000
"""Most boxes of one frame that enter non-maximum suppression."""


@dataclass(frozen=True, slots=True)
class ExportedDetector:
    """What `metadata.yaml` says of an export.

    Attributes:
        person: number of the class of people.
        classes: number of classes.
        size: (height, width) in pixels that it was trained for.
        stride: heights and widths are multiples of it.
        end_to_end: answers rows of a box, a confidence and a class; others need non-maximum suppression.
    """

    person: int
    classes: int
    size: tuple[int, int]
    stride: int
    end_to_end: bool


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How frames of one size are placed in a picture of (height, width) pixels: resized, then padded around.

    Attributes:
        inner: (height, width) of the resized frame.
        top, left: pixels of padding before it.
    """

    height: int
    width: int
    inner: tuple[int, int]
    top: int
    left: int

    @classmethod
    def of(cls, height: int, width: int, target: tuple[int, int], stride: int | None) -> "Letterbox":
        """Place frames of height × width in `target`.

        Args:
            stride: pad only up to multiples of it; None: up to the target.
        """
        ratio = min(target[0] / height, target[1] / width)
        inner = (max(round(height * ratio), 1), max(round(width * ratio), 1))
        missing = [
            full - part if stride is None else (full - part) % stride for full, part in zip(target, inner, strict=True)
        ]
        return cls(
            inner[0] + missing[0],
            inner[1] + missing[1],
            inner,
            # Halves are rounded as ultralytics rounds them: the larger part is below and to the right.
            round(missing[0] / 2 - 0.1),
            round(missing[1] / 2 - 0.1),
        )

    def place(self, image: Image, picture: Image) -> None:
        """Write an (h, w, 3) uint8 image into a picture of `height` × `width` that is grey all over."""
        rows, columns = self.inner
        if image.shape[:2] != self.inner:
            image = np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR), np.uint8)
        picture[self.top : self.top + rows, self.left : self.left + columns] = image

    def in_frame(self, rows: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
        """Return (N, ≥4) rows x1, y1, x2, y2, … in pixels of the picture with boxes in pixels of the frame."""
        moved = rows.copy()
        moved[:, :4] -= np.array([self.left, self.top] * 2, np.float32)
        moved[:, :4] /= np.array([self.inner[1] / width, self.inner[0] / height] * 2, np.float32)
        return moved


def people_in(answer: NDArray[np.float32], export: ExportedDetector, confidence: float) -> NDArray[np.float32]:
    """Return the people of one frame's answer as (N, 5) rows x1, y1, x2, y2, confidence, in pixels of the picture.

    Args:
        answer: (M, 6) rows x1, y1, x2, y2, confidence, class where the model is end-to-end, else (4 + classes, M):
            centre, size, and each class's confidence.
        confidence: people have more than this.
    """
    if export.end_to_end:
        rows = answer[(answer[:, 4] > confidence) & (answer[:, 5] == export.person)]
        return np.asarray(rows[:MOST, :5], np.float32)
    scores = answer[4:]
    # Networks that are not trained answer negative sizes, which OpenCV's suppression does not expect.
    columns = np.flatnonzero((scores[export.person] > confidence) & (answer[2:4] > 0).all(axis=0))
    if export.classes > 1:
        columns = columns[scores[:, columns].argmax(axis=0) == export.person]
    certainty = scores[export.person, columns]
    if len(columns) > _CANDIDATES:
        most = np.argsort(-certainty, kind="stable")[:_CANDIDATES]
        columns, certainty = columns[most], certainty[most]
    centres, sizes = answer[:2, columns].T, answer[2:4, columns].T
    corners = centres - sizes / 2
    kept = cv2.dnn.NMSBoxes(
        np.concatenate([corners, sizes], axis=1).astype(np.float64).tolist(), certainty.tolist(), confidence, OVERLAP
    )
    chosen = np.asarray(kept, np.intp).reshape(-1)[:MOST]
    boxes = np.concatenate([corners, centres + sizes / 2], axis=1)[chosen]
    return np.concatenate([boxes, certainty[chosen, None]], axis=1, dtype=np.float32)


def read_metadata(path: Path, name: str) -> ExportedDetector:
    """Read the `metadata.yaml` of an export.

    Raises:
        UnsupportedModel: it is not there, of another task, or of a model without a class of people.
        WeightsCorrupt: it is not such a file.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UnsupportedModel(
            "The detector {name} does not say what it finds: the file metadata.yaml is not beside it. Copy the whole "
            "folder of the export.",
            name=name,
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise unfitting_detector(name) from error
    if isinstance(content, Mapping) and content.get("task") not in (None, "detect"):
        raise not_detection(name, str(content["task"]))
    try:
        names, size = _literal(content["names"]), _literal(content["imgsz"])
        arguments = _literal(content.get("args") or {})
        height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))
        stride = int(content.get("stride", 32))
        if min(height, width, stride) < 1 or not names:
            raise ValueError("a size or a list of names without content")
        return ExportedDetector(
            person=person_class(names, name),
            classes=len(names),
            size=(-(-height // stride) * stride, -(-width // stride) * stride),
            stride=stride,
            end_to_end=bool(_literal(content.get("end2end", False)) or arguments.get("nms", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, SyntaxError) as error:
        raise unfitting_detector(name) from error


def _literal(value: Any) -> Any:
    """A value that some versions of ultralytics write as the text of Python's literal."""
    return ast.literal_eval(value) if isinstance(value, str) else value
