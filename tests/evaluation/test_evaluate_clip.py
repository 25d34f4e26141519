"""`python -m biometric evaluate-clip`: people and tracks of fakes, options, errors, files."""

import json
import re
import sys
from pathlib import Path

import pytest

import biometric.bootstrap
from biometric import cli
from biometric.clips import demo
from biometric.evaluation.mot.truth_files import read_truth
from biometric.models.signal_stack import signal_stack_kept
from tests.conftest import PROJECT
from tests.fakes import ColumnTracker, FakeDetector, video_info
from tests.running import run_command
from tests.test_service import BOX, ServiceSetup

LEFT, TOP, WIDTH, HEIGHT = BOX[0], BOX[1], BOX[2] - BOX[0], BOX[3] - BOX[1]


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip in which one person stands in every frame."""
    setup = ServiceSetup(tmp_path)
    detector = FakeDetector({frame: [(BOX, 0.9)] for frame in range(1000)})
    monkeypatch.setattr(biometric.bootstrap, "build", lambda settings: setup.service)
    monkeypatch.setattr(
        biometric.bootstrap,
        "build_crop_adapters",
        lambda settings: (setup.reader, lambda: detector, ColumnTracker, lambda image: 1.0),
    )
    return setup.clip


def labels(folder: Path, rows: list[tuple[int, int]], base: int = 1, more: str = "") -> Path:
    """A file of labels of (frame from 0, identity), all at the box of the person."""
    path = folder / "truth.csv"
    path.write_text(
        "".join(f"{frame + base},{identity},{LEFT},{TOP},{WIDTH},{HEIGHT}\n" for frame, identity in rows) + more
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "evaluate-clip", *arguments)


@pytest.mark.parametrize("tracks", [False, True])
def test_a_person_found_in_each_frame(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tracks: bool
) -> None:
    truth = labels(tmp_path, [(frame, 4) for frame in range(10, 50)])
    status, out, err = run(capsys, clip, truth, "--json", *(["--tracks"] if tracks else []))
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["judged"] == ("tracks" if tracks else "people")
    assert result["scores"]["idf1"] == result["scores"]["hota"] == result["scores"]["mota"] == 1.0
    assert result["people"] == {
        "true": 1,
        "found": 1,
        "missed": [],
        "counted_again": 0,
        "double_counted": [],
        "joined": [],
        "nobody": [],
    }
    assert result["frames"]["first"] == 10
    assert result["frames"]["last"] <= 49
    assert result["truth"] == {"file": "truth.csv", "first_frame": 1}
    assert result["command"].startswith("python -m biometric evaluate-clip")
    assert ("--tracks" in result["command"]) is tracks


def test_the_answer_says_what_was_judged_and_with_what(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_TRACKER", "ocsort")
    monkeypatch.setenv("SIGHTLINE_LINKING", "off")
    truth = labels(tmp_path, [(frame, 4) for frame in range(20)])
    result = json.loads(run(capsys, clip, truth, "--json")[1])
    assert (result["judged"], result["models"]["tracker"]) == ("people, not linked", "ocsort")
    assert run(capsys, clip, truth, "--tracks")[1].startswith("clip.mp4, tracks (")


def test_two_people_joined_are_told_with_files(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = labels(tmp_path, [(frame, 1 if frame < 50 else 2) for frame in range(100)], base=0)
    status, out, err = run(capsys, clip, truth, "--first-frame", 0, "--output", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "People: 1 found, 2 true: 1 missed, 0 counted again, 0 nobody." in out
    assert "  Joined: found person 1 shows 1, 2." in out
    assert "  Missed: 2." in out
    names = ["evaluation.json", "found-people.csv", "found.txt", "true-people.csv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert (tmp_path / "out" / "found-people.csv").read_text().splitlines()[0] == "identity,boxes,matched,shows"
    first = (tmp_path / "out" / "found.txt").read_text().splitlines()[0]
    assert first == f"0,1,{LEFT:.2f},{TOP:.2f},{WIDTH:.2f},{HEIGHT:.2f},1,-1,-1,-1"


def test_what_is_found_is_a_truth_that_fits(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = labels(tmp_path, [(frame, 1) for frame in range(60)])
    run(capsys, clip, truth, "--output", tmp_path / "out")
    again = json.loads(run(capsys, clip, tmp_path / "out" / "found.txt", "--json")[1])
    assert again["scores"]["idf1"] == 1.0


def test_a_range_of_ones_own(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = labels(tmp_path, [(frame, 1) for frame in range(20, 30)])
    result = json.loads(run(capsys, clip, truth, "--from", 0, "--to", 39, "--json")[1])
    assert (result["frames"]["first"], result["scores"]["false"] > 0) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["BEYOND"], "line 41: the clip has no frame 4000"),
        (["NOWHERE"], "cannot be read"),
        (["TRUTH", "--from", "30", "--to", "20"], "after To frame"),
        (["TRUTH", "--from", "0", "--to", "5000"], "outside the clip"),
        (["TRUTH", "--from", "60", "--to", "70"], "Nobody is labelled"),
    ],
)
@pytest.mark.parametrize("tracks", [False, True])
def test_wrong_input_is_a_sentence_and_writes_nothing(
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    tracks: bool,
) -> None:
    (tmp_path / "beyond").mkdir()
    rows = [(frame, 1) for frame in range(40)]
    places = {
        "TRUTH": labels(tmp_path, rows),
        "BEYOND": labels(tmp_path / "beyond", [*rows, (3999, 1)]),
        "NOWHERE": tmp_path / "nowhere.csv",
    }
    words = [str(places.get(word, word)) for word in arguments]
    options = ["--output", tmp_path / "out", *(["--tracks"] if tracks else [])]
    status, out, err = run(capsys, clip, *words, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_without_trackeval_it_says_what_to_install(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackeval.metrics", None)
    status, _, err = run(capsys, clip, labels(tmp_path, [(frame, 1) for frame in range(40)]))
    assert status == 2
    assert "pip install -r requirements-evaluation.txt" in err


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROJECT / "docs" / "evaluation.md").read_text("utf-8").partition("## People of a clip")[2]
    with pytest.raises(SystemExit):
        cli.main(["evaluate-clip", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert "--tracks" in options
    assert [option for option in options if option not in text] == []


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@signal_stack_kept()
@pytest.mark.parametrize("tracks", [False, True])
def test_real_people_of_a_demo_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tracks: bool
) -> None:
    """Starter weights on a clip whose labels are exact: three people, each found once."""
    for name, value in {"OFFLINE": "1", "DEVICE": "cpu", "DETECTOR": "starter-detector"}.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    monkeypatch.setenv("SIGHTLINE_EMBEDDER", "starter-embedder")
    monkeypatch.setattr(demo, "SCRIPTS", [script for script in demo.SCRIPTS if script.name == "visit-2-everybody"])
    assert cli.main(["demo", str(tmp_path), "--truth"]) == 0
    capsys.readouterr()
    clip, truth = tmp_path / "visit-2-everybody.mp4", tmp_path / "visit-2-everybody.csv"
    status, out, _ = run(capsys, clip, truth, "--from", 0, "--to", 39, "--json", *(["--tracks"] if tracks else []))
    result = json.loads(out)
    assert status == 0
    assert result["frames"]["judged"] == 20
    assert (result["people"]["found"], result["people"]["true"]) == (3, 3)
    assert (result["people"]["counted_again"], result["people"]["joined"], result["scores"]["switches"]) == (0, [], 0)
    assert result["scores"]["idf1"] > 0.95


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@signal_stack_kept()
def test_a_stretch_labelled_by_hand(
    shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Two seconds in which somebody in front hides others: what the labels are for."""
    for name, value in {"OFFLINE": "1", "DEVICE": "cpu", "DETECTOR": "yolov8n-int8"}.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "cache"))
    truth = PROJECT / "tests" / "evaluation" / "truth" / "street.csv"
    words = [shared / "clips" / "street.mp4", truth, "--from", 0, "--to", 57, "--tracks", "--json"]
    status, out, _ = run(capsys, *words)
    result = json.loads(out)
    assert status == 0
    assert result["boxes"]["labelled"] > 150
    assert result["scores"]["precision"] > 0.9
    assert result["people"]["true"] == 14
    assert result["people"]["missed"] == []


def test_labels_of_real_clips_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    folder = PROJECT / "tests" / "evaluation" / "truth"
    street = read_truth(folder / "street.csv", video_info(width=1280, height=720, frame_count=314))
    assert (len(street.people.identities), street.labelled) == (28, (0, 312))
    assert set(street.people.frames % 3) == {0}
    lone = read_truth(folder / "one-by-one.csv", video_info(width=768, height=432, frame_count=740))
    assert len(lone.people.identities) == 3
    assert len(lone.people) == len(set(lone.people.frames)), "one at a time"
