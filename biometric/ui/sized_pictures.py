"""Pictures of evidence with the pixels that they have, and whether they are shown larger than that."""

from pathlib import Path

from biometric.messages.detail_sentences import describe_size
from biometric.ui import elements
from biometric.ui.picture_uris import Pictures

ROOM_WIDTH, ROOM_HEIGHT = 200, 260
"""CSS pixels of a picture of a pair. On narrow pages there is less room, but their screens have two or three pixels for
each, so that what is enlarged here is enlarged there."""


def sized_figure(pictures: Pictures, path: Path | None, caption: str, note: str = "") -> str:
    """Return a figure of a pair with the picture's pixels below its note."""
    texts = filter(None, (note, size_note(pictures, path)))
    return elements.figure(pictures.crop(path, ROOM_HEIGHT), caption, " · ".join(texts))


def size_note(pictures: Pictures, path: Path | None) -> str:
    """Return "shown larger than it is: 38 × 96 pixels", the size alone of a larger picture, "" without a picture."""
    size = pictures.size(path)
    if size is None:
        return ""
    return describe_size(size, shown_larger=size[0] < ROOM_WIDTH and size[1] < ROOM_HEIGHT)
