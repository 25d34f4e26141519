"""The app as people start it, with real weights: three journeys in a browser and through `gradio_client`.

With SCREENSHOTS set, pictures of the browser's journey are kept in `artifacts/`; they show the demo clips and nothing
else.
"""

import os
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
ARTIFACTS = PROJECT / "artifacts"
LONG = 120_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {clip.path.stem: clip.path for clip in make_demo(tmp_path_factory.mktemp("demo"))}


@pytest.fixture(scope="module")
def app(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("app") / "data"
    environment = {
        "SIGHTLINE_MODELS": str(shared / "models"),
        "SIGHTLINE_OFFLINE": "1",
        "SIGHTLINE_GALLERY": str(root / "gallery"),
        "SIGHTLINE_QUERY": str(root / "query"),
        "SIGHTLINE_LIBRARY": str(root / "library"),
        "SIGHTLINE_TEMP": str(root / "temp"),
    }
    SQLiteGallery(root / "gallery").set_default_basis(TEST_BASIS)
    with serving(root, command=[sys.executable, str(PROJECT / "app.py")], environment=environment) as running:
        yield running


@pytest.fixture
def visitor(chromium: Any, app: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, app.url)
    visitor.page.set_default_timeout(LONG)
    yield visitor
    visitor.close()


def keep(visitor: Visitor, name: str) -> None:
    """Keep a picture of the whole page, at desktop and phone width, light and dark."""
    if "SCREENSHOTS" not in os.environ:
        return
    ARTIFACTS.mkdir(exist_ok=True)
    page = visitor.page
    page.wait_for_timeout(600)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(400)
            suffix = ("" if width == 1280 else "-phone") + ("" if scheme == "light" else "-dark")
            page.screenshot(path=ARTIFACTS / f"{name}{suffix}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def another_clip(visitor: Visitor, tab: str, clip: Path) -> None:
    visitor.tab(tab)
    another = visitor.page.get_by_role("button", name="Choose another clip").locator("visible=true")
    if another.count():
        another.first.click()
        visitor.page.wait_for_selector(".sl-drop:visible")
    visitor.upload(clip)
    visitor.opened()


def test_the_first_five_minutes_in_a_browser(visitor: Visitor, demo: dict[str, Path]) -> None:
    page = visitor.page
    keep(visitor, "start")
    said = visitor.enroll(demo["visit-1-beige-coat"], "Beige Coat")
    assert "samples kept from frames" in said
    keep(visitor, "enrollment")
    visitor.enroll(demo["visit-1-dark-coat"], "Dark Coat")

    another_clip(visitor, "Verification", demo["visit-2-beige-coat"])
    page.get_by_role("radio", name="Beige Coat").click()
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('Beige Coat')")
    visitor.submit("verification")
    assert "model card" in visitor.banner("verification", "Match: this is Beige Coat")
    keep(visitor, "verification")
    page.get_by_role("radio", name="Dark Coat").click()
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('Dark Coat')")
    visitor.submit("verification")
    visitor.banner("verification", "No match")

    another_clip(visitor, "Identification", demo["visit-2-everybody"])
    visitor.submit("identification")
    visitor.banner("identification", r"2 of \d+ people identified")
    page.wait_for_selector("#identification-files a")
    named = page.locator("#identification-sheet .sl-tile", has_text="Beige Coat")
    assert named.count() == 1
    named.first.click()
    page.wait_for_selector("#identification-sheet .sl-evidence-box")
    page.wait_for_function("document.querySelector('#annotated video').readyState >= 2")
    visitor.settle()
    keep(visitor, "identification")

    page.locator("#identification-sheet .sl-tile", has_text="unknown").first.click()
    page.get_by_role("button", name="Enroll this person").click()
    page.wait_for_selector("#enrollment-sheet [role=radio][aria-checked=true]")
    visitor.name("Passer-by")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Passer-by is enrolled")


def test_the_same_journeys_through_the_api(app: Server, shared: Path) -> None:
    from gradio_client import Client, handle_file

    clip = handle_file(str(shared / "clips" / "one-by-one.mp4"))
    client = Client(app.url, verbose=False)
    enrolled = client.predict(clip, "Person A", 63, 130, api_name="/enroll")
    assert (enrolled["identity"], enrolled["people"]) == ("Person A", 1)
    assert client.predict(clip, "Person A", 131, 190, api_name="/verify")["decision"] == "match"
    assert client.predict(clip, "Person A", 341, 390, api_name="/verify")["decision"] == "no match"
    found = client.predict(clip, 150, 280, api_name="/identify")["people"]
    assert [item["identity"] for item in found if item["score"] is not None] == ["Person A", None]
    names = [item["identity"] for item in client.predict(api_name="/identities")]
    assert "Person A" in names
