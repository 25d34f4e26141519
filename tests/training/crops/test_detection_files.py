"""Boxes from JSON and CSV files; pickle files are refused without loading them."""

import collections
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import Frame
from biometric.errors import DatasetInvalid, InvalidSetting
from biometric.training.crops.detection_files import FileDetector, find_detection_files, read_boxes

PROJECT = Path(__file__).resolve().parents[3]
BOXES = {0: [[10.0, 20.0, 110.0, 220.0, 0.9]], 7: [[1.5, 2.0, 3.0, 4.0, 0.25], [5.0, 6.0, 7.0, 8.0, 1.0]]}


def as_lists(path: Path) -> dict[int, list[list[float]]]:
    return {frame: rows.tolist() for frame, rows in read_boxes(path).items()}


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_of_frames_lists_and_objects(tmp_path: Path) -> None:
    assert as_lists(written(tmp_path / "a.json", json.dumps(BOXES))) == BOXES
    by_frame = [BOXES.get(frame, []) for frame in range(8)]
    found = as_lists(written(tmp_path / "b.json", json.dumps(by_frame)))
    assert {frame: rows for frame, rows in found.items() if rows} == BOXES
    objects = [{"frame": frame, "box": row[:4], "confidence": row[4]} for frame, rows in BOXES.items() for row in rows]
    assert as_lists(written(tmp_path / "c.json", json.dumps(objects))) == BOXES


def test_csv_by_the_names_of_its_columns(tmp_path: Path) -> None:
    lines = ["confidence,frame,x1,y1,x2,y2,remark"]
    lines += [f"{row[4]},{frame},{','.join(map(str, row[:4]))},hello" for frame, rows in BOXES.items() for row in rows]
    assert as_lists(written(tmp_path / "a.csv", "\n".join(lines))) == BOXES
    assert as_lists(written(tmp_path / "b.csv", "frame,x1,y1,x2,y2\n3,1,2,3,4\n")) == {3: [[1, 2, 3, 4, 1]]}


class Program:
    """Its pickle creates a folder when it is loaded as usual."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".PKL"])
def test_a_pickle_is_refused_and_not_loaded(tmp_path: Path, suffix: str) -> None:
    mark = tmp_path / "ran"
    path = written(tmp_path / f"a{suffix}", pickle.dumps({0: [[1, 2, 3, 4, Program(mark)]]}))
    with pytest.raises(DatasetInvalid, match=r"pickle file.*Convert it to JSON.*docs/training\.md"):
        read_boxes(path)
    assert not mark.exists()


def test_the_documented_conversion_of_a_pickle_gives_a_file_that_is_read(tmp_path: Path) -> None:
    """The snippet of docs/training.md, run as it stands there on what the research code wrote: dicts of arrays."""
    page = (PROJECT / "docs" / "training.md").read_text("utf-8")
    snippet = re.search(r"```python\n(import json.*?)```", page, re.DOTALL)
    assert snippet is not None
    content: dict[Any, Any] = collections.defaultdict(list)
    content[np.int64(0)] = [(*(np.float32(value) for value in BOXES[0][0][:4]), 0.5)]
    content[7] = np.array(BOXES[7])
    content[8] = None
    (tmp_path / "boxes.pkl").write_bytes(pickle.dumps(content))
    subprocess.run([sys.executable, "-c", snippet[1]], cwd=tmp_path, check=True)
    assert as_lists(tmp_path / "boxes.json") == {0: [[*BOXES[0][0][:4], 0.5]], 7: BOXES[7], 8: []}
    path = written(tmp_path / "frames.pkl", pickle.dumps([np.array(BOXES[7]), []]))
    path.rename(tmp_path / "boxes.pkl")
    subprocess.run([sys.executable, "-c", snippet[1]], cwd=tmp_path, check=True)
    assert as_lists(tmp_path / "boxes.json") == {0: BOXES[7], 1: []}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "{", "damaged"),
        ("a.json", "3", "holds a int"),
        ("a.json", '{"x": [[1, 2, 3, 4]]}', "frame 'x'"),
        ("a.json", '{"0": [[1, 2, 3]]}', "4 or 5 numbers"),
        ("a.json", '{"0": [1, 2, 3, 4]}', "4 or 5 numbers"),
        ("a.json", '{"0": [[1, 2, 3, 4, 50]]}', "confidence"),
        ("a.json", '{"0": [[1, 2, 3, NaN, 1]]}', "infinite"),
        ("a.json", '[{"frame": 0}]', "entry 0"),
        ("a.csv", "frame,x1\n1,2\n", "lacks the columns y1, x2, y2"),
        ("a.csv", "frame,x1,y1,x2,y2\n1,2,3,4\n", "line 2"),
        ("a.csv", "frame,x1,y1,x2,y2\n1,2,3,4,x\n", "line 2"),
        ("a.txt", "", "not a detection file"),
    ],
)
def test_other_forms_are_refused_with_the_place(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(DatasetInvalid, match=words):
        read_boxes(written(tmp_path / name, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for suffix in ("json", "csv"):
        with pytest.raises(DatasetInvalid, match="cannot be read"):
            read_boxes(tmp_path / f"gone.{suffix}")


def test_a_file_stands_in_for_the_detector(tmp_path: Path) -> None:
    rows = [[-5, 10, 30, 500, 0.5], [700, 0, 800, 90, 0.9], [40, 10, 60, 50, 0.8]]
    detector = FileDetector(written(tmp_path / "a.json", json.dumps({"1": rows})))
    empty, found = detector.detect([Frame(index, np.zeros((100, 200, 3), np.uint8), 0.0) for index in (0, 1)])
    assert empty == []
    assert [
        (detection.box, detection.confidence, detection.box_index, detection.frame_index) for detection in found
    ] == [
        ((0.0, 10.0, 30.0, 100.0), 0.5, 0, 1),
        ((40.0, 10.0, 60.0, 50.0), 0.8, 2, 1),
    ]
    assert detector.name == "a.json"


def test_each_video_has_its_file(tmp_path: Path) -> None:
    one, two = written(tmp_path / "x+y+1.csv", ""), written(tmp_path / "two.json", "{}")
    assert find_detection_files(tmp_path, ["two", "x+y+1"]) == {"two": two, "x+y+1": one}
    assert find_detection_files(one, ["anything"]) == {"anything": one}
    with pytest.raises(InvalidSetting, match="2 videos"):
        find_detection_files(one, ["a", "b"])
    with pytest.raises(DatasetInvalid, match="no detections for three"):
        find_detection_files(tmp_path, ["three"])
