"""The Calibration tab: what it shows, and running one in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import (
    Calibration,
    FitBasis,
    FittedThreshold,
    GenuineScores,
    Histogram,
    LikelihoodRatio,
    NewReference,
    Notice,
    NoticeCode,
    Template,
    Threshold,
    ThresholdSource,
)
from biometric.errors import CalibrationRefused, InvalidInput
from biometric.gallery.repository import SQLiteGallery
from biometric.ui import calibration_tab as calibration
from biometric.ui import elements, presenters
from tests.ui.scenery import CoatEmbedder
from tests.ui.serving import Server, serving

FITTED = FittedThreshold(0.479, 0.01, 0, 376, 0.008, 0.32, 0.48, FitBasis.PAIRS)
CALIBRATION = Calibration(
    model_id=CoatEmbedder.model_id,
    created_at="2026-03-01T12:00:00+00:00",
    verification=FITTED,
    identification=None,
    gallery_size=2,
    people=34,
    pairs=376,
    independent=376,
    clips=1,
    seconds=31.4,
    sources={"same time": 474},
    genuine=(GenuineScores("same visit", 27, 35, 0, 0.0, 0.11),),
    likelihood=LikelihoodRatio(15.0, -8.0, 0.03, 376.0, Notice(NoticeCode.LIKELIHOOD_BASIS, people=27, pairs=376)),
    histogram=Histogram((0, 0, 300, 76), (0, 0, 5, 30)),
    notes=(Notice(NoticeCode.STORED_NOTE, text="Scores of one visit <flatter>."),),
)


def test_the_calibration_shows_what_it_rests_on() -> None:
    html = calibration.shown(CALIBRATION, 2)
    for words in ("2026-03-01", "0.479", "0.32–0.48", "1 in 100", "376 pairs of 34 people", "474 same time"):
        assert words in html, words
    assert "0 of 35 missed" in html
    assert "not calibrated" in html
    assert "&lt;flatter&gt;" in html
    assert "<flatter" not in html


def test_a_gallery_that_has_grown_is_told() -> None:
    made = Calibration(
        **{name: getattr(CALIBRATION, name) for name in Calibration.__slots__} | {"identification": FITTED}
    )
    assert "calibrate again" not in calibration.shown(made, 2)
    assert "it has 3 now, so a higher threshold of the model card may decide" in calibration.shown(made, 3)


def test_comparisons_in_doubt_are_shown() -> None:
    made = Calibration(**{name: getattr(CALIBRATION, name) for name in Calibration.__slots__} | {"doubtful": 7})
    assert "7 comparisons, counted as errors" in calibration.shown(made, 2)
    assert "In doubt" not in calibration.shown(CALIBRATION, 2)


def test_the_histogram_has_a_bar_a_bin_and_the_threshold_in_its_place() -> None:
    svg = calibration.histogram(CALIBRATION.histogram, 0.5)
    assert svg.count('class="sl-different" ') == svg.count('class="sl-same" ') == 2
    # Bins of 0.5 from 0 to 1 are left, so 0.5 is in the middle of 300 units.
    assert 'class="sl-threshold" x1="150.0"' in svg
    assert "376 pairs of different people, 35 scores of one person" in svg
    empty = calibration.histogram(Histogram((0, 0), (0, 0)), -0.5)
    assert "<rect" not in empty
    assert 'x1="0.0"' in empty


def test_promise_27_the_evidence_stands_beside_the_score() -> None:
    threshold = Threshold(
        0.479, ThresholdSource.CALIBRATION, (), 0.01, calibrated_on="2026-03-01", likelihood=CALIBRATION.likelihood
    )
    html = elements.scale(0.9, threshold)
    assert "calibrated here on 1 March 2026: of 100 strangers, about 1 would pass" in html
    assert "likelihood ratio 245: moderately strong support for the same person" in html
    assert "calibrated on your footage on 1 March 2026" in elements.threshold_evidence(threshold)
    assert "likelihood" not in elements.scale(0.9, Threshold(0.5, ThresholdSource.MODEL_CARD))
    assert "likelihood" not in elements.scale(None, threshold)


def test_a_refusal_has_its_own_title() -> None:
    assert "Not enough footage" in presenters.problem(CalibrationRefused("More is needed."))


@pytest.mark.parametrize("value", ["/etc/passwd", [1], {"path": "x"}, ["x.mp4"] * 51])
def test_promise_4_hostile_clips_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        calibration.clip_paths(value)
    assert calibration.clip_paths(None) == []


@pytest.mark.parametrize("value", [None, True, "0.01", [0.01]])
def test_promise_4_hostile_targets_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        calibration.target_rate(value)
    assert calibration.target_rate(0.01) == 0.01


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A page whose gallery holds 30 people who look nothing like each other."""
    root = tmp_path_factory.mktemp("calibration") / "data"
    gallery = SQLiteGallery(root / "gallery")
    for number in range(30):
        vector = np.zeros(CoatEmbedder.dimension, np.float32)
        vector[number // 2] = 1.0 if number % 2 else -1.0
        template = Template(vector, CoatEmbedder.model_id, 1)
        gallery.enroll(f"Person {number:02d}", NewReference(template, (), f"{number:064x}", f"{number}.mp4", 0, 9))
    with serving(root, delay=0.02) as running:
        yield running


@pytest.fixture
def page(chromium: Any, crowded: Server) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(crowded.url)
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    page.get_by_role("tab", name="Calibration").click()
    page.get_by_text("Calibrate on your footage").click()
    page.wait_for_selector("#calibration-start:visible")
    page.wait_for_timeout(400)
    yield page
    context.close()
    assert not errors


@pytest.mark.browser
def test_calibrating_on_the_page(page: Any, clips: dict[str, Path], crowded: Server) -> None:
    assert "Not calibrated yet" in page.locator("#calibration").inner_text()
    page.locator("#calibration-clips input[type=file]").set_input_files([clips["three"]])
    page.wait_for_timeout(1000)
    page.click("#calibration-start")
    page.wait_for_selector("#calibration-status :text-matches('Clip 1 of 1: reading frame [0-9]+ of 40')")
    assert list(crowded.root.rglob("calibration-*/0/clip.mp4"))
    page.click("#calibration-cancel")
    page.wait_for_selector("#calibration-status >> text=Cancelled. The former thresholds stay.")
    page.wait_for_timeout(500)
    assert not list(crowded.root.rglob("calibration-*")), "the clips are gone"

    page.click("#calibration-start:not([disabled])")
    page.wait_for_selector("#calibration-message >> text=Not enough footage for this error rate")
    assert "3,000 independent comparisons" in page.locator("#calibration-message").inner_text()

    page.locator("#calibration-target").get_by_text("1 in 100", exact=True).click()
    page.click("#calibration-start:not([disabled])")
    page.wait_for_selector("#calibration-message >> text=Verification uses the calibrated threshold")
    page.wait_for_selector("#calibration svg.sl-histogram")
    said = page.locator("#calibration").inner_text()
    assert re.search(r"435 pairs of 30 people", said)
    page.wait_for_selector("#header >> text=calibration (verification), model card (identification)")
    page.get_by_role("tab", name="Verification").click()
    page.get_by_text("Details: threshold").locator("visible=true").click()
    page.wait_for_selector("text=Of 100 strangers, about 1 would pass.", state="attached")
