"""`verdict set | list | remove`, and what other commands say and refuse because of verdicts."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support, gallery, recognition_commands
from biometric.entities.actors import system_account
from tests.fakes import video_info
from tests.test_service import ServiceSetup

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A clip of one person, who looks exactly like Ada, enrolled from another clip."""
    setup = ServiceSetup(tmp_path)
    for module in (command_support, gallery, recognition_commands):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    setup.reader.info = video_info(digest="ad" * 32)
    setup.service.enroll(setup.observe(0, 20), "Ada")
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other")
    setup.clip, setup.reader.info = other, video_info(digest="cd" * 32)
    yield setup
    setup.service.close()


@pytest.fixture
def run(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([*map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_wrong_match_is_said_listed_and_taken_back(setup: ServiceSetup, run: Run) -> None:
    assert "Person 1, frames 0–99: Ada. Score 1.00" in run("identify", setup.clip, "--no-files")[1]
    status, out, _ = run("verdict", "set", setup.clip, "wrong")
    assert status == 0
    assert re.fullmatch(
        r"1  \S+ \(\S+\)  other\.mp4, person 1: You said that this is not Ada\. Score 1\.00, threshold 0\.60\.\n"
        r"To undo it until \S+: python -m biometric gallery undo 2\n",
        out,
    )
    status, out, _ = run("identify", setup.clip, "--no-files", "--from", 30)  # another range of the same person
    assert (status, out) == (
        0,
        "Person 1, frames 30–99: unknown. You said that this is not Ada, and nobody else enrolled scores at or above "
        "the threshold.\nThe person is 8 pixels high (sharpness 1).\nYou said that this is not Ada.\n",
    )
    status, out, _ = run("verify", setup.clip, "Ada")
    assert (status, out.splitlines()[-1]) == (1, "You said that this is not Ada.")
    assert out.startswith("No match: this is not Ada. Score 1.00, threshold 0.50")
    assert "not Ada. Score 1.00" in run("verdict", "list")[1]
    status, out, _ = run("verdict", "remove", 1)
    assert (status, out.split(" To undo")[0]) == (0, "A verdict about Ada was withdrawn.")
    assert run("verify", setup.clip, "Ada")[0] == 0
    assert run("verdict", "list")[1] == "Nothing was said of any answer yet.\n"
    run("gallery", "undo")
    assert run("verify", setup.clip, "Ada")[0] == 1


def test_json_csv_and_report_say_it(setup: ServiceSetup, run: Run, tmp_path: Path) -> None:
    given = json.loads(run("verdict", "set", setup.clip, "wrong", "--claim", "--name", "ada", "--json")[1])
    assert (given["verdict"], given["identity"], given["purpose"], given["decision"]) == (
        *("wrong", "Ada", "verification", "match"),
    )
    assert given["change"]["kind"] == "verdict_wrong"
    [listed] = json.loads(run("verdict", "list", "--json")[1])["verdicts"]
    assert listed == {key: value for key, value in given.items() if key != "change"}
    result = json.loads(run("verify", setup.clip, "Ada", "--json")[1])
    assert (result["decision"], result["band"], result["score"]) == ("no match", "no match", 1.0)
    assert (result["reason_code"], result["verdicts"], result["excluded"]) == ("said_not_to_be", [listed], ["Ada"])
    report = tmp_path / "report.html"
    run("identify", setup.clip, "--output", tmp_path / "out", "--report", report)
    [table] = (tmp_path / "out").rglob("*.csv")
    [row] = csv.DictReader(table.read_text("utf-8-sig").splitlines())
    assert (row["decision"], row["identity"], row["verdicts"]) == ("unknown", "", f"wrong: Ada, by {system_account()}")
    assert (listed["by"], result["proposal"]) == (system_account(), False)
    assert "You said that this is not Ada. (" in report.read_text("utf-8")


def test_a_missed_match_is_said_by_a_name(setup: ServiceSetup, run: Run) -> None:
    setup.embedder.axis_of = lambda grey: 1
    setup.service.forget_observations()
    assert "unknown (closest: Ada)" in run("identify", setup.clip, "--no-files")[1]
    run("verdict", "set", setup.clip, "confirmed", "--name", "Ada")
    out = run("identify", setup.clip, "--no-files")[1]
    assert re.search(r"unknown \(closest: Ada\)\. Score 0\.00.*\n.*\nYou said that this is Ada\.\n", out)
    counts = setup.service.calibrations().verdict_evidence()[1].counts
    assert (counts.missed, counts.total) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("perhaps",), "confirmed, wrong or undecided, not perhaps"),
        (("wrong", "--name", "Nobody"), "Nobody called Nobody is enrolled"),
        (("wrong", "--person", "7"), "There is no person 7"),
        (("wrong", "--claim"), "add --name NAME"),
        (("wrong", "--threshold", "3"), "from -1 to 1"),
    ],
)
def test_what_cannot_be_said_is_refused(setup: ServiceSetup, run: Run, arguments: tuple[str, ...], words: str) -> None:
    status, out, error = run("verdict", "set", setup.clip, *arguments)
    assert (status, out) == (2, "")
    assert words in error
    assert setup.service.verdicts.listed() == []


def test_a_verdict_that_is_not_there_is_said(run: Run) -> None:
    status, _, error = run("verdict", "remove", 9)
    assert status == 2
    assert "There is no verdict 9" in error


def test_people_who_were_told_apart_are_merged_only_by_force(setup: ServiceSetup, run: Run) -> None:
    run("verdict", "set", setup.clip, "wrong")
    out = run("enroll", setup.clip, "Ben")[1]
    assert "You said that they are different people" in out
    for names in (("Ada", "Ben"), ("Ben", "Ada")):
        status, _, error = run("gallery", "merge", *names)
        assert status == 2
        assert "You said of a person in other.mp4 that it is not Ada" in error
        assert "add --force" in error
    assert len(setup.service.gallery().identities()) == 2
    assert run("gallery", "merge", "Ben", "Ada", "--force")[0] == 0
    status, _, error = run("enroll", setup.clip, "Ada", "--add")
    assert status == 2
    assert "you said of this person that it is not Ada" in error
    assert "Say so with --add --force." in error
