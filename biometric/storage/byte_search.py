"""Looks for bytes in files, of any size: whether something that was deleted is still there."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from biometric.storage.lock_keeping_reads import open_keeping_locks

_BLOCK = 1 << 22


def contains_any(path: Path, needles: Collection[bytes]) -> bool:
    """Return whether a file holds one of these byte strings; a file that is gone holds none. Raises `OSError`."""
    return bool(found_in(path, needles, first=True))


def found_in(path: Path, needles: Collection[bytes], *, first: bool = False) -> set[bytes]:
    """Return which of these byte strings a file holds; a file that is gone holds none.

    Args:
        first: stop at the first one.

    Raises:
        OSError: the file cannot be read.
    """
    wanted = {needle for needle in needles if needle}
    found: set[bytes] = set()
    overlap = max((len(needle) for needle in wanted), default=0)
    try:
        with open_keeping_locks(path) as file:
            held = b""
            while wanted - found and (block := file.read(_BLOCK)):
                held = held[-overlap:] + block
                found |= {needle for needle in wanted - found if needle in held}
                if found and first:
                    break
    except FileNotFoundError:
        return set()
    return found


def files_below(root: Path, unread: list[Path] | None = None) -> Iterator[Path]:
    """Yield all regular files at any depth; links are not followed, and what vanishes meanwhile is left out.

    Args:
        unread: gets the folders that cannot be read.
    """

    def note(error: OSError) -> None:
        if unread is not None and not isinstance(error, FileNotFoundError | NotADirectoryError):
            unread.append(Path(os.fsdecode(error.filename)))

    for folder, _, names in os.walk(root, onerror=note):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def files_holding(root: Path, needles: Collection[bytes], unread: list[Path]) -> list[Path]:
    """Return the files that hold one of these byte strings; `unread` gets what cannot be read."""
    found = []
    for path in files_below(root, unread):
        try:
            if found_in(path, needles):
                found.append(path)
        except OSError:
            unread.append(path)
    return found
