"""`python -m biometric evaluate-detector`: numbers from a detector that is known, options, errors, real weights."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import biometric.bootstrap
from biometric import cli
from biometric.cli.evaluate_detector import confidences
from biometric.entities import Detection, Frame
from biometric.settings import Settings
from tests.fakes import FakeEmbedder, FakeModels
from tests.running import run_command

PROJECT = Path(__file__).resolve().parent.parent.parent
WIDTH, HEIGHT = 160, 120
LEFT, RIGHT = (10, 20, 50, 100), (90, 20, 130, 100)


def photographs(folder: Path, people: Sequence[Sequence[tuple[int, int, int, int]]], split: str = "val") -> Path:
    """Photographs in which people are white boxes on black, with labels; none for those without anybody."""
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for number, boxes in enumerate(people):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        rows = []
        for x1, y1, x2, y2 in boxes:
            image[y1:y2, x1:x2] = 255
            middle = ((x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT)
            rows.append(f"0 {middle[0]} {middle[1]} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}")
        cv2.imwrite(str(images / f"{number:03d}.png"), image)
        if rows:
            (labels / f"{number:03d}.txt").write_text("\n".join(rows))
    return folder


class WhiteDetector:
    """Finds what is white in the left half, surely, and in the right half with a confidence of 0.3."""

    name, device = "white", "test"

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        found = []
        for frame in frames:
            seen = [
                (box, sure)
                for box, sure in ((LEFT, 0.9), (RIGHT, 0.3))
                if frame.image[60, (box[0] + box[2]) // 2].all()
            ]
            found.append([Detection(0, tuple(map(float, box)), sure, n) for n, (box, sure) in enumerate(seen)])
        return found


@pytest.fixture
def white(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    built: list[Settings] = []

    class Models(FakeModels):
        def close(self) -> None:
            pass

    def build(settings: Settings) -> Models:
        built.append(settings)
        return Models(WhiteDetector(), FakeEmbedder())

    monkeypatch.setattr(biometric.bootstrap, "build_measured_models", build)
    return built


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "evaluate-detector", *arguments)


def test_what_is_found_is_counted(white: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = photographs(tmp_path / "data", [[LEFT, RIGHT], [LEFT], [], [(60, 20, 85, 100)]])
    status, out, err = run(capsys, data, "--json", "--model", "my-card", "--seed", 2)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["dataset"] == {"name": "data", "split": "val", "pictures": 4, "people": 4, "without_people": 1}
    assert found["ap50"]["value"] == 0.75
    assert found["ap50_95"]["value"] == 0.75
    assert found["ap50"]["interval"]["method"] == "bootstrap over pictures"
    assert [(point["confidence"], point["recall"]["value"]) for point in found["points"]] == [
        (0.1, 0.75),
        (0.4, 0.5),
        (0.5, 0.5),
    ]
    assert [point["precision"]["value"] for point in found["points"]] == [1.0, 1.0, 1.0]
    assert found["model"]["model"] == "white"
    assert found["milliseconds"] >= 0
    assert found["command"].endswith(f"{data} --split val --model my-card --seed 2")
    assert white[0].detector == "my-card"
    assert "files" not in found


def test_boxes_that_are_wrong_cost_precision(
    white: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = photographs(tmp_path / "data", [[LEFT], [LEFT, RIGHT]])
    (data / "labels" / "val" / "001.txt").write_text("1 0.5 0.5 0.1 0.1\n")  # another class: nobody is there
    found = json.loads(run(capsys, data, "--json")[1])
    assert found["dataset"]["people"] == 1
    assert found["points"][0]["precision"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["points"][1]["precision"]["value"] == 0.5


def test_text_and_files_for_people(white: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = photographs(tmp_path / "data", [[LEFT, RIGHT], [RIGHT]], "test")
    status, out, err = run(capsys, data, "--split", "test", "--output", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "data (test): 2 photographs, 3 people, 0 photographs without anybody.\n" in out
    assert "AP50 1.000 (1.000–1.000), AP50-95 1.000" in out
    assert "From confidence 0.4, which starts a track: recall 0.333 (" in out
    names = ["evaluation.json", "precision-recall.csv", "precision-recall.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert (tmp_path / "out" / names[1]).read_text().splitlines()[:2] == [
        "confidence,recall,precision",
        "0.900000,0.333333,1.000000",
    ]
    assert (tmp_path / "out" / names[2]).read_bytes().startswith(b"\x89PNG")


def test_a_detector_that_finds_nothing(
    white: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = photographs(tmp_path / "data", [[(60, 20, 85, 100)]])
    status, out, _ = run(capsys, data, "--output", tmp_path / "out")
    assert status == 0
    assert "AP50 0.000" in out
    assert "precision unknown, there is no such box" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NOWHERE"], "Expected layout: DIR/images/SPLIT/NAME.jpg"),
        (["DATA", "--split", "train"], "Splits that are there: val."),
        (["DATA", "--seed", "-1"], "--seed must be 0 or more"),
        (["EMPTY"], "Nobody is labelled"),
        (["DAMAGED"], "damaged or no picture"),
        (["MISLABELLED"], "line 1, is not a label"),
    ],
)
def test_wrong_input_is_a_sentence_and_status_2(
    white: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    places = {name: photographs(tmp_path / name, [[LEFT]]) for name in ("DATA", "DAMAGED", "MISLABELLED")}
    places["EMPTY"] = photographs(tmp_path / "EMPTY", [[], []])
    places["NOWHERE"] = tmp_path / "nowhere"
    (places["DAMAGED"] / "images" / "val" / "000.png").write_bytes(b"no picture")
    (places["MISLABELLED"] / "labels" / "val" / "000.txt").write_text("0 0.5 0.5 2 1\n")
    status, out, err = run(capsys, *[places.get(word, word) for word in arguments])
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_the_points_are_those_of_the_app(tmp_path: Path) -> None:
    from biometric.models.byte_tracking import ByteTracker

    assert list(confidences().values()) == [0.1, 0.4, 0.5]
    least = confidences()["starts a track"]
    frame = Frame(0, np.zeros((HEIGHT, WIDTH, 3), np.uint8), 0.0)
    for confidence, starts in ((least - 0.01, False), (least + 0.01, True)):
        detection = Detection(0, (10.0, 20.0, 50.0, 100.0), confidence, 0, 0.0)
        assert bool(ByteTracker(10).update(frame, [detection])) is starts


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROJECT / "docs" / "evaluation.md").read_text("utf-8").partition("## The detector")[2]
    with pytest.raises(SystemExit):
        cli.main(["evaluate-detector", "--help"])
    options = re.findall(r"--[a-z-]+", capsys.readouterr().out)
    assert "--split" in options
    for option in options:
        assert option == "--help" or option in text, option


@pytest.mark.real
def test_real_weights_find_people_in_a_clip_as_they_were_found_before(
    shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Labels made of the app's own detections: what it is sure of is found again, with nothing else as sure."""
    from biometric.clips.video import PyAVReader

    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    monkeypatch.setenv("SIGHTLINE_DEVICE", "cpu")
    settings = Settings.from_environment(None, detector="yolov8n-int8")
    frames = PyAVReader().grab(shared / "clips" / "one-by-one.mp4", [20, 130, 300, 600])
    ordinary = biometric.bootstrap.build(settings)
    images, labels = tmp_path / "images" / "val", tmp_path / "labels" / "val"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for index, frame in frames.items():
        cv2.imwrite(str(images / f"{index}.png"), frame.image)
        height, width = frame.image.shape[:2]
        rows = []
        for found in ordinary.models.detector().detect([frame])[0]:
            if found.confidence >= 0.5:
                x, y = (found.box[0] + found.box[2]) / 2 / width, (found.box[1] + found.box[3]) / 2 / height
                rows.append(f"0 {x} {y} {found.width / width} {found.height / height}")
        (labels / f"{index}.txt").write_text("\n".join(rows))
    ordinary.close()
    status, out, _ = run(capsys, tmp_path, "--model", "yolov8n-int8", "--json")
    measured = json.loads(out)
    assert status == 0
    assert measured["dataset"]["people"] >= 3
    assert measured["ap50"]["value"] == 1.0
    assert [measured["points"][2][rate]["value"] for rate in ("recall", "precision")] == [1.0, 1.0]
