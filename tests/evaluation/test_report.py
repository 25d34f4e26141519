"""JSON, CSV, pictures and the HTML file; the file is opened in Chromium."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from biometric.errors import StorageFull
from biometric.evaluation import plots, report, result_files
from biometric.evaluation.datasets import read
from biometric.evaluation.degradations import DEGRADATIONS
from biometric.evaluation.evaluating import Evaluation, Plan
from tests.evaluation import test_evaluating as running
from tests.evaluation.made_datasets import market

PNG = b"\x89PNG\r\n\x1a\n"
NASTY = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    dataset = read("market1501", market(tmp_path_factory.mktemp("data")))
    groups = {NASTY: {0: "a", 1: "a", 2: "b", 3: "b"}}
    embedder = running.ColourEmbedder()
    found = running.run(Plan(dataset, {"model card, 1:1": 0.5}, groups=groups))
    clean = running.finish(running.embed_pictures(dataset, embedder, None, 0))[1]
    rows = running.finish(running.robustness(dataset, embedder, clean, 0, DEGRADATIONS[:2]))[1]
    return Evaluation(found.dataset, found.measured, rows, found.audits, found.seconds)


@pytest.fixture(scope="module")
def metadata() -> result_files.EvaluationMetadata:
    return result_files.EvaluationMetadata(
        {"model": NASTY, "licence": "Apache-2.0"}, "2026-01-02T03:04:05+00:00", f"evaluate {NASTY}", 7, "blur", ""
    )


@pytest.fixture(scope="module")
def drawn(evaluation: Evaluation) -> dict[str, bytes]:
    return plots.draw_plots(evaluation.measured, evaluation.rows)


def test_json_holds_every_number_and_is_json(evaluation: Evaluation, metadata: result_files.EvaluationMetadata) -> None:
    text = result_files.json_text(result_files.as_json(evaluation, metadata))
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["ranking"]["rank1"]["value"] == 1.0
    assert len(found["ranking"]["cmc"]) == 50
    assert [point["target_fmr"] for point in found["verification"]["points"]][:4] == [0.1, 0.01, 0.001, 0.0001]
    assert found["verification"]["points"][-1]["point"] == "model card, 1:1"
    assert found["templates"]["size"] == 5
    assert found["identification"][0]["gallery_size"] == 1
    assert found["robustness"][0]["configuration"] == "none"
    assert found["groups"][0]["attribute"] == NASTY
    assert (found["seed"], found["degradation"]) == (7, {"probe": "blur", "reference": ""})


def test_the_csv_has_a_line_for_every_operating_point(evaluation: Evaluation) -> None:
    rows = list(csv.DictReader(io.StringIO(result_files.as_csv(result_files.operating_points(evaluation)))))
    assert {row["level"] for row in rows} == {"single picture", "template", "identification"}
    assert rows[0]["point"] == "FMR 0.1"
    assert 0.0 <= float(rows[0]["false_negative_rate"]) <= 1.0
    assert result_files.as_csv([]) == "\n"


def test_every_picture_is_drawn(drawn: dict[str, bytes]) -> None:
    expected = {"cmc", "roc", "det", "scores", "scores-templates", "open-set", "robustness"}
    assert set(drawn) == expected == set(report.TITLES)
    assert all(content.startswith(PNG) and len(content) > 5000 for content in drawn.values())


class Tags(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_promise_10_the_html_loads_nothing_and_escapes_everything(
    evaluation: Evaluation, metadata: result_files.EvaluationMetadata, drawn: dict[str, bytes]
) -> None:
    parsed = Tags()
    parsed.feed(report.html(evaluation, metadata, drawn))
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert len(images) == len(drawn)
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert all("onerror" not in image and image["alt"] for image in images)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in parsed.tags}


@pytest.mark.browser
def test_the_html_opens_in_chromium_without_any_request(
    evaluation: Evaluation,
    metadata: result_files.EvaluationMetadata,
    drawn: dict[str, bytes],
    tmp_path: Path,
    chromium: Any,
) -> None:
    paths = result_files.write_files(tmp_path / "out", {"report.html": report.html(evaluation, metadata, drawn)})
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(paths["report.html"].as_uri())
    assert page.title().startswith("Evaluation: Market-1501")
    loaded = page.eval_on_selector_all(
        "img", "images => images.map(image => image.complete && image.naturalWidth > 300)"
    )
    assert loaded == [True] * len(drawn)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "too few data" in page.inner_text("body")
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [paths["report.html"].as_uri()]
    page.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageFull, match="taken cannot be written"):
        result_files.write_files(tmp_path / "taken", {"a.txt": "x"})


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    result_files.write_files(tmp_path, {"a.txt": "one", "b.bin": b"\x00"})
    result_files.write_files(tmp_path, {"a.txt": "two"})
    assert (tmp_path / "a.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.bin"]
