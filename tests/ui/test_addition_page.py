"""In a real browser: a slip of the hand does not put one person's reference under another one's name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.gallery.repository import SQLiteGallery
from biometric.ui.build import UPDATE_HEADER_EVERY
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as running:
        yield running


@pytest.fixture
def visitor(chromium: Any, own_server: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, own_server.url)
    yield visitor
    visitor.close()


def stored(server: Server) -> dict[str, int]:
    """Number of references by name."""
    return {one.name: one.reference_count for one in SQLiteGallery(server.root / "gallery").identities()}


def covers(server: Server) -> list[Path | None]:
    """Picture that stands for each person."""
    return [one.thumbnail for one in SQLiteGallery(server.root / "gallery").identities()]


def typed(visitor: Visitor) -> str:
    return str(visitor.page.locator("#enrollment-name :is(input, textarea)").input_value())


def choose_another(visitor: Visitor, clip: Path) -> None:
    visitor.page.get_by_role("button", name="Choose another clip").locator("visible=true").click()
    visitor.page.wait_for_selector(".sl-drop:visible")
    visitor.upload(clip)
    visitor.opened()


def test_the_second_man_is_not_stored_under_the_first_ones_name(
    visitor: Visitor, own_server: Server, clips: Clips
) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    choose_another(visitor, clips["other"])
    page.wait_for_function("document.querySelector('#enrollment-name :is(input, textarea)').value === ''")
    visitor.submit("enrollment")
    page.wait_for_selector("#enrollment-name-note >> text=Name missing")
    page.wait_for_function("document.activeElement.closest('#enrollment-name')")
    assert stored(own_server) == {"Ada": 1}

    page.keyboard.type("Ada")  # and typed again all the same
    page.wait_for_selector("#enrollment-name-note >> text=Name missing", state="detached")
    visitor.submit("enrollment")
    said = visitor.banner("enrollment", "Looks like a different person")
    assert "threshold 0.51" in said
    assert page.locator("#enrollment-answer .sl-pair img[src^='data:image/jpeg']").count() == 2
    add = page.get_by_role("button", name="Add this reference to Ada all the same")
    assert add.is_disabled()
    add.click(force=True)
    page.get_by_role("button", name="Choose another name").click()
    page.wait_for_selector("#enrollment-name-note >> text=Type another name")
    page.wait_for_function("document.activeElement.closest('#enrollment-name')")
    assert stored(own_server) == {"Ada": 1}
    page.keyboard.type("Ben")
    page.keyboard.press("Enter")
    visitor.banner("enrollment", "Ben is enrolled")
    assert stored(own_server) == {"Ada": 1, "Ben": 1}


def test_adding_to_a_name_asks_once_and_below_the_threshold_twice(
    visitor: Visitor, own_server: Server, clips: Clips
) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    cover = covers(own_server)
    choose_another(visitor, clips["again"])
    visitor.name("ada")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Ada is enrolled already")
    assert stored(own_server) == {"Ada": 1}
    page.get_by_role("button", name="Add to Ada").click()
    visitor.banner("enrollment", "Ada has another reference")

    choose_another(visitor, clips["other"])
    visitor.name("Ada")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Looks like a different person")
    tick = page.get_by_role("checkbox", name="These are the same person although they look different")
    tick.focus()
    page.keyboard.press("Space")
    add = page.get_by_role("button", name="Add this reference to Ada all the same")
    page.wait_for_selector("#enrollment-answer [data-action=add]:not([disabled])")
    page.wait_for_function("document.activeElement.dataset.key === 'same:'")
    assert stored(own_server) == {"Ada": 2}
    add.click()
    visitor.banner("enrollment", "Ada has another reference")
    assert stored(own_server) == {"Ada": 3}
    assert covers(own_server) == cover
    page.locator("#enrollment-undo").get_by_role("button", name="Undo").click()
    page.locator("#enrollment-undo").get_by_role("button", name="Redo").wait_for()
    assert stored(own_server) == {"Ada": 2}
    visitor.tab("Verification")
    visitor.tab("Enrollment")
    page.locator("#enrollment-undo").get_by_role("button", name="Redo").click()  # the line stays
    page.locator("#enrollment-undo").get_by_role("button", name="Undo").wait_for()
    assert stored(own_server) == {"Ada": 3}


def test_another_range_or_person_takes_the_name_away(visitor: Visitor, own_server: Server, clips: Clips) -> None:
    page = visitor.page
    visitor.ask_about_three(clips["three"], "Ada")
    page.locator("#enrollment-sheet [role=radio]").nth(1).click()
    page.wait_for_selector("#enrollment-sheet [data-key='person:2'][aria-checked=true]")
    assert typed(visitor) == "Ada"  # nothing was enrolled under it yet
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Ada is enrolled")
    visitor.name("Ben")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "3 people can be enrolled")  # not the same person once more
    page.locator("#enrollment-sheet [role=radio]").nth(0).click()
    page.wait_for_selector("#enrollment-sheet [data-key='person:1'][aria-checked=true]")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Ben is enrolled")
    slider = page.get_by_role("slider", name="First frame of the range").locator("visible=true")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#enrollment-name :is(input, textarea)').value === ''")
    assert stored(own_server) == {"Ada": 1, "Ben": 1}


def test_a_person_handed_over_comes_without_a_name(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    visitor.identify_three(clips["three"])
    page.locator("#identification-sheet .sl-tile", has_text="unknown").first.click()
    page.get_by_role("button", name="Enroll this person").click()
    page.wait_for_selector("#enrollment-sheet [role=radio][aria-checked=true]")
    page.wait_for_function("document.querySelector('#enrollment-name :is(input, textarea)').value === ''")


def test_typing_a_name_causes_no_lasting_traffic(visitor: Visitor) -> None:
    requests: list[str] = []
    visitor.page.wait_for_timeout(3 * 1000 * UPDATE_HEADER_EVERY)  # until then the page asks whether models are there
    visitor.page.locator("#enrollment-name :is(input, textarea)").press_sequentially("Ada Lovelace")
    visitor.settle()
    visitor.page.on("request", lambda request: "queue/join" in request.url and requests.append(request.post_data))
    visitor.page.wait_for_timeout(1500)
    assert requests == []
