"""Pictures of evidence with the pixels that they have, and whether they are shown larger than that."""

from pathlib import Path

from biometric.messages import detail_sentences
from biometric.ui import elements
from biometric.ui.picture_uris import Pictures

Room = tuple[int, int]
"""Width and height that a style gives to a picture, in CSS pixels."""

PAIR, EVIDENCE, LAST_WORD = (200, 260), (200, 180), (150, 220)
"""Room of a picture of a pair, of one in the evidence below tiles, and of one before two people become one. On narrow
pages there is less, but their screens have two or three pixels for each: what is enlarged here is enlarged there."""


def sized_figure(pictures: Pictures, path: Path | None, caption: str, note: str = "", room: Room = PAIR) -> str:
    """Return a figure with the picture's pixels below its note."""
    return elements.figure(pictures.crop(path, PAIR[1]), caption, with_size(note, pictures, path, room))


def with_size(note: str, pictures: Pictures, path: Path | None, room: Room = PAIR) -> str:
    """Return a note with "shown larger than it is: 38 × 96 pixels", or the size alone where there is no room for more.

    Without a picture the note stays as it is.
    """
    return detail_sentences.with_size(note, pictures.size(path), room)
