"""The job bar on every tab, and answers that follow what happened elsewhere.

That a page where nothing runs asks for nothing is in test_page_at_rest.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]
SLOW: dict[str, Any] = {"delay": 0.1, "writing": 0.1}
"""A detector that takes a tenth of a second for a frame, and a writer that takes a tenth, too."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose detector takes a tenth of a second for a frame, and whose writer a tenth, too."""
    with serving(tmp_path_factory.mktemp("slow") / "data", **SLOW) as running:
        yield running


@pytest.fixture
def visitor(chromium: Any, slow: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, slow.url)
    yield visitor
    visitor.close()


def top_of_tabs(visitor: Visitor) -> float:
    box = visitor.page.locator("#tabs").bounding_box()
    assert box is not None
    return float(box["y"])


def test_the_bar_follows_a_job_on_every_tab_and_through_a_reload_and_cancels_it(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.upload(write_people(tmp_path / "hall.mp4", [0, 120], 300))
    visitor.opened()
    visitor.tab("Verification")
    top = top_of_tabs(visitor)
    visitor.tab("Enrollment")
    visitor.name("Ada")
    visitor.submit("enrollment")
    visitor.tab("Verification")
    bar = page.locator("#job-bar")
    bar.locator("summary", has_text=re.compile(r"1 job · 0:\d\d left")).wait_for()
    assert top_of_tabs(visitor) == top, "the bar moves what is below"

    page.reload()
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    bar.locator("summary", has_text="1 job").wait_for()
    bar.locator("summary").press("Enter")
    words = re.compile(r"Reading frame \d+ of 300 · 2 people so far · about \d+ s left")
    first = bar.locator("li p", has_text=words).inner_text()
    page.wait_for_function("first => document.querySelector('#job-bar li p')?.innerText !== first", arg=first)
    assert bar.locator("li").is_visible(), "the open list closes when it is renewed"

    bar.get_by_role("button", name="Enrollment: look at the people in hall.mp4", exact=True).click()
    page.wait_for_selector("#enrollment-submit:visible")
    visitor.open_jobs()
    bar.get_by_role("button", name="Cancel: Enrollment").click()
    page.wait_for_selector("#enrollment-status >> text=Cancelled. Nothing was stored.")
    page.wait_for_selector("#job-bar summary", state="detached")


def test_two_workspaces_wait_in_one_line_and_are_told_their_place_only(
    visitor: Visitor, chromium: Any, slow: Server, tmp_path: Path
) -> None:
    visitor.upload(write_people(tmp_path / "secret.mp4", [0, 120], 600))
    visitor.opened()
    visitor.name("Ada")
    visitor.submit("enrollment")
    visitor.page.locator("#job-bar summary", has_text=re.compile(r"0:\d\d left")).wait_for()
    other = Visitor(chromium, slow.url)
    other.upload(write_people(tmp_path / "mine.mp4", [60, 120], 20))
    other.opened()
    other.name("Ben")
    other.submit("enrollment")
    other.page.locator("#job-bar summary", has_text=re.compile(r"1 job · next in line, about \d+ s")).wait_for()
    assert "secret" not in other.page.content()
    visitor.page.click("#enrollment-cancel")
    other.banner("enrollment", "2 people can be enrolled")
    other.close()


def test_the_next_answer_does_not_wait_for_the_files_and_follows_what_is_enrolled(
    chromium: Any, clips: Clips, tmp_path: Path
) -> None:
    """Somebody unknown is enrolled through the Enrollment tab, somebody else in another browser."""
    with serving(tmp_path / "own" / "data", **SLOW) as own:  # nobody is enrolled there, at each try
        follow_enrollments(own, chromium, clips, tmp_path)


def follow_enrollments(own: Server, chromium: Any, clips: Clips, tmp_path: Path) -> None:
    visitor = Visitor(chromium, own.url)
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.tab("Identification")
    visitor.choose(write_people(tmp_path / "three.mp4", [0, 60, 120], 80))
    visitor.submit("identification")
    visitor.banner("identification", "1 of 3 people identified")
    bar = page.locator("#job-bar")
    bar.locator("summary", has_text="1 job").wait_for()
    visitor.open_jobs()
    bar.locator("li", has_text="Write the files of three.mp4").wait_for()
    bar.locator("summary").click()

    visitor.submit("identification")
    visitor.banner("identification", "1 of 3 people identified")

    visitor.enroll(clips["other"], "Ben")
    visitor.tab("Identification")
    visitor.banner("identification", "2 of 3 people identified")

    other = Visitor(chromium, own.url)
    other.enroll(write_people(tmp_path / "green.mp4", [60], 20), "Cleo")
    visitor.banner("identification", "3 of 3 people identified")
    other.close()
    visitor.close()
