"""The People tab in a real browser: journeys by click and by keyboard, and what axe says of each place."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import AXE_WAYS, axe_faults
from tests.ui.scenery import make_service, write_people
from tests.ui.serving import Server, serving
from tests.ui.settling import focused
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def enroll_all(root: Path, people: Sequence[tuple[str, Path, int | None]]) -> None:
    """Enroll people of clips before a page is served."""
    service = make_service(root)
    observed: dict[Path, Any] = {}
    for name, clip, person in people:
        if clip not in observed:
            work = service.observe(clip)
            while clip not in observed:
                try:
                    next(work)
                except StopIteration as stop:
                    observed[clip] = stop.value
        service.enroll(observed[clip], name, person, add=True, force=True)
    service.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, clips: dict[str, Path]) -> Path:
    """A gallery: Ada (two visits, one of them beside Ben), Ben, Twin (looks like Ada), Carl."""
    root = tmp_path_factory.mktemp("people") / "data"
    root.mkdir()
    carl = write_people(root.parent / "carl.mp4", [30])
    three = clips["three"]
    enroll_all(
        root,
        [
            ("Ada", clips["one"], None),
            ("Ada", three, 1),
            ("Ben", three, 2),
            ("Twin", clips["again"], None),
            ("Carl", carl, None),
        ],
    )
    return root


@pytest.fixture
def served(prepared: Path, tmp_path: Path) -> Iterator[Server]:
    """A page of its own on a copy of the gallery."""
    root = tmp_path / "data"
    shutil.copytree(prepared, root)
    with serving(root) as server:
        yield server


@pytest.fixture
def visitor(chromium: Any, served: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, served.url)
    visitor.people()
    yield visitor
    visitor.close()


def open_person(page: Any, name: str) -> None:
    page.locator("#people-main .sl-face", has=page.get_by_text(name, exact=True)).click()
    page.locator("#people-main .sl-person-head h2", has_text=name).wait_for()


def press(page: Any, name: str) -> None:
    page.locator("#people-main").get_by_role("button", name=name, exact=True).click()


def tab_to(page: Any, name: str, limit: int = 60) -> None:
    """Press Tab until the element of that name has the keyboard."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if (
            page.evaluate("(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText)")
            == name
        ):
            return
    raise AssertionError(f"Tab does not reach {name}")


def undo_line(page: Any, words: str) -> None:
    page.locator("#people-undo .sl-undo", has_text=re.compile(words, re.DOTALL)).wait_for()


def test_a_name_a_cover_and_a_picture_are_changed_and_undone(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Ada")
    page.wait_for_function("document.activeElement.tagName === 'H2'")
    press(page, "Rename")
    page.wait_for_function("document.activeElement.id === 'people-new-name'")
    page.keyboard.type("ben")  # what was there is selected
    press(page, "Save")
    page.wait_for_selector("#people-name-words:has-text('Name taken')")
    assert page.locator("#people-new-name").input_value() == "ben"
    page.locator("#people-new-name").fill("Ada Lovelace")
    press(page, "Save")
    undo_line(page, "Ada was renamed to Ada Lovelace.*Undo.*kept until")
    assert not page.locator("#people-problem .sl-bad").count()

    pictures = page.locator("#people-main .sl-pictures").first.get_by_role("button")
    before = pictures.count()
    pictures.last.click()
    page.locator("#people-main .sl-chosen").wait_for()
    press(page, "Use as cover")
    page.locator("#people-main .sl-chosen", has_text="the cover picture").wait_for()
    press(page, "Remove this picture")
    undo_line(page, "A sample of Ada Lovelace was removed")
    page.wait_for_function(
        "count => document.querySelectorAll('#people-main .sl-pictures')[0].children.length === count", arg=before - 1
    )
    page.locator("#people-undo").get_by_role("button", name="Undo").click()
    undo_line(page, "Undone: A sample of Ada Lovelace was removed.*Redo")
    page.wait_for_function(
        "count => document.querySelectorAll('#people-main .sl-pictures')[0].children.length === count", arg=before
    )


def test_a_reference_is_moved(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Ada")
    page.locator("#people-main .sl-visit").first.get_by_role("button", name="Move to …").click()
    page.get_by_text("Whose reference is this, if not Ada's?").wait_for()
    page.locator("#people-main .sl-face", has_text="Carl").click()
    page.get_by_text("Move this reference from Ada to Carl?").wait_for()
    assert "Looks like a different person" in page.locator("#people-main").inner_text()
    press(page, "Move anyway")
    undo_line(page, "A reference of Ada was given to Carl")
    assert page.locator("#people-main .sl-visit").count() == 1
    page.locator("#people-undo").get_by_role("button", name="Undo").click()
    page.wait_for_function("document.querySelectorAll('#people-main .sl-visit').length === 2")


def test_two_are_joined_by_their_faces_and_strangers_are_warned_about(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Ada")
    press(page, "Same person as …")
    page.locator("#people-main .sl-face").first.wait_for()
    first = page.locator("#people-main .sl-face").first.inner_text()
    assert "Twin" in first
    assert "score 1.00" in first
    page.locator("#people-main .sl-face", has_text="Ben").click()
    page.get_by_text("Are Ada and Ben the same person?").wait_for()
    said = page.locator("#people-main").inner_text()
    assert "Looks like a different person" in said
    assert re.search(r"Seen together\. Both are in frames \d+–\d+ of three\.mp4", said)
    press(page, "Cancel")
    page.locator("#people-main .sl-face", has_text="Twin").click()
    page.get_by_text("Are Ada and Twin the same person?").wait_for()
    assert "Looks like a different person" not in page.locator("#people-main").inner_text()
    press(page, "Same person, keep the name “Ada”")
    undo_line(page, "Twin was merged into Ada")
    assert page.locator("#people-main .sl-visit").count() == 3
    page.wait_for_function("document.querySelector('#about-system').textContent.includes('3 people')")


def test_a_person_is_removed_by_keyboard_alone_and_comes_back(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("tab", name="People").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement.closest('#people-search'))"):
            break
    page.keyboard.type("be")
    page.wait_for_function("document.querySelectorAll('#people-main .sl-face').length === 1")
    tab_to(page, "History and trash")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    focused(page, "person")
    tab_to(page, "Remove")
    page.keyboard.press("Enter")
    undo_line(page, "Ben was removed")
    focused(page, "people")
    assert page.locator("#people-search :is(input, textarea)").input_value() == ""
    tab_to(page, "History and trash")
    page.keyboard.press("Enter")
    focused(page, "history")
    tab_to(page, "Bring back (Ben was removed with 1 reference.)")
    page.keyboard.press("Enter")
    undo_line(page, "Undone: Ben was removed")
    page.get_by_text("The trash is empty").wait_for()


def test_renaming_by_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Carl")
    tab_to(page, "Rename")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'people-new-name'")
    page.keyboard.type("Carl Gauß")
    page.keyboard.press("Enter")
    undo_line(page, "Carl was renamed to Carl Gauß")
    focused(page, "ask-name:")


def test_erasing_and_emptying_ask_first(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Carl")
    press(page, "Erase …")
    focused(page, "erase-question")
    press(page, "Cancel")
    focused(page, "ask-erase:")
    press(page, "Erase …")
    press(page, "Erase for good")
    page.locator("#people-undo", has_text="A person was erased for good").wait_for()
    assert not page.locator("#people-undo button").count()
    open_person(page, "Ben")
    press(page, "Remove")
    undo_line(page, "Ben was removed")
    press(page, "History and trash")
    press(page, "Empty the trash …")
    press(page, "Empty the trash")
    undo_line(page, "The trash was emptied")
    assert not page.get_by_role("button", name="Bring back").count()


def test_a_search_follows_at_once_also_after_a_change_in_another_browser(chromium: Any, served: Server) -> None:
    first, second = Visitor(chromium, served.url), Visitor(chromium, served.url)
    first.people()
    first.page.locator("#people-search :is(input, textarea)").fill("a")
    first.page.wait_for_function("document.querySelectorAll('#people-main .sl-face').length === 2")  # Ada, Carl
    second.people()
    open_person(second.page, "Ben")
    press(second.page, "Rename")
    second.page.locator("#people-new-name").fill("Abel")
    press(second.page, "Save")
    first.page.wait_for_function("document.querySelectorAll('#people-main .sl-face').length === 3")
    assert first.page.locator("#people-search :is(input, textarea)").input_value() == "a"
    assert "Twin" not in first.page.locator("#people-main").inner_text()
    first.page.locator("#people-search :is(input, textarea)").fill("ab")
    first.page.wait_for_function("document.querySelectorAll('#people-main .sl-face').length === 1")
    first.close()
    second.close()


def test_a_reload_comes_back_to_the_same_person(visitor: Visitor) -> None:
    page = visitor.page
    open_person(page, "Carl")
    page.reload()
    page.locator("#people-main .sl-person-head h2", has_text="Carl").wait_for()
    press(page, "← Everybody")
    page.wait_for_function("document.querySelectorAll('#people-main .sl-face').length === 4")


@pytest.mark.parametrize(("width", "scheme"), AXE_WAYS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(chromium: Any, served: Server, width: int, scheme: str) -> None:
    visitor = Visitor(chromium, served.url, width, color_scheme=scheme)
    page, faults = visitor.page, {}

    def look(place: str) -> None:
        visitor.settle()
        parts = "#people-undo, #people-problem, #people-search, #people-main, #gallery-transfer"
        if found := axe_faults(page, parts):
            faults[place] = found
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place

    visitor.people()
    look("everybody")
    open_person(page, "Ada")
    page.locator("#people-main .sl-pictures button").first.click()
    page.locator("#people-main .sl-chosen").wait_for()
    look("person")
    press(page, "Rename")
    look("rename")
    press(page, "Cancel")
    press(page, "Erase …")
    look("erase")
    press(page, "Cancel")
    press(page, "Same person as …")
    page.locator("#people-main .sl-face", has_text="Ben").wait_for()
    look("faces")
    page.locator("#people-main .sl-face", has_text="Ben").click()
    page.get_by_text("Are Ada and Ben the same person?").wait_for()
    look("last word")
    press(page, "← Ada")
    page.locator("#people-main .sl-visit").first.get_by_role("button", name="Move to …").click()
    page.get_by_text("Whose reference is this").wait_for()
    look("move")
    press(page, "← Ada")
    press(page, "Remove")
    undo_line(page, "Ada was removed")
    press(page, "History and trash")
    focused(page, "history")
    look("history")
    press(page, "Empty the trash …")
    look("empty")
    assert faults == {}
    visitor.close()
