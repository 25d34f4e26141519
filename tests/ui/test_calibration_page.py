"""Calibrating in a real browser: refused, then the offered rate; back to the card; undo; reload keeps the clips."""

import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import NewReference, Template
from biometric.gallery.repository import SQLiteGallery
from tests.ui.accessibility import axe_faults
from tests.ui.scenery import CoatEmbedder
from tests.ui.serving import Server, serving
from tests.ui.settling import comes_to, focused, wait_until_settled
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Server]:
    """A page whose gallery holds 30 people who look nothing like each other."""
    root = tmp_path / "data"
    gallery = SQLiteGallery(root / "gallery")
    for number in range(30):
        vector = np.zeros(CoatEmbedder.dimension, np.float32)
        vector[number // 2] = 1.0 if number % 2 else -1.0
        template = Template(vector, CoatEmbedder.model_id, 1)
        gallery.enroll(f"Person {number:02d}", NewReference(template, (), f"{number:064x}", f"{number}.mp4", 0, 9))
    with serving(root, delay=0.01) as running:
        yield running


@pytest.fixture
def page(chromium: Any, crowded: Server) -> Iterator[Any]:
    visitor = Visitor(chromium, crowded.url)
    opened(visitor.page)
    yield visitor.page
    visitor.close()


def opened(page: Any) -> None:
    page.get_by_role("tab", name="Calibration").click()
    page.wait_for_selector("#calibration-promise:visible")
    wait_until_settled(page)


def drop(page: Any, *clips: Path) -> None:
    page.locator("#calibration-clips input[type=file]").set_input_files(list(clips))


def press(page: Any, area: str, words: str) -> None:
    page.locator(area).get_by_role("button", name=words, exact=True).click()


def use(page: Any) -> None:
    """Use the offered rate, whose threshold is below the model card's."""
    press(page, "#calibration-promise", "Use 1 in 145 now")
    press(page, "#calibration-promise", "Use it although it is lower")


def check_accessible(page: Any) -> None:
    """Axe finds nothing, light and dark."""
    places = ", ".join(f"#calibration{part}" for part in ("", "-history", "-footage", "-promise", "-undo", "-message"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wait_until_settled(page)
        assert axe_faults(page, places) == []
    page.emulate_media(color_scheme="light")


def test_the_offered_rate_is_used_and_the_card_comes_back(page: Any, clips: dict[str, Path], crowded: Server) -> None:
    assert "In force: the model card" in page.locator("#calibration").inner_text()
    drop(page, clips["three"])
    page.wait_for_selector("#calibration-promise >> text=Use 1 in 145 now")
    said = page.locator("#calibration-promise").inner_text()
    assert "Not enough footage for 1 in 1,000" in said
    assert "the clip listed: 30 people, 435 pairs" in said
    assert "3 people · 3 comparisons side by side" in page.locator("#calibration-footage").inner_text()

    page.locator("#calibration-target").get_by_text("1 in 100", exact=True).click()
    page.wait_for_selector("#calibration-promise >> text=/^Use 1 in 100$/")
    page.reload()
    opened(page)
    page.wait_for_selector("#calibration-footage >> text=three.mp4")

    press(page, "#calibration-promise", "Use 1 in 145 now")
    page.wait_for_selector("#calibration-message >> text=1 in 145 is in force")
    assert "Fitted to exactly the clip listed" in page.locator("#calibration-message").inner_text()
    page.wait_for_selector("#calibration-promise >> text=1 in 145 is in force")
    offered = page.locator("#calibration-promise button")
    assert offered.all_inner_texts() == ["Use 1 in 100"], "what is in force is not offered"
    page.wait_for_selector("#calibration svg.sl-histogram")
    page.wait_for_selector("#about-system >> text=calibrated on your footage", state="attached")
    focused(page, "possible")
    check_accessible(page)

    press(page, "#calibration", "Back to the model card …")
    page.wait_for_selector("#calibration >> text=Go back to the model card?")
    focused(page, "card-question")
    check_accessible(page)
    press(page, "#calibration", "Back to the model card")
    page.wait_for_selector("#calibration >> text=In force: the model card")
    page.wait_for_selector("#calibration-promise >> text=Use 1 in 145 now")
    press(page, "#calibration-undo", "Undo")
    page.wait_for_selector("#calibration >> text=In force: your calibration")
    offered.filter(has_text="145").wait_for(state="detached")

    gallery = SQLiteGallery(crowded.root / "gallery")
    [held] = gallery.calibrations()
    assert held.calibration is not None
    assert held.in_force
    assert round(1 / held.calibration.verification.target) == 145
    gallery.save_calibration(dataclasses.replace(held.calibration, seconds=1.0))
    page.wait_for_selector("#calibration-history >> text=Use again")  # from the other process, by itself
    page.locator("#calibration-history").get_by_role("button", name=re.compile("Use again")).click()
    page.wait_for_selector("#calibration-undo >> text=put in force again")
    assert [item.in_force for item in gallery.calibrations()] == [False, True]


def test_clips_are_added_taken_out_and_kept_when_cancelled(page: Any, clips: dict[str, Path], crowded: Server) -> None:
    drop(page, clips["nobody"], clips["text"], clips["one"], clips["three"])
    page.wait_for_selector("#calibration-footage >> text=nobody was found")
    page.click("#calibration-cancel")
    page.wait_for_selector("#calibration-status >> text=Cancelled. What was analysed stays")
    page.click("#calibration-start:not([disabled])")
    page.wait_for_selector("#calibration-promise >> text=the 3 clips listed")
    listed = page.locator("#calibration-footage").inner_text()
    assert "This file is not a video" in listed
    check_accessible(page)
    assert "1 person · nobody side by side with somebody else" in listed
    page.get_by_role("button", name="Take out (three.mp4)").click()
    page.wait_for_selector("#calibration-promise >> text=the 2 clips listed")
    drop(page, clips["three"])
    page.wait_for_selector("#calibration-promise >> text=the 3 clips listed")
    assert len(list(crowded.root.rglob("calibration-*/clip.mp4"))) == 4
    page.get_by_role("button", name="Take all out").click()
    page.wait_for_selector("#calibration-promise >> text=Add clips, or compare")
    assert not list(crowded.root.rglob("calibration-*")), "the clips are gone"
    page.click("#calibration-start:not([disabled])")
    page.wait_for_selector("#calibration-promise >> text=30 people of the gallery, without a clip")
    page.set_viewport_size({"width": 390, "height": 844})
    comes_to(page, "document.documentElement.scrollWidth", 390)


def test_a_threshold_below_the_model_card_takes_a_second_step(page: Any, crowded: Server) -> None:
    gallery = SQLiteGallery(crowded.root / "gallery")
    page.click("#calibration-start:not([disabled])")
    press(page, "#calibration-promise", "Use 1 in 145 now")
    page.wait_for_selector("#calibration-promise >> text=is below the model card's, 0.514")
    focused(page, "below-question")
    check_accessible(page)
    press(page, "#calibration-promise", "Keep the thresholds")
    page.wait_for_selector("#calibration-promise >> text=Use 1 in 145 now")
    assert gallery.calibrations() == [], "nothing is used before the second step"
    use(page)
    page.wait_for_selector("#calibration-message >> text=1 in 145 is in force")
    [held] = gallery.calibrations()
    assert held.calibration is not None
    gallery.save_calibration(held.calibration)
    page.locator("#calibration-history").get_by_role("button", name=re.compile("Use again")).click()
    page.wait_for_selector("#calibration-history >> text=is below the model card's, 0.514")
    assert [item.in_force for item in gallery.calibrations()] == [True, False]
    press(page, "#calibration-history", "Use it although it is lower")
    page.wait_for_selector("#calibration-undo >> text=put in force again")
    assert [item.in_force for item in gallery.calibrations()] == [False, True]


def test_a_damaged_calibration_leaves_a_way_out(page: Any, crowded: Server) -> None:
    page.click("#calibration-start:not([disabled])")
    use(page)
    page.wait_for_selector("#calibration >> text=In force: your calibration")
    with closing(sqlite3.connect(crowded.root / "gallery" / "gallery.sqlite3")) as connection, connection:
        connection.execute("UPDATE calibrations SET document = '{}'")
        connection.execute("UPDATE gallery SET revision = revision + 1")
    page.wait_for_selector("#calibration >> text=cannot be read, because the gallery's database is damaged")
    press(page, "#calibration", "Back to the model card")
    page.wait_for_selector("#calibration >> text=In force: the model card")
    assert "It cannot be read any more." in page.locator("#calibration-history").inner_text()
