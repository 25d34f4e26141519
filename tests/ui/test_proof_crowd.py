"""A hundred people are answered, filtered and one of them named: in few actions, in each of twelve ways to work.

Slow: each run of the tests has the same by click and by keyboard at one size, with more (test_people_grid.py).
"""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.journeys import SETTINGS, Person, Setting
from tests.ui.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_hundred_people_are_answered_filtered_and_one_is_named(
    chromium: Any, crowd_server: Server, crowd: Path, setting: Setting
) -> None:
    person = Person(chromium, crowd_server.url, setting)
    page, name = person.page, f"Grace {setting}"
    person.open_tab("Identification")
    person.choose_clip(crowd)
    person.opened()
    person.submit("identification")
    person.banner("identification", "of 100 people identified")
    person.in_view("#identification-answer .sl-banner h3")
    person.press("[data-key='filter:unknown']")
    page.wait_for_selector("[data-key='filter:unknown'][aria-pressed=true]")
    assert page.locator("#identification-sheet .sl-tile").count() == 24, "a page of tiles"
    person.type("[data-key^='typed:']", name)
    person.enter()
    page.wait_for_selector(f"#identification-undo >> text={name} was enrolled")
    person.in_view("#identification-answer .sl-banner h3")
    person.press("[data-key='filter:']")
    page.wait_for_selector("[data-key='filter:'][aria-pressed=true]")
    person.in_view(f".sl-found:has-text('{name}')")
    person.did(8)
    person.press("#identification-undo button:has-text('Undo')")
    page.wait_for_selector("#identification-undo button:has-text('Redo')")  # the next ones find the gallery as it was
    person.close()
