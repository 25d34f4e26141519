"""Every error stands at its field, in view without scrolling, and goes when the field is corrected.

By click and by keyboard, at three sizes, light and dark; part of the twelve ways is marked slow (journeys.py).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric import errors
from biometric.errors import BiometricError
from biometric.ui.field_errors import Field, field_of
from tests.ui.journeys import WAYS, Person
from tests.ui.scenery import write_people
from tests.ui.serving import Server
from tests.ui.settling import comes_to

Clips = dict[str, Path]
FACTS = """(id) => {
  const words = document.getElementById(id);
  const field = document.querySelector(`[aria-describedby="${id}"]`);
  const seen = (node) => {
    const box = node.getBoundingClientRect();
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.top >= 0 && box.bottom <= innerHeight && node.contains(there);
  };
  return { words: Boolean(words) && seen(words), field: Boolean(field) && seen(field), invalid: field?.ariaInvalid,
           focused: Boolean(document.activeElement.closest(`[aria-describedby="${id}"]`)) };
}"""
"""What of a field's error a person sees."""


def classes(root: type[BiometricError]) -> Iterator[type[BiometricError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from classes(kind)


def an_error(kind: type[BiometricError]) -> BiometricError:
    return kind("Words.", [1]) if kind is errors.SeveralPeople else kind("Words.")


def test_errors_of_one_branch_stand_at_one_field() -> None:
    fields = {kind: field_of(an_error(kind)) for kind in classes(BiometricError)}
    assert {fields[kind] for kind in classes(errors.ClipError)} == {Field.FOOTAGE}
    assert {fields[kind] for kind in classes(errors.InvalidName)} == {Field.NAME}
    assert {fields[kind] for kind in classes(errors.ObservationError)} == {None}
    assert {fields[kind] for kind in classes(errors.ModelError)} == {None}


@pytest.fixture(params=WAYS)
def visitor(chromium: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Person]:
    visitor = Person(chromium, server.url, request.param)
    yield visitor
    visitor.close()


def at_field(visitor: Person, tab: str, field: Field, words: str) -> None:
    """Wait for these words at a field; they and the field are in view, and belong together."""
    note = visitor.page.locator(f"#{tab}-{field}-note .sl-field-error", has_text=re.compile(words))
    note.wait_for()
    as_wanted = {"words": True, "field": True, "invalid": "true", "focused": True}
    comes_to(visitor.page, FACTS, as_wanted, f"{tab}-{field}-note-words")


def corrected(visitor: Person, tab: str, field: Field) -> None:
    visitor.page.locator(f"#{tab}-{field}-note .sl-field-error").wait_for(state="detached")
    assert not visitor.page.locator("[aria-invalid=true]").count()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    whole = write_people(folder / "whole.avi", [30], 60, codec="mpeg4").read_bytes()
    (folder / "damaged.avi").write_bytes(whole[: len(whole) * 6 // 10])
    return folder / "damaged.avi"


@pytest.mark.browser
def test_errors_of_footage(visitor: Person, clips: Clips, damaged: Path) -> None:
    visitor.submit("enrollment")
    at_field(visitor, "enrollment", Field.FOOTAGE, "No clip yet")
    visitor.upload(clips["text"])
    at_field(visitor, "enrollment", Field.FOOTAGE, "Not a video")
    visitor.upload(clips["empty"])
    at_field(visitor, "enrollment", Field.FOOTAGE, "Empty file")
    visitor.upload(damaged)
    visitor.opened()
    corrected(visitor, "enrollment", Field.FOOTAGE)
    visitor.name("Damaged")
    visitor.submit("enrollment")
    at_field(visitor, "enrollment", Field.CLIP, "This clip is damaged")
    visitor.page.get_by_label("Use it anyway, although it is damaged").check()
    corrected(visitor, "enrollment", Field.CLIP)


@pytest.mark.browser
def test_errors_of_the_range(visitor: Person, clips: Clips) -> None:
    page = visitor.page
    visitor.upload(clips["nobody"])
    visitor.opened()
    visitor.name("Nobody")
    first = page.get_by_label("From frame", exact=True).locator("visible=true")
    last = page.get_by_label("To frame", exact=True).locator("visible=true")
    last.fill("19")
    last.press("Tab")
    page.wait_for_selector("text=frames 0–19")
    first.fill("30")
    first.press("Tab")
    at_field(visitor, "enrollment", Field.RANGE, "From frame 30 comes after To frame 19")
    assert last.evaluate("node => node === document.activeElement"), "the keyboard stays where it was"
    visitor.submit("enrollment")
    at_field(visitor, "enrollment", Field.RANGE, "comes after")
    first.fill("")
    first.press("Tab")
    at_field(visitor, "enrollment", Field.RANGE, "From frame must be a whole number")
    first.fill("3")
    first.press("Tab")
    corrected(visitor, "enrollment", Field.RANGE)
    last.fill("9999")
    last.press("Tab")
    page.wait_for_selector("text=frames 3–39")  # a number outside the clip becomes its end, and that is said
    page.wait_for_selector("#enrollment-range-note:has-text('This clip has frames 0–39, no frame 9999')")
    visitor.settle()
    assert page.locator("#enrollment-range-note").is_visible(), "leaving the field does not take the words away"
    last.fill("20")
    last.press("Tab")
    page.wait_for_selector("text=frames 3–20")
    page.wait_for_selector("#enrollment-range-note", state="hidden")


@pytest.mark.browser
def test_errors_of_name_claim_and_threshold(visitor: Person, clips: Clips) -> None:
    page = visitor.page
    visitor.upload(clips["one"])
    visitor.opened()
    visitor.name("  ")
    visitor.submit("enrollment")
    at_field(visitor, "enrollment", Field.NAME, "Name missing")
    visitor.name(f"Name {visitor.setting}")
    corrected(visitor, "enrollment", Field.NAME)
    visitor.submit("enrollment")
    visitor.banner("enrollment", "is enrolled")

    visitor.tab("Verification")
    page.locator("#verification-claims [role=radio]").first.wait_for()
    visitor.submit("verification")
    at_field(visitor, "verification", Field.CLAIM, "Nobody chosen")
    page.locator("#verification-claims [role=radio]").first.click()
    corrected(visitor, "verification", Field.CLAIM)

    page.get_by_text("Details: threshold").locator("visible=true").click()
    number = page.get_by_label("number input for Threshold").locator("visible=true")
    number.fill("")
    number.press("Tab")
    # Gradio puts a number into an empty field as soon as it is left, so that these words go again by themselves.
    page.locator(f"#verification-{Field.THRESHOLD}-note .sl-field-error", has_text="cannot be used").wait_for()
    number.fill("0.5")
    number.press("Tab")
    corrected(visitor, "verification", Field.THRESHOLD)


@pytest.mark.browser
def test_errors_of_the_folders(visitor: Person, clips: Clips) -> None:
    page = visitor.page
    visitor.tab("Identification")
    visitor.upload(clips["one"])
    visitor.opened()
    fold = page.get_by_text("Where to look and where to write")
    fold.click()
    for name, field in (("Gallery path", Field.GALLERY_PATH), ("Query path", Field.QUERY_PATH)):
        path = page.get_by_label(name)
        former = path.input_value()
        path.fill("/etc")
        fold.click()
        visitor.submit("identification")
        at_field(visitor, "identification", field, "leads outside")
        path.fill(former)
        corrected(visitor, "identification", field)


@pytest.mark.browser
def test_errors_about_no_field_stand_in_the_answers_place(visitor: Person, clips: Clips) -> None:
    visitor.upload(clips["nobody"])
    visitor.opened()
    visitor.name("Nobody")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Nobody in these frames")
    visitor.in_view("#enrollment-answer .sl-banner h3")
