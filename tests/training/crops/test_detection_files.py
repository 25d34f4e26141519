"""Boxes from JSON, CSV and pickles; a pickle with a program in it is refused and does not run."""

import collections
import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import Frame
from biometric.errors import DatasetInvalid, InvalidSetting
from biometric.training.crops import plain_pickle
from biometric.training.crops.detection_files import FileDetector, for_videos, read

BOXES = {0: [[10.0, 20.0, 110.0, 220.0, 0.9]], 7: [[1.5, 2.0, 3.0, 4.0, 0.25], [5.0, 6.0, 7.0, 8.0, 1.0]]}


def as_lists(path: Path) -> dict[int, list[list[float]]]:
    return {frame: rows.tolist() for frame, rows in read(path).items()}


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


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_lists_arrays_and_scalars(tmp_path: Path, protocol: int) -> None:
    content: dict[Any, Any] = collections.defaultdict(list)
    content[np.int64(0)] = [(*(np.float32(value) for value in BOXES[0][0][:4]), 0.5)]
    content[7] = np.array(BOXES[7])
    content[8] = np.asfortranarray(np.array(BOXES[7], ">f4"))
    content[9] = np.array([[1, 2, 30, 40]], np.uint8)
    content[10] = None
    found = as_lists(written(tmp_path / "a.pkl", pickle.dumps(content, protocol)))
    assert found == {
        0: [[*BOXES[0][0][:4], 0.5]],
        7: BOXES[7],
        8: BOXES[7],
        9: [[1, 2, 30, 40, 1]],
        10: [],
    }


class Program:
    """Its pickle creates a file when it is loaded as usual."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_with_a_program_is_refused_and_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = written(tmp_path / "a.pkl", pickle.dumps({0: [[1, 2, 3, 4, Program(mark)]]}))
    with pytest.raises(DatasetInvalid, match=r"refused.*mkdir"):
        read(path)
    assert not mark.exists()
    pickle.loads(path.read_bytes())  # the bait is alive
    assert mark.is_dir()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'x'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x0elist.__class__\x93.",
        b"Pabc\n.",
    ],
)
def test_every_other_name_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DatasetInvalid, match="refused"):
        plain_pickle.read(written(tmp_path / "a.pkl", content))


def test_arrays_of_objects_and_damaged_pickles_are_refused(tmp_path: Path) -> None:
    whole = pickle.dumps({0: np.array(BOXES[7])})
    bad = [
        pickle.dumps({0: np.array([[1], [1, 2]], dtype=object)}),
        pickle.dumps({0: np.array(["text"])}),
        pickle.dumps(np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])),
        whole[:-10],
        whole.replace(b"f8", b"O8"),
        b"",
        b"text",
    ]
    for number, content in enumerate(bad):
        with pytest.raises(DatasetInvalid):
            read(written(tmp_path / f"{number}.pkl", content))
    around: list[Any] = []
    around.append(around)
    with pytest.raises(DatasetInvalid):
        read(written(tmp_path / "around.pkl", pickle.dumps(around)))


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
        ("a.txt", "", "no detection file"),
    ],
)
def test_other_forms_are_refused_with_the_place(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(DatasetInvalid, match=words):
        read(written(tmp_path / name, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for suffix in ("json", "csv", "pkl"):
        with pytest.raises(DatasetInvalid, match="cannot be read"):
            read(tmp_path / f"gone.{suffix}")


def test_a_file_stands_in_for_the_detector(tmp_path: Path) -> None:
    rows = [[-5, 10, 30, 500, 0.5], [700, 0, 800, 90, 0.9], [40, 10, 60, 50, 0.8]]
    detector = FileDetector(written(tmp_path / "a.json", json.dumps({"1": rows})))
    empty, found = detector.detect([Frame(index, np.zeros((100, 200, 3), np.uint8), 0.0) for index in (0, 1)])
    assert empty == []
    assert [(each.box, each.confidence, each.box_index, each.frame_index) for each in found] == [
        ((0.0, 10.0, 30.0, 100.0), 0.5, 0, 1),
        ((40.0, 10.0, 60.0, 50.0), 0.8, 2, 1),
    ]
    assert detector.name == "a.json"


def test_each_video_has_its_file(tmp_path: Path) -> None:
    one, two = written(tmp_path / "x+y+1.csv", ""), written(tmp_path / "two.pkl", b"")
    assert for_videos(tmp_path, ["two", "x+y+1"]) == {"two": two, "x+y+1": one}
    assert for_videos(one, ["anything"]) == {"anything": one}
    with pytest.raises(InvalidSetting, match="2 videos"):
        for_videos(one, ["a", "b"])
    with pytest.raises(DatasetInvalid, match="no detections for three"):
        for_videos(tmp_path, ["three"])


def test_reading_uses_no_module_of_the_file() -> None:
    unpickler = plain_pickle._Unpickler(io.BytesIO(b""))
    assert all(not str(getattr(each, "__module__", "")).startswith("numpy") for each in plain_pickle._NAMES.values())
    with pytest.raises(pickle.UnpicklingError):
        unpickler.find_class("numpy.core.multiarray", "frombuffer")
