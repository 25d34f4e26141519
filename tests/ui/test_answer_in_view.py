"""Button and answer stay together in view, on a small laptop and on a telephone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server
from tests.ui.settling import comes_to
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]


@pytest.fixture(params=[(1280, 720), (390, 844)], ids=["laptop", "telephone"])
def visitor(chromium: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    width, height = request.param
    visitor = Visitor(chromium, server.url, width)
    visitor.page.set_viewport_size({"width": width, "height": height})
    yield visitor
    visitor.close()


VISIBLE = """(selectors) => selectors.every((selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const covered = !there || !there.closest(selector);
  return !covered && box.top >= 0 && box.bottom <= innerHeight;
})"""
"""Whether each element lies in the viewport from its top edge to its bottom edge, uncovered."""


def both_in_view(visitor: Visitor, tab: str) -> None:
    visitor.settle()
    comes_to(visitor.page, VISIBLE, True, [f"#{tab}-answer .sl-banner h3", f"#{tab}-submit"])


def answer_has_focus(visitor: Visitor, tab: str, wanted: bool = True) -> None:
    comes_to(visitor.page, f"document.activeElement.closest('#{tab}-answer') !== null", wanted)


def another_clip(visitor: Visitor, clip: Path) -> None:
    visitor.page.get_by_role("button", name="Choose another clip").locator("visible=true").click()
    visitor.page.wait_for_selector(".sl-drop:visible")
    visitor.upload(clip)
    visitor.opened()


def test_button_and_answers_of_all_tabs_are_in_view(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    visitor.upload(clips["one"])
    visitor.opened()
    visitor.name("In View")
    comes_to(page, VISIBLE, True, ["#enrollment-submit"])
    visitor.submit("enrollment")
    visitor.banner("enrollment", "In View is enrolled|is enrolled already")
    both_in_view(visitor, "enrollment")
    answer_has_focus(visitor, "enrollment")

    visitor.tab("Verification")
    page.get_by_role("radio", name="In View").click()
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('In View')")
    visitor.submit("verification")
    visitor.banner("verification", "Match: this is In View")
    both_in_view(visitor, "verification")

    visitor.tab("Identification")
    another_clip(visitor, clips["three"])
    visitor.submit("identification")
    visitor.banner("identification", "of 3 people identified")
    both_in_view(visitor, "identification")
    page.wait_for_selector("#identification-files a")  # what is written meanwhile moves neither away
    both_in_view(visitor, "identification")
    page.mouse.wheel(0, 5000)
    page.wait_for_function("scrollY > 0 || document.documentElement.scrollHeight <= innerHeight")
    comes_to(page, VISIBLE, True, ["#identification-submit"])  # also at the end of the page


def test_an_answer_leaves_the_keyboard_where_somebody_types(visitor: Visitor, clips: Clips) -> None:
    visitor.upload(clips["nobody"])
    visitor.opened()
    visitor.name("Typing")
    visitor.page.keyboard.press("Enter")
    visitor.banner("enrollment", "Nobody in these frames")
    both_in_view(visitor, "enrollment")
    answer_has_focus(visitor, "enrollment", wanted=False)
    assert visitor.page.evaluate("document.activeElement.closest('#enrollment-name') !== null")
