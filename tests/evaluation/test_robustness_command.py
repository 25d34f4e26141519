"""`evaluate --robustness`: what pixels cost in text, files and beside the weights, and what answers then tell."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from biometric.clips.crops import JpegCropStore
from biometric.entities.adaptation import AdaptationKind, ScoreAdaptation
from biometric.entities.picture_detail import ComparedDetail
from biometric.entities.robustness import DetailCost, DetailMeasure, MissedShare, RobustnessRow, RobustnessTable
from biometric.evaluation import evaluating
from biometric.evaluation.degradations import degradation
from biometric.messages.detail_sentences import describe_cost
from biometric.messages.translation import activate
from biometric.models.robustness_files import read_robustness
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.store import ModelStore
from biometric.pipeline.answer_pictures import AnswerPictures
from biometric.results.answer_json import verification_json
from biometric.results.report_content import ReportSources, verification_report
from biometric.results.report_html import report_html
from biometric.settings import Settings
from biometric.ui import answers
from biometric.ui.picture_uris import Pictures
from tests.evaluation.test_evaluate_command import fake, run
from tests.test_service import ServiceSetup

__all__ = ["fake"]


def people_in_coats(root: Path, people: int, cameras: int = 2) -> Path:
    """People in coats and trousers of their own two colours and stripes, a little darker by the second camera."""
    for person in range(people):
        generator = np.random.default_rng(person)
        colours = generator.integers(30, 230, (3, 3))
        for camera in range(cameras):
            image = np.full((256, 128, 3), 120, np.uint8)
            image[20:60, 44:84] = (150, 180, 215)
            image[60:150, 24:104] = colours[0]
            image[60:150:8, 24:104] = colours[1]
            image[150:250, 34:94] = colours[2]
            image = np.clip(image * (1.0 - 0.15 * camera), 0, 255).astype(np.uint8)
            path = root / f"{person:03d}" / str(camera) / "1.png"
            path.parent.mkdir(parents=True)
            assert cv2.imwrite(str(path), image)
    return root


@pytest.fixture(autouse=True)
def one_degradation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the rows of degradations one is enough here: they take most of the time."""
    monkeypatch.setattr(evaluating, "DEGRADATIONS", (degradation("width-16-lanczos"),))


def test_tables_are_told_and_too_few_people_are_said(
    fake: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = people_in_coats(tmp_path / "data", 4)
    status, out, _ = run(capsys, "tree", data, "--robustness", "--output", tmp_path / "out")
    assert status == 0
    assert "at the thresholds 0.500 (1:1) and 0.600 (1:N)" in out
    assert "By height of the smaller side, in pixels:" in out
    assert "  64–95: too few data, 8 comparisons of 4 people." in out
    assert "16 pixels wide, enlarged (Lanczos), both: rank-1" in out
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "By sharpness of the more blurred side" in report
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    heights = [row["start"] for row in found["detail"]["rows"] if row["measure"] == "height"]
    assert heights == [16, 24, 32, 48, 64, 96, 128, 192, 256]
    assert {row["support"] for row in found["detail"]["rows"]} == {"too few data"}
    assert run(capsys, "tree", data, "--robustness", "--cohort-share", "0.5", "--json")[0] == 0


def test_without_robustness_nothing_is_counted(fake: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = run(capsys, "tree", people_in_coats(tmp_path / "data", 3), "--json")
    assert json.loads(out)["detail"] is None


def test_a_table_is_kept_where_weights_are(
    fake: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "mine"))
    status, out, _ = run(capsys, "tree", people_in_coats(tmp_path / "data", 30), "--robustness", "--store", "--json")
    assert status == 0
    found = json.loads(out)
    path = tmp_path / "mine" / "models" / "robustness" / "colours.toml"
    assert found["files"] == [str(path)]
    assert found["command"].endswith("--robustness --store --template-size 5 --seed 0")
    stored = read_robustness(path)
    assert stored.model_id == "colours"
    assert stored.data == "Folders, all against all: 30 people, 60 pictures"
    assert (stored.day, stored.verification, stored.identification) == (found["date"][:10], 0.5, 0.6)
    rows = [row for row in found["detail"]["rows"] if row["measure"] == "height"]
    assert [(row.start, row.people, row.verification.missed) for row in stored.of(DetailMeasure.HEIGHT)] == [
        (row["start"], row["people"], row["verification"]["missed"]) for row in rows
    ]


def test_real_weights_lose_people_with_pixels_and_serve_with_their_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"EMBEDDER": "starter-embedder-2", "OFFLINE": "1", "DEVICE": "cpu"}
    folders = {"DATA": tmp_path / "mine", "TEMP": tmp_path / "temp", "GALLERY": tmp_path / "gallery"}
    for name, value in {**environment, **folders}.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", str(value))
    with signal_stack_kept():
        status, out, _ = run(
            capsys, "tree", people_in_coats(tmp_path / "data", 30), "--robustness", "--store", "--json"
        )
    assert status == 0
    rows = [row for row in json.loads(out)["detail"]["rows"] if row["measure"] == "height"]
    missed = [row["fnmr"]["verification"] for row in rows]
    assert missed[0] > missed[-1] + 0.2  # 16 pixels against 256
    table = ModelStore(Settings.from_environment()).robustness()
    assert table is not None
    assert (table.model_id, table.verification) == ("starter-embedder-2", 0.668)
    assert [row.share("verification") for row in table.of(DetailMeasure.HEIGHT)] == pytest.approx(missed, abs=1e-6)


def table(people: int, model_id: str) -> RobustnessTable:
    few, many = MissedShare(8, 0.02, 0.06), MissedShare(80, 0.31, 0.5)
    rows = (
        RobustnessRow(DetailMeasure.HEIGHT, 192, 256, people, 200, few, many),
        RobustnessRow(DetailMeasure.HEIGHT, 256, None, people, 200, few, few),
        RobustnessRow(DetailMeasure.SHARPNESS, 0, 25, people, 200, MissedShare(0, 0.0, 0.075), few),
    )
    return RobustnessTable(model_id, "made up", "2026-11-27", 0.5, 0.6, 1.0, rows)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[ServiceSetup]:
    """A person 250 pixels high, enrolled; the pictures are as plain as they are sharp by the fake measure: 1."""
    setup = ServiceSetup(tmp_path, crops=JpegCropStore())
    setup.service.enroll(setup.observe(0, 50), "Ada")
    yield setup
    setup.service.close()


def test_answers_tell_what_their_pixels_cost(setup: ServiceSetup) -> None:
    setup.models.table = table(40, setup.embedder.model_id)
    observed = setup.observe(51, 99)
    claim = setup.service.verify(observed, "Ada")
    [search] = setup.service.identify(observed)
    assert describe_cost(claim.detail) == (
        "At 192 to 255 pixels this model misses 4 in 100 of the right people (95 % interval 2% to 6%, measured on "
        "40 people at the threshold 0.500)."
    )
    assert "misses 4 in 10 of the right people (95 % interval 31% to 50%" in describe_cost(search.detail)
    costs = verification_json(claim, observed)["picture_detail"]["costs"]
    assert costs[0] == {
        "measure": "height",
        "from": 192,
        "to": 256,
        "fnmr": 0.04,
        "interval": [0.02, 0.06],
        "missed": 8,
        "comparisons": 200,
        "people": 40,
        "threshold": 0.5,
        "measured_on": "made up",
    }
    assert [cost["measure"] for cost in costs] == ["height", "sharpness"]
    sources = ReportSources(setup.service.gallery(), JpegCropStore(), "fake")
    assert "misses 4 in 100 of the right people" in report_html(verification_report(observed, claim, sources))
    pictures = Pictures(JpegCropStore())
    assert "misses 4 in 10 of the right people" in answers.evidence(
        search, pictures, setup.service.gallery().references, {}
    )
    activate("de")
    try:
        assert describe_cost(claim.detail).startswith("Bei 192 bis 255 Pixeln übersieht dieses Modell 4 von 100 ")
    finally:
        activate("en")


def test_nothing_is_told_without_a_table_of_people_enough_or_for_another_model(setup: ServiceSetup) -> None:
    observed = setup.observe(51, 99)
    for told in (None, table(29, setup.embedder.model_id), table(40, "another")):
        setup.models.table = told
        claim = setup.service.verify(observed, "Ada")
        assert claim.detail is not None
        assert (claim.detail.costs, describe_cost(claim.detail)) == ((), "")
        assert verification_json(claim, observed)["picture_detail"]["costs"] == []


@pytest.mark.parametrize(
    ("missed", "high", "words"),
    [
        (0, 0.015, "at most 2 in 100"),
        (4, 0.03, "at most 3 in 100"),
        (5, 0.03, "1 in 100"),
        (94, 0.2, "9 in 100"),
        (95, 0.2, "1 in 10"),
        (449, 0.5, "4 in 10"),
        (1000, 1.0, "10 in 10"),
    ],
)
def test_shares_are_said_in_whole_numbers(missed: int, high: float, words: str) -> None:
    share = MissedShare(missed, 0.0, high)
    row = RobustnessRow(DetailMeasure.SHARPNESS, 800, None, 50, 1000, share, share)
    detail = ComparedDetail(None, None, (DetailCost(row, "verification", 0.5, "made up"),))
    text = describe_cost(detail)
    assert text.startswith(f"At a sharpness of 800 or more this model misses {words} of the right people")


def test_nothing_is_told_of_scores_that_are_adapted_to_cameras(setup: ServiceSetup) -> None:
    setup.models.table = table(40, setup.embedder.model_id)
    observed = setup.observe(51, 99)
    claim = setup.service.verify(observed, "Ada")
    assert claim.detail is not None
    assert claim.detail.costs
    adapted = dataclasses.replace(claim.threshold, adaptation=ScoreAdaptation(AdaptationKind.CENTRING, "0" * 16))
    pictures = AnswerPictures(JpegCropStore(), lambda image: 1.0, setup.models.robustness)
    centred = dataclasses.replace(claim, threshold=adapted)
    checked = pictures.checked_verification(setup.service.gallery(), centred)
    assert checked.detail == dataclasses.replace(claim.detail, costs=())
