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
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from biometric.entities import Template
from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.entities.backups import BackupReport, RestoreReport
from biometric.entities.erasure import DerivativeKind, ErasureCertificate, NewDerivative
from biometric.errors import EmptyGallery, GalleryCorrupt, GalleryError, InvalidInput
from biometric.gallery import backup_files, carried_over, retention_rows
from biometric.gallery.archive import check_destination
from biometric.gallery.database import translate_errors
from biometric.gallery.files import RESTORING
from biometric.gallery.records import current_time, stored_time
from biometric.gallery.reference_rows import unblob
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

_TRIES = 3
"""Copies made without a lock before one is made under it."""
_SAME = 0.999
"""Least score of a stored template with itself."""


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
        made_at = _copy(gallery, staged)
        report = _verified(staged, made_at)
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
    source: Path, gallery: SQLiteGallery, *, replace: bool = False, erased: Collection[ErasureCertificate] = ()
) -> RestoreReport:
    """Restore a backup, without those who were erased since.

    Args:
        gallery: where it goes; its tombstones count.
        replace: whether a gallery that is there goes; until the backup is verified in its place, it stays.
        erased: certificates of erasures that this gallery does not know (any more).

    Raises:
        ArchiveInvalid: it is no backup, or damaged.
        InvalidInput: there is a gallery already.
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
    with translate_errors():
        make_private_folder(folder.parent)
        with staged_folder(folder.parent) as parent:
            staged = parent / "gallery"
            staged.mkdir(mode=0o700)
            report = backup_files.unpack(source, staged)
            _verified(staged, report.made_at)
            copy, state = SQLiteGallery(staged), carried_over.state(gallery)
            left_out = carried_over.carry_over(copy, gallery if occupied else None, erased)
            with copy.transactions.recording() as recording:
                if recording is not None:
                    # What became overdue since the backup was made, nobody has seen coming.
                    retention_rows.let_overdue_wait(recording[0], gallery.transactions.now())
                    recording[0].execute("UPDATE gallery SET restored = ?, revision = revision + 1", [uuid4().hex])
            verified = _verified(staged, report.made_at)
            if not occupied:
                sync_tree(staged)
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()
                staged.rename(folder)
                sync_folder(folder.parent)
            elif _is_readable(gallery):
                left_out += _replace(gallery, copy, parent / "former.sqlite3", state)
            else:
                _replace_damaged(folder, staged)
    _note(gallery, AuditAction.RESTORED, report)
    return RestoreReport(report, verified.identities, verified.references, left_out, occupied)


class BackupKeeping:
    """The backups of one gallery: `ports.GalleryBackups`."""

    def __init__(self, gallery: SQLiteGallery) -> None:
        self._gallery = gallery

    def back_up(self, destination: Path, *, as_folder: bool = False) -> BackupReport:
        """Write a backup: see `back_up`."""
        return back_up(self._gallery, destination, as_folder=as_folder)

    def restore(
        self, source: Path, *, replace: bool = False, erased: Collection[ErasureCertificate] = ()
    ) -> RestoreReport:
        """Restore a backup: see `restore`."""
        return restore(source, self._gallery, replace=replace, erased=erased)


def _note(gallery: SQLiteGallery, action: AuditAction, report: BackupReport) -> None:
    details: dict[str, AuditValue] = {
        "made_at": report.made_at,
        "identities": report.identities,
        "references": report.references,
    }
    with gallery.transactions.writing() as write:
        write.record(AuditEvent(action.value, details=details))


def _copy(gallery: SQLiteGallery, staged: Path) -> str:
    """Copy database and crops; return of when the copy is."""
    for _ in range(_TRIES):
        made_at = stored_time(current_time())
        copy_database(_database(gallery), staged / backup_files.DATABASE)
        if not _copy_crops(gallery, staged):
            return made_at
    with gallery.transactions.writing():  # nobody deletes crops now
        made_at = stored_time(current_time())
        copy_database(_database(gallery), staged / backup_files.DATABASE)
        missing = _copy_crops(gallery, staged)
    if missing:
        raise GalleryCorrupt(
            "The crop {crop} is missing from the gallery's folder. Remove the person it belongs to, or restore the "
            "folder from an earlier backup, then back up again.",
            crop=missing[0],
        )
    return made_at


def _copy_crops(gallery: SQLiteGallery, staged: Path) -> list[str]:
    """Copy the crops that the copied rows name, and remove others; return those that are not there."""
    wanted = set(backup_files.crops_of(staged / backup_files.DATABASE))
    for path in [path for path in staged.rglob("*.jpg") if path.relative_to(staged).as_posix() not in wanted]:
        path.unlink()
    missing = []
    for name in sorted(wanted):
        target = staged / name
        if target.exists():
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            # Not a link: what is erased later must not live on under another name unseen, nor be changed here.
            target.write_bytes((gallery.folder / name).read_bytes())
        except FileNotFoundError:
            missing.append(name)
        else:
            target.chmod(0o600)
    return missing


def _verified(folder: Path, made_at: str) -> BackupReport:
    """Open a copy as a gallery, check it, and identify a stored reference in it.

    Raises `GalleryCorrupt`: it is not what it should be.
    """
    copy = SQLiteGallery(folder)
    with copy.transactions.reading() as db:
        if db is None:
            raise GalleryCorrupt("The copy of the gallery holds no gallery. Nothing was changed; try again.")
        problem = str(db.execute("PRAGMA integrity_check").fetchone()[0])
        if problem != "ok":
            raise GalleryCorrupt(
                "The copy of the gallery's database is damaged ({problem}). Nothing was changed.", problem=problem
            )
        sql = (
            "SELECT i.id, r.vector, r.model_id, r.sample_count, t.match_until FROM biometric_references r "
            "JOIN identities i ON i.number = r.identity_number "
            "JOIN reference_times t ON t.reference_number = r.number ORDER BY r.number DESC LIMIT 1"
        )
        probe = db.execute(sql).fetchone()
    missing = [name for name in backup_files.crops_of(folder / backup_files.DATABASE) if not (folder / name).is_file()]
    if missing:
        raise GalleryCorrupt("The copy of the gallery lacks the crop {crop}. Nothing was changed.", crop=missing[0])
    score = None
    if probe is not None:
        identity_id, vector, model_id, samples, match_until = probe
        # As of a time at which it was matched with: by now all may have expired.
        earlier = datetime.fromisoformat(match_until) - timedelta(milliseconds=1)
        best = SQLiteGallery(folder, clock=lambda: earlier).search(Template(unblob(vector), model_id, samples), 5)
        score = next((item.score for item in best if item.identity.id == identity_id), None)
        if score is None or score < _SAME:
            raise GalleryCorrupt("A stored person was not identified in the copy of the gallery. Nothing was changed.")
    files = sum(path.is_file() for path in folder.rglob("*"))
    return BackupReport(made_at, copy.size(), copy.reference_count(), files, score)


def _database(gallery: SQLiteGallery) -> Path:
    return gallery.folder / backup_files.DATABASE


def _is_readable(gallery: SQLiteGallery) -> bool:
    try:
        with gallery.transactions.reading() as db:
            return db is not None and db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    except GalleryError:
        return False


def _replace(gallery: SQLiteGallery, copy: SQLiteGallery, former: Path, state: object) -> int:
    """Let a verified copy take the place of a gallery that others may be using.

    Args:
        former: where the database that is replaced is kept meanwhile.
        state: of the gallery when the copy took over what it had.

    Returns:
        How many people and references were erased since then, which the copy does not have either.
    """
    staged, left_out = copy.folder, 0
    sync_tree(staged)
    with file_lock(gallery.folder / RESTORING, BUSY_SECONDS, keep=False):
        with gallery.transactions.writing():
            gallery.transactions.files.mark()  # whoever clears up next finds what has no row, of either gallery
        for path in sorted(staged.rglob("*.jpg")):
            target = gallery.folder / path.relative_to(staged)
            if target.is_file() and file_digest(target) == file_digest(path):
                continue
            target.unlink(missing_ok=True)  # damaged: the crops of a reference never change
            make_private_folder(target.parent)
            link_or_copy(path, target)
            sync_folder(target.parent)
        if carried_over.state(gallery) != state:
            left_out = carried_over.carry_over(copy, gallery, ())
        copy_database(_database(gallery), former)
        copy_database(staged / backup_files.DATABASE, _database(gallery))
        try:
            _verified(gallery.folder, "")
        except (GalleryError, sqlite3.Error):
            copy_database(former, _database(gallery))
            raise
    with gallery.transactions.writing():
        pass  # clears up
    return left_out


def _replace_damaged(folder: Path, staged: Path) -> None:
    """Let a verified copy take the place of a gallery that cannot be read, which is kept beside it."""
    sync_tree(staged)
    folder.rename(folder.with_name(f"{folder.name}.damaged-{uuid4().hex[:8]}"))
    staged.rename(folder)
    sync_folder(folder.parent)
