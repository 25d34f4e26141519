"""Tiles joined and split in a real browser: by mouse and keys, over a reload, undone, the keyboard where it was."""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import axe_faults
from tests.ui.serving import Server
from tests.ui.visiting import Visitor
from tests.ui.visits import TWICE, write_visits

pytestmark = pytest.mark.browser

Clips = dict[str, Path]


def test_tiles_are_joined_split_and_undone(chromium: Any, server: Server, clips: Clips, tmp_path: Path) -> None:
    visitor = Visitor(chromium, server.url)
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.tab("Identification")
    visitor.choose(write_visits(tmp_path / "twice.mp4", TWICE))
    visitor.submit("identification")
    visitor.banner("identification", "2 of 3 people identified")

    def focused(key: str) -> None:
        page.wait_for_function("key => document.activeElement.dataset.key === key", arg=key)

    def select(*people: int) -> None:
        for person in people:
            page.click(f"[data-key='select:{person}']")
            page.wait_for_selector(f"[data-key='select:{person}'][aria-checked=true]")

    select(2, 3)
    page.get_by_role("button", name="Same person").click()
    focused("refusal")
    assert "Seen together" in page.locator("[data-key=refusal]").inner_text()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.wait_for_selector(".sl-selection", state="detached")

    select(1, 3)
    page.get_by_role("button", name="Same person").click()
    focused("joining")
    sheet = "#identification-sheet"
    assert axe_faults(page, sheet) == []
    page.get_by_role("button", name="Keep them apart").click()
    page.locator(".sl-question:visible").wait_for(state="detached")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.wait_for_selector(".sl-selection", state="detached")

    select(1, 2)
    page.get_by_role("button", name="Same person").click()
    visitor.banner("identification", "1 of 2 people identified")
    focused("open:1")
    page.reload()
    page.wait_for_selector(f"{sheet} >> text=Person 1 was joined by hand from the people 1, 2.")
    assert page.locator(".sl-tile").count() == 2

    page.click("[data-key='open:1']")
    page.get_by_text("Are these two people?").click()
    assert axe_faults(page, sheet) == []
    page.get_by_role("button", name="Split here, at frame 20").click()
    visitor.banner("identification", "2 of 3 people identified")
    page.wait_for_selector(f"{sheet} >> text=that is person 2 now")
    for text in ("Person 1 was joined by hand", "Undone: the people are as before."):
        page.click("[data-key^='edit_undo:']")
        page.wait_for_selector(f"{sheet} >> text={text}")
    visitor.banner("identification", "2 of 3 people identified")
    visitor.close()


def test_tiles_of_enrollment_are_joined_by_keys_kept_over_a_reload_and_enrolled(
    chromium: Any, server: Server, tmp_path: Path
) -> None:
    visitor = Visitor(chromium, server.url, width=390)
    page, sheet = visitor.page, "#enrollment-sheet"
    visitor.upload(write_visits(tmp_path / "twice.mp4", TWICE))
    visitor.opened()
    visitor.name("Cleo")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "3 people can be enrolled")
    for person in (1, 2):
        page.focus(f"{sheet} [data-key='select:{person}']")
        page.keyboard.press("Space")
        page.wait_for_selector(f"{sheet} [data-key='select:{person}'][aria-checked=true]")
    assert axe_faults(page, sheet) == []
    page.focus(f"{sheet} [data-key='join:']")
    page.keyboard.press("Enter")
    visitor.banner("enrollment", "2 people can be enrolled")
    page.wait_for_function("document.activeElement.dataset.key === 'person:1'")
    page.reload()
    page.wait_for_selector(f"{sheet} >> text=Person 1 was joined by hand from the people 1, 2.")
    assert page.locator(f"{sheet} .sl-tile").count() == 2
    page.click(f"{sheet} [data-key='edit_undo:1']")
    visitor.banner("enrollment", "3 people can be enrolled")
    page.click(f"{sheet} [data-key='person:1']")
    page.wait_for_selector(f"{sheet} [data-key='person:1'][aria-checked=true]")
    page.get_by_text("Are these two people?").locator("visible=true").click()
    page.get_by_role("button", name="Split here").locator("visible=true").last.click()
    page.wait_for_selector(f"{sheet} >> text=that is person 4 now")
    assert axe_faults(page, sheet) == []
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Cleo is enrolled")
    visitor.close()
