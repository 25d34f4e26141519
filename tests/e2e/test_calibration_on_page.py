"""Calibrating in a browser with real weights on the demo clips: refused, the offered rate, reload, card, undo."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.bootstrap import make_demo
from biometric.gallery.repository import SQLiteGallery
from tests.conftest import PROJECT
from tests.lawful import TEST_BASIS
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = [pytest.mark.real, pytest.mark.browser]
CLIPS = ("visit-2-everybody.mp4", "visit-1-two-at-once.mp4")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {clip.path.name: clip.path for clip in make_demo(tmp_path_factory.mktemp("demo"))}


@pytest.fixture
def app(shared: Path, tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "data"
    environment = {"SIGHTLINE_MODELS": str(shared / "models"), "SIGHTLINE_OFFLINE": "1"}
    environment |= {f"SIGHTLINE_{name.upper()}": str(root / name) for name in ("gallery", "query", "library", "temp")}
    SQLiteGallery(root / "gallery").set_default_basis(TEST_BASIS)
    with serving(root, command=[sys.executable, str(PROJECT / "app.py")], environment=environment) as running:
        yield running


def test_demo_clips_support_a_rate_that_can_be_used(chromium: Any, app: Server, demo: dict[str, Path]) -> None:
    visitor = Visitor(chromium, app.url)
    page = visitor.page
    page.set_default_timeout(120_000)
    page.get_by_role("tab", name="Calibration").click()
    page.wait_for_selector("#calibration-promise:visible")
    page.locator("#calibration-clips input[type=file]").set_input_files([demo[name] for name in CLIPS])
    page.wait_for_selector("#calibration-promise >> text=Use 1 in 2 now")
    assert "Not enough footage for 1 in 1,000" in page.locator("#calibration-promise").inner_text()
    assert page.locator("#calibration-footage li").count() == 2

    page.reload()
    page.get_by_role("tab", name="Calibration").click()
    page.wait_for_selector(f"#calibration-footage >> text={CLIPS[0]}")
    page.locator("#calibration-promise").get_by_role("button", name="Use 1 in 2 now").click()
    page.wait_for_selector("#calibration-promise >> text=is below the model card's")
    page.locator("#calibration-promise").get_by_role("button", name="Use it although it is lower").click()
    page.wait_for_selector("#calibration-message >> text=1 in 2 is in force")
    assert "Fitted to exactly the 2 clips listed" in page.locator("#calibration-message").inner_text()
    page.locator("#calibration").get_by_role("button", name="Back to the model card …").click()
    page.locator("#calibration").get_by_role("button", name="Back to the model card", exact=True).click()
    page.wait_for_selector("#calibration >> text=In force: the model card")
    page.locator("#calibration-undo").get_by_role("button", name="Undo").click()
    page.wait_for_selector("#calibration >> text=In force: your calibration")
    visitor.close()
