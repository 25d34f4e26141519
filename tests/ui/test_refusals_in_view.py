"""What is refused is told in view and takes the keyboard, however far down somebody has pressed the button."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.journeys import SETTINGS, Person
from tests.ui.serving import Server

pytestmark = pytest.mark.browser

Clips = dict[str, Path]
TELEPHONES = {setting.keyboard: setting for setting in SETTINGS if setting.width == 390}.values()
"""By click and by keyboard."""


@pytest.fixture(params=TELEPHONES, ids=str)
def visitor(chromium: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Person]:
    visitor = Person(chromium, server.url, request.param)
    yield visitor
    visitor.close()


def told(visitor: Person, place: str, words: str) -> None:
    """Wait until a place says this in view, where the keyboard is."""
    visitor.page.wait_for_function(
        "([place, words]) => { const at = document.activeElement;"
        " return at.closest(place) && at.innerText.includes(words); }",
        arg=[place, words],
    )
    visitor.in_view(f":is({place}, {place} *)[role=alert]")


def refused_join(visitor: Person, tab: str) -> None:
    sheet = f"#{tab}-sheet"
    for person in (1, 2):
        visitor.press(f"{sheet} [data-key='select:{person}']")
        visitor.page.wait_for_selector(f"{sheet} [data-key='select:{person}'][aria-checked=true]")
    visitor.page.evaluate(f"scrollBy(0, document.querySelector('{sheet} .sl-tile').getBoundingClientRect().y + 40)")
    visitor.in_view(f"{sheet} [data-key='join:']")
    visitor.press(f"{sheet} [data-key='join:']")
    told(visitor, f"{sheet} [data-key=refusal]", "Person 1 and person 2 are two people")


def test_a_join_that_is_refused_on_the_tiles(visitor: Person, clips: Clips) -> None:
    visitor.ask_about_three(clips["three"], f"Joined {visitor.setting}")
    refused_join(visitor, "enrollment")
    assert visitor.page.locator("#enrollment-answer h3").inner_text() == "3 people can be enrolled from these frames"
    visitor.press("#enrollment-sheet [data-key='deselect:']")
    visitor.page.wait_for_selector("#enrollment-sheet .sl-selection", state="detached")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "is enrolled")
    visitor.tab("Identification")
    visitor.submit("identification")
    visitor.banner("identification", "of 3 people identified")
    refused_join(visitor, "identification")


def test_an_undo_that_is_refused_at_the_end_of_the_history(visitor: Person, clips: Clips) -> None:
    page, name = visitor.page, f"Undone {visitor.setting}"
    visitor.enroll(clips["one"], name)
    visitor.people().locator("button", has_text=name).click()
    page.get_by_role("button", name="Remove", exact=True).first.click()
    page.wait_for_selector(f"#people-undo >> text={name} was removed")
    visitor.enroll(clips["other"], name)
    visitor.people()
    page.get_by_role("button", name="History and trash").click()
    undo = f"#people-main button[aria-label^='Undo ({name} was removed']"
    page.wait_for_selector(undo)
    page.locator(undo).evaluate("(button) => button.scrollIntoView({ block: 'start' })")
    visitor.press(undo)
    told(visitor, "#people-problem", f"Somebody else is called {name} now")
