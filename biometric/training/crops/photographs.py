"""Photographs with YOLO labels: `images/<split>/<name>.jpg` beside `labels/<split>/<name>.txt`."""

from collections.abc import Sequence
from pathlib import Path

from biometric.entities import Detection
from biometric.errors import DatasetInvalid
from biometric.training.crops.crop_folders import SUFFIXES

LAYOUT = "DIR/images/SPLIT/NAME.jpg beside DIR/labels/SPLIT/NAME.txt"

PERSON = 0
"""The class of people, in one-class sets and in COCO."""


def find_labelled(folder: Path, splits: Sequence[str]) -> list[Path]:
    """Return the photographs of the splits, by name.

    Raises:
        DatasetInvalid: a split is missing or empty, or has no labels.
    """
    photographs: list[Path] = []
    for split in splits:
        images = folder / "images" / split
        for subfolder in (images, folder / "labels" / split):
            if not subfolder.is_dir():
                raise DatasetInvalid(
                    f"{subfolder} is not a folder. Expected layout: {LAYOUT}; choose splits with --split."
                )
        files = sorted(file for file in images.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
        if not files:
            raise DatasetInvalid(f"{images} holds no photograph. Expected layout: {LAYOUT}.")
        photographs += files
    return photographs


def label_file(photograph: Path) -> Path:
    """Where the labels of a photograph lie."""
    root, split = photograph.parent.parent.parent, photograph.parent.name
    return root / "labels" / split / f"{photograph.stem}.txt"


def read_labels(labels: Path) -> list[tuple[int, int, float, float, float, float]]:
    """Return the boxes of a label file: line (from 1), class, centre x, centre y, width and height from 0 to 1.

    Raises:
        DatasetInvalid: the file cannot be read; a line is something else, and which one.
    """
    try:
        lines = labels.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetInvalid(f"The labels {labels} cannot be read: {error}.") from error
    boxes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, w, h = (float(word) for word in line.split())
        except ValueError:
            kind, x, y, w, h = -1.0, 0.0, 0.0, 0.0, 0.0
        if kind < 0 or not kind.is_integer() or not all(0 <= value <= 1 for value in (x, y, w, h)):
            raise DatasetInvalid(
                f"{labels}, line {number}, is not a label. Expected: class, centre x, centre y, width, height "
                f"from 0 to "
                f"1; got {line.strip()[:80]!r}."
            )
        boxes.append((number, int(kind), x, y, w, h))
    return boxes


def read_people(labels: Path, width: int, height: int) -> list[Detection]:
    """Return the people in a photograph of `width` × `height` pixels, in the order of its label file.

    Other classes than `PERSON` are ignored. A photograph without label file shows nobody.

    Raises:
        DatasetInvalid: see `read_labels`.
    """
    detections: list[Detection] = []
    for _, kind, x, y, w, h in read_labels(labels) if labels.is_file() else []:
        box = (
            max(0.0, (x - w / 2) * width),
            max(0.0, (y - h / 2) * height),
            min(float(width), (x + w / 2) * width),
            min(float(height), (y + h / 2) * height),
        )
        if kind == PERSON and box[2] > box[0] and box[3] > box[1]:
            detections.append(Detection(0, box, 1.0, len(detections)))
    return detections
