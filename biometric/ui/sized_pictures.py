"""Pictures of evidence with the pixels that they have, and whether they are shown larger than that."""

from pathlib import Path

from biometric.messages.detail_sentences import describe_size
from biometric.ui import elements
from biometric.ui.picture_uris import Pictures

PAIR_HEIGHT, EVIDENCE_HEIGHT = 260, 180
"""CSS pixels of height of a picture of a pair, and of one in the evidence below tiles. On narrow pages there is less
room, but their screens have two or three pixels for each, so that what is enlarged here is enlarged there."""

_WIDTH = 200


def sized_figure(pictures: Pictures, path: Path | None, caption: str, note: str = "", height: int = PAIR_HEIGHT) -> str:
    """Return a figure of a pair, shown so high, with the picture's pixels below its note."""
    texts = filter(None, (note, size_note(pictures, path, height)))
    return elements.figure(pictures.crop(path, PAIR_HEIGHT), caption, " · ".join(texts))


def size_note(pictures: Pictures, path: Path | None, height: int = PAIR_HEIGHT) -> str:
    """Return "shown larger than it is: 38 × 96 pixels", the size alone of a larger picture, "" without a picture."""
    size = pictures.size(path)
    if size is None:
        return ""
    return describe_size(size, shown_larger=size[0] < _WIDTH and size[1] < height)
