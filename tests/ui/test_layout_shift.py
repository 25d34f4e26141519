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


@pytest.mark.parametrize(("width", "height"), SIZES, ids=lambda value: str(value))
def test_the_page_does_not_move_from_load_to_ready(chromium: Any, tmp_path: Path, width: int, height: int) -> None:
    root = tmp_path / "shift"
    root.mkdir()
    for number in range(6):
        write_people(root / f"example-{number}.mp4", [0], 5)
    hold = root / "hold"
    hold.touch()
    with serving(root) as server:
        context = chromium.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.add_init_script(OBSERVE)
        page.goto(server.url)
        page.wait_for_selector(".sl-coming:visible", timeout=60_000)
        page.wait_for_selector("#workspace-sync [data-revision]", state="attached", timeout=60_000)
        hold.unlink()
        page.wait_for_selector(".sl-examples button:visible", timeout=60_000)
        page.wait_for_timeout(500)
        assert page.evaluate("shifted") < 0.1
        context.close()
