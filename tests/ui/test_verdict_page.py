"""Saying in a real browser that a match is wrong: the answer follows, also after a reload and for the clip again."""

import re
from pathlib import Path

import pytest

from tests.ui.accessibility import axe_faults
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def identified(visitor: Visitor, words: str) -> None:
    title = visitor.page.locator("#identification-answer .sl-banner h3", has_text=re.compile(words))
    title.first.wait_for()


def test_a_wrong_match_is_taken_back_at_once_and_stays_so(visitor: Visitor, clips: dict[str, Path]) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.tab("Identification")
    visitor.choose(clips["again"])
    visitor.submit("identification")
    identified(visitor, "1 of 1")
    wrong = page.locator(".sl-verdict-icons [data-action=wrong]")
    assert wrong.get_attribute("aria-label") == "Wrong: person 1 is not Ada"
    wrong.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#identification-undo >> text=It was said that somebody is not Ada.")
    identified(visitor, "0 of 1")
    page.wait_for_selector(".sl-found >> text=not Ada")
    page.reload()
    page.wait_for_selector(".sl-found >> text=not Ada")
    visitor.choose(clips["again"])
    visitor.submit("identification")
    identified(visitor, "0 of 1")
    page.click(".sl-found [data-action=open]")
    page.wait_for_selector(".sl-verdict >> text=You said that this is not Ada.")
    assert axe_faults(page, "#identification-sheet") == []
    page.click(".sl-verdict [data-action=withdraw]")
    identified(visitor, "1 of 1")
    page.click("#identification-undo [data-action=undo]")
    identified(visitor, "0 of 1")
    page.click("#identification-undo [data-action=undo]")
    identified(visitor, "1 of 1")
