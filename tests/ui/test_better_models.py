"""The button that gets better models: pressed offline, over enrolled people, and where it is not offered."""

from pathlib import Path
from typing import Any

import pytest

from biometric.ui.better_models import offer
from biometric.ui.page import Page
from tests.ui.scenery import make_service
from tests.ui.serving import serving
from tests.ui.visiting import Visitor


@pytest.mark.browser
def test_better_models_are_fetched_and_used_without_a_restart(
    chromium: Any, clips: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "starters"
    with serving(root, starter=1) as server:
        visitor = Visitor(chromium, server.url)
        page = visitor.page
        visitor.wait_for_about("Threshold 0.714")
        button = page.get_by_role("button", name="Get better models")
        (root / "offline").touch()
        button.click()
        page.wait_for_selector("#models-status >> text=downloading is switched off")
        visitor.enroll(clips["one"], "Ada")
        button.click()
        page.wait_for_selector("#models-status >> text=1 person is enrolled with the model that serves now")
        (root / "offline").unlink()
        page.get_by_role("button", name="Get them anyway").click()
        page.wait_for_selector("#models-status >> text=The better models are in use")
        button.wait_for(state="detached")
        visitor.wait_for_about("Threshold 0.514")
        visitor.enroll(clips["other"], "Ben")
        visitor.close()


def test_only_a_page_that_no_other_machine_reaches_offers_them(tmp_path: Path) -> None:
    for name, options, offered in (
        ("here", {}, True),
        ("everywhere", {"host": "0.0.0.0", "login": "ada:a long password"}, False),
    ):
        page = Page(make_service(tmp_path / name, starter=True, **options), tmp_path / name)
        assert offer(page) == "", "nothing is known until the models are loaded"
        page.warm()
        assert ("Get better models" in offer(page)) == offered


def test_nothing_is_offered_where_the_recommended_models_serve(tmp_path: Path) -> None:
    page = Page(make_service(tmp_path), tmp_path)
    page.warm()
    assert offer(page) == ""
