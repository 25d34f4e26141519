"""Where the files of a card are: in the folders of weights, under the card's names or moved into folders inside."""

from collections.abc import Sequence
from pathlib import Path

from biometric.entities.model_cards import Card

_DEPTH = 3
"""How deep below a folder of weights files are looked for (Open Model Zoo's downloader makes three levels)."""


def locate_files(card: Card, folders: Sequence[Path], cards: Sequence[Card]) -> tuple[Path, ...]:
    """Return the card's files in the first folder that has them all, () if none has.

    Args:
        cards: all known cards; some of them may have files of the same names.
    """
    for folder in folders:
        named = tuple(folder / file.name for file in card.files)
        if all(path.is_file() for path in named) and _claims(card, named, cards):
            return named
        for inner in _folders(folder):
            paths = tuple(inner / file.basename for file in card.files)
            sizes = (file.size for file in card.files)
            if all(path.is_file() and path.stat().st_size == size for path, size in zip(paths, sizes, strict=True)):
                return paths
    return ()


def _claims(card: Card, paths: tuple[Path, ...], cards: Sequence[Card]) -> bool:
    """Whether files under the card's names are meant to be the card's, rather than a twin's of the same names.

    A damaged file must be reported, not overlooked: other sizes count too, unless they are another card's.
    """
    sizes = [path.stat().st_size for path in paths]
    if sizes == [file.size for file in card.files]:
        return True
    names = [file.basename for file in card.files]
    other_cards = (other for other in cards if other is not card)
    return not any(
        names == [file.basename for file in other.files] and sizes == [file.size for file in other.files]
        for other in other_cards
    )


def _folders(root: Path) -> list[Path]:
    """`root` and the folders below it, `_DEPTH` deep, in a fixed order."""
    folders, level = [root], [root]
    for _ in range(_DEPTH):
        level = [inner for folder in level for inner in _subfolders(folder)]
        folders += level
    return folders


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith("."))
    except OSError:
        return []
