"""Somebody who comes back, on the page: one tile, a bar with a gap, and who may be the same."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor
from tests.ui.visits import write_visits

pytestmark = pytest.mark.browser

RETURNS = ((0, 40, 0, 12), (120, 230, 8, 30), (0, 420, 34, 46), (15, 150, 54, 66))
"""A red coat comes, and comes back; beside it a blue one; later one of nearly the same red."""


@pytest.fixture(scope="module")
def linking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("linking") / "data", linking=1) as running:
        yield running


def test_a_person_who_returns_has_one_tile_and_a_bar_with_a_gap(
    chromium: Any, linking_server: Server, clips: dict[str, Path], tmp_path: Path
) -> None:
    visitor = Visitor(chromium, linking_server.url)
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.tab("Identification")
    visitor.choose(write_visits(tmp_path / "returns.mp4", RETURNS, 70))
    visitor.submit("identification")
    visitor.banner("identification", "of 3 people identified")
    rows = page.locator(".sl-presence .sl-row")
    assert [rows.nth(place).locator(".sl-bar").count() for place in range(3)] == [2, 1, 1]
    first = page.locator("[data-key='open:1']")
    assert "0:00.0–0:01.1, 0:03.4–0:04.5" in first.inner_text()
    assert "perhaps the same as person 3" in first.inner_text()
    assert "perhaps the same as Ada" in page.locator("[data-key='open:3']").inner_text()
    first.click()
    page.wait_for_selector(".sl-inset >> text=Put together from 2 tracks; the lowest score between them is 1.00.")
    assert page.locator(".sl-inset >> text=Perhaps the same as person 3 (score 0.").count() == 1
    if "SCREENSHOTS" in os.environ:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in ((1440, 900), (1280, 720), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(400)
                page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{scheme}-{width}.png", full_page=True)
    page.get_by_text("Are these two people?").click()
    page.get_by_role("button", name="Split here, at frame 34").click()
    visitor.banner("identification", "of 4 people identified")
    assert page.locator(".sl-tile").count() == 4
    visitor.close()
