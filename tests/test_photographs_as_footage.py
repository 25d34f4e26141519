"""A photograph as reference and as probe, over fakes: a clip of one frame, told as what it is."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biometric.cli import main
from biometric.entities import Decision, FrameRange, NoticeCode
from biometric.errors import InvalidFrameRange, NobodyFound, NoUsableSample, SeveralPeople
from biometric.results.annotation import PillowAnnotator
from tests.cli_with_fakes import run as run_command
from tests.fakes import FakeReader, video_info
from tests.test_service import ServiceSetup

SMALL = (300.0, 100.0, 330.0, 150.0)
OTHER = (400.0, 100.0, 500.0, 350.0)
PHOTOGRAPH = video_info(
    frame_count=1, fps=1.0, duration=0.0, codec="jpeg", container="jpeg", photograph=True, width=640, height=480
)


@pytest.fixture
def setup(tmp_path: Path):
    setup = ServiceSetup(tmp_path, FakeReader(PHOTOGRAPH))
    yield setup
    setup.service.close()


def write_files(setup: ServiceSetup, observed, answers):
    work = setup.service.write_outputs(observed, answers)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value


def test_a_photograph_enrolls_and_is_recognised_and_is_called_weak_evidence(setup: ServiceSetup) -> None:
    observed = setup.observe(0, 0)
    enrollment = setup.service.enroll(observed, "Ada")
    assert enrollment.reference.template.sample_count == 1
    assert NoticeCode.SINGLE_PICTURE in {warning.code for warning in enrollment.warnings}
    assert NoticeCode.SINGLE_PICTURE in {warning.code for warning in observed.warnings}
    assert setup.service.verify(observed, "Ada").decision is Decision.MATCH
    assert setup.service.identify(observed)[0].decision is Decision.IDENTIFIED


def test_a_clip_of_several_frames_is_not_called_one_picture(tmp_path: Path) -> None:
    setup = ServiceSetup(tmp_path)
    codes = {warning.code for warning in setup.observe(0, 9).warnings}
    assert NoticeCode.SINGLE_PICTURE not in codes
    assert NoticeCode.SINGLE_PICTURE in {warning.code for warning in setup.observe(4, 4).warnings}
    setup.service.close()


def test_a_range_beyond_the_photograph_is_refused(setup: ServiceSetup) -> None:
    with pytest.raises(InvalidFrameRange, match="only frame 0"):
        setup.observe(0, 5)


def test_who_is_too_small_in_a_photograph_is_named_as_the_reason(setup: ServiceSetup) -> None:
    setup.models.detector().script = {0: [(SMALL, 0.9)]}
    observed = setup.observe(0, 0)
    with pytest.raises(NoUsableSample, match=r"in this photograph.*Choose a photograph") as caught:
        setup.service.enroll(observed, "Ada")
    assert caught.value.refusals[NoticeCode.TOO_SMALL] == 1


def test_nobody_and_several_people_are_told_without_frames(setup: ServiceSetup) -> None:
    setup.models.detector().script = {}
    with pytest.raises(NobodyFound, match=r"in this photograph\. Choose a photograph"):
        setup.service.enroll(setup.observe(0, 0), "Ada")
    setup.service.forget_observations()
    setup.models.detector().script = {0: [((100.0, 100.0, 200.0, 350.0), 0.9), (OTHER, 0.9)]}
    with pytest.raises(SeveralPeople, match=r"2 people are in this photograph: person 1; person 2\."):
        setup.service.enroll(setup.observe(0, 0), "Ada")


def test_the_files_of_a_photograph_are_an_annotated_jpeg_and_the_same_fields(setup: ServiceSetup) -> None:
    observed = setup.observe(0, 0)
    setup.service.enroll(observed, "Ada")
    outputs = write_files(setup, observed, setup.service.identify(observed))
    assert (outputs.clip.suffix, outputs.timeline) == (".jpg", None)
    with Image.open(outputs.clip) as picture:
        assert (picture.format, picture.size, picture.getexif()) == ("JPEG", (640, 480), {})
        box = np.asarray(picture.convert("RGB"))[98:103, 150]
        assert np.abs(box.astype(int) - (15, 118, 110)).max(axis=1).min() < 40, "the person has no box"
    assert {path.suffix for path in outputs.csv.parent.iterdir()} == {".csv", ".json", ".jpg"}
    (row,) = csv.DictReader(outputs.csv.read_text("utf-8").splitlines())
    assert (row["identity"], row["from_frame"], row["to_frame"], row["samples_kept"]) == ("Ada", "0", "0", "1")
    told = json.loads(outputs.json.read_text("utf-8"))
    assert told["outputs"] == {
        "clip": outputs.clip.name,
        "csv": outputs.csv.name,
        "json": outputs.json.name,
        "timeline": None,
    }
    assert "single_picture" in {code["code"] for code in told["footage_warning_codes"]}


def test_a_very_wide_photograph_is_annotated(tmp_path: Path) -> None:
    assert PillowAnnotator().draw(np.zeros((2, 9000, 3), np.uint8), []).shape == (1, 1280, 3)


def test_the_command_line_says_it_beside_each_answer(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.test_service.FakeReader", lambda: FakeReader(PHOTOGRAPH))
    assert run_command(tmp_path, ["enroll", "clip.mp4", "Ada"]) == 0
    assert "1 sample kept from frame 0" in capsys.readouterr().out
    assert run_command(tmp_path, ["verify", "clip.mp4", "Ada", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert any("weak evidence" in text for text in answer["footage_warnings"])
    assert run_command(tmp_path, ["identify", "clip.mp4"]) == 0
    captured = capsys.readouterr()
    assert "weak evidence" in captured.err
    assert "timeline" not in captured.out


def test_help_speaks_of_photographs(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "--help"])
    assert "the video or photograph" in capsys.readouterr().out


def test_the_range_of_a_photograph_is_its_one_frame() -> None:
    assert (PHOTOGRAPH.time_of(0), PHOTOGRAPH.time_of(1), len(FrameRange(0, 1))) == (0.0, 0.0, 1)
