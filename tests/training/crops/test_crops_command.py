"""`train crops` from end to end: real clips are read, real files come out."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from biometric.cli.train import crops_command
from biometric.errors import InvalidInput, NotAVideo, NoUsableSample, RunConflict
from biometric.training.crops.crop_sets import open_crops
from tests.made_clips import truncate, write_clip
from tests.training.made_sets import picture

BOX = (48, 0, 144, 127)


def command(*words: object) -> int:
    parser = argparse.ArgumentParser()
    crops_command.add_command(parser.add_subparsers())
    options = parser.parse_args(["crops", *map(str, words)])
    return int(options.command(options))


def boxes(path: Path, frames: int = 40) -> Path:
    """A detection file that sees one person in every frame."""
    path.write_text("frame,x1,y1,x2,y2\n" + "".join(f"{n},{','.join(map(str, BOX))}\n" for n in range(frames)))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return write_clip(tmp_path / "in" / "walk.mp4", 40, first_number=100)


def test_a_clip_with_its_boxes_becomes_a_set(tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    given = boxes(tmp_path / "walk.csv")
    args = ("--detections", given, "--no-tracks", "--keep-cut-off", "--every", 4, "--min-sharpness", 0, "--json")
    assert command(clip, "--run", run, *args) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["videos"], summary["frames"], summary["crops"], summary["boxes"]) == (1, 10, 10, ["walk.csv"])
    assert summary == json.loads((run / "summary.json").read_text())
    names = [f"{frame:08d}_00.jpg" for frame in range(0, 40, 4)]
    assert sorted(file.name for file in (run / "crops" / "walk").iterdir()) == names
    crops = open_crops(run)
    assert [crops.name(index) for index in range(len(crops))] == names
    assert crops.load(0).shape == (127, 96, 3)
    with Picture.open(run / "contact-sheet.png") as sheet:
        assert sheet.size == (4 + 10 * 68, 136)


def test_the_real_tracker_follows_into_an_lmdb_file(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    args = ("--detections", boxes(tmp_path / "walk.csv"), "--keep-cut-off", "--store", "lmdb", "--every", 2)
    args = (*args, "--min-sharpness", 0)
    assert command(clip.parent, "--run", run, *args) == 0
    assert "20 crops from 20 frames of 1 sources, 1 tracks" in capsys.readouterr().out
    crops = open_crops(run)
    assert {crops.track(index) for index in range(len(crops))} == {1}
    assert {crops.video(index) for index in range(len(crops))} == {"walk"}
    assert command(clip.parent, "--run", run, *args, "--resume") == 0
    assert "1 sources were there already" in capsys.readouterr().out
    with pytest.raises(RunConflict, match="--resume"):
        command(clip.parent, "--run", run, *args)
    with pytest.raises(RunConflict, match="min_track"):
        command(clip.parent, "--run", run, *args, "--resume", "--min-track", 5)


def test_videos_by_name_and_photographs_in_one_set(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, data = tmp_path / "root", tmp_path / "data"
    (root / "fr" / "paris").mkdir(parents=True)
    clip.replace(root / "fr" / "paris" / "walk.mp4")
    for part in ("images", "labels"):
        (data / part / "val").mkdir(parents=True)
    cv2.imwrite(str(data / "images" / "val" / "one.png"), np.tile(picture(1), (2, 2, 1)))
    (data / "labels" / "val" / "one.txt").write_text("0 0.5 0.5 1 1\n0 0.1 0.1 0.1 0.1\n")
    given = boxes(tmp_path / "fr+paris+walk.csv").parent
    names = ("--names", "fr+paris+walk", "fr+paris+gone", "--root", root)
    args = ("--photographs", data, "--split", "val", "--no-tracks", "--keep-cut-off", "--run", tmp_path / "run")
    (given / "fr+paris+gone.csv").write_text("frame,x1,y1,x2,y2\n")
    assert command(*names, *args, "--detections", given, "--every", 8) == 0
    out = capsys.readouterr().out
    assert "6 crops from 6 frames of 2 sources" in out
    assert "Refused, too small: 1." in out
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["refused"] == {"too_small": 1}
    assert "gone.mp4: There is no file" in out
    crops = open_crops(tmp_path / "run")
    assert [crops.video(index) for index in range(6)] == ["fr+paris+walk"] * 5 + ["one"]
    assert crops.load(5).shape == (256, 128, 3)


def test_damaged_and_foreign_files_are_told(tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = truncate(write_clip(tmp_path / "whole.mkv", 200), tmp_path / "in" / "cut.mkv", 0.5)
    text = tmp_path / "in" / "text.mp4"
    text.write_text("no video")
    given = tmp_path / "boxes"
    given.mkdir()
    for name in ("walk", "cut", "text"):
        boxes(given / f"{name}.csv")
    args = ("--detections", given, "--no-tracks", "--keep-cut-off", "--run")
    assert command(clip.parent, *args, tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert f"Left out, {cut}: The clip is damaged" in out
    assert f"Left out, {text}: This file is not a video" in out
    assert "of 1 sources" in out
    assert command(clip.parent, *args, tmp_path / "both", "--accept-damaged") == 0
    assert "of 2 sources" in capsys.readouterr().out
    with pytest.raises(NotAVideo):
        command(text, *args, tmp_path / "none")


def test_an_empty_result_leaves_room_for_another_attempt(tmp_path: Path, clip: Path) -> None:
    given = boxes(tmp_path / "walk.csv")
    for store in ("folders", "lmdb"):
        args = (clip, "--detections", given, "--no-tracks", "--run", tmp_path / store, "--store", store)
        with pytest.raises(NoUsableSample, match="--min-height"):
            command(*args, "--min-height", 500)
        assert command(*args, "--keep-cut-off") == 0


def test_wrong_use_is_refused_before_anything_is_made(tmp_path: Path, clip: Path) -> None:
    run = ("--run", tmp_path / "run")
    for words, message in (
        ((), "nothing to cut"),
        ((clip, "--every", 0), "--every"),
        ((clip, "--min-aspect", 9), "--min-aspect"),
        (("--names", "a+b+c"), "--root"),
        ((clip, clip.parent), "both have the name walk"),
        ((clip, tmp_path / "other.mp4", "--detections", "x.csv"), "2 videos"),
    ):
        with pytest.raises(InvalidInput, match=message):
            command(*words, *run)
    assert not (tmp_path / "run").exists()
