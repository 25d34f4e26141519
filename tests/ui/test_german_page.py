"""The page in German, in a real browser: nothing that people read is left in English."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

ENGLISH = re.compile(
    r"\b(the|and|of|is|are|not|this|choose|press|nobody|person found|people|score|threshold|enroll|verify|identify"
    r"|cancel|gallery|frames? (from|to)|from frame|to frame|undo|samples?|references?|nothing|starting|reading)\b",
    re.IGNORECASE,
)
"""Words that no German sentence of the page has."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("german") / "data", language="de") as server:
        yield server


def test_tabs_an_answer_and_an_error_are_german(chromium: Any, served: Server, clips: dict[str, Path]) -> None:
    visitor = Visitor(chromium, served.url, locale="en-GB")
    page = visitor.page
    assert page.evaluate("document.documentElement.lang") == "de", "a screen reader goes by it"
    for tab in ("Erfassung", "Verifikation", "Identifikation", "Bibliothek", "Personen", "Kalibrierung"):
        page.get_by_role("tab", name=tab).click()
        visitor.settle()
        assert english_of(page) == [], tab
    page.get_by_role("tab", name="Erfassung").click()
    clip = Path(shutil.copyfile(clips["one"], served.root.parent / "gang.mp4"))
    visitor.upload(clip)
    visitor.opened()
    visitor.submit("enrollment")
    page.wait_for_selector("#enrollment-name-note :text('Der Name ist leer')")
    visitor.name("Ada")
    visitor.submit("enrollment")
    assert "behalten" in visitor.banner("enrollment", "Ada ist erfasst")
    assert english_of(page) == []
    visitor.close()


def english_of(page: Any) -> list[str]:
    """The lines in sight, and names and titles of what is in sight, that have English words."""
    texts = page.evaluate(
        """() => [document.body.innerText, ...[...document.querySelectorAll('[aria-label], [title], [placeholder]')]
            .filter((e) => e.offsetParent).flatMap((e) => ['aria-label', 'title', 'placeholder']
            .map((name) => e.getAttribute(name) ?? ''))].join('\\n')"""
    )
    return [line for line in texts.splitlines() if ENGLISH.search(line)]
