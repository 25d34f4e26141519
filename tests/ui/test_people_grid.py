"""A hundred people in a real browser: answered, filtered, one named; evidence in place; on a telephone, too."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import axe_faults
from tests.ui.serving import Server
from tests.ui.settling import comes_to
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


RIGHT_BELOW = """(key) => {
  const row = document.querySelector(`[data-key='${key}']`).closest('li').getBoundingClientRect();
  const box = document.querySelector('.sl-inset').getBoundingClientRect();
  return box.top >= row.bottom && box.top < row.bottom + 60 && box.top >= 0 && box.top < 720;
}"""
"""Whether evidence is in sight, right below the row of its tile."""


class Viewer(Visitor):
    """A visitor of Identification who counts actions."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.actions = 0

    def do(self, step: Any, *arguments: Any) -> None:
        self.actions += 1
        step(*arguments)

    def identify(self, clip: Path) -> None:
        self.tab("Identification")
        self.do(self.upload, clip)
        self.opened()
        self.do(self.submit, "identification")
        self.page.wait_for_selector("#identification-sheet .sl-grid")

    def tiles(self) -> Any:
        return self.page.locator("#identification-sheet .sl-tile")

    def waits_for_focus(self, key: str) -> None:
        self.page.wait_for_function("key => document.activeElement.dataset.key === key", arg=key)


def faults(page: Any) -> list[str]:
    """What axe finds in the answer."""
    return [rule for rule, _ in axe_faults(page, "#identification-sheet, #identification-timeline")]


def test_a_hundred_people_are_answered_filtered_and_one_is_named(
    chromium: Any, crowd_server: Server, crowd: Path
) -> None:
    viewer = Viewer(chromium, crowd_server.url)
    page = viewer.page
    page.set_viewport_size({"width": 1280, "height": 720})
    viewer.identify(crowd)
    unknown = page.get_by_role("button", name=re.compile("^Unknown"))
    viewer.do(unknown.click)
    page.wait_for_selector("[data-key='filter:unknown'][aria-pressed=true]")
    assert viewer.tiles().count() == 24
    field = page.locator("#identification-sheet").get_by_role("combobox").first
    person = field.get_attribute("data-key").removeprefix("typed:")
    viewer.do(field.fill, "Grace Hopper")
    viewer.do(field.press, "Enter")
    page.wait_for_selector("#identification-undo >> text=Grace Hopper was enrolled")
    page.wait_for_selector(f"[data-key='typed:{person}']", state="detached")
    assert field.input_value() == "", "the field is another person's now"
    viewer.banner("identification", r"of 100 people identified")
    assert viewer.actions < 10
    viewer.do(page.get_by_role("button", name=re.compile("^All")).click)
    page.wait_for_selector(f"[data-key='open:{person}'] >> text=Grace Hopper")
    page.wait_for_selector("#identification-files a")
    assert page.evaluate("document.documentElement.scrollHeight") < 3 * 720
    assert not faults(page)

    page.get_by_role("button", name="Next →").click()
    page.wait_for_selector("#identification-sheet >> text=/25–48 of/")
    page.get_by_role("button", name="Score", exact=True).click()
    page.wait_for_selector("[data-key='sort:score'][aria-pressed=true]")
    page.reload()
    page.wait_for_selector("[data-key='sort:score'][aria-pressed=true]")
    viewer.close()


def test_the_same_by_keyboard_with_evidence_in_place(chromium: Any, crowd_server: Server, crowd: Path) -> None:
    viewer = Viewer(chromium, crowd_server.url)
    page = viewer.page
    page.set_viewport_size({"width": 1280, "height": 720})
    viewer.identify(crowd)
    page.locator("[data-key='filter:unknown']").focus()
    viewer.do(page.keyboard.press, "Space")
    page.wait_for_selector("[data-key='filter:unknown'][aria-pressed=true]")
    viewer.waits_for_focus("filter:unknown")
    tile = viewer.tiles().nth(8)
    key = tile.get_attribute("data-key")
    tile.focus()
    viewer.do(page.keyboard.press, "Enter")
    viewer.waits_for_focus("inset")
    comes_to(page, RIGHT_BELOW, True, key)
    assert not faults(page)
    viewer.do(page.keyboard.press, "Escape")
    page.wait_for_selector(".sl-inset", state="detached")
    viewer.waits_for_focus(key)
    viewer.do(page.keyboard.press, "Tab")  # the tick that selects it
    viewer.do(page.keyboard.press, "Tab")
    viewer.waits_for_focus(key.replace("open", "typed"))
    page.keyboard.type("Katherine")
    viewer.do(page.keyboard.press, "Enter")
    page.wait_for_selector("#identification-undo >> text=Katherine was enrolled")
    assert viewer.actions < 10
    viewer.close()


def test_tiles_are_selected_dismissed_and_brought_back(chromium: Any, crowd_server: Server, crowd: Path) -> None:
    viewer = Viewer(chromium, crowd_server.url)
    page = viewer.page
    viewer.identify(crowd)
    for place in (3, 4):
        page.locator(".sl-pick").nth(place).click()
        page.wait_for_selector(f".sl-selected:nth-child({place + 1})")
    page.get_by_role("button", name="Dismiss: no person").click()
    viewer.banner("identification", "of 98 people")
    viewer.waits_for_focus("dismissed")
    page.locator("[data-key='restore:']").click()
    viewer.banner("identification", "of 100 people")
    viewer.close()


def test_a_tile_plays_its_frames_unless_motion_is_unwanted(chromium: Any, crowd_server: Server, crowd: Path) -> None:
    for motion, names in (("no-preference", {"sl-plays-4"}), ("reduce", {"none"})):
        viewer = Viewer(chromium, crowd_server.url, reduced_motion=motion)
        viewer.identify(crowd)
        viewer.tiles().first.hover()
        playing = (
            "[...document.querySelector('#identification-sheet .sl-tile').querySelectorAll('.sl-frame')]"
            ".map((frame) => getComputedStyle(frame).animationName)"
        )
        assert set(viewer.page.evaluate(playing)) == names
        assert viewer.page.locator(".sl-grid img").count() <= 24 * 5, "pictures of this page only"
        viewer.close()


def test_evidence_is_a_sheet_on_a_telephone(chromium: Any, crowd_server: Server, crowd: Path) -> None:
    viewer = Viewer(chromium, crowd_server.url, width=390)
    page = viewer.page
    page.set_viewport_size({"width": 390, "height": 844})
    viewer.identify(crowd)
    viewer.tiles().nth(10).click()
    viewer.waits_for_focus("inset")
    box = page.locator(".sl-inset").bounding_box()
    assert box["x"] == 0
    assert round(box["y"] + box["height"]) == 844
    assert box["height"] <= 0.71 * 844
    assert not faults(page)
    page.get_by_role("button", name="Close", exact=True).click()
    page.wait_for_selector(".sl-inset", state="detached")
    viewer.waits_for_focus("open:11")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    viewer.close()
