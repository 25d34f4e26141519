"""Draws names in any script: each run of a text with a font that has its characters (Pillow, fontTools).

DejaVu Sans comes with matplotlib and has Latin, Greek, Cyrillic and Arabic. For other scripts the fonts of the system
are searched, Noto first, when a name first needs one. What no font has is never drawn as an empty box: a picture sign
is left out, and of other names `drawable` gives what the caller wants instead.
"""

import importlib.util
import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageDraw, ImageFont, features

_SECONDS = 5.0
"""Longest look through the system's fonts for one character."""
_SIGNS = frozenset({"So", "Sk", "Co", "Cn"})
"""Categories of emoji and other pictures, and of what is no character at all."""
_FIRST_PRIORITIES = ("NotoSans", "Noto")


def drawable(text: str, fallback: str) -> str:
    """Return what of `text` can be drawn: all of it, all but its picture signs, or else `fallback`."""
    missing = {character for character in text if not _can_draw(character)}
    if not missing:
        return text
    drawable_text = "".join(character for character in text if character not in missing).strip()
    only_signs = all(unicodedata.category(character) in _SIGNS for character in missing)
    return drawable_text if only_signs and any(character.isalpha() for character in drawable_text) else fallback


def fonts_of(text: str) -> set[Path]:
    """Return the fonts that it takes to draw a text."""
    return {path for path, _ in _runs(text) if path is not None}


def base_fonts() -> tuple[Path, Path]:
    """Return the fonts of Latin, Greek, Cyrillic and Arabic text: regular and bold.

    Raises:
        RuntimeError: matplotlib, which brings them, is not installed whole.
    """
    regular = _base_font()
    bold = None if regular is None else regular.with_name("DejaVuSans-Bold.ttf")
    if regular is None or bold is None or not bold.is_file():
        raise RuntimeError("matplotlib's fonts are missing. Install matplotlib from PyPI.")
    return regular, bold


def text_length(text: str, size: int) -> float:
    """Return the width of a text in pixels."""
    return sum(_font(path, size).getlength(run) for path, run in _runs(text))


def text_height(size: int) -> int:
    """Return the height of a line in pixels."""
    return sum(_font(_base_font(), size).getmetrics())


def draw_text(
    pen: ImageDraw.ImageDraw, position: tuple[float, float], text: str, size: int, fill: tuple[int, int, int]
) -> None:
    """Draw a line of text whose upper left corner is `position`, in pixels."""
    x, y = position
    baseline = y + _font(_base_font(), size).getmetrics()[0]
    for path, run in _runs(text):
        font = _font(path, size)
        pen.text((x, baseline), run, font=font, fill=fill, anchor="ls")
        x += font.getlength(run)


def _runs(text: str) -> list[tuple[Path | None, str]]:
    """Split a text where its font changes; a character that every font may lack or has stays with its neighbours."""
    runs: list[tuple[Path | None, str]] = []
    for character in text:
        former = runs[-1][0] if runs else None
        if runs and (_is_invisible(character) or (former is not None and ord(character) in _characters(former))):
            runs[-1] = (former, runs[-1][1] + character)
            continue
        path = _font_for(character) or _base_font()
        if runs and path == former:
            runs[-1] = (path, runs[-1][1] + character)
        else:
            runs.append((path, character))
    return runs


def _can_draw(character: str) -> bool:
    if _is_invisible(character):
        return True
    if _needs_shaping(character) and not features.check("raqm"):
        return False  # unshaped, it is as unreadable as an empty box
    return _font_for(character) is not None


def _is_invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf" or 0xFE00 <= ord(character) <= 0xFE0F


def _needs_shaping(character: str) -> bool:
    indic_to_khmer = 0x0900 <= ord(character) <= 0x17FF and not 0x10A0 <= ord(character) <= 0x13FF
    return unicodedata.bidirectional(character) in ("R", "AL") or indic_to_khmer


@lru_cache(maxsize=4096)
def _font_for(character: str) -> Path | None:
    started = time.monotonic()
    base = _base_font()
    if base is None or ord(character) in _characters(base):
        return base
    for path in _system_fonts():
        if ord(character) in _characters(path):
            return path
        if time.monotonic() - started > _SECONDS:
            break
    return None


@lru_cache(maxsize=512)
def _characters(path: Path) -> frozenset[int]:
    """Return the code points that a font has, none where it cannot be read or scaled."""
    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            if not {"glyf", "CFF ", "CFF2"} & set(font.keys()):
                return frozenset()  # pictures only: colour emoji
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, ValueError, KeyError, AssertionError, AttributeError):
        return frozenset()


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    fonts = [path for folder in _font_folders() for path in _files(folder)]
    return tuple(sorted(fonts, key=_priority))


def _priority(path: Path) -> tuple[int, bool, int, str]:
    rank = next((rank for rank, name in enumerate(_FIRST_PRIORITIES) if path.name.startswith(name)), 9)
    plain = "regular" in path.name.lower() or "-" not in path.name
    return rank, not plain, len(path.name), str(path)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names if name.lower().endswith((".ttf", ".otf", ".ttc", ".otc")))


def _font_folders() -> list[Path]:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  unlike Path.home, it never raises
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home))
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", Path(local) / "Microsoft/Windows/Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    return [*map(Path, ("/usr/share/fonts", "/usr/local/share/fonts")), home / ".local/share/fonts", home / ".fonts"]


@lru_cache(maxsize=1)
def _base_font() -> Path | None:
    matplotlib = importlib.util.find_spec("matplotlib")
    for folder in (matplotlib.submodule_search_locations or []) if matplotlib else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=64)
def _font(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if path is not None:
        return ImageFont.truetype(str(path), size)
    fallback = ImageFont.load_default(size)
    if not isinstance(fallback, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, which draws names. Install Pillow from PyPI.")
    return fallback
