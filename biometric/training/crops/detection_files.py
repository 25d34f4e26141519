"""Boxes of people from a file, instead of the detector's: JSON or CSV.

JSON    {frame: [[x1, y1, x2, y2, confidence], …], …}, or a list with such a list for each frame from 0,
        or [{"frame": 0, "box": [x1, y1, x2, y2], "confidence": 0.9}, …]
CSV     a header with the columns frame, x1, y1, x2, y2 and, where known, confidence

Frames are 0-based, boxes corners in pixels; a missing confidence counts as 1. Boxes are numbered in the file's order.
Pickle files are not read, since loading one can run any code; docs/training.md says how to convert them.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame
from biometric.errors import DatasetInvalid, InvalidSetting

SUFFIXES = (".json", ".csv")
PICKLES = (".pkl", ".pickle")
COLUMNS = ("frame", "x1", "y1", "x2", "y2")

_EXPECTED = "Expected: for each frame number a list of boxes [x1, y1, x2, y2, confidence]"


class FileDetector:
    """ports.Detector that returns the boxes of a file; frames that the file does not name show nobody.

    Raises:
        DatasetInvalid: the file is missing, damaged or of another form.
    """

    device = "file"

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._boxes = read_boxes(path)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's boxes, clipped to the frame; those outside of it are left out."""
        return [list(self._clipped(frame)) for frame in frames]

    def _clipped(self, frame: Frame) -> Iterator[Detection]:
        height, width = frame.image.shape[:2]
        for number, row in enumerate(self._boxes.get(frame.index, ())):
            x1, y1, x2, y2 = (float(value) for value in np.clip(row[:4], 0, (width, height, width, height)))
            if x2 > x1 and y2 > y1:
                yield Detection(frame.index, (x1, y1, x2, y2), float(row[4]), number, frame.seconds)


def find_detection_files(path: Path, videos: Sequence[str]) -> dict[str, Path]:
    """Return each video's detection file: `path` for a single video, else a file of its name in the folder `path`.

    Raises:
        InvalidSetting: one file for several videos.
        DatasetInvalid: a file is missing.
    """
    if not path.is_dir():
        if len(videos) != 1:
            raise InvalidSetting(
                f"--detections {path} is one file for {len(videos)} videos. Give a folder that holds a file for each, "
                "named like the video."
            )
        return {videos[0]: path}
    chosen: dict[str, Path] = {}
    for video in videos:
        files = [file for suffix in (*SUFFIXES, *PICKLES) if (file := path / f"{video}{suffix}").is_file()]
        if not files:
            raise DatasetInvalid(
                f"There are no detections for {video} in {path}. Expected: {video}.json or {video}.csv."
            )
        chosen[video] = files[0]
    return chosen


def read_boxes(path: Path) -> dict[int, NDArray[np.float64]]:
    """Return boxes by frame number: (N, 5) float64, x1, y1, x2, y2 in pixels and the confidence in [0, 1].

    Raises:
        DatasetInvalid: the file is missing, damaged or of another form.
    """
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise DatasetInvalid(
            f"{path} is a pickle file, which is not read because loading it can run any code. Convert it to JSON where "
            "you trust it (docs/training.md, “Detections in pickle files”)."
        )
    if suffix not in SUFFIXES:
        raise DatasetInvalid(f"{path} is not a detection file. Give a file that ends in {' or '.join(SUFFIXES)}.")
    try:
        if suffix == ".csv":
            return _grouped(_rows_of_csv(path), path)
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DatasetInvalid(f"{path} is damaged: {error}.") from error
    return _by_frame(content, path)


def _by_frame(content: Any, path: Path) -> dict[int, NDArray[np.float64]]:
    if isinstance(content, list) and content and all(isinstance(entry, dict) for entry in content):
        return _grouped(_rows_of_objects(content, path), path)
    if isinstance(content, list):
        content = dict(enumerate(content))
    if not isinstance(content, dict):
        raise DatasetInvalid(f"{path} holds a {type(content).__name__}. {_EXPECTED}.")
    boxes: dict[int, NDArray[np.float64]] = {}
    for key, rows in content.items():
        try:
            boxes[int(key)] = _table([] if rows is None else rows)
        except (TypeError, ValueError) as error:
            raise DatasetInvalid(f"{path}, frame {key!r}: {error}. {_EXPECTED}.") from error
    return boxes


def _grouped(rows: Iterator[tuple[int, list[float]]], path: Path) -> dict[int, NDArray[np.float64]]:
    lists: dict[int, list[list[float]]] = {}
    for frame, row in rows:
        lists.setdefault(frame, []).append(row)
    return _by_frame(lists, path)


def _rows_of_objects(content: Sequence[Mapping[str, Any]], path: Path) -> Iterator[tuple[int, list[float]]]:
    for number, entry in enumerate(content):
        try:
            yield int(entry["frame"]), [*map(float, entry["box"]), float(entry.get("confidence", 1.0))]
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetInvalid(
                f'{path}, entry {number}, is not a detection. Expected: {{"frame": 0, "box": [x1, y1, x2, y2], '
                '"confidence": 0.9}.'
            ) from error


def _rows_of_csv(path: Path) -> Iterator[tuple[int, list[float]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise DatasetInvalid(f"{path} lacks the columns {', '.join(missing)}. Expected: {', '.join(COLUMNS)}.")
        for line, row in enumerate(table, start=2):
            try:
                box = [float(row[name]) for name in COLUMNS[1:]]
                yield int(row["frame"]), [*box, float(row.get("confidence") or 1.0)]
            except (TypeError, ValueError) as error:
                raise DatasetInvalid(f"{path}, line {line}, is not a detection: {error}.") from error


def _table(rows: Any) -> NDArray[np.float64]:
    """Return a frame's boxes as (N, 5). Raises `ValueError` where they are none."""
    table = np.asarray(rows, dtype=np.float64)
    if table.size == 0:
        return np.zeros((0, 5))
    if table.ndim != 2 or table.shape[1] not in (4, 5):
        raise ValueError(f"expected boxes of 4 or 5 numbers, got the shape {table.shape}")
    if table.shape[1] == 4:
        table = np.hstack([table, np.ones((len(table), 1))])
    if not np.isfinite(table).all():
        raise ValueError("a number is infinite or none")
    if (table[:, 4] < 0).any() or (table[:, 4] > 1).any():
        raise ValueError("a confidence is outside 0 to 1")
    return table
