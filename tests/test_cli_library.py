"""`library list | show | remove | history` on the command line."""

import json
from pathlib import Path

import pytest

from tests.running import kept_answers_of_ada
from tests.running import run_command as run
from tests.test_service import ServiceSetup


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Ada is enrolled and identified in one clip, kept with both answers."""
    yield from kept_answers_of_ada(tmp_path, monkeypatch)


def test_clips_are_listed_and_searched(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "library", "list")
    assert status == 0
    assert "clip.mp4" in out
    assert "Identified 1 person: Ada" in out
    assert json.loads(run(capsys, "library", "list", "ada", "--json")[1])[0]["name"] == "clip.mp4"
    assert run(capsys, "library", "list", "nobody")[1].startswith("No kept clip, camera or person has “nobody”")


def test_a_clip_is_shown_with_its_answers(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "library", "show", "clip.mp4")
    assert "Enrolled Ada (frames 0–99)" in out
    assert "recorded unknown, camera unknown" in out
    shown = json.loads(run(capsys, "library", "show", "clip.mp4", "--json")[1])
    assert [answer["kind"] for answer in shown["answers"]] == ["identification", "enrollment"]
    assert shown["answers"][0]["people"][0]["identity"] == "Ada"
    assert run(capsys, "library", "show", shown["clip"][:8])[1] == out
    status, _, err = run(capsys, "library", "show", "other.mp4")
    assert status == 2
    assert "No kept clip is called other.mp4" in err


def test_the_history_follows_names_and_erasure(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    gallery = setup.service.gallery()
    gallery.rename(gallery.find("Ada").id, "Ada Lovelace")
    assert "Enrolled Ada Lovelace" in run(capsys, "library", "history", "--kind", "enrollment")[1]
    assert run(capsys, "gallery", "erase", "Ada Lovelace", "--yes")[0] == 0
    _, out, _ = run(capsys, "library", "history")
    assert "Enrolled an erased person" in out
    assert "Identified 1 person: an erased person" in out
    people = json.loads(run(capsys, "library", "history", "--json")[1])[0]["people"]
    assert (people[0]["identity"], people[0]["erased"]) == (None, True)


def test_removing_asks_first_and_is_final(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "library", "remove", "clip.mp4")
    assert status == 2
    assert "add --yes" in err
    assert run(capsys, "library", "remove", "clip.mp4", "--yes")[1] == "clip.mp4 was removed with its answers.\n"
    assert run(capsys, "library", "list")[1] == "No clip is kept.\n"
    assert run(capsys, "library", "history")[1] == "There is no answer about a kept clip.\n"
