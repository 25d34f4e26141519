"""Names in any script are drawn with a font that has it, and never as empty boxes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw

from biometric.results.label_fonts import draw_text, drawable, text_length
from tests.conftest import PROJECT

WITHOUT_FONT = "\U000f0000"
"""A character of private use, which no font of a system has."""


def ink(text: str) -> int:
    picture = Image.new("L", (400, 60))
    draw_text(ImageDraw.Draw(picture), (5, 5), text, 24, 255)  # type: ignore[arg-type]
    return int((np.asarray(picture) > 128).sum())


@pytest.mark.parametrize("name", ["Ada", "Ωμέγα", "Жанна", "محمد", "می\u200cخواهم", "Łukasz Żółć", "", "Zoe\u0301"])
def test_names_that_the_usual_font_has_are_drawn_as_they_are(name: str) -> None:
    assert drawable(name, "person 1") == name
    assert (ink(name) > 0, text_length(name, 24) > 0) == (bool(name), bool(name))


@pytest.mark.parametrize("name", ["अदिति", "李小龍", "さくら", "민준", "สมชาย", "👩\u200d👧", "Ada 😀", "𝒜da", "א"])
def test_names_of_all_scripts_are_drawn_or_replaced(name: str) -> None:
    shown = drawable(f"{name} 0.91", "person 1 0.91")
    assert shown in {f"{name} 0.91", "person 1 0.91", "Ada  0.91"}
    assert ink(shown) > 0


def test_what_no_font_has_is_replaced_and_never_drawn_as_a_box() -> None:
    assert drawable(f"{WITHOUT_FONT * 3} 0.91", "person 1 0.91") == "person 1 0.91"
    assert drawable(f"Ada {WITHOUT_FONT}", "person 1") == "Ada"
    assert drawable("\u0378bc", "person 1") == "bc"  # unassigned, beside letters


def test_a_font_of_the_system_serves_a_script_that_the_usual_one_lacks(tmp_path: Path) -> None:
    square = TTGlyphPen(None)
    square.moveTo((100, 0))
    for point in ((900, 0), (900, 800), (100, 800)):
        square.lineTo(point)
    square.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "own"])
    builder.setupCharacterMap({ord(WITHOUT_FONT): "own", ord("क"): "own"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "own": square.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "own": (1000, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Own", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    (tmp_path / ".fonts").mkdir()
    builder.save(tmp_path / ".fonts" / "Own.ttf")
    (tmp_path / ".fonts" / "Broken.ttf").write_bytes(b"no font")
    code = (
        "from biometric.results.label_fonts import drawable, text_length\n"
        f"name = 'Ada ' + {WITHOUT_FONT!r}\n"
        "assert drawable(name, 'person 1') == name\n"
        "assert text_length(name, 20) - text_length('Ada ', 20) == 20\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, env={**os.environ, "HOME": str(tmp_path)})
