"""On the People tab, what is wrong with a name stands at its field, and what was typed stays there."""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import serving
from tests.ui.settling import comes_to
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

FACTS = """(id) => {
  const field = document.getElementById(id);
  const words = document.getElementById('people-name-words');
  const seen = (node) => {
    const box = node.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight;
  };
  return { typed: field.value, invalid: field.ariaInvalid, words: field.getAttribute('aria-describedby'),
           focused: document.activeElement === field, seen: seen(field) && seen(words),
           banners: document.querySelectorAll('#people-problem .sl-banner').length };
}"""


def facts(typed: str) -> dict[str, object]:
    shared = {"invalid": "true", "words": "people-name-words", "focused": True, "seen": True, "banners": 0}
    return {"typed": typed, **shared}


def test_a_name_that_somebody_has_is_told_at_its_field(chromium: Any, clips: dict[str, Path], tmp_path: Path) -> None:
    with serving(tmp_path / "taken") as server:
        visitor = Visitor(chromium, server.url, 390)
        page = visitor.page
        visitor.enroll(clips["one"], "Ada")
        visitor.enroll(clips["other"], "Ben")
        visitor.people().get_by_text("Ada", exact=True).first.click()
        page.get_by_role("button", name="Rename").click()
        page.locator("#people-new-name").fill("ben")
        page.keyboard.press("Enter")
        page.wait_for_selector("#people-name-words:has-text('Name taken')")
        comes_to(page, FACTS, facts("ben"), "people-new-name")
        page.keyboard.type("j")
        page.wait_for_selector("#people-name-words", state="hidden")
        assert not page.locator("[aria-invalid=true]").count()
        page.locator("#people-new-name").fill("")
        page.keyboard.press("Enter")
        page.wait_for_selector("#people-name-words:has-text('Name missing')")
        page.locator("#people-new-name").fill("Benjamin")
        page.keyboard.press("Enter")
        page.locator("#people-main h2", has_text="Benjamin").wait_for()
        assert not page.locator("#people-name-words").count()
        page.get_by_role("button", name="Move to …").first.click()
        page.locator("#people-new-person").fill("BEN")
        page.keyboard.press("Enter")
        page.wait_for_selector("#people-name-words:has-text('Name taken')")
        comes_to(page, FACTS, facts("BEN"), "people-new-person")
        visitor.close()
