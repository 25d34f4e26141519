"""`calibrate`: what is possible, the history, and choosing which thresholds are in force."""

import json
from pathlib import Path

import pytest

from biometric.calibration import collection, procedure
from tests.test_cli import run, setup  # noqa: F401 - a fixture
from tests.test_service import ServiceSetup


@pytest.fixture
def thirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 30 people who are all compared with each other: 435 pairs."""
    pairs = {(one, other): 0.2 for one in range(30) for other in range(one)}
    found = collection.Collected(pairs, people=33, sources={"same time": 435}, genuine={"same visit": [(0, 0.9)]})
    monkeypatch.setattr(collection, "collect_scores", lambda *arguments: found)


def history(capsys) -> list[dict]:
    return json.loads(run(capsys, "calibrate", "--history", "--json")[1])["calibrations"]


def test_a_refusal_offers_the_possible_rate_which_then_is_used(setup: ServiceSetup, capsys, thirty: None) -> None:  # noqa: F811
    status, out, err = run(capsys, "calibrate", "--clips", setup.clip)
    assert (status, out) == (2, "")
    assert "Not enough footage for 1 in 1,000" in err
    assert "You can use 1 in 145 now." in err
    possible = ("calibrate", "--clips", setup.clip, "--target-fmr", "possible")
    status, out, err = run(capsys, *possible, "--json")
    assert (status, out, history(capsys)) == (2, "", [])
    assert "The threshold of verification, 0.201, is below the model card's, 0.500" in err
    assert "Nothing was changed." in err
    assert "Say so with --force." in err
    status, out, _ = run(capsys, *possible, "--force", "--json")
    said = json.loads(out)
    assert (status, said["verification"]["target"]) == (0, pytest.approx(1 / 145))
    below = {"code": "below_model_card", "values": {"purpose": "verification", "value": 0.201, "card": 0.5}}
    assert below in said["note_codes"]


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
    assert said["proposal"] is None, "1 in 1,000 is not supported"
    status, out, _ = run(capsys, "calibrate", "--clips", setup.clip, "--dry-run", "--target-fmr", "possible")
    assert "It would use: verification 0.201 (1 in 145)." in out
    assert "0.201, is below the model card's, 0.500" in out
    assert history(capsys) == []
    assert setup.service.calibration() is None


def test_history_use_and_back_to_the_model_card(setup: ServiceSetup, capsys, thirty: None) -> None:  # noqa: F811
    assert "no calibration yet" in run(capsys, "calibrate", "--history")[1]
    run(capsys, "calibrate", "--target-fmr", "0.01", "--force")
    run(capsys, "calibrate", "--target-fmr", "possible", "--force")
    assert [(item["number"], item["in_force"]) for item in history(capsys)] == [(2, True), (1, False)]
    said = run(capsys, "calibrate", "--history")[1]
    assert "verification 0.201 (1 in 100), 30 people, 0 clips, model fake-8, not in force" in said
    status, out, err = run(capsys, "calibrate", "--use", "1")
    assert (status, out, "below the model card's, 0.500" in err) == (2, "", True)
    assert [item["in_force"] for item in history(capsys)] == [True, False]
    status, out, _ = run(capsys, "calibrate", "--use", "1", "--force")
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


def test_a_folder_inside_is_a_camera(setup: ServiceSetup, capsys, thirty: None, monkeypatch, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "clips"
    for name in ("Door", "yard", ".hidden"):
        (folder / name).mkdir(parents=True)
    places = [folder / "one.mp4", folder / "Door" / "two.mp4", folder / "yard" / "three.mp4"]
    for number, place in enumerate(places):
        place.write_bytes(b"clip %d" % number)
    (folder / ".hidden" / "four.mp4").write_bytes(b"hidden")
    observe, seen = setup.service.observe, {}

    def noted(clip: Path, *values, camera: str | None = None, **options):
        seen[clip.name] = camera
        return observe(clip, *values, camera=camera, **options)

    monkeypatch.setattr(setup.service, "observe", noted)
    command = ("calibrate", "--clips", folder, "--target-fmr", 0.01, "--force")
    assert run(capsys, *command)[0] == 0
    assert seen == {"one.mp4": None, "two.mp4": "Door", "three.mp4": "yard"}
    assert run(capsys, *command, "--camera", "Hall")[0] == 0
    assert seen == {"one.mp4": "Hall", "two.mp4": "Door", "three.mp4": "yard"}


@pytest.mark.parametrize("camera", ["x" * 101, "a\u200eb\x00"])
def test_a_camera_that_cannot_be_used_stores_nothing(
    setup: ServiceSetup,  # noqa: F811
    capsys,
    thirty: None,
    camera: str,
) -> None:
    status, out, err = run(capsys, "calibrate", "--clips", setup.clip, "--camera", camera, "--force")
    assert (status, out) == (2, "")
    assert "The camera may have at most 100 characters" in err
    assert history(capsys) == []
    assert setup.reader.reads == 0


def test_a_cohort_is_kept_only_with_leave_and_for_a_time_that_can_be(
    setup: ServiceSetup,  # noqa: F811
    capsys,
    thirty: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    fit = procedure.fit
    monkeypatch.setattr(
        procedure, "fit", lambda comparison, targets, *rest: asked.append(targets) or fit(comparison, targets, *rest)
    )
    possible = ("calibrate", "--clips", setup.clip, "--target-fmr", "possible", "--force")
    for options, days in (([], None), (["--keep-cohort", 30], 30), (["--keep-cohort", 30, "--dry-run"], 30)):
        status, out, err = run(capsys, *possible, *options)
        assert (status, asked.pop().cohort_days) == (0, days)
        assert ("No cohort was kept: a camera must have seen 200 people" in out) is (days is not None)
    for days in (0, 366, -1):
        status, _, err = run(capsys, *possible, "--keep-cohort", days)
        assert status == 2
        assert f"A cohort is kept for 1 to 365 days, got {days}." in err
    with pytest.raises(SystemExit):
        run(capsys, *possible, "--keep-cohort", "soon")
    for other in (["--history"], ["--status"], ["--model-card"], ["--delete-cohort"]):
        status, _, err = run(capsys, "calibrate", *other, "--keep-cohort", 30)
        assert status == 2
        assert "Clips and a cohort to keep are for a new calibration" in err
    status, _, err = run(capsys, "calibrate", "--delete-cohort")
    assert status == 2
    assert "No cohort of strangers is kept" in err
