"""Backups of a gallery."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from biometric.entities.backups import BackupReport, RestoreReport
from biometric.entities.erasure import ErasureCertificate


class GalleryBackups(Protocol):
    """Writes and restores backups (adapter: `gallery/backing_up.py`). May raise the `GalleryError` family."""

    def back_up(self, destination: Path, *, as_folder: bool = False) -> BackupReport:
        """Write a backup, which appears complete and verified or not at all; others may write meanwhile.

        Raises `InvalidInput`: the destination cannot be meant.
        """

    def restore(
        self,
        source: Path,
        *,
        replace: bool = False,
        another: bool = False,
        erased: Collection[ErasureCertificate] = (),
        key_file: Path | None = None,
        passphrase: str | None = None,
    ) -> RestoreReport:
        """Restore a backup into this gallery's folder, without those who were erased since, with holds set since.

        Args:
            replace: whether a gallery that is there goes.
            another: whether also where the backup is of another gallery.
            erased: certificates of erasures that this gallery does not know (any more).
            key_file, passphrase: that open a backup of when the gallery had another key.

        Raises `ArchiveInvalid`: it is no backup, or damaged; `InvalidInput`: there is a gallery already.
        """
