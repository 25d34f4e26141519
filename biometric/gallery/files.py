"""Where the gallery's crops lie, and how they and the rows that name them stay together across a crash.

    <gallery>/<identity id>/<reference id>/NumFrame_BB.jpg     one folder a reference: two clips share frame numbers
    <gallery>/.pending/<32 hex>                                 a marker: a write that touches files is under way

Files are made while the write lock is held, before the rows are committed, and deleted after the rows are gone. A
process that is killed in between leaves its marker; the next one that gets the lock sees it and deletes every crop
without a row. Without a marker no folder is searched, so opening a large gallery stays quick.

What is in the trash has rows, too, so its crops stay where they are until it is deleted from the trash.

Merging two identities leaves the files where they are (a row names its folder): moving them could not be undone
together with the rows.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from uuid import uuid4

from biometric.entities.enrolled import CROP_NAME
from biometric.errors import GalleryCorrupt
from biometric.gallery.protection import GalleryProtection, place_of
from biometric.storage import is_held, sync_folder, sync_folders, write_atomically, write_scratch

OPAQUE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CROP_OR_TEMPORARY = re.compile(
    rf"{CROP_NAME.pattern}(\.part)?|\.{CROP_NAME.pattern}\.[0-9a-f]{{16}}\.partial|\.[0-9a-f]{{16}}\.lock", re.ASCII
)
"""What a reference's folder may hold; `.part` was the temporary name of version 0.1."""

RESTORING = ".restoring.lock"
"""Held while a backup takes the place of the gallery: crops without a row are then of the other one."""

Rows = Callable[[list[str]], dict[str, set[str]]]
"""Which of these reference ids have a row, and the names of the crops that belong to each."""


class GalleryFiles:
    """The crop files of one gallery folder. Only names of the patterns above are ever made or deleted."""

    def __init__(self, folder: Path, protection: GalleryProtection) -> None:
        self._folder = folder
        self._protection = protection
        self._pending = folder / ".pending"

    def crop(self, folder: str, reference_id: str, name: str) -> Path:
        """Return the path of a reference's crop; `folder` is the identity id under which it was enrolled."""
        return self._folder / folder / reference_id / name

    def read(self, crop: Path) -> bytes:
        """Return the bytes of a picture in the gallery's folder, opened where the gallery is encrypted.

        Raises:
            OSError: it cannot be read.
            GalleryLocked, GalleryCorrupt: see `GalleryProtection.open`.
        """
        return self._protection.open(crop.read_bytes(), place_of(crop))

    def read_if_intact(self, crop: Path) -> bytes:
        """Return what `read` does, but nothing where an encrypted picture was changed, so that nobody can open it."""
        try:
            return self.read(crop)
        except GalleryCorrupt:
            return b""

    def place(
        self, folder: str, reference_id: str, crops: Iterable[tuple[str, bytes]], *, durable: bool = True
    ) -> None:
        """Write a reference's crops (name, JPEG) durably, encrypted as the gallery is; each appears whole or not.

        Args:
            durable: False: the caller waits for the disk, and nobody else looks before.

        Raises:
            ValueError: an id or a name that does not follow the pattern.
        """
        if OPAQUE_ID.fullmatch(folder) is None or OPAQUE_ID.fullmatch(reference_id) is None:
            raise ValueError(f"expected ids of 32 hexadecimal digits, got {folder!r} and {reference_id!r}")
        self.discard(folder, reference_id)
        target = self._folder / folder / reference_id
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.mkdir(mode=0o700, exist_ok=True)
        for name, data in crops:
            if CROP_NAME.fullmatch(name) is None:
                raise ValueError(f"expected a crop named NumFrame_BB.jpg, got {name!r}")
            sealed = self._protection.seal(data, f"{reference_id}/{name}")
            if durable:
                write_atomically(target / name, sealed)
            else:
                write_scratch(target / name, sealed)
        for directory in (target, target.parent, self._folder) if durable else ():
            sync_folder(directory)

    def take_over(self, source: Path, below: str = "") -> None:
        """Move a folder of crops that `place` made elsewhere on this disk here; then `sync_names`."""
        if below:
            self.discard(below, source.name)
            (self._folder / below).mkdir(mode=0o700, exist_ok=True)
        source.rename(self._folder / below / source.name)

    def has(self, folder: str, reference_id: str = "") -> bool:
        """Return whether there is an identity's folder of crops, or a reference's in it."""
        return (self._folder / folder / reference_id).exists()

    def sync_names(self, folders: Collection[str]) -> None:
        """Wait until the names of all references below these folders are on the disk."""
        sync_folders([*(self._folder / folder for folder in folders), self._folder])

    def discard(self, folder: str, reference_id: str, kept: Collection[str] = ()) -> None:
        """Delete a reference's crops but those `kept`, and the folders that are empty then; nothing there is fine."""
        target = self._folder / folder / reference_id
        if target.is_symlink():
            return
        for path in _listing(target):
            if path.name not in kept and _CROP_OR_TEMPORARY.fullmatch(path.name) is not None:
                path.unlink(missing_ok=True)
        _remove_if_empty(target)
        _remove_if_empty(target.parent)

    def mark(self) -> Path:
        """Record durably that a write of files is in progress. Only with the write lock held."""
        self._pending.mkdir(mode=0o700, exist_ok=True)
        marker = self._pending / uuid4().hex
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        sync_folder(self._pending)
        sync_folder(self._folder)
        return marker

    def unmark(self, marker: Path) -> None:
        """Remove the marker of a write that was completed or undone."""
        marker.unlink(missing_ok=True)

    def interrupted(self) -> list[Path]:
        """Return the markers present: with the write lock held, those of writes that were interrupted or are not
        cleaned up."""
        return [path for path in _listing(self._pending) if OPAQUE_ID.fullmatch(path.name) is not None]

    def sweep(self, rows: Rows) -> None:
        """Delete what interrupted writes left: crops without a row. Only with the write lock held."""
        markers = self.interrupted()
        if not markers or is_held(self._folder / RESTORING):
            return
        for identity in self._opaque_folders(self._folder):
            references = [path.name for path in self._opaque_folders(identity)]
            with_rows = rows(references)
            for reference in references:
                self.discard(identity.name, reference, with_rows.get(reference, ()))
            _remove_if_empty(identity)
        for marker in markers:
            self.unmark(marker)

    def _opaque_folders(self, parent: Path) -> Iterator[Path]:
        for path in _listing(parent):
            if OPAQUE_ID.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink():
                yield path


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_if_empty(folder: Path) -> None:
    # A file of another program is in it, or another process removed it first: both are fine.
    if not _listing(folder):
        try:
            folder.rmdir()
        except (FileNotFoundError, NotADirectoryError):
            return
