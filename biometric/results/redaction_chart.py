"""What hiding leaves, as a picture (Pillow)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image as Pictures
from PIL import ImageDraw

from biometric.entities.redaction_measure import MeasuredHiding, RedactionMeasure
from biometric.errors import StorageFull
from biometric.messages.redaction_sentences import hiding_name
from biometric.messages.translation import gettext as _
from biometric.results.label_fonts import draw_text, text_length
from biometric.storage import atomic_path, describe_os_error

_SIZE: Final = (1360, 560)
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 84, 96
_INK, _FAINT, _PAPER = (30, 41, 59), (203, 213, 225), (255, 255, 255)
_COLOURS: Final = ((148, 163, 184), (15, 118, 110), (180, 83, 9))
_GUESS: Final = (185, 28, 28)


def write_redaction_chart(measure: RedactionMeasure, destination: Path) -> None:
    """Write a PNG of the rates by method and strength, atomically.

    Raises:
        StorageFull: the file cannot be written.
    """
    picture = Pictures.new("RGB", _SIZE, _PAPER)
    pen = ImageDraw.Draw(picture)
    names = (_("still detected"), _("recognised (rank-1)"), _("recognised by pictures hidden alike"))
    _draw_legend(pen, names)
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        pen.line((_LEFT, y, _SIZE[0] - _RIGHT, y), fill=_FAINT)
        draw_text(pen, (12, y - 9), f"{percent} %", 15, _INK)
    step = (_SIZE[0] - _LEFT - _RIGHT) / len(measure.rows)
    for number, row in enumerate(measure.rows):
        _draw_row(pen, row, _LEFT + number * step, step)
    guess = _y(measure.guess_rate)
    for x in range(_LEFT, _SIZE[0] - _RIGHT, 12):
        pen.line((x, guess, x + 6, guess), fill=_GUESS, width=2)
    try:
        with atomic_path(destination) as partial:
            picture.save(partial, format="PNG")
    except OSError as error:
        raise StorageFull(
            "The chart could not be written to {name}: {reason}. Choose another place.",
            name=destination,
            reason=describe_os_error(error),
        ) from error


def _draw_legend(pen: ImageDraw.ImageDraw, names: Sequence[str]) -> None:
    x = _LEFT
    for colour, name in zip((*_COLOURS, _GUESS), (*names, _("guessing")), strict=True):
        pen.rectangle((x, 30, x + 18, 48), fill=colour)
        draw_text(pen, (x + 26, 29), name, 16, _INK)
        x += 26 + round(text_length(name, 16)) + 36


def _draw_row(pen: ImageDraw.ImageDraw, row: MeasuredHiding, left: float, step: float) -> None:
    width = step * 0.24
    for number, (rate, colour) in enumerate(
        zip((row.detection_rate, row.rank1, row.rank1_alike), _COLOURS, strict=True)
    ):
        x = left + step * 0.14 + number * width
        pen.rectangle((x, min(_y(rate), _y(0) - 1), x + width - 2, _y(0)), fill=colour)
    for line, text in enumerate(hiding_name(row.hiding).split(" ")):
        draw_text(pen, (round(left + step / 2 - text_length(text, 15) / 2), _y(0) + 12 + 20 * line), text, 15, _INK)


def _y(rate: float) -> int:
    return round(_TOP + (1 - rate) * (_SIZE[1] - _TOP - _BOTTOM))
