"""What comes in later has its place from the beginning: models, counts, examples."""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.scenery import write_people
from tests.ui.serving import serving

pytestmark = pytest.mark.browser

OBSERVE = """window.shifted = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; })
  .observe({ type: 'layout-shift', buffered: true });"""


SIZES = ((1440, 900), (1280, 720), (390, 844))
SLOWER = 4
"""How much slower than this machine the browser's one is: parts of the page then come one by one."""


def test_the_page_does_not_move_from_load_to_ready(chromium: Any, tmp_path: Path) -> None:
    root = tmp_path / "shift"
    root.mkdir()
    for number in range(6):
        write_people(root / f"example-{number}.mp4", [0], 5)
    hold = root / "hold"
    hold.touch()
    with serving(root) as server:
        pages = [loading_page(chromium, server.url, *size) for size in SIZES]
        for page in pages:
            slow_down(page, SLOWER)
        hold.unlink()
        for page in pages:
            page.wait_for_selector(".sl-examples button:visible", timeout=60_000)
        pages[-1].wait_for_timeout(500)
        shifts = {size: page.evaluate("shifted") for size, page in zip(SIZES, pages, strict=True)}
        assert all(shift < 0.1 for shift in shifts.values()), shifts
        for page in pages:
            page.context.close()


def loading_page(chromium: Any, url: str, width: int, height: int) -> Any:
    """Open the page in a slower browser, and return it when all is there but for what comes with the models."""
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    slow_down(page, SLOWER)
    page.add_init_script(OBSERVE)
    page.goto(url)
    page.wait_for_selector(".sl-coming:visible", timeout=60_000)
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached", timeout=60_000)
    slow_down(page, 1)  # the browser wastes the processor's time to be slow, also while it has nothing to do
    return page


def slow_down(page: Any, rate: int) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
