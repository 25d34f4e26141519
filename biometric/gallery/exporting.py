"""Writes a gallery as one signed file, from a copy of its database, so that others may write meanwhile.

Crops are made before their rows are committed and deleted after, and never change. So a copy of the rows needs only
crops that are there, or that were deleted since; then another copy is made, the last one with crops of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.errors import EmptyGallery, GalleryCorrupt
from biometric.gallery import audit_rows, erasure_rows, reference_rows, rows, stored_crops
from biometric.gallery.archive import write_archive
from biometric.gallery.backup_files import crops_of
from biometric.gallery.database import GalleryDatabase, translate_errors
from biometric.gallery.export_signatures import signed_comment
from biometric.gallery.files import GalleryFiles
from biometric.gallery.protection import DATABASE_NAME, CopyProtection
from biometric.gallery.signing_key import SigningKey
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.working_copies import noted, working_folder
from biometric.storage import file_digest, link_or_copy
from biometric.storage.sqlite_files import copy_database

_TRIES = 3
"""Exports begun without a lock before the crops are taken along under it."""


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """Where an export goes.

    Attributes:
        destination: the file.
        passphrase: encrypts it; None: anybody can read it.
        register: writes it down in the register; the number is of the latest erasure when its writing began.
    """

    destination: Path
    passphrase: str | None
    register: Callable[[NewDerivative, int], object]


def export_gallery(folder: Path, transactions: GalleryTransactions, target: ExportTarget) -> None:
    """Write an export, which gets its name when it is in the audit trail and in the register.

    Raises:
        EmptyGallery: nobody is enrolled.
        GalleryCorrupt: a crop is no longer on disk.
        StorageFull, InvalidInput: as of `write_archive`; there is no room for the copy of the database.
    """
    with transactions.writing() as write:  # what is expired goes first; the key is made under the lock
        key = transactions.audit.keys.key() or transactions.audit.keys.make()
        erasure = erasure_rows.latest_number(write.db)
    place = target.destination.parent
    for tries in range(_TRIES + 1):
        with translate_errors(), noted(place, folder), working_folder(folder) as staged:
            protection = _copied_database(staged, transactions)
            files = transactions.files
            if tries == _TRIES:
                with transactions.writing():
                    protection = _copied_database(staged, transactions)
                    _link_crops(folder, protection)
                files = GalleryFiles(staged, protection)
            try:
                _write(protection, files, transactions, (key, erasure), target)
                return
            except GalleryCorrupt:
                if tries == _TRIES or not _were_deleted(protection, folder, transactions):
                    raise


def _write(
    copy: CopyProtection,
    files: GalleryFiles,
    transactions: GalleryTransactions,
    begun: tuple[SigningKey, int],
    target: ExportTarget,
) -> None:
    """Write the gallery whose rows are in a copy, and whose crops are those of `files`."""
    key, erasure = begun
    with GalleryDatabase(copy.folder / DATABASE_NAME, copy).reading() as db:
        stored_model = None if db is None else rows.model(db)
        if db is None or stored_model is None:
            raise EmptyGallery("Nobody is enrolled, so there is nothing to export.")
        counts = {"identities": db["identities"].count, "references": db["biometric_references"].count}

        def tell(written: Path) -> None:
            digest = file_digest(written)
            details: dict[str, AuditValue] = {**counts}
            details |= {"encrypted": target.passphrase is not None, "file_sha256": digest}
            transactions.record(AuditEvent(AuditAction.EXPORTED, details=details))
            written_as = {target.destination.resolve(): digest}
            target.register(NewDerivative(DerivativeKind.EXPORT, written_as, everybody=True), erasure)

        sign = partial(signed_comment, key=key, gallery=audit_rows.gallery_id(db), time=transactions.now())
        records = reference_rows.read_records(db, files)
        write_archive(target.destination, *stored_model, records, sign, target.passphrase, tell, files.read)


def _copied_database(staged: Path, transactions: GalleryTransactions) -> CopyProtection:
    """Copy the database, encrypted as it is, into a folder; return the protection of what is there."""
    protection = transactions.protection
    copy = CopyProtection(staged, protection, protection.database_key())
    copy_database(protection.folder / DATABASE_NAME, staged / DATABASE_NAME, copy.database_key())
    return copy


def _link_crops(folder: Path, copy: CopyProtection) -> None:
    """Give the crops that the rows of a copy name a second name in it. Only with the write lock held."""
    for name in crops_of(copy.folder / DATABASE_NAME, copy.database_key()):
        (copy.folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / name).is_file():
            link_or_copy(folder / name, copy.folder / name)


def _were_deleted(copy: CopyProtection, folder: Path, transactions: GalleryTransactions) -> bool:
    """Return whether crops that a copy names, and that are not there, are named by the gallery no more."""
    named = crops_of(copy.folder / DATABASE_NAME, copy.database_key())
    missing = [name.split("/")[1] for name in named if not (folder / name).is_file()]
    with transactions.reading_or_empty() as db:
        return bool(missing) and not stored_crops.known_crops(db, missing)
