"""Names of 100 characters, narrow and wide, leave everything else where it is seen."""

from pathlib import Path
from typing import Any

import pytest

from biometric.entities import NAME_LIMIT
from tests.ui.serving import serving
from tests.ui.settling import comes_to
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


SEEN = """(places) => places.map((place) => {
  const box = document.querySelector(place).getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight;
})"""


def test_a_question_about_a_long_name_is_seen_from_its_title(
    chromium: Any, clips: dict[str, Path], tmp_path: Path
) -> None:
    with serving(tmp_path / "names") as server:
        visitor = Visitor(chromium, server.url)
        page, name = visitor.page, "W" * NAME_LIMIT
        visitor.enroll(clips["one"], name)
        for width, height, seen in ((1280, 720, [True, True]), (390, 844, [True, False])):
            page.set_viewport_size({"width": width, "height": height})
            visitor.choose(clips["again"])
            camera = page.locator("#enrollment-camera input")
            camera.fill("K" * NAME_LIMIT)
            camera.press("Tab")
            visitor.name(name)
            visitor.submit("enrollment")
            page.wait_for_selector(".sl-question")
            comes_to(page, SEEN, seen, ["#addition-title", "#enrollment-answer [data-action=add]"])
            assert page.evaluate(OUTSIDE, "#enrollment-answer") == []
            arrow, text = page.locator("#enrollment-camera .icon-wrap").bounding_box(), camera.bounding_box()
            inside = float(camera.evaluate("node => parseFloat(getComputedStyle(node).paddingRight)"))
            assert text["x"] + text["width"] - inside <= arrow["x"] + 1, "the name of a camera ends before the arrow"
        visitor.close()
