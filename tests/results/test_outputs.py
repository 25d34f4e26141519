"""What an identification leaves on disk."""

import csv
import io
import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from biometric.domain.comparison import decide
from biometric.entities import (
    Candidate,
    Decision,
    Detection,
    Frame,
    FrameRange,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Threshold,
    ThresholdSource,
    Tracklet,
)
from biometric.entities.drawing import Bar, Mark
from biometric.entities.progress import finish
from biometric.errors import StorageFull
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_csv import csv_text, escape_csv_formula
from biometric.results.answer_files import (
    OutputWriter,
    answer_json_text,
    box_at,
    clip_folder_name,
)
from biometric.results.answer_json import threshold_json
from tests.builders import axis, observed_clip, person
from tests.fakes import FakeReader, FakeWriter, video_info

REACHED = Notice(NoticeCode.BEST_REACHES_THRESHOLD)
LIMIT = Threshold(0.6, ThresholdSource.MODEL_CARD)


def identification(folder: Path, number: int, name: str | None, score: float = 0.9) -> Identification:
    identity = Identity(f"{number:032d}", name or "Zoe", 1, 4, "2026-01-01", "2026-01-01")
    candidates = (Candidate(identity, score, 1, "r"),)
    decision = Decision.UNKNOWN if name is None else Decision.IDENTIFIED
    observation = person(number, folder, axis(number))
    return Identification(
        observation, decision, None if name is None else identity, score, LIMIT, None, candidates, REACHED
    )


def at(index: int, seconds: float) -> Frame:
    return Frame(index, np.zeros((2, 2, 3), np.uint8), seconds)


def test_boxes_between_analysed_frames_are_interpolated_but_never_over_long_gaps() -> None:
    tracklet = Tracklet(
        1,
        (
            Detection(10, (0, 0, 10, 20), 0.9, seconds=1.0),
            Detection(13, (30, 0, 40, 20), 0.9, seconds=1.6),
            Detection(100, (0, 0, 10, 20), 0.9, seconds=10.0),
        ),
    )
    assert box_at(tracklet, at(10, 1.0), 3.0) == (0, 0, 10, 20)
    assert box_at(tracklet, at(11, 1.2), 3.0) == pytest.approx((10, 0, 20, 20))
    assert box_at(tracklet, at(13, 1.6), 3.0) == (30, 0, 40, 20)
    assert box_at(tracklet, at(50, 5.0), 3.0) is None, "nobody was seen there"
    assert box_at(tracklet, at(9, 0.9), 3.0) is None
    assert box_at(tracklet, at(101, 10.1), 3.0) is None


def test_promise_10_a_name_cannot_run_as_a_formula_in_the_csv(tmp_path: Path) -> None:
    observed = observed_clip(tmp_path)
    text = csv_text(observed, [identification(tmp_path, 1, "=cmd()"), identification(tmp_path, 2, None)])
    known, unknown = csv.DictReader(io.StringIO(text))
    assert known["adaptation"] == unknown["adaptation"] == "none"
    assert known["identity"] == "'=cmd()"
    assert (known["decision"], known["score"], known["threshold_source"]) == ("identified", "0.9000", "model card")
    assert (unknown["decision"], unknown["identity"]) == ("unknown", "")


@pytest.mark.parametrize(
    "text",
    [f"{start}cmd()" for start in "=+-@\t\r\n＝＋－＠﹢−"]
    + [" =x", "\u00a0+x", "\u3000＝x", "\u200b@x", "\ufeff -x", "\t"],
)
def test_promise_10_what_could_start_a_formula_is_quoted(text: str) -> None:
    assert escape_csv_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", "", " ", "Zoë-Anne", "李=小龍", "'Ada", "a +b", "محمد"])
def test_other_names_stay_as_they_are_in_the_csv(text: str) -> None:
    assert escape_csv_formula(text) == text


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_name_cannot_begin_another_cell_where_others_separate(tmp_path: Path, separator: str) -> None:
    text = csv_text(observed_clip(tmp_path), [identification(tmp_path, 1, f"Ada{separator} =cmd()")])
    _, row = csv.reader(io.StringIO(text), delimiter=separator)
    assert not any(cell.strip().startswith("=") for cell in row)


def test_promise_10_the_folder_of_a_clip_cannot_escape() -> None:
    for label in ("../../etc/passwd", "/abs/olute.mp4", "..", "a\x00b", "…", "x" * 300 + ".mp4"):
        name = clip_folder_name(label, "ab" * 32)
        assert "/" not in name
        assert name.strip(".") == name
        assert len(name) < 60
        assert name.endswith("-abababab")


def write_outputs(tmp_path: Path, writer: FakeWriter | None = None, name: str = "Ada"):
    observed = observed_clip(tmp_path / "work", person(1, tmp_path / "work", axis(1)))
    outputs = OutputWriter(FakeReader(), writer or FakeWriter(), PillowAnnotator())
    return outputs.write(observed, [identification(tmp_path / "work", 1, name)], tmp_path / "query" / "clip")


def test_files_appear_together_when_all_are_complete(tmp_path: Path) -> None:
    work = write_outputs(tmp_path)
    next(work)
    assert not (tmp_path / "query" / "clip").exists()
    outputs = finish(work)
    assert [path.name for path in (tmp_path / "query").iterdir()] == ["clip"]
    assert {path.suffix for path in outputs.csv.parent.iterdir()} == {".csv", ".json", ".png", ".jpg", ".mp4"}
    made = json.loads(outputs.json.read_text(encoding="utf-8"))
    assert made["people"][0]["identity"] == "Ada"
    assert made["made_from"]["clip_sha256"] == "ab" * 32
    assert {(outputs.json.parent / name).is_file() for name in made["outputs"].values()} == {True}
    assert {oct(path.stat().st_mode & 0o777) for path in outputs.csv.parent.iterdir()} == {"0o600"}


@pytest.mark.parametrize("before", [False, True])
def test_stopped_writing_leaves_nothing_new(tmp_path: Path, before: bool) -> None:
    if before:
        finish(write_outputs(tmp_path))
    former = {path: path.read_bytes() for path in tmp_path.rglob("query/**/*.*")}
    work = write_outputs(tmp_path, name="Ben")
    for _ in range(3):
        next(work)
    work.close()
    assert {path: path.read_bytes() for path in tmp_path.rglob("query/**/*.*")} == former


def test_a_clip_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    class FullWriter(FakeWriter):
        def writing(self, *_: object):
            yield 1
            raise StorageFull("The disk is full.")

    with pytest.raises(StorageFull, match="The disk is full"):
        finish(write_outputs(tmp_path, FullWriter()))
    assert list((tmp_path / "query").iterdir()) == []


def test_a_target_is_tried_before_the_analysis(tmp_path: Path) -> None:
    outputs, video = OutputWriter(FakeReader(), FakeWriter(), PillowAnnotator()), video_info()
    outputs.check(tmp_path / "query" / "clip", video, FrameRange(0, 100))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageFull, match=r"the disk is full\. About \d+ MB are needed"):
        outputs.check(tmp_path / "clip", video, FrameRange(0, 10**13))
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "clip", tmp_path / "file", Path("/proc/clip")):
        with pytest.raises(StorageFull, match="cannot be written"):
            outputs.check(folder, video, FrameRange(0, 1))


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = OutputWriter(FakeReader(), FakeWriter(), PillowAnnotator())
    with pytest.raises(StorageFull, match="could not be written"):
        finish(writer.write(observed_clip(tmp_path), [], tmp_path / "file"))


def test_json_text_is_readable_json_without_any_people(tmp_path: Path) -> None:
    from biometric.results.answer_files import Outputs

    outputs = Outputs(*(tmp_path / name for name in ("c.mp4", "c.csv", "c.json", "c.png")))
    assert json.loads(answer_json_text(observed_clip(tmp_path), [], outputs))["people"] == []


def test_known_and_unknown_people_are_told_apart_without_colour() -> None:
    frame = np.full((200, 300, 3), 128, np.uint8)
    annotator = PillowAnnotator()
    box = (50.0, 60.0, 150.0, 190.0)
    known = annotator.draw(frame, [Mark(box, "Ada 0.91", True)]).astype(int).sum(axis=2)
    unknown = annotator.draw(frame, [Mark(box, "unknown 0.31", False)]).astype(int).sum(axis=2)
    edge = slice(60, 140)
    assert (known[189, edge] != 384).all(), "a solid line"
    assert 0 < (unknown[189, edge] == 384).sum() < 80, "a dashed line"
    assert (frame == 128).all(), "the frame itself is untouched"


def test_names_of_any_script_and_boxes_at_the_border_draw() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    for name in ("Ada", "Ωμέγα", "Łukasz Żółć", "李小龍", "x" * 100, ""):
        drawn = PillowAnnotator().draw(frame, [Mark((-5.0, -5.0, 500.0, 400.0), name, True)])
        assert drawn.shape == frame.shape
        assert drawn.any()


def test_large_frames_are_scaled_down() -> None:
    frame = np.zeros((2160, 3840, 3), np.uint8)
    assert PillowAnnotator().draw(frame, []).shape == (720, 1280, 3)


def test_the_timeline_shows_a_bar_a_person(tmp_path: Path) -> None:
    path = tmp_path / "timeline.png"
    bars = [Bar("Ada 0.91", ((1.0, 5.0),), True), Bar("unknown 2", ((4.0, 9.0),), False)]
    PillowAnnotator().timeline(bars, 0.0, 10.0, path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    left, width = 260, 900
    assert pixels[24 + 14, left + int(0.3 * width)].tolist() == [15, 118, 110]
    assert pixels[24 + 14, left + int(0.75 * width)].tolist() == [255, 255, 255]
    assert pixels[24 + 34 + 14, left + int(0.65 * width)].tolist() == [254, 243, 199]
    PillowAnnotator().timeline([], 0.0, 0.0, path)
    with pytest.raises(StorageFull):
        PillowAnnotator().timeline(bars, 0.0, 1.0, tmp_path / "no" / "such" / "folder.png")


def test_a_threshold_given_back_from_the_json_decides_as_before() -> None:
    random = Random(4)
    for _ in range(500):
        value = random.uniform(-1, 1)
        score = random.choice([value, math.nextafter(value, -1), math.nextafter(value, 1), random.uniform(-1, 1)])
        threshold = Threshold(value, ThresholdSource.CALIBRATION)
        printed = json.loads(json.dumps({**threshold_json(threshold), "score": score}))
        given_back = Threshold(float(str(printed["threshold"])), ThresholdSource.USER)
        assert decide(printed["score"], given_back) is decide(score, threshold)


def test_the_csv_shows_scores_in_the_order_that_decides(tmp_path: Path) -> None:
    text = csv_text(observed_clip(tmp_path), [identification(tmp_path, 1, "Ada", 0.60000001)])
    row = next(csv.DictReader(io.StringIO(text)))
    assert float(row["score"]) > float(row["threshold"])
