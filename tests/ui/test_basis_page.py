"""The Enrollment tab asks once on what basis people are enrolled, and keeps it as the gallery's default."""

from pathlib import Path
from typing import Any

import pytest

from biometric.entities import EnrollmentBasis, EntryPoint, LegalBasis
from biometric.gallery.repository import SQLiteGallery
from tests.lawful import without_default
from tests.ui.serving import serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def say(visitor: Visitor, legal_basis: str, purpose: str) -> None:
    page = visitor.page
    page.locator("#enrollment-legal-basis input").click()
    page.get_by_role("option", name=legal_basis, exact=True).click()
    page.locator("#enrollment-purpose :is(input, textarea)").fill(purpose)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_enrollment_asks_and_the_next_one_does_not(
    chromium: Any, clips: dict[str, Path], tmp_path: Path, width: int
) -> None:
    with serving(tmp_path / "data", basis=0) as server, without_default():
        gallery = SQLiteGallery(server.root / "gallery")
        visitor = Visitor(chromium, server.url, width)
        page = visitor.page
        visitor.choose(clips["one"])
        visitor.name("Ada")
        assert not page.locator("#enrollment-purpose").is_visible(), "one line, as long as nobody asks"
        visitor.submit("enrollment")
        page.wait_for_selector("#enrollment-basis-note-words:has-text('No legal basis yet')")
        assert gallery.is_empty()
        assert page.locator("#enrollment-purpose").is_visible()
        say(visitor, "Consent", "door of the studio")
        visitor.submit("enrollment")
        visitor.banner("enrollment", "is enrolled")
        door = EnrollmentBasis(LegalBasis.CONSENT, "door of the studio")
        assert gallery.default_basis() == door
        [reference] = gallery.references(gallery.find("Ada").id)
        assert reference.basis is not None
        assert (reference.basis.basis, reference.basis.entry_point) == (door, EntryPoint.PAGE)
        page.locator("#enrollment-basis", has_text="Legal basis: Consent · door of the studio").wait_for()
        page.wait_for_selector("#enrollment-purpose", state="hidden")

        visitor.enroll(clips["other"], "Ben")
        [reference] = gallery.references(gallery.find("Ben").id)
        assert reference.basis is not None
        assert reference.basis.basis == door
        page.reload()
        page.locator("#enrollment-basis", has_text="Legal basis: Consent · door of the studio").wait_for()
        visitor.close()
