"""Files of labels as MOTChallenge writes them, and what is wrong with others."""

from pathlib import Path

import pytest

from biometric.errors import TruthInvalid
from biometric.evaluation.mot.truth_files import Truth, read_truth
from tests.fakes import video_info

VIDEO = video_info(frame_count=20)
"""640×480 pixels."""


def read(tmp_path: Path, text: str | bytes, first_frame: int = 1) -> Truth:
    path = tmp_path / "gt.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_truth(path, VIDEO, first_frame)


def test_the_size_of_the_picture() -> None:
    assert (VIDEO.width, VIDEO.height) == (640, 480)


@pytest.mark.parametrize(
    "row",
    [
        "{},{},10,20,30,40",
        "{}, {}, 10.0, 20, 3e1, 40, 1",
        "{},{},10,20,30,40,1,1",
        "{},{},10,20,30,40,1,1,0.7",
        "{}.0,{},10,20,30,40,-1,-1,-1,-1",
    ],
)
def test_each_form_of_a_line(tmp_path: Path, row: str) -> None:
    text = "\ufeff# made by hand\r\nframe,id,x,y,w,h\r\n".replace("frame,id,x,y,w,h\r\n", "")
    truth = read(tmp_path, text + "\n".join([row.format(3, 7), "", row.format(1, 2)]))
    assert truth.people.frames.tolist() == [0, 2]
    assert truth.people.ids.tolist() == [2, 7]
    assert truth.people.boxes.tolist() == [[10, 20, 40, 60]] * 2
    assert (len(truth.passed_over), truth.labelled, truth.first_frame) == (0, (0, 2), 1)


def test_a_line_of_names_and_frames_from_0(tmp_path: Path) -> None:
    truth = read(tmp_path, "Frame,id,x,y,w,h\n0,1,10,20,30,40\n19,1,10,20,30,40\n", 0)
    assert truth.people.frames.tolist() == [0, 19]


def test_what_does_not_count_is_passed_over(tmp_path: Path) -> None:
    rows = ["1,1,10,20,30,40,1,1,1", "1,2,10,20,30,40,0,1,1", "2,3,10,20,30,40,1,8,1"]
    truth = read(tmp_path, "\n".join(rows))
    assert truth.people.ids.tolist() == [1]
    assert truth.passed_over.ids.tolist() == [2, 3]
    assert truth.labelled == (0, 1)


def test_boxes_are_cut_at_the_border(tmp_path: Path) -> None:
    truth = read(tmp_path, "1,1,-10,-5,30,40\n1,2,620,470,100,100\n")
    assert truth.people.boxes.tolist() == [[0, 0, 20, 35], [620, 470, 640, 480]]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "holds no labels"),
        ("# nothing\n\n", None, "holds no labels"),
        ("frame,id,x,y,w,h\n", None, "holds no labels"),
        (b"\xff\xfe\x00\x81", None, "no text file"),
        ("1,1,10,20,30\n", 1, "line 1, has 5 columns"),
        ("1 1 10 20 30 40\n", 1, "has 1 column between commas"),
        ("1,1,10,20,30,40,1,1,1,1,1\n", 1, "has 11 columns"),
        ("1,1,10,20,30,40\n2,1,10,20,30,40,1\n", 2, "has 7 columns, the lines before it 6"),
        ("# a\n1,1,10,20,wide,40\n", 2, "“wide” is not a number"),
        ("1,1,10,20,nan,40\n", 1, "“nan” is not a number"),
        ("1,1,10,inf,30,40\n", 1, "“inf” is not a number"),
        ("1,1,10,20,30,40,\n", 1, "“” is not a number"),
        ("1.5,1,10,20,30,40\n", 1, "the frame 1.5 is not a whole number"),
        ("1,1.5,10,20,30,40\n", 1, "the id 1.5 is not a whole number"),
        ("1,-1,10,20,30,40\n", 1, "files of detections"),
        ("1,1,10,20,0,40\n", 1, "Both must be above 0"),
        ("1,1,10,20,30,-4\n", 1, "Both must be above 0"),
        ("1,1,640,20,30,40\n", 1, "outside the picture, which is 640×480"),
        ("1,1,10,-40,30,40\n", 1, "outside the picture"),
        (
            "0,1,10,20,30,40\n",
            1,
            "Counted from 1, its frames are 1 to 20. If the file counts from 0, say --first-frame 0",
        ),
        ("21,1,10,20,30,40\n", 1, "the clip has no frame 21.*Is it the file of another clip"),
        ("1,1,10,20,30,40\n1,1,11,20,30,40\n", 2, "id 1 has a second box in frame 1 .the first is in line 1"),
        ("1,1,10,20,30,40,0\n", None, "Nobody in .* is to be found"),
    ],
)
def test_what_is_wrong_says_line_and_remedy(tmp_path: Path, text: str | bytes, line: int | None, message: str) -> None:
    with pytest.raises(TruthInvalid, match=message) as refused:
        read(tmp_path, text)
    assert refused.value.line == line


def test_counted_from_0_the_last_frame_is_one_less(tmp_path: Path) -> None:
    with pytest.raises(TruthInvalid, match=r"its frames are 0 to 19\. If the file counts from 1, say --first-frame 1"):
        read(tmp_path, "20,1,10,20,30,40\n", 0)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(TruthInvalid, match="cannot be read"):
            read_truth(path, VIDEO)
