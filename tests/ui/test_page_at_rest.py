"""A page that nobody touches asks for nothing, and costs neither the browser nor the server processor time."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
REST = {"Identification": 4.5, "People": 2.0, "Calibration": 2.0}
"""Seconds for which nobody touches each tab. What the page asks for on any tab is seen on the first one."""
SHARE = 0.15
"""Largest share of one processor that page and server may take at rest. Measured: 0.04 and 0.02 on a busy machine."""


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("rest") / "data") as running:
        yield running


def server_time(server: Server) -> float:
    """Return the processor seconds that the server has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _note(asked: list[str], request: Any) -> None:
    asked.append(request.url)


def page_time(performance: Any) -> float:
    """Return the seconds of work that the page's main thread has done."""
    metrics = performance.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell processor time in /proc")
def test_an_untouched_page_makes_no_request_and_uses_no_processor_time(
    chromium: Any, resting: Server, clips: dict[str, Path]
) -> None:
    visitor = Visitor(chromium, resting.url)
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.identify_three(clips["three"])
    performance = visitor.context.new_cdp_session(page)
    performance.send("Performance.enable", {"timeDomain": "threadTicks"})
    costs: dict[str, tuple[list[str], float, float]] = {}
    for tab, seconds in REST.items():
        page.get_by_role("tab", name=tab).click()
        page.mouse.move(0, 0)
        visitor.settle()
        page.wait_for_timeout(4_000 if tab == "Identification" else 1_000)  # all of the answer has its effect
        asked: list[str] = []
        note = partial(_note, asked)
        page.on("request", note)
        before = page_time(performance), server_time(resting)
        page.wait_for_timeout(seconds * 1_000)
        page.remove_listener("request", note)
        costs[tab] = asked, page_time(performance) - before[0], server_time(resting) - before[1]
    for tab, (asked, browser, server) in costs.items():
        print(tab, asked, f"browser {browser:.3f} s, server {server:.3f} s")
        assert not asked, tab
        assert browser < SHARE * REST[tab], tab
        assert server < SHARE * REST[tab], tab
    visitor.close()


def test_an_untouched_page_of_an_empty_gallery_makes_no_request(chromium: Any, tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        visitor = Visitor(chromium, server.url)
        assert visitor.page.locator("#job-bar summary").count() == 0
        visitor.page.wait_for_timeout(1_500)
        asked: list[str] = []
        visitor.page.on("request", partial(_note, asked))
        visitor.page.wait_for_timeout(2_500)
        assert not asked
        visitor.close()
