"""The line on top in a real browser: about this system, light and dark, the skip link, the row of tabs."""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
FOCUSED = "(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim().split('\\n')[0]"


def is_dark(page: Any) -> bool:
    return bool(page.evaluate("document.body.classList.contains('dark')"))


def test_about_this_system_opens_closes_and_stays_open_while_it_is_renewed(
    visitor: Visitor, clips: dict[str, Path]
) -> None:
    page = visitor.page
    page.get_by_role("button", name="About this system").click()
    about = page.get_by_role("dialog", name="About this system")
    for words in ("CPU · test", "coats-16", "Threshold 0.514, from the model card", "Made up for tests", "Limits"):
        assert words in about.inner_text()
    page.keyboard.press("Escape")
    about.wait_for(state="hidden")
    page.get_by_role("button", name="About this system").press("Enter")
    visitor.upload(clips["one"])
    visitor.opened()
    visitor.name("Ada")
    page.locator("#enrollment-name :is(input, textarea)").press("Enter")
    about.get_by_text("1 person, 1 reference").wait_for()
    about.get_by_role("button", name="Close").press("Enter")
    about.wait_for(state="hidden")


def test_nothing_takes_room_between_the_line_on_top_and_the_tabs(visitor: Visitor) -> None:
    line = visitor.page.locator("#header").bounding_box()
    tabs = visitor.page.get_by_role("tablist").bounding_box()
    assert line["height"] <= 48
    assert tabs["y"] - line["y"] - line["height"] <= 20


@pytest.mark.parametrize(("system", "other"), [("light", "dark"), ("dark", "light")])
def test_the_theme_is_chosen_and_remembered_and_never_flashes(
    chromium: Any, server: Server, system: str, other: str
) -> None:
    visitor = Visitor(chromium, server.url, color_scheme=system)
    page = visitor.page
    assert is_dark(page) == (system == "dark")
    before = page.evaluate(BACKGROUND)
    page.get_by_label("Theme").select_option(other)
    assert is_dark(page) == (other == "dark")
    chosen = page.evaluate(BACKGROUND)
    assert chosen != before
    page.add_init_script(
        "window.backgrounds = [];"
        "const look = () => { if (document.body) backgrounds.push(getComputedStyle(document.body).backgroundColor);"
        " requestAnimationFrame(look); }; look();"
    )
    page.reload()
    page.wait_for_selector("#enrollment-submit")
    page.wait_for_function("document.querySelector('.sl-theme select').value === '" + other + "'")
    seen = set(page.evaluate("backgrounds")) - {"rgba(0, 0, 0, 0)"}
    assert seen == {chosen}
    assert page.evaluate("document.documentElement.style.colorScheme") == other
    assert page.evaluate("JSON.stringify({...localStorage})") == '{"sightline-theme":"' + other + '"}'
    page.get_by_label("Theme").select_option("system")
    assert is_dark(page) == (system == "dark")
    assert page.evaluate("localStorage.length") == 0
    page.emulate_media(color_scheme=other)
    page.wait_for_function(f"document.body.classList.contains('dark') === {str(other == 'dark').lower()}")
    visitor.close()


def test_the_skip_link_comes_first_and_leads_into_the_open_tab(visitor: Visitor) -> None:
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Drop a video or photograph here, or click to choose one"
    assert page.url.rstrip("/") == page.evaluate("location.origin")


def test_all_tabs_are_one_stop_and_arrow_keys_go_between_them(visitor: Visitor) -> None:
    page = visitor.page
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    assert seen[0] == "Skip to the content"
    assert seen[3:] == ["Enrollment", "Drop a video or photograph here, or click to choose one"]
    page.get_by_role("tab", name="Enrollment").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#verification-submit:visible")
    assert page.evaluate(FOCUSED) == "Verification"
    page.keyboard.press("End")
    page.wait_for_selector("#thresholds:visible")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#enrollment-submit:visible")
