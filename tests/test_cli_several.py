"""`identify` over several clips and folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from biometric import cli
from biometric.cli import recognition_commands
from biometric.errors import NotAVideo
from tests.test_service import ServiceSetup


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSetup:
    setup = ServiceSetup(tmp_path)
    monkeypatch.setattr(recognition_commands, "build_service", lambda options: setup.service)
    assert cli.main(["enroll", str(setup.clip), "Ada"]) == 0
    observe = setup.service.observe

    def observe_or_fail(clip: Path, *arguments: Any, **options: Any) -> Any:
        if clip.name == "b.mp4":
            raise NotAVideo("This is not a video: b.mp4.")
        return observe(clip, *arguments, **options)

    monkeypatch.setattr(setup.service, "observe", observe_or_fail)
    folder = tmp_path / "visits"
    folder.mkdir()
    shutil.copy(setup.clip, folder / "a.mp4")
    shutil.copy(setup.clip, folder / "b.mp4")
    shutil.copy(setup.clip, folder / "c.mp4")
    (folder / "notes.txt").write_text("x")
    return setup


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_folder_gives_an_answer_for_each_clip_and_one_table(setup, capsys, tmp_path: Path) -> None:
    folder = tmp_path / "visits"
    status, out, err = run(capsys, "identify", folder, "--no-files")
    assert status == 2, "one of them failed"
    assert out.count("Person 1, frames 0–99: Ada.") == 2
    assert f"Ada: 2 clips, first {folder / 'a.mp4'}, 0:00.0, last {folder / 'c.mp4'}, 0:" in out
    assert err.startswith(f"{folder / 'b.mp4'}: ")
    assert "notes" not in out + err


def test_json_lists_clips_failures_and_people(setup, capsys, tmp_path: Path) -> None:
    folder = tmp_path / "visits"
    status, out, _ = run(capsys, "identify", folder / "a.mp4", folder / "b.mp4", "--json", "--output", tmp_path / "out")
    data = json.loads(out)
    assert status == 2
    assert [Path(clip["clip"]).name for clip in data["clips"]] == ["a.mp4", "b.mp4"]
    assert data["clips"][0]["people"][0]["identity"] == "Ada"
    assert Path(data["clips"][0]["outputs"]["csv"]).is_file()
    assert "video" in data["clips"][1]["error"]
    assert [(row["identity"], row["clips"]) for row in data["people"]] == [("Ada", 1)]


def test_clips_that_are_all_answered_give_status_0_and_each_counts_once(setup, capsys, tmp_path: Path) -> None:
    clip = tmp_path / "visits" / "a.mp4"
    status, out, err = run(capsys, "identify", clip, clip, "--no-files", "--json")
    assert (status, err) == (0, "")
    assert len(json.loads(out)["clips"]) == 1


def test_one_camera_for_all_or_each_folder_is_one(setup, capsys, tmp_path: Path) -> None:
    folder = tmp_path / "visits"
    (folder / "hall" / "monday").mkdir(parents=True)
    shutil.copy(setup.clip, folder / "hall" / "monday" / "d.mp4")
    clips = (folder, setup.clip)

    def cameras(*options: str) -> list[tuple[str, str]]:
        _, out, _ = run(capsys, "identify", *clips, "--camera", "Gate", "--no-files", "--json", *options)
        found = [clip for clip in json.loads(out)["clips"] if "error" not in clip]
        return [(Path(clip["clip"]).name, clip["camera"]) for clip in found]

    assert cameras() == [(name, "Gate") for name in ("a.mp4", "c.mp4", "d.mp4", setup.clip.name)]
    by_folder = [("a.mp4", "visits"), ("c.mp4", "visits"), ("d.mp4", "hall"), (setup.clip.name, "Gate")]
    assert cameras("--folders-are-cameras") == by_folder
    status, _, err = run(capsys, "identify", setup.clip, "--folders-are-cameras")
    assert (status, "needs a folder" in err) == (2, True)


@pytest.mark.parametrize("option", [["--from", "3"], ["--to", "3"], ["--report", "r.html"]])
def test_options_for_one_clip_are_refused(setup, capsys, tmp_path: Path, option: list[str]) -> None:
    status, out, err = run(capsys, "identify", tmp_path / "visits", *option)
    assert (status, out) == (2, "")
    assert "are for one clip" in err


def test_a_folder_without_clips_is_refused(setup, capsys, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    status, out, err = run(capsys, "identify", tmp_path / "none")
    assert (status, out) == (2, "")
    assert "There is no video or photograph" in err
