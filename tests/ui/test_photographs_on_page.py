"""Photographs on the page in a real browser: enrolled, verified and identified; no frame range, an annotated JPEG."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ui.scenery import frames
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def photograph(path: Path, hues: list[int], number: int = 0, turned: bool = False) -> Path:
    """Save one drawn frame, or store it sideways with the EXIF orientation that rights it."""
    picture = Image.fromarray(np.ascontiguousarray(list(frames(number + 1, hues))[number][:, :, ::-1]))
    exif = Image.Exif()
    if turned:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    picture.save(path, exif=exif.tobytes())
    return path


def test_photographs_enroll_verify_and_identify(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    said = visitor.enroll(photograph(tmp_path / "ada.jpg", [0], turned=True), "Ada Lovelace")
    assert "1 sample kept from frame 0" in said
    assert "weak evidence" in said
    assert page.locator(".sl-range:visible").count() == 0
    assert page.locator("video:visible").count() == 0
    size = page.locator("img[alt='ada.jpg']").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [640, 360], "shown as stored, lying on its side"
    assert "photograph · 640 × 360 · JPEG" in page.locator(".sl-facts").first.inner_text()

    visitor.tab("Identification")
    page.get_by_role("button", name="Choose another photograph").locator("visible=true").click()
    page.wait_for_selector(".sl-drop:visible")
    visitor.upload(photograph(tmp_path / "three.png", [0, 60], 20))
    visitor.opened()
    visitor.submit("identification")
    assert "weak evidence" in visitor.banner("identification", "1 of 2 people identified")
    page.wait_for_selector("#identification-files a")
    names = [link.get_attribute("download") for link in page.locator("#identification-files a").all()]
    assert [Path(name or "").suffix for name in names] == [".jpg", ".csv", ".json"]
    page.wait_for_function("document.querySelector('#annotated img').naturalWidth === 640")


def test_a_broken_photograph_is_told_at_upload(visitor: Visitor, tmp_path: Path) -> None:
    whole = photograph(tmp_path / "whole.jpg", [0]).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    visitor.upload(tmp_path / "cut.jpg")
    status = visitor.page.locator("#enrollment-footage-note .sl-field-error")
    status.wait_for()
    assert "This photograph cannot be read" in status.inner_text()
