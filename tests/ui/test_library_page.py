"""The Library tab in a real browser: kept across a restart, opened without decoding, searched, removed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import AXE_WAYS, axe_faults
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]
MAIN = "#library-main"


def library(visitor: Visitor) -> Any:
    """Open the Library tab; return what it shows."""
    visitor.page.get_by_role("tab", name="Library").click()
    visitor.page.wait_for_selector(f"{MAIN} h2:visible")
    return visitor.page.locator(MAIN)


def press(visitor: Visitor, name: str) -> None:
    visitor.page.locator(MAIN).get_by_role("button", name=name, exact=True).first.click()


def row(visitor: Visitor, name: str) -> Any:
    """Wait for the row of a clip."""
    found = visitor.page.locator(f"{MAIN} .sl-kept-clip", has=visitor.page.get_by_role("heading", name=name))
    found.first.wait_for()
    return found.first


def answer_both(visitor: Visitor, clips: Clips) -> None:
    """Enroll from one clip, and identify the people of another."""
    visitor.enroll(clips["one"], "Ada Lovelace")
    visitor.identify_three(clips["three"])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, chromium: Any, clips: Clips) -> Iterator[Server]:
    """A server that has kept two clips."""
    with serving(tmp_path_factory.mktemp("kept") / "data") as running:
        visitor = Visitor(chromium, running.url)
        answer_both(visitor, clips)
        library(visitor)
        row(visitor, "three.mp4")
        row(visitor, "one.mp4")
        visitor.close()
        yield running


def test_after_a_restart_a_clip_is_decided_anew_without_decoding_and_is_removed_for_good(
    chromium: Any, clips: Clips, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    with serving(root) as first:
        visitor = Visitor(chromium, first.url)
        answer_both(visitor, clips)
        library(visitor)
        row(visitor, "three.mp4")
        visitor.close()
    with serving(root, blind=1) as second:
        visitor = Visitor(chromium, second.url)
        page = visitor.page
        library(visitor)
        said = row(visitor, "three.mp4").inner_text()
        assert re.search(r"Ada Lovelace\s+1\.00", said)
        assert "2 unknown" in said
        assert "0:04.0" in said
        row(visitor, "three.mp4").get_by_role("button", name="Open in Identification (three.mp4)").click()
        visitor.banner("identification", "1 of 3 people identified")
        assert page.locator(".sl-clip:visible").inner_text() == "three.mp4"
        page.get_by_text("Details: threshold").locator("visible=true").click()
        field = page.locator("#identification-threshold input[type=number]")
        field.fill("1")
        field.press("Enter")
        visitor.banner("identification", "Nobody|0 of 3|1 of 3")
        assert not (root / "decoded").exists()
        visitor.submit("identification")  # decides on what was seen, too; only the annotated clip needs decoding
        page.wait_for_selector("#identification-submit:not([disabled])")
        assert "people identified" in page.locator("#identification-answer").inner_text()
        library(visitor)
        press(visitor, "More about three.mp4")
        press(visitor, "Remove …")
        press(visitor, "Remove for good")
        page.wait_for_selector(f"{MAIN} >> text=three.mp4 and its answers are removed for good")
        assert page.locator(f"{MAIN} .sl-kept-clip").count() == 1
        left = list((root / "library").rglob("clip.mp4"))
        assert len(left) == 1
        visitor.close()


def test_verification_and_enrollment_open_with_the_person_and_the_claim(kept: Server, chromium: Any) -> None:
    visitor = Visitor(chromium, kept.url)
    library(visitor)
    press(visitor, "Open in Enrollment (one.mp4)")
    visitor.page.wait_for_selector("#enrollment-sheet .sl-sample:visible")
    library(visitor)
    press(visitor, "More about three.mp4")
    press(visitor, "Open in Verification")
    visitor.page.wait_for_selector(".sl-clip:visible")
    assert visitor.page.locator("#verification-claims [role=radio]").count() == 1
    visitor.close()


def test_clips_are_searched_by_clip_person_and_camera(kept: Server, chromium: Any) -> None:
    visitor = Visitor(chromium, kept.url)
    page = visitor.page
    library(visitor)
    press(visitor, "More about three.mp4")
    page.locator(MAIN).get_by_role("button", name=re.compile("(Note|Change) the camera …")).click()
    page.fill("#kept-camera", "Back door")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{MAIN} >> text=Change the camera …")
    search = page.locator("#library-search :is(input, textarea)")
    for text, rows in (("three", 1), ("ada", 2), ("back d", 1), ("nobody", 0)):
        search.fill(text)
        page.wait_for_function(f"document.querySelectorAll('{MAIN} .sl-kept-clip').length === {rows}")
        page.wait_for_selector(f"{MAIN} h2 >> text=“{text}”")
    assert "No clip, camera or person found has “nobody”" in page.locator(MAIN).inner_text()
    search.fill("")
    page.wait_for_function(f"document.querySelectorAll('{MAIN} .sl-kept-clip').length === 2")
    press(visitor, "Name")
    page.wait_for_function(f"document.querySelector('{MAIN} .sl-kept-clip h3').innerText === 'one.mp4'")
    press(visitor, "History of answers")
    page.wait_for_selector(f"{MAIN} >> text=Identified 3 people: Ada Lovelace, 2 unknown")
    press(visitor, "Enrollments")
    page.wait_for_function(f"document.querySelectorAll('{MAIN} .sl-change').length === 1")
    visitor.close()


def test_a_second_browser_sees_what_is_kept_and_what_is_removed(kept: Server, chromium: Any, clips: Clips) -> None:
    first, second = Visitor(chromium, kept.url), Visitor(chromium, kept.url)
    library(second)
    rows = second.page.locator(f"{MAIN} .sl-kept-clip").count()
    first.tab("Identification")
    first.upload(clips["other"])
    first.opened()
    assert second.page.locator(f"{MAIN} .sl-kept-clip").count() == rows  # a mere upload is not kept
    first.submit("identification")
    first.banner("identification", "0 of 1|Nobody|nobody|1 person")
    row(second, "other.mp4")
    library(first)
    press(first, "More about other.mp4")
    press(first, "Remove …")
    press(first, "Keep it")
    press(first, "Remove …")
    press(first, "Remove for good")
    second.page.wait_for_function(f"document.querySelectorAll('{MAIN} .sl-kept-clip').length === {rows}")
    first.close()
    second.close()


@pytest.mark.parametrize(("width", "scheme"), AXE_WAYS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(kept: Server, chromium: Any, width: int, scheme: str) -> None:
    visitor = Visitor(chromium, kept.url, width, color_scheme=scheme)
    page, faults = visitor.page, {}

    def look(place: str) -> None:
        visitor.settle()
        if found := axe_faults(page, "#library-problem, #library-search, #library-main"):
            faults[place] = found
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place

    library(visitor)
    look("clips")
    press(visitor, "More about three.mp4")
    page.wait_for_selector(f"{MAIN} .sl-kept-more")
    look("more")
    press(visitor, "Remove …")
    page.wait_for_selector(f"{MAIN} >> text=Remove for good")
    look("remove")
    press(visitor, "Keep it")
    page.locator(MAIN).get_by_role("button", name="the camera …").click()
    page.wait_for_selector("#kept-camera")
    look("camera")
    press(visitor, "Cancel")
    press(visitor, "History of answers")
    page.wait_for_selector(f"{MAIN} .sl-change")
    look("history")
    visitor.close()
    assert faults == {}
