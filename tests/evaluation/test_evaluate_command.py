"""`python -m biometric evaluate`: options, errors, and real weights on crops of real people."""

import json
import re
from pathlib import Path

import pytest

import biometric.bootstrap
from biometric import cli
from biometric.cli.evaluate import DATASETS
from biometric.entities import FrameRange, Observation
from biometric.evaluation.datasets import families
from biometric.service import Sightline
from biometric.settings import Settings
from tests.evaluation.made_datasets import market
from tests.evaluation.test_evaluating import ColourEmbedder
from tests.fakes import FakeDetector, FakeModels
from tests.fresh_interpreter import packages_loaded_by
from tests.running import run_command

PROJECT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Settings]:
    """The real service with an embedder that sees colours only; the settings that it was built with."""
    built: list[Settings] = []
    build = biometric.bootstrap.build

    def with_fake_models(settings: Settings) -> Sightline:
        built.append(settings)
        service = build(settings)
        service.models = FakeModels(FakeDetector({}), ColourEmbedder())
        return service

    monkeypatch.setattr(biometric.bootstrap, "build", with_fake_models)
    monkeypatch.setenv("SIGHTLINE_TEMP", str(tmp_path / "temp"))
    monkeypatch.setenv("SIGHTLINE_GALLERY", str(tmp_path / "gallery"))
    return built


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "evaluate", *arguments)


def test_json_and_nothing_else_on_stdout(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, out, _ = run(capsys, "market1501", market(tmp_path / "data"), "--json", "--seed", 3, "--model", "my-card")
    assert status == 0
    found = json.loads(out)
    assert found["dataset"]["people"] == 4
    assert found["model"]["model"] == "colours"
    assert found["command"].endswith(f"{tmp_path / 'data'} --model my-card --template-size 5 --seed 3")
    assert [each["point"] for each in found["verification"]["points"]][-2:] == ["model card, 1:1", "model card, 1:N"]
    assert "files" not in found
    assert fake[0].embedder == "my-card"


def test_everything_at_once_for_people_and_as_files(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "groups.csv").write_text("id,coat\n1,red\n2,red\n3,blue\n4,blue\n")
    arguments = ["--robustness", "--groups", tmp_path / "groups.csv", "--output", tmp_path / "out"]
    status, out, err = run(
        capsys, "market1501", market(tmp_path / "data"), "--reference-degradation", "blur", *arguments
    )
    assert (status, err) == (0, "Drawing …\n")
    assert "Ranking: rank-1" in out
    assert "Single pictures: EER" in out
    assert "too few data" in out
    assert "lower body hidden, both: rank-1" in out
    assert "(coat)" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"report.html", "evaluation.json", "operating-points.csv", "roc.png", "robustness.png"} <= names
    assert str(tmp_path / "out" / "report.html") in out


def test_a_gallery_is_evaluated(fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from tests.builders import axis
    from tests.evaluation.test_datasets import enrolled

    status, _, err = run(capsys, "gallery", tmp_path / "gallery")
    assert (status, err.startswith("Nobody is enrolled")) == (2, True)
    for name, clip in (("Ada", "a"), ("Ada", "b"), ("Ben", "c")):
        enrolled(tmp_path / "gallery", tmp_path / "crops", name, clip, axis(ord(clip) - ord("a")))
    status, out, _ = run(capsys, "gallery", tmp_path / "gallery", "--json")
    assert status == 0
    assert json.loads(out)["dataset"]["cameras"] == 3
    assert run(capsys, "gallery", tmp_path / "gallery", "--protocol", "standard")[0] == 2


def test_adaptation_is_learnt_from_people_who_are_not_judged(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = market(tmp_path / "data", people=12)
    (tmp_path / "groups.csv").write_text("id,coat\n" + "".join(f"{number},red\n" for number in range(1, 13)))
    options = ["--adapt", "centre", "--cohort-share", "0.25", "--groups", tmp_path / "groups.csv"]
    status, out, _ = run(capsys, "market1501", data, *options, "--output", tmp_path / "out")
    assert status == 0
    assert "Adaptation: centring by camera; 9 people judged." in out
    assert "Learnt from 3 other people (6 templates), who were seen by 2 of 2 cameras." in out
    assert re.search(r"templates of up to 5, FNMR at FMR 0\.01: \S+ without, \S+ with\.", out)
    assert "model card" not in out
    assert "Adaptation to cameras" in (tmp_path / "out" / "report.html").read_text("utf-8")
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    adaptation = found["adaptation"]
    assert (adaptation["name"], adaptation["judged_people"], adaptation["cohort_people"]) == ("centre", 9, 3)
    assert "--adapt centre --cohort-share 0.25" in found["command"]
    status, out, _ = run(capsys, "market1501", data, "--cohort-share", "0.25", "--json")
    plain = json.loads(out)
    assert plain["adaptation"]["without"] is None
    assert plain["ranking"] == adaptation["without"]["ranking"]
    assert plain["verification"]["points"][:5] == adaptation["without"]["verification"]["points"]
    assert [point["point"] for point in plain["verification"]["points"]][-1] == "model card, 1:N"


def test_normalised_scores_are_reported_and_drawn(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = market(tmp_path / "data", people=24)
    options = ["--adapt", "snorm", "--output", tmp_path / "out", "--json"]
    status, out, _ = run(capsys, "market1501", data, *options)
    assert status == 0
    found = json.loads(out)
    assert found["adaptation"]["applied"]
    assert found["verification"]["points"][0]["threshold"] > 1.0
    assert found["verification"]["points"][0]["reachable"]
    header, *lines = (tmp_path / "out" / "operating-points.csv").read_text().splitlines()
    assert header.endswith(",adaptation")
    assert all(line.endswith(",snorm") for line in lines)
    status, out, _ = run(capsys, "market1501", data, "--adapt", "snorm", "--cohort-people", 3)
    assert "Nothing was adapted: a cohort needs 20 templates or more." in out


def test_groups_of_the_cohort_only_are_told(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = market(tmp_path / "data", people=6)
    messages = []
    for person in range(1, 7):
        (tmp_path / "groups.csv").write_text(f"id,coat\n{person},red\n")
        status, _, err = run(capsys, "market1501", data, "--adapt", "centre", "--groups", tmp_path / "groups.csv")
        messages.append((status, "label nobody of those judged by coat" in err))
    assert sorted(messages) == [(0, False)] * 3 + [(2, True)] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["market1501", "NOWHERE"], "does not exist. Expected layout: query/"),
        (["cuhk03", "DATA", "--protocol", "old"], "new-labeled"),
        (["market1501", "DATA", "--probe-degradation", "fog"], "lower-body"),
        (["market1501", "DATA", "--template-size", "0"], "--template-size must be 1 or more"),
        (["market1501", "DATA", "--seed", "-1"], "--seed 0 or more"),
        (["market1501", "DATA", "--groups", "NOWHERE"], "cannot be read"),
        (["market1501", "DATA", "--adapt", "centre", "--cohort-share", "1"], "above 0 and below 1"),
        (["market1501", "DATA", "--cohort-share", "nan"], "above 0 and below 1"),
        (["market1501", "DATA", "--adapt", "snorm", "--cohort-share", "0.25"], "makes a cohort of 1"),
        (["market1501", "DATA", "--adapt", "centre", "--cohort-people", "1"], "2 people or more, got 1"),
        (["market1501", "ONE-CAMERA", "--adapt", "centre"], "one camera"),
        (["market1501", "DATA", "--store"], "--store belongs to --robustness"),
        (["market1501", "DATA", "--enlarge-with", "NOWHERE"], "--enlarge-with belongs to --robustness"),
        (["market1501", "DATA", "--robustness", "--enlarge-with", "NOWHERE"], "is no ONNX file"),
        (["market1501", "DATA", "--robustness", "--store", "--adapt", "centre"], "which are for scores as they are"),
        (["market1501", "DATA", "--robustness", "--store"], "shows 4 people by two cameras or more; a table that"),
    ],
)
def test_wrong_input_is_a_sentence_and_status_2(
    fake: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    places = {"NOWHERE": tmp_path / "nowhere", "DATA": market(tmp_path / "data")}
    places["ONE-CAMERA"] = market(tmp_path / "one") / "query"
    status, out, err = run(capsys, *[places.get(word, word) for word in arguments])
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_the_kinds_of_data_sets_are_those_that_can_be_read() -> None:
    assert set(DATASETS) == {*families(), "gallery"}


def test_every_option_and_protocol_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROJECT / "docs" / "evaluation.md").read_text("utf-8")
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "--help"])
    options = re.findall(r"--[a-z-]+", capsys.readouterr().out)
    assert "--protocol" in options
    for option in options:
        assert option == "--help" or option in text, option
    from biometric.evaluation.degradations import DEGRADATIONS

    for family in families().values():
        assert f"`{family.name}`" in text
        assert all(protocol in text for protocol in family.protocols)
    assert all(f"`{each.name}`" in text for each in DEGRADATIONS)


def test_importing_the_app_loads_nothing_of_an_evaluation() -> None:
    code = (
        "import biometric.service, biometric.evaluation; from biometric.cli import parser; parser();"
        "import biometric.evaluation.protocols, biometric.evaluation.groups"
    )
    assert packages_loaded_by(code, ("torch", "cv2", "sklearn", "scipy", "matplotlib", "h5py")) == set()


def person_of(service: Sightline, shared: Path, first: int) -> Observation:
    """The person who stands alone in four seconds of the clip."""
    work = service.observe(shared / "clips" / "one-by-one.mp4", FrameRange.inclusive(first, first + 39))
    while True:
        try:
            next(work)
        except StopIteration as finished:
            person = finished.value.most_prominent
            assert person is not None
            return person


@pytest.fixture(scope="module")
def people(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people of a real clip in Market-1501's naming: the halves of their tracks are cameras 1 and 2."""
    folder = tmp_path_factory.mktemp("people")
    settings = Settings(
        gallery=folder / "gallery", temp=folder / "temp", models=shared / "models", offline=True, device="cpu"
    )
    service = biometric.bootstrap.build(settings)
    three = [person_of(service, shared, first) for first in (100, 300, 560)]
    (folder / "data").mkdir()
    for number, person in enumerate(three, 1):
        for index, sample in enumerate(person.kept):
            camera = 1 if index < len(person.kept) / 2 else 2
            name = f"{number:04d}_c{camera}s1_{sample.detection.frame_index:06d}_{index:02d}.jpg"
            assert sample.crop is not None
            (folder / "data" / name).write_bytes(sample.crop.read_bytes())
    service.close()
    return folder / "data"


@pytest.mark.real
def test_real_weights_tell_three_people_apart(
    people: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    monkeypatch.setenv("SIGHTLINE_DEVICE", "cpu")
    monkeypatch.setenv("SIGHTLINE_TEMP", str(tmp_path / "temp"))
    model = shared / "models" / "person-reidentification-retail-0286.xml"
    options = ["--output", tmp_path / "out", "--json", "--model", model]
    status, out, err = run(capsys, "market1501", people, *options)
    assert (status, err) == (0, "Drawing …\n")
    found = json.loads(out)
    assert found["dataset"]["people"] == 3
    assert found["ranking"]["rank1"]["value"] == 1.0
    assert found["verification"]["eer"] < 0.02
    assert found["templates"]["eer"] == 0.0
    assert all(point["support"] == "too few data" for point in found["verification"]["points"])
    assert found["model"]["licence"] == "Apache-2.0"
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
