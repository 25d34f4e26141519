"""Where copies of a gallery lie while they are made, and how what a killed process left of them is found.

Exports and imports prepare theirs in `.copies` in the gallery's folder. Backups and exports are also written beside
their destination, which may be anywhere: a note in `.copies` says where, for as long as their process holds its lock.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from biometric.gallery.files import RESTORING
from biometric.storage import (
    claimed_token,
    is_held,
    make_private_folder,
    remove_leftovers,
    staged_folder,
    write_atomically,
)

FOLDER = ".copies"
_NOTE = ".place"


@contextlib.contextmanager
def working_folder(gallery: Path) -> Iterator[Path]:
    """Give an empty folder on a gallery's disk, which is removed at the end. Raises `OSError`."""
    with _copies(gallery) as copies, staged_folder(copies) as folder:
        yield folder


@contextlib.contextmanager
def noted(place: Path, gallery: Path) -> Iterator[None]:
    """Let the next process know that this one writes a copy of a gallery into a folder. Raises `OSError`."""
    with _copies(gallery) as copies, claimed_token(copies) as token:
        note = copies / f"{token}{_NOTE}"
        write_atomically(note, os.fspath(place.resolve()))
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def sweep_copies(gallery: Path) -> list[Path]:
    """Remove what killed processes left of copies of a gallery; return what was removed. Never raises `OSError`.

    A place that is not there now, such as a medium that was taken out, is looked at again next time.
    """
    removed = remove_leftovers(gallery.parent)  # where backups are restored
    is_held(gallery / RESTORING)  # which removes it where nobody restores
    copies = gallery / FOLDER
    with contextlib.suppress(OSError):
        for note in copies.glob(f"*{_NOTE}"):
            place = Path(note.read_text("utf-8"))
            if not is_held(copies / f".{note.stem}.lock") and place.is_dir():
                removed += remove_leftovers(place)
                note.unlink(missing_ok=True)
        if copies.is_dir():
            removed += remove_leftovers(copies)
            copies.rmdir()
    return removed


@contextlib.contextmanager
def _copies(gallery: Path) -> Iterator[Path]:
    sweep_copies(gallery)
    make_private_folder(gallery / FOLDER)
    try:
        yield gallery / FOLDER
    finally:
        with contextlib.suppress(OSError):
            (gallery / FOLDER).rmdir()  # somebody else's copy may be in it
