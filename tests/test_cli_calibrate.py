"""`calibrate`: what is possible, the history, and choosing which thresholds are in force."""

import json
from pathlib import Path

import pytest

from biometric.calibration import collection
from tests.test_cli import run, setup  # noqa: F401 - a fixture
from tests.test_service import ServiceSetup


@pytest.fixture
def thirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 30 people who are all compared with each other: 435 pairs."""
    pairs = {(one, other): 0.2 for one in range(30) for other in range(one)}
    found = collection.Collected(pairs, people=33, sources={"same time": 435}, genuine={"same visit": [(0, 0.9)]})
    monkeypatch.setattr(collection, "collect", lambda *arguments: found)


def history(capsys) -> list[dict]:
    return json.loads(run(capsys, "calibrate", "--history", "--json")[1])["calibrations"]


def test_a_refusal_offers_the_possible_rate_which_then_is_used(setup: ServiceSetup, capsys, thirty: None) -> None:  # noqa: F811
    status, out, err = run(capsys, "calibrate", "--clips", setup.clip)
    assert (status, out) == (2, "")
    assert "Not enough footage for 1 in 1,000" in err
    assert "You can use 1 in 145 now." in err
    status, out, _ = run(capsys, "calibrate", "--clips", setup.clip, "--target-fmr", "possible", "--json")
    assert (status, json.loads(out)["verification"]["target"]) == (0, pytest.approx(1 / 145))


def test_a_dry_run_says_what_is_possible_and_changes_nothing(setup: ServiceSetup, capsys, thirty: None) -> None:  # noqa: F811
    status, out, _ = run(capsys, "calibrate", "--clips", setup.clip, "--dry-run")
    assert status == 0
    for words in (
        "30 people were compared: 435 pairs",
        "3 other people were not compared",
        "You can use 1 in 145 now",
        "Not enough footage for 1 in 1,000: about 177 more people seen side by side are needed",
        "enroll them first",
    ):
        assert words in out, words
    said = json.loads(run(capsys, "calibrate", "--clips", setup.clip, "--dry-run", "--json")[1])
    assert said["possible"]["verification"]["one_in"] == 145
    assert said["needed"]["verification"] == {"people": 177, "clips": None}
    assert history(capsys) == []
    assert setup.service.calibration() is None


def test_history_use_and_back_to_the_model_card(setup: ServiceSetup, capsys, thirty: None) -> None:  # noqa: F811
    assert "no calibration yet" in run(capsys, "calibrate", "--history")[1]
    run(capsys, "calibrate", "--target-fmr", "0.01")
    run(capsys, "calibrate", "--target-fmr", "possible")
    assert [(item["number"], item["in_force"]) for item in history(capsys)] == [(2, True), (1, False)]
    said = run(capsys, "calibrate", "--history")[1]
    assert "verification 0.201 (1 in 100), 30 people, 0 clips, model fake-8, not in force" in said
    status, out, _ = run(capsys, "calibrate", "--use", "1")
    assert (status, "put in force again. To undo it until" in out) == (0, True)
    assert [item["in_force"] for item in history(capsys)] == [False, True]
    card = json.loads(run(capsys, "calibrate", "--model-card", "--json")[1])
    assert (card["kind"], setup.service.calibration()) == ("card_chosen", None)
    run(capsys, "gallery", "undo", card["change"])
    assert setup.service.calibration() is not None
    for options, words in (
        (["--use", "9"], "There is no calibration 9"),
        (["--use", "1"], "in force already"),
        (["--use", "2", "--clips", setup.clip], "Leave out --clips"),
    ):
        status, out, err = run(capsys, "calibrate", *options)
        assert (status, out, words in err) == (2, "", True), err


@pytest.mark.parametrize("options", [["--target-fmr", "best"], ["--history", "--model-card"], ["--use", "one"]])
def test_options_that_make_no_sense_are_refused(setup: ServiceSetup, capsys, options: list[str]) -> None:  # noqa: F811
    with pytest.raises(SystemExit):
        run(capsys, "calibrate", *options)
    assert capsys.readouterr().err


def test_a_gallery_that_is_not_there_stays_so(setup: ServiceSetup, capsys, tmp_path: Path) -> None:  # noqa: F811
    assert run(capsys, "calibrate", "--model-card")[0] == 2
    assert not (tmp_path / "gallery").exists()
