"""Names of 100 characters, narrow and wide, leave everything else where it is seen."""

from pathlib import Path
from typing import Any

import pytest

from biometric.entities import NAME_LIMIT
from tests.ui.serving import serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

OUTSIDE = """(place) => {
  const parts = "h2, h3, h4, p, td, th, button, strong, small, .sl-badge";
  const outside = [...document.querySelectorAll(`${place} :is(${parts})`)]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().width)
    .filter((node) => node.getBoundingClientRect().right > innerWidth || node.scrollWidth > node.clientWidth + 30);
  return outside.map((node) => `${node.tagName} ${node.innerText.slice(0, 30)}`);
}"""


def test_long_names_push_nothing_out_of_sight(chromium: Any, clips: dict[str, Path], tmp_path: Path) -> None:
    with serving(tmp_path / "names") as server:
        visitor = Visitor(chromium, server.url)
        page = visitor.page
        for clip, character in (("one", "W"), ("other", "漢")):
            visitor.enroll(clips[clip], character * NAME_LIMIT)
        for width, height in ((1280, 720), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            visitor.tab("Verification")
            visitor.choose(clips["one"])
            page.locator("#verification-claims [role=radio]").first.click()
            page.wait_for_selector("#verification-claims [aria-checked=true]")
            visitor.submit("verification")
            visitor.banner("verification", "Match|No match")
            assert page.evaluate(OUTSIDE, "#verification-answer") == []
            assert page.evaluate(OUTSIDE, "#verification-claims") == []
            visitor.tab("Identification")
            visitor.choose(clips["three"])
            visitor.submit("identification")
            visitor.banner("identification", "of 3 people")
            page.locator("#identification-sheet .sl-tile").first.click()
            page.wait_for_selector("#identification-sheet caption")
            assert page.evaluate(OUTSIDE, "#identification-sheet") == []
            page.keyboard.press("Escape")
            visitor.people().locator(".sl-name").first.click()
            page.get_by_role("button", name="Same person as").click()
            page.wait_for_selector("#people-main .sl-faces")
            assert page.evaluate(OUTSIDE, "#people-main") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator("#people-main nav button").click()  # back to the person, then to everybody
            page.get_by_role("button", name="Same person as").wait_for()
            page.locator("#people-main nav button").first.click()
            page.wait_for_selector("#people-main [data-key=people]")
        visitor.close()
