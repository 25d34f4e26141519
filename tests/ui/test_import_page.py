"""Importing an export on the page: what it would do is told, and asked for, before it is done."""

import os
from pathlib import Path
from typing import Any

import pytest

from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import reference
from tests.ui.serving import serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def test_a_file_that_gives_somebody_references_is_asked_about(tmp_path: Path, chromium: Any) -> None:
    clips, root = tmp_path / "clips", tmp_path / "data"
    gallery = SQLiteGallery(root / "gallery")
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    copy = SQLiteGallery(tmp_path / "copy")
    copy.import_(gallery.export(tmp_path / "own.zip"))
    copy.enroll("Ada", reference(clips, 9))
    more = copy.export(tmp_path / "more.zip", passphrase="correct horse battery")
    with serving(root) as server:
        visitor = Visitor(chromium, server.url)
        page = visitor.page
        page.get_by_role("tab", name="People").click()
        page.get_by_text("Export and import").click()
        page.locator("#gallery-import input[type=file]").set_input_files(more)
        page.get_by_text("This export is encrypted.").wait_for()
        page.locator("#gallery-passphrase input").fill("wrong horse battery")
        page.locator("#gallery-look-button").click()
        page.get_by_text("This passphrase does not open the file.").wait_for()
        page.locator("#gallery-passphrase input").fill("correct horse battery")
        page.locator("#gallery-look-button").click()
        page.get_by_text("it would give references to people who are here already: Ada (1)").wait_for()
        visitor.settle()
        if os.environ.get("SHOTS"):
            for width, height in ((1440, 900), (1280, 720), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                page.locator("#gallery-transfer").scroll_into_view_if_needed()
                for scheme in ("light", "dark"):
                    page.evaluate("scheme => document.documentElement.dataset.theme = scheme", scheme)
                    page.screenshot(path=f"{os.environ['SHOTS']}/import-{width}-{scheme}.png")
        assert [item.reference_count for item in gallery.identities()] == [1]
        page.locator("#gallery-separate-button").click()
        page.get_by_text("Imported", exact=True).wait_for()
        assert {item.name: item.reference_count for item in gallery.identities()} == {"Ada": 1, "Ada (2)": 1}
        assert len(gallery.references(ada.id)) == 1
        visitor.close()


def test_an_erased_reference_of_somebody_who_is_here_is_asked_about(tmp_path: Path, chromium: Any) -> None:
    clips, root = tmp_path / "clips", tmp_path / "data"
    gallery = SQLiteGallery(root / "gallery")
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    export = gallery.export(tmp_path / "own.zip")
    gallery.enroll("Ada", reference(clips, 5))
    change = gallery.remove_reference(gallery.references(ada.id)[0].id)
    with gallery.transactions.writing() as write:
        write.purge([change.id])
    with serving(root) as server:
        visitor = Visitor(chromium, server.url)
        page = visitor.page
        page.get_by_role("tab", name="People").click()
        page.get_by_text("Export and import").click()
        page.locator("#gallery-import input[type=file]").set_input_files(export)
        page.get_by_text("Import this export?").wait_for()
        page.locator("#gallery-import-button").click()
        page.locator("#gallery-resurrect-button").click()
        page.get_by_text("This export would give references to people who are here already: Ada.").wait_for()
        assert {item.name: item.reference_count for item in gallery.identities()} == {"Ada": 1}
        page.locator("#gallery-separate-button").click()
        page.get_by_text("Imported", exact=True).wait_for()
        assert {item.name: item.reference_count for item in gallery.identities()} == {"Ada": 1, "Ada (2)": 1}
        visitor.close()
