"""The command line: words, exit status, and what goes to which stream."""

import dataclasses
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from biometric import cli
from biometric.calibration import collection
from biometric.cli import calibrate, command_support, gallery, models, recognition_commands
from biometric.errors import WeightsMissing
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.translation import activate
from biometric.models.cards import read_manifest
from tests.fresh_interpreter import packages_loaded_by
from tests.running import run_command as run
from tests.test_service import ServiceSetup

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    setup = ServiceSetup(tmp_path)
    for module in (calibrate, command_support, gallery, recognition_commands):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    yield setup
    setup.service.close()


def test_a_journey_in_json(setup: ServiceSetup, capsys, tmp_path: Path) -> None:
    status, out, err = run(capsys, "enroll", setup.clip, "Ada", "--from", 0, "--to", 49, "--json")
    enrolled = json.loads(out)
    assert (status, err) == (0, "")
    assert (enrolled["identity"], enrolled["person"], enrolled["people"], enrolled["samples_kept"]) == ("Ada", 1, 1, 5)

    status, out, _ = run(capsys, "verify", setup.clip, "Ada", "--json")
    verified = json.loads(out)
    assert status == 0
    old = {
        "decision": "match",
        "identity": "Ada",
        "score": 1.0,
        "threshold": 0.5,
        "threshold_source": "model card",
        "margin": None,
        "person": 1,
        "people": 1,
    }
    assert {key: verified[key] for key in old} == old
    assert (verified["reason"], verified["reason_code"]) == (
        "The score reaches the threshold.",
        "score_reaches_threshold",
    )
    assert (verified["warnings"], verified["warning_codes"]) == ([], [])

    status, out, _ = run(capsys, "identify", setup.clip, "--json", "--output", tmp_path / "out")
    result = json.loads(out)
    assert status == 0
    assert set(result["people"][0]) >= {
        "person", "from", "to", "decision", "identity", "score", "threshold", "margin", "candidates", "reason_code"
    }  # fmt: skip
    assert result["people"][0]["identity"] == "Ada"
    assert sorted(result["outputs"]) == ["clip", "csv", "json", "timeline"]
    assert all(Path(path).is_relative_to(tmp_path / "out") for path in result["outputs"].values())

    for action in (["list"], ["show", "Ada"], ["rename", "Ada", "Ada Lovelace"], ["remove", "Ada Lovelace"]):
        status, out, err = run(capsys, "gallery", *action, "--json")
        assert (status, err) == (0, ""), action
        json.loads(out)
    assert run(capsys, "gallery", "list")[1] == "Nobody is enrolled yet.\n"


def test_the_same_journey_in_words(setup: ServiceSetup, capsys, tmp_path: Path) -> None:
    assert "Ada is enrolled: 8 samples kept" in run(capsys, "enroll", setup.clip, "Ada")[1]
    assert "Ada has another reference" in run(capsys, "enroll", setup.clip, "Ada", "--add")[1]
    assert "Match: this is Ada. Score 1.00, threshold 0.50 (model card)." in run(capsys, "verify", setup.clip, "Ada")[1]
    assert "Person 1, frames 0–99: Ada. Score 1.00" in run(capsys, "identify", setup.clip)[1]
    status, out, _ = run(capsys, "gallery", "export", tmp_path / "all.zip")
    assert (status, "1 identity was written" in out) == (0, True)
    assert run(capsys, "gallery", "remove", "Ada")[0] == 0
    assert ", 2 references" in run(capsys, "gallery", "import", tmp_path / "all.zip")[1]


def test_a_camera_is_named_stored_and_listed(setup: ServiceSetup, capsys) -> None:
    assert run(capsys, "enroll", setup.clip, "Ada", "--camera", " Back  door ")[0] == 0
    assert run(capsys, "enroll", setup.clip, "Ada", "--add")[0] == 0
    text = run(capsys, "gallery", "show", "Ada")[1]
    assert [line.rpartition(", ")[2] for line in text.splitlines() if "enrolled" in line] == [
        "camera Back door",
        "camera unknown",
    ]
    references = json.loads(run(capsys, "gallery", "show", "Ada", "--json")[1])["references"]
    assert [reference["camera"] for reference in references] == ["Back door", ""]
    status, _, err = run(capsys, "enroll", setup.clip, "Ada", "--camera", "Yard")
    assert status == 2
    hint = re.search(r"gallery camera Ada (\w+) changes their camera", err)
    assert hint is not None
    status, out, _ = run(capsys, "gallery", "camera", "Ada", hint[1], "Gate")
    assert (status, out.startswith("The camera of this reference of Ada is Gate now; it was ")) == (0, True)
    assert run(capsys, "gallery", "camera", "Ada", hint[1], "Gate")[0] == 2
    assert run(capsys, "gallery", "undo")[0] == 0
    assert "camera Back door" in run(capsys, "gallery", "show", "Ada")[1]
    for command in (["verify", setup.clip, "Ada"], ["identify", setup.clip, "--no-files"]):
        assert json.loads(run(capsys, *command, "--camera", "Yard", "--json")[1])["camera"] == "Yard"
    for command in (["enroll", setup.clip, "Ben"], ["verify", setup.clip, "Ada"], ["identify", setup.clip]):
        for camera in ("x" * 101, "a\x07b"):
            status, out, err = run(capsys, *command, "--camera", camera)
            assert (status, out) == (2, "")
            assert "The camera may have at most 100 characters" in err
    assert [person.name for person in setup.service.gallery().identities()] == ["Ada"]


def test_calibrating_in_words_and_json(setup: ServiceSetup, capsys, monkeypatch, tmp_path: Path) -> None:
    pairs = {(one, other): 0.2 for one in range(30) for other in range(one)}
    found = collection.Collected(pairs, people=30, sources={"same time": 435}, genuine={"same visit": [(0, 0.9)]})
    monkeypatch.setattr(collection, "collect_scores", lambda *arguments: found)
    folder = tmp_path / "clips"
    folder.mkdir()
    setup.clip.rename(folder / "one.mp4")
    (folder / ".hidden").write_bytes(b"")
    status, out, err = run(capsys, "calibrate", "--target-fmr", 0.01, "--clips", folder, "--force", "--json")
    calibration = json.loads(out)
    assert (status, err) == (0, "")
    assert calibration["verification"]["value"] == 0.201
    assert (calibration["identification"], calibration["clips"]) == (None, 1)
    said = run(capsys, "calibrate", "--target-fmr", 0.01, "--force")[1]
    assert "435 pairs of 30 people" in said
    assert "Verification: threshold 0.201" in said
    assert "Identification keeps its default threshold" in said

    run(capsys, "enroll", folder / "one.mp4", "Ada")
    assert (
        json.loads(run(capsys, "verify", folder / "one.mp4", "Ada", "--json")[1])["threshold_source"] == "calibration"
    )
    said = run(capsys, "verify", folder / "one.mp4", "Ada")[1]
    assert "of 100 strangers, about 1 would pass" in said


def test_a_refused_calibration_is_status_2_and_says_what_is_missing(
    setup: ServiceSetup, capsys, tmp_path: Path
) -> None:
    status, out, err = run(capsys, "calibrate", "--clips", setup.clip)
    assert (status, out) == (2, "")
    assert "at least 3,000 independent comparisons" in err
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        (["--clips", tmp_path / "empty"], "no clip in the folder"),
        (["--clips", tmp_path / "gone"], "no file or folder"),
        (["--target-fmr", 0], "above 0"),
        (["--target-fmr", 0.01, "--target-fpir", 2], "above 0"),
    ):
        status, out, err = run(capsys, "calibrate", *arguments)
        assert (status, out, words in err) == (2, "", True), err


def test_an_existing_name_is_refused_without_the_word_for_it(setup: ServiceSetup, capsys) -> None:
    run(capsys, "enroll", setup.clip, "Ada")
    status, out, err = run(capsys, "enroll", setup.clip, "ada", "--json")
    assert (status, out) == (2, "")
    assert "Ada is enrolled already, and the new reference scores 1.00 against theirs (verification threshold" in err
    assert "Choose another name, or say that Ada gets another reference. Say so with --add. These very frames" in err
    setup.embedder.axis_of = lambda grey: 3
    setup.service.forget_observations()
    for options in ([], ["--force"], ["--add"]):
        status, out, err = run(capsys, "enroll", setup.clip, "Ada", *options)
        assert (status, out) == (2, ""), options
        assert "scores only 0.00 against theirs (verification threshold 0.50)" in err
        assert err.endswith("Say so with --add --force.\n")
    assert setup.service.gallery().reference_count() == 1
    status, out, _ = run(capsys, "enroll", setup.clip, "Ada", "--add", "--force")
    assert (status, "Ada has another reference" in out) == (0, True)
    assert "Warning: The new reference scores only 0.00" in out


def test_of_two_processes_that_enroll_one_new_name_one_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.cli_with_fakes", str(tmp_path), "enroll", "clip.mp4", "Ada"]
    ServiceSetup(tmp_path).service.close()
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, cwd=PROJECT, text=True), range(3)))
    assert sorted(process.returncode for process in done) == [0, 2, 2], [process.stderr for process in done]
    assert all("Ada is enrolled already" in process.stderr for process in done if process.returncode)
    assert SQLiteGallery(tmp_path / "gallery").reference_count() == 1


def test_no_match_is_status_1(setup: ServiceSetup, capsys) -> None:
    run(capsys, "enroll", setup.clip, "Ada")
    setup.embedder.axis_of = lambda grey: 3
    setup.service.forget_observations()
    status, out, _ = run(capsys, "verify", setup.clip, "Ada")
    assert status == 1
    assert out.startswith("No match")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "CLIP", "Ada"], "Nobody"),
        (["identify", "CLIP"], "Enroll somebody first"),
        (["enroll", "CLIP", " "], "name is empty"),
        (["enroll", "CLIP", "Ada", "--from", "60", "--to", "50"], "From frame 60 comes after To frame 50"),
        (["enroll", "CLIP", "Ada", "--to", "100"], "outside the clip"),
        (["enroll", "CLIP", "Ada", "--person", "7"], "no person 7"),
        (["enroll", "missing.mp4", "Ada"], "no file"),
        (["identify", "CLIP", "--threshold", "1.5"], "from -1 to 1"),
        (["identify", "CLIP", "--threshold", "nan"], "from -1 to 1"),
        (["gallery", "show", "Bob"], "Bob"),
        (["gallery", "import", "missing.zip"], "no such file"),
    ],
)
def test_wrong_input_is_status_2_with_one_message_and_nothing_on_stdout(
    setup: ServiceSetup, capsys, arguments, words
) -> None:
    status, out, err = run(capsys, *[setup.clip if word == "CLIP" else word for word in arguments])
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert setup.service.gallery().is_empty()


def test_what_can_be_refused_at_once_is_refused_before_the_clip_is_read(setup: ServiceSetup, capsys) -> None:
    for arguments in (["enroll", setup.clip, " "], ["identify", setup.clip], ["verify", setup.clip, "Ada"]):
        assert run(capsys, *arguments)[0] == 2
    assert setup.reader.reads == 0


def test_a_gallery_that_is_not_there_is_said_not_to_be(setup: ServiceSetup, capsys, tmp_path: Path) -> None:
    status, out, _ = run(capsys, "gallery", "list")
    assert status == 0
    assert "does not exist" in out
    (tmp_path / "gallery").write_text("in the way")
    status, out, err = run(capsys, "gallery", "list")
    assert (status, out) == (2, "")
    assert "is a file" in err


def test_several_people_are_listed_with_their_numbers(setup: ServiceSetup, capsys) -> None:
    setup.models.detector().script = {
        frame: [((100.0, 100.0, 200.0, 350.0), 0.9), ((400.0, 100.0, 500.0, 350.0), 0.9)] for frame in range(100)
    }
    status, out, err = run(capsys, "enroll", setup.clip, "Ada")
    assert (status, out) == (2, "")
    assert "person 1 (frames 0–99); person 2 (frames 0–99)" in err
    assert "Choose with --person N" in err
    assert run(capsys, "enroll", setup.clip, "Ada", "--person", 2)[0] == 0


def test_missing_weights_are_status_2(setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise WeightsMissing("yolo26n.pt is not here. Put it into models/.")

    monkeypatch.setattr(setup.models, "detector", missing)
    assert run(capsys, "enroll", setup.clip, "Ada") == (2, "", "yolo26n.pt is not here. Put it into models/.\n")


def test_an_interrupted_command_is_status_130(setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup.models, "detector", interrupt)
    status, out, err = run(capsys, "enroll", setup.clip, "Ada")
    assert (status, out) == (130, "")
    assert "Nothing was stored" in err
    assert setup.service.gallery().is_empty()


@pytest.mark.parametrize("step", [("distill", "c", "--held-back", "h"), ("crops", "v.mp4"), ("detector", "d")])
def test_an_interrupted_training_says_how_to_continue(
    capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: tuple[str, ...]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for first_call in (
        "biometric.cli.train.distill_command.plan_of",
        "biometric.training.crops.crop_sources.find_videos",
        "biometric.bootstrap.configure_ultralytics",
    ):
        monkeypatch.setattr(first_call, interrupt)
    status, out, err = run(capsys, "train", *step, "--run", tmp_path / "run")
    assert (status, out, err) == (130, "", "Interrupted. Run the same command with --resume to continue.\n")


def test_wrong_usage_is_status_2(capsys) -> None:
    for arguments in ([], ["enroll"], ["enrol", "x", "y"], ["identify", "x", "--threshold", "high"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 2
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["--gallery", "--query", "--output"])
@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("~nobody-of-that-name/g", "has no home folder"),
        ("a\0", "cannot be followed"),
    ],
)
def test_a_path_that_cannot_be_meant_is_wrong_usage(capsys, option: str, written: str, words: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["identify", "clip.mp4", option, written])
    assert stopped.value.code == 2
    refusal = capsys.readouterr().err
    assert f"argument {option}: the path " in refusal
    assert words in refusal


def test_a_loop_of_links_is_called_one_wherever_a_path_is_given(
    capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.mp4").symlink_to("b.mp4")
    Path("b.mp4").symlink_to("a.mp4")
    for arguments in (
        ["verify", "a.mp4", "Ada"],
        ["gallery", "list", "--gallery", "a.mp4"],
        ["gallery", "import", "a.mp4"],
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 2
        assert "'a.mp4', a loop of symbolic links" in capsys.readouterr().err, arguments


def test_a_home_in_a_path_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    parse = cli.parser().parse_args
    assert parse(["identify", "c.mp4", "--output", "~/out"]).output == tmp_path / "out"
    assert parse(["gallery", "list", "--gallery", "~/g"]).gallery == tmp_path / "g"
    assert parse(["gallery", "list", "--gallery", "g"]).gallery == Path("g"), "as it was written"
    assert parse(["train", "pretrain", "~/crops", "--run", "~/run"]).run == tmp_path / "run"


def test_every_command_option_and_setting_is_in_the_readme_or_its_documents(capsys) -> None:
    from biometric.settings import Settings

    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`SIGHTLINE_{name.upper()}`" in readme, name
    for command in ("enroll", "verify", "identify", "gallery", "calibrate", "models", "serve", "demo"):
        assert f"python -m biometric {command}" in readme, command
    documents = [readme, *((PROJECT / "docs" / name).read_text("utf-8") for name in ("evaluation.md", "training.md"))]
    assert all(f"(docs/{name})" in readme for name in ("evaluation.md", "training.md"))
    for option in set(re.findall(r"--[a-z-]+", _all_help(capsys))) - {"--help"}:
        assert any(option in text for text in documents), option


def _all_help(capsys) -> str:
    """The help of every command, and of the commands that each help lists under its COMMAND, ACTION or STEP."""
    texts, waiting = [], [()]
    while waiting:
        command = waiting.pop()
        with pytest.raises(SystemExit):
            cli.main([*command, "--help"])
        text = capsys.readouterr().out
        texts.append(text)
        waiting.extend((*command, name) for name in re.findall(r"^    ([a-z][a-z-]*)(?=\s)", text, re.MULTILINE))
    assert len(texts) > 20
    return "\n".join(texts)


def test_help_is_quick_and_loads_no_model() -> None:
    heavy = ("gradio", "torch", "cv2", "faiss", "ultralytics", "openvino", "av")
    assert packages_loaded_by("from biometric.cli import parser; parser().format_help()", heavy) == set()
    assert models.add_commands is not None


@pytest.mark.parametrize("command", ["enroll", "verify", "identify", "calibrate"])
def test_which_embedder_serves_is_resolved_before_the_gallery_is_checked(
    setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A gallery made with starters must not be refused because the recommended weights might still be fetched."""
    assert run(capsys, "enroll", setup.clip, "Ada")[0] == 0
    served, resolved = setup.models.embedder_id(), []
    monkeypatch.setattr(setup.models, "resolve_embedder", lambda: resolved.append(True))
    monkeypatch.setattr(setup.models, "embedder_id", lambda: served if resolved else "unavailable")
    rest = {"identify": [setup.clip], "calibrate": ["--clips", setup.clip]}.get(command, [setup.clip, "Ada"])
    assert "unavailable" not in run(capsys, command, *rest)[2]
    assert resolved


def test_a_list_of_models_marks_recommended_ones_and_starters() -> None:
    detector = next(card for card in read_manifest(PROJECT / "models" / "manifest.toml") if card.recommended)
    starter = dataclasses.replace(detector, id="small", recommended=False, starter=True)
    assert models.card_line(detector).startswith(f"detector: {detector.id} (recommended), ")
    assert models.card_line(starter).startswith("detector: small (starter), ")
    assert models.card_json(starter)["starter"] is True
    assert models.card_json(detector)["starter"] is False


@pytest.mark.real
def test_models_are_listed_and_checked_in_words(shared: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    monkeypatch.setenv("SIGHTLINE_DEVICE", "cpu")
    status, out, _ = run(capsys, "models", "list")
    assert status == 0
    assert "embedder: omz-0286 (ready), CPU · OpenVINO, licence Apache-2.0" in out
    assert "yolo26n.pt  https://" in out
    status, out, _ = run(capsys, "models", "check")
    assert status == 0
    assert re.search(r"embedder: omz-0286 works on CPU · OpenVINO( · float(16|32))?, \d+\.\d ms a picture", out)
    monkeypatch.setenv("SIGHTLINE_EMBEDDER", "nonsense")
    status, out, _ = run(capsys, "models", "check")
    assert status == 2
    assert "does not work" in out


def test_answers_and_hints_are_german_in_german(
    setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTLINE_LANGUAGE", "de")
    said = ""
    for command in (
        ["enroll", setup.clip, "Ada"],
        ["enroll", setup.clip, "Ada"],
        ["enroll", setup.clip, "Ada", "--add"],
        ["verify", setup.clip, "Ada"],
        ["identify", setup.clip, "--no-files"],
        ["gallery", "rename", "Ada", "Bea"],
        ["gallery", "undo"],
        ["gallery", "history"],
        ["gallery", "export", tmp_path / "all.zip"],
        ["gallery", "remove", "Ada"],
        ["gallery", "list"],
    ):
        said += "".join(run(capsys, *command)[1:])
    activate("en")
    enrolled = "Ada ist erfasst: 8 Aufnahmen behalten aus Frames 0–99."
    for sentence in (enrolled, "Sagen Sie das mit --add.", "Rückgängig bis"):
        assert sentence in said
    words = set(re.findall(r"[a-z]+", said.replace(str(tmp_path), "").lower()))
    english = {"the", "is", "was", "now", "score", "threshold", "enrolled", "of", "and", "with", "reference"}
    assert words & english == set(), said
