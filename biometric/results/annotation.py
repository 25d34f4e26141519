"""Draws results on frames and on a timeline, with Pillow."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from biometric.entities import Image
from biometric.entities.drawing import Bar, Mark
from biometric.errors import StorageFull
from biometric.messages import clock
from biometric.results.answer_files import ANNOTATED_WIDTH
from biometric.results.label_fonts import draw_text, drawable, text_height, text_length
from biometric.storage import atomic_path, describe_os_error

JPEG_QUALITY = 92
KNOWN = (15, 118, 110)
UNKNOWN = (180, 83, 9)
INK = (30, 41, 59)
FAINT = (203, 213, 225)
LABEL_SHARE = 1 / 3
"""How much of a picture's width a label may take."""


class PillowAnnotator:
    """ports.Annotator."""

    def draw(self, image: Image, marks: Sequence[Mark]) -> Image:
        """Return a copy of an (H, W, 3) uint8 BGR frame with boxes and labels, at most `ANNOTATED_WIDTH` pixels wide.

        People who were identified get a solid box, unknown ones a dashed one.
        """
        picture = Pictures.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
        scale = min(1.0, ANNOTATED_WIDTH / picture.width)
        if scale < 1.0:
            picture = picture.resize(
                (ANNOTATED_WIDTH, max(1, round(picture.height * scale))), Pictures.Resampling.BILINEAR
            )
        pen = ImageDraw.Draw(picture)
        for mark in marks:
            _draw_mark(picture, pen, mark, scale)
        return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])

    def save(self, image: Image, destination: Path) -> None:
        """Write an annotated photograph, (H, W, 3) uint8 BGR, as JPEG, atomically.

        Raises:
            StorageFull: the file cannot be written.
        """
        picture = Pictures.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
        try:
            with atomic_path(destination) as partial:
                picture.save(partial, format="JPEG", quality=JPEG_QUALITY)
        except OSError as error:
            raise StorageFull(
                "The photograph {name} could not be written: {reason}.",
                name=destination.name,
                reason=describe_os_error(error),
            ) from error

    def timeline(self, bars: Sequence[Bar], start: float, stop: float, destination: Path) -> None:
        """Write a PNG with one bar a person over `start` to `stop` seconds of the clip, atomically.

        Raises:
            StorageFull: the file cannot be written.
        """
        row, left, right, top = 34, 260, 40, 24
        size = (1200, top + row * max(1, len(bars)) + 44)
        picture = Pictures.new("RGB", size, (255, 255, 255))
        pen = ImageDraw.Draw(picture)
        scale = (size[0] - left - right) / max(stop - start, 1e-6)
        _draw_axis(pen, size, left, right, start, stop, scale)
        for number, bar in enumerate(bars):
            y = top + number * row
            label = _shortened(drawable(bar.label, bar.plain_label), left - 32, 16)
            draw_text(pen, (16, y + 4), label, 16, INK)
            shape = {"fill": KNOWN} if bar.known else {"fill": (254, 243, 199), "outline": UNKNOWN, "width": 2}
            places = [[left + (moment - start) * scale for moment in stretch] for stretch in bar.stretches]
            pen.line((places[0][0], y + row // 2 - 3, places[-1][1], y + row // 2 - 3), fill=FAINT, width=2)
            for x1, x2 in places:
                pen.rounded_rectangle((x1, y + 3, max(x1 + 3, x2), y + row - 9), 4, **shape)
        try:
            with atomic_path(destination) as partial:
                picture.save(partial, format="PNG")
        except OSError as error:
            raise StorageFull(
                "The timeline {name} could not be written: {reason}.",
                name=destination.name,
                reason=describe_os_error(error),
            ) from error


def _draw_mark(picture: Pictures.Image, pen: ImageDraw.ImageDraw, mark: Mark, scale: float) -> None:
    colour = KNOWN if mark.known else UNKNOWN
    x1, y1, x2, y2 = (value * scale for value in mark.box)
    if mark.known:
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=3)
    else:
        _dashed(pen, (x1, y1, x2, y2), colour)
    size = max(13, picture.width // 64)
    label = _shortened(drawable(mark.label, mark.plain_label), picture.width * LABEL_SHARE, size)
    width, height = text_length(label, size), text_height(size)
    y = y1 - height - 7 if y1 > height + 7 else y1
    x = min(max(0.0, x1), max(0.0, picture.width - width - 10))
    pen.rectangle((x, y, x + width + 10, y + height + 6), fill=colour)
    draw_text(pen, (x + 5, y + 2), label, size, (255, 255, 255))


def _dashed(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: tuple[int, int, int]) -> None:
    x1, y1, x2, y2 = box
    for x in np.arange(x1, x2, 16):
        for y in (y1, y2):
            pen.line((x, y, min(x + 9, x2), y), fill=colour, width=3)
    for y in np.arange(y1, y2, 16):
        for x in (x1, x2):
            pen.line((x, y, x, min(y + 9, y2)), fill=colour, width=3)


def _draw_axis(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], left: int, right: int, start: float, stop: float, scale: float
) -> None:
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800) if (stop - start) / s <= 10), 3600)
    bottom = size[1] - 36
    pen.line((left, bottom, size[0] - right, bottom), fill=FAINT, width=2)
    for second in np.arange(np.ceil(start / step) * step, stop + 1e-9, step):
        x = left + (second - start) * scale
        pen.line((x, 12, x, bottom), fill=(226, 232, 240), width=1)
        label = clock(float(second))
        draw_text(pen, (x - text_length(label, 13) / 2, bottom + 8), label, 13, INK)


@lru_cache(maxsize=512)  # the same for each frame of a clip
def _shortened(text: str, width: float, size: int) -> str:
    """Return a label that fits; of one that is too long the last word, its score, stays."""
    if text_length(text, size) <= width:
        return text
    name, space, score = text.rpartition(" ")
    if not name:
        name, score = text, ""
    while name and text_length(f"{name}…{space}{score}", size) > width:
        name = name[:-1]
    return f"{name}…{space}{score}"
