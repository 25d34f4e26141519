"""Fixtures shared by all tests: where the real clips and weights are, and clips made at run time."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser_setup import find
from tests.lawful import give_galleries_a_default

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers fill the cores; a thread for each core in each of them, and in their servers, only costs switches.
    # Read by torch and NumPy when they are first imported, which is later than this file.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

give_galleries_a_default()

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SIGHTLINE_SHARED") or PROJECT.parent / "shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often a browser test that failed is tried again."""
    parser.addoption("--browser-reruns", type=int, default=0, metavar="N", help="tries more for tests in a browser")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give browser tests their further tries; where several processes run whole files, let the long ones come first.

    So all processes end together. Files of browser tests take minutes, those with real weights tens of seconds, most
    others less than a second.
    """
    if tries := config.getoption("--browser-reruns"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=tries))
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    rank: dict[Path, int] = {}
    for item in items:
        long = [name for name in ("browser", "real") if item.get_closest_marker(name)]
        rank[item.path] = min(rank.get(item.path, 2), ("browser", "real").index(long[0]) if long else 2)
    items.sort(key=lambda item: rank[item.path])


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """No test leaves the process real-time: browsers and servers inherit it and starve the machine."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER, "a library made this process real-time"


@pytest.fixture(autouse=True, scope="session")
def no_library_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds, or adds to, the footage that is kept in the checkout."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SIGHTLINE_LIBRARY", str(tmp_path_factory.mktemp("no-library") / "library"))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and weights; the test is skipped, with a reason, where it is absent."""
    if not (SHARED / "clips").is_dir() or not (SHARED / "models").is_dir():
        pytest.skip(f"real clips and weights are not at {SHARED} (set SIGHTLINE_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests: a second sync Playwright in a thread is refused while the first runs."""
    path = find()
    if path is None:
        pytest.skip("Chromium is not installed (tests/browser_setup.py says how to get it)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
