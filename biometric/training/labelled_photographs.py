"""Photographs with YOLO labels: `images/<split>/<name>.jpg` and, with the same names, `labels/<split>/<name>.txt`.

Everything that trains or measures with such photographs reads them here, so that all see the same people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.entities import Detection
from biometric.errors import DatasetInvalid
from biometric.evaluation.datasets.dataset import is_picture

LAYOUT = "DIR/images/SPLIT/NAME.jpg and, with the same names, DIR/labels/SPLIT/NAME.txt"

PERSON = 0
"""The class of people, in one-class sets and in COCO; boxes of other classes are passed over."""

RelativeBox = tuple[float, float, float, float]
"""Centre x, centre y, width and height, as shares of the photograph's width and height, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class LabelledPhotograph:
    """A photograph and the file of its labels, which need not exist: then nobody is shown."""

    picture: Path
    labels: Path


def find_labelled(folder: Path, splits: Sequence[str]) -> list[LabelledPhotograph]:
    """Return the photographs of the splits, also those in subfolders, by path; hidden files are passed over.

    Raises:
        DatasetInvalid: a split is missing or empty, or has no folder of labels.
    """
    photographs: list[LabelledPhotograph] = []
    for split in splits:
        images, labels = folder / "images" / split, folder / "labels" / split
        for subfolder in (images, labels):
            if not subfolder.is_dir():
                others = sorted(path.name for path in (folder / "images").glob("*/") if path.is_dir())
                there = f" Splits that are there: {', '.join(others)}." if others else ""
                raise DatasetInvalid(f"{subfolder} is not a folder.{there} Expected layout: {LAYOUT}.")
        pictures = sorted(path for path in images.rglob("*") if is_picture(path))
        if not pictures:
            raise DatasetInvalid(f"{images} holds no photograph. Expected layout: {LAYOUT}.")
        photographs += [
            LabelledPhotograph(picture, (labels / picture.relative_to(images)).with_suffix(".txt"))
            for picture in pictures
        ]
    return photographs


def read_labels(labels: Path) -> list[RelativeBox]:
    """Return the people of a label file in its order; none where there is no such file.

    Boxes of other classes than `PERSON`, and boxes without area, are passed over.

    Raises:
        DatasetInvalid: the file cannot be read; a line is something else, and which one.
    """
    if not labels.is_file():
        return []
    try:
        lines = labels.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetInvalid(f"The labels {labels} cannot be read: {error}.") from error
    boxes: list[RelativeBox] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = (float(word) for word in line.split())
        except ValueError:
            kind, x, y, width, height = -1.0, 0.0, 0.0, 0.0, 0.0
        if kind < 0 or not kind.is_integer() or not all(0 <= value <= 1 for value in (x, y, width, height)):
            raise DatasetInvalid(
                f"{labels}, line {number}, is not a label. Expected: class, centre x, centre y, width, height from 0 "
                f"to 1; got {line.strip()[:80]!r}."
            )
        if kind == PERSON and width > 0 and height > 0:
            boxes.append((x, y, width, height))
    return boxes


def read_people(labels: Path, width: int, height: int) -> list[Detection]:
    """Return the people in a photograph of `width` × `height` pixels, boxes clipped to it, in their file's order.

    Raises:
        DatasetInvalid: see `read_labels`.
    """
    detections: list[Detection] = []
    for x, y, w, h in read_labels(labels):
        box = (
            max(0.0, (x - w / 2) * width),
            max(0.0, (y - h / 2) * height),
            min(float(width), (x + w / 2) * width),
            min(float(height), (y + h / 2) * height),
        )
        if box[2] > box[0] and box[3] > box[1]:  # false for less than floating point can tell apart
            detections.append(Detection(0, box, 1.0, len(detections)))
    return detections
