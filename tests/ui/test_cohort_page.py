"""A cohort on the Calibration tab in a real browser: kept for a time that is chosen, told, deleted; and its cameras."""

import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.domain.comparison import unit
from biometric.entities import AdaptationReport, NewReference, StrangerCohort, Template
from biometric.entities.calibration import UnadaptedThresholds
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_migrations import calibration
from tests.ui.accessibility import axe_faults
from tests.ui.scenery import CoatEmbedder
from tests.ui.serving import Server, serving
from tests.ui.settling import wait_until_settled
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

FEW_NEEDED = """
import os, sys
from biometric.ui import calibration_state
from tests.ui.scenery import main
calibration_state.PEOPLE_NEEDED = 3
main([os.environ["SIGHTLINE_PORT"], sys.argv[1]])
"""


def kept(gallery: SQLiteGallery) -> StrangerCohort:
    """Somebody seen in the hall, and a calibration that normalises scores with strangers of the hall."""
    size = CoatEmbedder.dimension
    vectors = unit(np.random.default_rng(0).normal(size=(240, size)))
    template = Template(vectors[0], CoatEmbedder.model_id, 1)
    gallery.enroll("Ada", NewReference(template, (), "a" * 64, "a.mp4", 0, 9, "Hall"))
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    cohort = StrangerCohort(("hall",) * 240, vectors, 1.0, expires)
    plain = calibration(CoatEmbedder.model_id, 0.9)
    made = dataclasses.replace(
        plain,
        verification=dataclasses.replace(plain.verification, value=0.3),
        report=AdaptationReport(cohort.mark, 1, 240, expires=expires),
        unadapted=UnadaptedThresholds(plain.verification, None, None),
    )
    gallery.save_calibration(made, cohort)
    return cohort


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "data"
    kept(SQLiteGallery(root / "gallery"))
    with serving(root, command=[sys.executable, "-c", FEW_NEEDED, str(root)]) as running:
        yield running


def test_a_cohort_is_told_and_deleted(chromium: Any, hall: Server, clips: dict[str, Path]) -> None:
    visitor = Visitor(chromium, hall.url)
    page = visitor.page
    page.get_by_role("tab", name="Calibration").click()
    page.wait_for_selector("#calibration-promise:visible")
    wait_until_settled(page)
    current = page.locator("#calibration")
    assert "nameless templates of 240 people by the camera hall" in current.inner_text()
    assert not page.locator("#calibration-keep").is_visible(), "nobody was seen yet"

    field = page.locator("#calibration-camera input")
    field.click()
    page.get_by_role("option", name="Hall").wait_for()
    field.fill("Yard")
    field.press("Enter")
    page.locator("#calibration-clips input[type=file]").set_input_files([clips["three"]])
    page.wait_for_selector("#calibration-footage >> text=camera Yard · 3 people")
    keep = page.locator("#calibration-keep")
    keep.wait_for()
    keep.get_by_label("30 days").check()
    wait_until_settled(page)
    field.click()
    page.get_by_role("option", name="Yard").wait_for()
    page.keyboard.press("Escape")
    assert axe_faults(page, "#calibration, #calibration-keep, #calibration-camera") == []

    current.get_by_role("button", name="Delete the templates of strangers …").click()
    current.get_by_role("button", name="Keep them").click()
    current.get_by_role("button", name="Delete the templates of strangers …").click()
    current.get_by_role("button", name="Delete them now").click()
    page.wait_for_selector("#calibration >> text=has expired or was deleted")
    assert "nameless templates" not in current.inner_text()
    assert "0.90" in current.inner_text()
    assert SQLiteGallery(hall.root / "gallery").cohorts() == []
    visitor.close()
