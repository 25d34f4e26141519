"""`--join`, `--join-anyway`, `--split` and `--split-tracks` of the commands about a clip, over fakes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support, gallery, recognition_commands
from tests.test_service import BOX, ServiceSetup

Run = Callable[..., tuple[int, str, str]]
BESIDE = (400.0, 100.0, 500.0, 350.0)


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Person 1 is seen in all 100 frames, person 2 beside them from frame 60 on; both look the same."""
    setup = ServiceSetup(tmp_path)
    for module in (command_support, gallery, recognition_commands):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    script = setup.models.detector().script
    script.update({frame: [(BOX, 0.9), (BESIDE, 0.9)] for frame in range(60, 100)})
    yield setup
    setup.service.close()


@pytest.fixture
def run(setup: ServiceSetup, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main([*map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def numbers(out: str) -> list[int]:
    """Whom an answer in JSON is about."""
    return [person["person"] for person in json.loads(out)["people"]]


def test_people_are_split_and_joined_in_the_order_of_the_command(setup: ServiceSetup, run: Run) -> None:
    assert run("enroll", setup.clip, "Ada", "--person", "1", "--to", 50)[0] == 0
    edits = ("--split", "1@40", "--join", "1,2", "--split", "3@70")
    status, out, err = run("identify", setup.clip, *edits, "--no-files", "--json")
    assert status == 0
    answer = json.loads(out)
    assert numbers(out) == [1, 2, 3]
    assert [person["to"] for person in answer["people"] if person["person"] == 1] == [99]
    assert answer["edits"] == [
        {"edit": "split", "person": 1, "frame": 40, "other": 3},
        {"edit": "join", "people": [1, 2], "person": 1},
        {"edit": "split", "person": 3, "frame": 70, "other": 2},
    ]
    assert "Person 1 was joined by hand from the people 1, 2." in err
    written = run("identify", setup.clip, *edits)
    assert written[0] == 0
    assert "Person 3, frames 40–69" in written[1]
    (result,) = Path(setup.service.settings.query).rglob("*.json")
    assert json.loads(result.read_text("utf-8"))["edits"] == answer["edits"]


def test_who_was_joined_is_split_into_the_tracks_again(setup: ServiceSetup, run: Run) -> None:
    edits = ("--split", "1@60", "--join", "1,3", "--split-tracks", "1")
    status, out, err = run("enroll", setup.clip, "Part", *edits, "--person", "3", "--json")
    assert status == 0
    part = json.loads(out)
    assert part["edits"][-1] == {"edit": "split_tracks", "person": 1, "others": [3]}
    status, out, err = run("identify", setup.clip, *edits, "--no-files", "--json")
    assert (status, numbers(out)) == (0, [1, 2, 3])
    assert "Person 1 was split by hand into tracks, which are people of their own now: 3." in err


def test_an_enrolled_reference_is_made_of_the_chosen_part_or_of_all_that_was_joined(
    setup: ServiceSetup, run: Run
) -> None:
    status, out, _ = run("enroll", setup.clip, "Whole", "--person", 1, "--json")
    whole = json.loads(out)["samples_kept"]
    status, out, _ = run("enroll", setup.clip, "Part", "--split", "1@60", "--person", 3, "--json")
    assert status == 0
    part = json.loads(out)
    assert status == 0
    assert 0 < part["samples_kept"] < whole
    assert part["edits"] == [{"edit": "split", "person": 1, "frame": 60, "other": 3}]
    status, out, _ = run("enroll", setup.clip, "Both", "--split", "1@60", "--join", "1,3", "--person", 1, "--json")
    assert json.loads(out)["samples_kept"] == whole
    status, out, _ = run("verify", setup.clip, "Part", "--split", "1@60", "--person", 1, "--json")
    assert (status, json.loads(out)["edits"]) == (0, part["edits"])
    status, out, _ = run("verdict", "set", setup.clip, "confirmed", "--split", "1@60", "--person", 3, "--json")
    assert (status, json.loads(out)["from"]) == (0, 60)


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (["--join", "1,2"], "Person 1 and person 2 are two people: both are seen, at different places"),
        (["--join-anyway", "1,2"], "Person 1 and person 2 are two people: both are seen, at different places"),
        (["--join", "1,9"], "There is no person 9 among the people who were found."),
        (["--split", "9@50"], "There is no person 9 among the people who were found."),
        (["--split", "1@0"], "Person 1 cannot be split at frame 0: each part needs at least one usable sample."),
        (["--split-tracks", "9"], "There is no person 9 among the people who were found."),
        (["--split-tracks", "2"], "Person 2 is one track, so there are no tracks to split it into."),
        (["--split", "1@999999999"], "each part needs at least one usable sample."),
    ],
)
@pytest.mark.parametrize("command", ["enroll", "identify"])
def test_what_cannot_be_is_refused_and_nothing_is_stored(
    setup: ServiceSetup, run: Run, command: str, edits: list[str], words: str
) -> None:
    setup.service.enroll(setup.observe(0, 20), "Ada")
    names = ["Bea"] if command == "enroll" else []
    status, out, err = run(command, setup.clip, *names, *edits)
    assert (status, out) == (2, "")
    assert words in err
    assert [identity.name for identity in setup.service.gallery().identities()] == ["Ada"]
    assert not Path(setup.service.settings.query).exists()


def test_people_who_look_different_are_joined_only_when_it_is_said(setup: ServiceSetup, run: Run) -> None:
    setup.models.detector().script = {frame: [(BOX if frame < 50 else BESIDE, 0.9)] for frame in range(100)}
    setup.embedder.axis_of = lambda grey: int(grey >= 55)  # the corner of each frame lightens it a little
    setup.service.enroll(setup.observe(0, 20), "Ada")
    found = [
        person["person"] for person in json.loads(run("identify", setup.clip, "--no-files", "--json")[1])["people"]
    ]
    pair = f"{found[0]},{found[-1]}"
    status, out, err = run("identify", setup.clip, "--join", pair, "--no-files")
    assert (status, out) == (2, "")
    assert "look like different people: the lowest score among them is 0.000" in err
    assert err.rstrip().endswith("If they are one person, say so with --join-anyway.")
    status, out, err = run("identify", setup.clip, "--join-anyway", pair, "--no-files", "--json")
    assert status == 0
    assert [person["person"] for person in json.loads(out)["people"]] == [
        person for person in found if person != found[-1]
    ]


@pytest.mark.parametrize(
    "edits",
    [
        ["--join", "1"],
        ["--join", "1,1"],
        ["--join", "1, 2"],
        ["--join", "1,2,"],
        ["--join", "-1,2"],
        ["--join", "one,two"],
        ["--join-anyway", ""],
        ["--join", "1,9999999999"],
        ["--split", "1"],
        ["--split", "1@"],
        ["--split", "@5"],
        ["--split", "1@2@3"],
        ["--split", "1@-5"],
        ["--split", "١@٢"],
        ["--split", "1@1.5"],
        ["--split-tracks", "1@5"],
        ["--split-tracks", ""],
        ["--split-tracks", "1,2"],
    ],
)
def test_an_edit_that_is_written_wrong_is_wrong_usage(setup: ServiceSetup, run: Run, edits: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("identify", setup.clip, *edits)
    assert ended.value.code == 2
    assert setup.reader.reads == 0


def test_edits_are_for_one_clip(setup: ServiceSetup, run: Run, tmp_path: Path) -> None:
    setup.service.enroll(setup.observe(0, 20), "Ada")
    for edit in (["--split", "1@5"], ["--join", "1,2"], ["--join-anyway", "1,2"], ["--split-tracks", "1"]):
        status, _, err = run("identify", setup.clip, tmp_path, *edit, "--no-files")
        assert (status, "are for one clip" in err) == (2, True)
