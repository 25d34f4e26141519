"""Looks for bytes in files, of any size: whether something that was deleted is still there."""

from collections.abc import Collection
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
