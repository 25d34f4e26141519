"""Backs a gallery up while others write to it, and restores it; both read back what they wrote, and identify a probe.

The database is copied by SQLite's own online backup. Crops never change: they are made before their rows are
committed and deleted after. So a copy of the rows needs only crops that are there, or that were deleted since; then
another copy is made, the last one while nobody can write.

Restoring over a gallery is one transaction of SQLite on the database file that is there, so that other processes wait
for it, and a kill leaves the one gallery or the other. The crops of both are there meanwhile, under the lock file
`.restoring.lock`, which keeps others from clearing crops without a row away.
"""

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.entities.backups import BackupReport, RestoreReport
from biometric.entities.erasure import DerivativeKind, ErasureCertificate, NewDerivative
from biometric.errors import EmptyGallery, GalleryError, InvalidInput, KeyMissing, WrongKey
from biometric.gallery import backup_files, carried_over, retention_rows
from biometric.gallery.archive import check_destination
from biometric.gallery.backup_copies import check_copy, copy_gallery
from biometric.gallery.database import translate_errors
from biometric.gallery.encryption_keys import HEADER_NAME, KeySource
from biometric.gallery.files import RESTORING
from biometric.gallery.known_schema import require_known_schema
from biometric.gallery.protecting import bring_under
from biometric.gallery.protection import GalleryProtection
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.working_copies import noted
from biometric.storage import (
    atomic_path,
    file_digest,
    file_lock,
    link_or_copy,
    make_private_folder,
    staged_folder,
    sync_folder,
    sync_tree,
)
from biometric.storage.sqlite_files import BUSY_SECONDS, copy_database


def back_up(gallery: SQLiteGallery, destination: Path, *, as_folder: bool = False) -> BackupReport:
    """Write a backup of a gallery, which appears complete and verified or not at all; others may write meanwhile.

    Args:
        destination: a file that is made or replaced, or with `as_folder` a folder that must not be there.

    Raises:
        EmptyGallery: there is no gallery.
        InvalidInput: the destination is inside the gallery's folder, or cannot be meant.
        GalleryCorrupt: a crop is missing, or what was read back is not right.
        StorageFull: it cannot be written.
    """
    if as_folder and destination.exists():
        raise InvalidInput("The folder {folder} is there already. Name a new one for the backup.", folder=destination)
    check_destination(destination, gallery.folder)
    with gallery.transactions.reading() as db:
        if db is None:
            raise EmptyGallery("There is no gallery yet, so there is nothing to back up.")
    erasure = gallery.latest_erasure()
    with translate_errors(), noted(destination.parent, gallery.folder), staged_folder(destination.parent) as staged:
        made_at = copy_gallery(gallery, staged)
        report = check_copy(staged, made_at, gallery.transactions.protection.source)
        backup_files.write_manifest(staged, report)
        if as_folder:
            sync_tree(staged)
            staged.rename(destination)
            sync_folder(destination.parent)
            backup_files.read_manifest(backup_files.FolderArchive(destination))
            written = destination / backup_files.MANIFEST
        else:
            with atomic_path(destination) as partial:
                backup_files.pack(staged, partial)
            written = destination
        digest = {written.resolve(): file_digest(written)}
    gallery.record(NewDerivative(DerivativeKind.BACKUP, digest, everybody=True), began=erasure)
    _note(gallery, AuditAction.BACKED_UP, report)
    return report


def restore(
    source: Path,
    gallery: SQLiteGallery,
    *,
    replace: bool = False,
    another: bool = False,
    erased: Collection[ErasureCertificate] = (),
    key: KeySource | None = None,
) -> RestoreReport:
    """Restore a backup, without those who were erased since, and with the legal holds that were set since.

    It is encrypted then as the gallery is.

    Args:
        gallery: where it goes; its tombstones count.
        replace: whether a gallery that is there goes; until the backup is verified in its place, it stays.
        another: whether that is also so where the backup is of another gallery.
        erased: certificates of erasures that this gallery does not know (any more).
        key: that opens an encrypted backup, None: the gallery's own.

    Raises:
        ArchiveInvalid: it is no backup, or damaged.
        GalleryLocked: the gallery's key does not open the gallery, or `key` not the backup.
        InvalidInput: there is a gallery already; `OnLegalHold`: it holds what the backup lacks.
        GalleryCorrupt: the backup's database is damaged.
        StorageFull: it cannot be written.
    """
    folder = gallery.folder
    occupied = folder.exists() and any(path.name != RESTORING for path in folder.iterdir())
    if occupied and not replace:
        raise InvalidInput(
            "There is a gallery in {folder} already. Choose another folder with --gallery, or add --replace to let "
            "the backup take its place.",
            folder=folder,
        )
    protection = gallery.transactions.protection
    with translate_errors():
        protection.ring()  # a key that does not fit shows before anything is done
        make_private_folder(folder.parent)
        with staged_folder(folder.parent) as parent:
            staged = parent / "gallery"
            staged.mkdir(mode=0o700)
            report = backup_files.unpack(source, staged)
            own = (key or protection.source) if (staged / HEADER_NAME).exists() else None
            if report.encrypted:
                _require_key(staged, own)
            require_known_schema(staged / backup_files.DATABASE, GalleryProtection(staged, own).database_key())
            check_copy(staged, report.made_at, own)
            bring_under(staged, own, protection)
            copy, state = SQLiteGallery(staged, key=protection.source), carried_over.state(gallery)
            if occupied and not another:
                carried_over.require_same_gallery(copy, gallery)
            left_out = carried_over.carry_over(copy, gallery if occupied else None, erased)
            with copy.transactions.recording() as recording:
                if recording is not None:
                    # What became overdue since the backup was made, nobody has seen coming.
                    retention_rows.let_overdue_wait(recording[0], gallery.transactions.now())
                    recording[0].execute("UPDATE gallery SET restored = ?, revision = revision + 1", [uuid4().hex])
            verified = check_copy(staged, report.made_at, protection.source)
            if not occupied:
                sync_tree(staged)
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()
                staged.rename(folder)
                sync_folder(folder.parent)
            elif carried_over.is_readable(gallery):
                left_out += _replace(gallery, copy, parent / "former.sqlite3", state)
            else:
                carried_over.replace_damaged(folder, staged)
    _note(gallery, AuditAction.RESTORED, report)
    held = sum(bool(lifetime.held_since) for lifetime in gallery.lifetimes())
    return RestoreReport(report, verified.identities, verified.references, left_out, occupied, held)


class BackupKeeping:
    """The backups of one gallery: `ports.GalleryBackups`."""

    def __init__(self, gallery: SQLiteGallery) -> None:
        self._gallery = gallery

    def back_up(self, destination: Path, *, as_folder: bool = False) -> BackupReport:
        """Write a backup: see `back_up`."""
        return back_up(self._gallery, destination, as_folder=as_folder)

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
        """Restore a backup: see `restore`."""
        is_given = key_file is not None or passphrase is not None
        key = KeySource(key_file, passphrase) if is_given else None
        return restore(source, self._gallery, replace=replace, another=another, erased=erased, key=key)


def _require_key(staged: Path, key: KeySource | None) -> None:
    """Raise `KeyMissing` or `WrongKey`, in words about the backup, where a key does not open it."""
    if key is None:
        raise KeyMissing(
            "The backup is encrypted. Set the key that its gallery had at that time, or name it with --backup-key-file "
            "or --passphrase-stdin."
        )
    try:
        GalleryProtection(staged, key).ring()
    except WrongKey as error:
        raise WrongKey(
            "The backup is encrypted with another key: the one that its gallery had at that time. Name that one with "
            "--backup-key-file or --passphrase-stdin. Nothing was changed."
        ) from error


def _note(gallery: SQLiteGallery, action: AuditAction, report: BackupReport) -> None:
    details: dict[str, AuditValue] = {
        "made_at": report.made_at,
        "identities": report.identities,
        "references": report.references,
    }
    with gallery.transactions.writing() as write:
        write.record(AuditEvent(action.value, details=details))


def _database(gallery: SQLiteGallery) -> Path:
    return gallery.folder / backup_files.DATABASE


def _replace(gallery: SQLiteGallery, copy: SQLiteGallery, former: Path, state: object) -> int:
    """Let a verified copy take the place of a gallery that others may be using.

    Args:
        former: where the database that is replaced is kept meanwhile.
        state: of the gallery when the copy took over what it had.

    Returns:
        How many people and references were erased since then, which the copy does not have either.
    """
    staged, left_out, protection = copy.folder, 0, gallery.transactions.protection
    sync_tree(staged)
    with file_lock(gallery.folder / RESTORING, BUSY_SECONDS, keep=False):
        with gallery.transactions.writing():
            gallery.transactions.files.mark()  # whoever clears up next finds what has no row, of either gallery
        for path in sorted(staged.rglob("*.jpg")):
            target = gallery.folder / path.relative_to(staged)
            if target.is_file() and file_digest(target) == file_digest(path):
                continue
            # Damaged, or encrypted anew: the crops of a reference never change.
            make_private_folder(target.parent)
            temporary = target.with_name(f"{target.name}.part")
            temporary.unlink(missing_ok=True)
            link_or_copy(path, temporary)
            temporary.replace(target)
            sync_folder(target.parent)
        if carried_over.state(gallery) != state:
            left_out = carried_over.carry_over(copy, gallery, ())
        key = protection.database_key()
        copy_database(_database(gallery), former, key)
        copy_database(staged / backup_files.DATABASE, _database(gallery), key)
        try:
            check_copy(gallery.folder, "", protection.source)
        except (GalleryError, sqlite3.Error):
            copy_database(former, _database(gallery), key)
            raise
    with gallery.transactions.writing():
        pass  # clears up
    return left_out
