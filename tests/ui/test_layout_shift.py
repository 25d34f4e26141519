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


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_does_not_move_when_models_and_examples_come(chromium: Any, tmp_path: Path, width: int) -> None:
    root = tmp_path / "shift"
    root.mkdir()
    for number in range(6):
        write_people(root / f"example-{number}.mp4", [0], 5)
    hold = root / "hold"
    hold.touch()
    with serving(root) as server:
        context = chromium.new_context(viewport={"width": width, "height": 844})
        page = context.new_page()
        page.add_init_script(OBSERVE)
        page.goto(server.url)
        page.wait_for_selector(".sl-coming:visible")
        page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
        page.wait_for_timeout(1000)
        page.evaluate("window.shifted = 0")  # from here on; what Gradio does while it starts is its own
        hold.unlink()
        page.wait_for_selector(".sl-examples button:visible", timeout=20_000)
        page.wait_for_timeout(500)
        assert page.evaluate("shifted") < 0.1
        context.close()
