"""`import biometric`: its names, their examples, the README's, and the scripts of examples/."""

import doctest
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import biometric
from biometric.bootstrap import make_demo
from biometric.errors import (
    CalibrationRefused,
    CalibrationUnusable,
    ClipNotFound,
    InvalidInput,
    InvalidSetting,
    PeopleLookDifferent,
    PeopleSeenTogether,
    SplitRefused,
    UnknownPerson,
)
from biometric.library_edits import ObservationEdits
from tests.conftest import PROJECT
from tests.fresh_interpreter import packages_loaded_by

ENVIRONMENT = {"SIGHTLINE_OFFLINE": "1", "SIGHTLINE_DEVICE": "cpu", "SIGHTLINE_DETECTOR": "starter-detector"}
ENVIRONMENT["SIGHTLINE_EMBEDDER"] = "starter-embedder-2"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demo/; the clips also lie there under the names that the README's example uses."""
    folder = tmp_path_factory.mktemp("library")
    made = {clip.path.stem: clip.path for clip in make_demo(folder / "demo")}
    for name, stem in (("visit-1", "visit-1-beige-coat"), ("visit-2", "visit-2-beige-coat")):
        (folder / f"{name}.mp4").write_bytes(made[stem].read_bytes())
    (folder / "visit-3.mp4").write_bytes(made["visit-2-everybody"].read_bytes())
    return folder


@pytest.fixture(autouse=True)
def place(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run among the clips, with a gallery of this test's own."""
    monkeypatch.chdir(clips)
    for name in ("gallery", "query", "library", "temp"):
        monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", str(tmp_path / name))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def service() -> Iterator[biometric.RecognitionService]:
    with biometric.open_service() as opened:
        yield opened


def test_all_names_are_there_and_only_those_are_promised() -> None:
    assert set(biometric.__all__) <= set(dir(biometric))
    assert 12 <= len(biometric.__all__) <= 20
    for name in biometric.__all__:
        assert getattr(biometric, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = biometric.nothing  # type: ignore[attr-defined]


def test_the_lazy_names_are_those_that_type_checkers_see() -> None:
    source = Path(str(biometric.__file__)).read_text("utf-8")
    typed = source.partition("if TYPE_CHECKING:")[2].partition("\n_MODULES")[0]
    seen = set(re.findall(r"\b[A-Z]\w+|open_service", typed))
    assert seen == set(biometric.__all__) == set(biometric._MODULES)


def test_every_name_is_documented_with_an_example_that_runs(service: biometric.RecognitionService) -> None:
    """In one process: each example goes on from an open service, an observed clip and one enrolled name."""
    observed = service.observe("demo/visit-1-beige-coat.mp4")
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    for name in sorted(biometric.__all__):
        for identity in service.identities():
            service.remove(identity)
        service.enroll(observed, "Ada Lovelace")
        values = {"biometric": biometric, "service": service, "observed": observed}
        (example,) = finder.find(getattr(biometric, name), name, globs=values)
        assert example.examples, f"{name} has no example"
        assert runner.run(example).failed == 0, name


def test_the_readme_example_runs_and_uses_public_names_only(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.S)
    (code,) = [block for block in blocks if "import biometric" in block]
    assert "from biometric" not in code
    assert set(re.findall(r"biometric\.(\w+)", code)) <= set(biometric.__all__)
    exec(compile(code, "README.md", "exec"), {})
    assert "Ada Lovelace" in capsys.readouterr().out


def script(name: str, *words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *words])
    runpy.run_path(str(PROJECT / "examples" / name), run_name="__main__")


def test_the_example_scripts_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {
        "correct_people.py": (
            ["demo/visit-2-everybody.mp4"],
            r"person 1: \d+ samples, \d+ of them person \d+ now",
        ),
        "enroll_and_verify.py": (["demo/visit-1-beige-coat.mp4", "demo/visit-2-beige-coat.mp4"], r"\nmatch: score 0\."),
        "identify_to_csv.py": (["demo/visit-2-everybody.mp4"], r"\d+,\d+,\d+,identified,Ada Lovelace,0\.\d{3}"),
        "show_progress.py": (["demo/visit-2-beige-coat.mp4", "0", "39"], r"person 1: \d+ samples kept"),
        "try_thresholds.py": (["demo/visit-2-beige-coat.mp4"], r"default: 0\.\d+ \(model card\)\n0\.3: 1 of 1"),
    }
    assert {path.name for path in (PROJECT / "examples").glob("*.py")} == set(runs)
    for name, (words, expected) in runs.items():
        script(name, *words, monkeypatch=monkeypatch)
        assert re.search(expected, capsys.readouterr().out), name


@pytest.mark.parametrize("name", sorted(path.name for path in (PROJECT / "examples").glob("*.py")))
def test_an_example_script_without_its_arguments_prints_its_usage(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ([], ["a.mp4"] * 5, ["--help"] * 4):
        with pytest.raises(SystemExit) as ended:
            script(name, *words, monkeypatch=monkeypatch)
        assert ended.value.code == 2
        assert re.fullmatch(rf"usage: python examples/{name}( [A-Z_]+)+\n", capsys.readouterr().err)


@pytest.mark.parametrize("name", sorted(path.name for path in (PROJECT / "examples").glob("*.py")))
def test_an_example_script_says_what_is_wrong_in_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"enroll_and_verify.py": ["no.mp4", "no.mp4"], "show_progress.py": ["no.mp4", "0", "9"]}
    with pytest.raises(SystemExit) as ended:
        script(name, *words.get(name, ["no.mp4"]), monkeypatch=monkeypatch)
    assert "There is no file" in str(ended.value.code)


def test_progress_is_told_and_an_error_of_it_ends_the_work(service: biometric.RecognitionService) -> None:
    steps: list[biometric.Progress] = []
    service.observe("visit-1.mp4", biometric.FrameRange.inclusive(0, 19), progress=steps.append)
    assert steps[0].stage == "Loading models"

    def refuse(progress: biometric.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        service.observe("visit-2.mp4", progress=refuse)
    with pytest.raises(ClipNotFound):
        service.observe("nothing.mp4")


def test_results_are_written_where_they_are_wanted(service: biometric.RecognitionService, tmp_path: Path) -> None:
    observed = service.observe("visit-1.mp4")
    service.enroll(observed, "Ada")
    written = service.write_results(observed, service.identify(observed), tmp_path / "results")
    assert written
    assert all(path.exists() and path.is_relative_to(tmp_path / "results") for path in written.values())


def test_changes_of_the_gallery_are_undone(service: biometric.RecognitionService, tmp_path: Path) -> None:
    enrolled = service.enroll(service.observe("visit-1.mp4"), "Ada").change
    (identity,) = service.identities()
    removed = service.remove(identity)
    assert service.identities() == ()
    assert [change.kind.value for change in service.changes()] == ["removed", "enrolled"]
    service.undo(removed)
    assert service.identities() == (identity,)
    assert enrolled is not None
    assert service.undo().undoes == enrolled.id
    assert service.identities() == ()
    assert list((tmp_path / "gallery").rglob("*.jpg"))
    service.erase(identity)
    assert not list((tmp_path / "gallery").rglob("*.jpg"))


def test_thresholds_are_calibrated_and_go_back(service: biometric.RecognitionService) -> None:
    clip = "visit-3.mp4"
    with pytest.raises(CalibrationRefused, match="Not enough footage for 1 in 1,000"):
        service.calibrate([clip], target_fmr=0.001)
    assert service.calibrations() == ()
    with pytest.raises(CalibrationUnusable):
        service.use_calibration(None)
    with pytest.raises(biometric.BiometricError, match="kept for 1 to 365 days"):
        service.calibrate(["is not read"], keep_cohort=0)
    assert service.cohorts() == ()
    with pytest.raises(biometric.BiometricError, match="No cohort of strangers is kept"):
        service.delete_cohorts()


def test_closing_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    with biometric.open_service() as service:
        observed = service.observe("visit-1.mp4", biometric.FrameRange.inclusive(0, 19))
        assert observed.folder.is_dir()
    service.close()
    assert not observed.folder.exists()
    assert not [path for path in (tmp_path / "temp").rglob("*") if path.is_dir() and path.name.startswith("run-")]
    with pytest.raises(ValueError, match="The service is closed"):
        service.identities()


def test_settings_that_are_wrong_are_refused_at_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_PORT", "many")
    with pytest.raises(InvalidSetting, match="SIGHTLINE_PORT"):
        biometric.open_service()


def test_naming_the_public_names_loads_nothing_heavy() -> None:
    code = "import biometric; [getattr(biometric, name) for name in biometric.__all__]"
    heavy = ("gradio", "torch", "cv2", "faiss", "ultralytics", "openvino", "scipy", "sklearn", "matplotlib")
    assert packages_loaded_by(code, heavy) == set()


def test_people_are_split_and_joined_as_the_example_says(service: biometric.RecognitionService) -> None:
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    (example,) = finder.find(ObservationEdits, globs={"biometric": biometric})
    assert example.examples
    assert runner.run(example).failed == 0


def test_a_clip_is_redacted_as_the_example_says(service: biometric.RecognitionService, tmp_path: Path) -> None:
    hidden = service.redact("visit-3.mp4", tmp_path / "hidden.mp4", biometric.FrameRange(0, 10))
    assert (str(hidden.hiding), hidden.remaining, len(hidden.frames)) == ("box", (), 10)
    assert hidden.hidden_regions >= 10
    for wrong in ({"keep": "Ada"}, {"keep": ["Ada"], "hide_unknown": True}, {"strength": 3}, {"method": "fog"}):
        with pytest.raises(InvalidInput):
            service.redact("visit-3.mp4", tmp_path / "other.mp4", **wrong)
    assert not (tmp_path / "other.mp4").exists()


def test_strangers_and_people_seen_together_are_not_joined(service: biometric.RecognitionService) -> None:
    observed = service.observe("visit-3.mp4")
    assert len(observed.observations) > 1
    people = [person.person for person in observed.observations[:2]]
    first = observed.observations[0].tracklet
    with pytest.raises((PeopleSeenTogether, PeopleLookDifferent)):
        service.join(observed, people)
    with pytest.raises(SplitRefused):
        service.split(observed, people[0], first.first_frame)
    with pytest.raises(UnknownPerson):
        service.split(observed, 99, 20)
