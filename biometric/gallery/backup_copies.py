"""Copies a gallery for a backup while others write to it, and checks copies by opening them."""

from datetime import datetime, timedelta
from pathlib import Path

from biometric.entities import Template
from biometric.entities.backups import BackupReport
from biometric.errors import GalleryCorrupt
from biometric.gallery import backup_files
from biometric.gallery.encryption_keys import HEADER_NAME, KeySource
from biometric.gallery.records import current_time, stored_time
from biometric.gallery.reference_rows import unblob
from biometric.gallery.repository import SQLiteGallery
from biometric.storage import write_atomically
from biometric.storage.sqlite_files import copy_database

_TRIES = 3
"""Copies made without a lock before one is made under it."""
_SAME = 0.999
"""Least score of a stored template with itself."""


def copy_gallery(gallery: SQLiteGallery, staged: Path) -> str:
    """Copy database and crops; return of when the copy is."""
    for _ in range(_TRIES):
        made_at = stored_time(current_time())
        _copy_database(gallery, staged)
        if not _copy_crops(gallery, staged):
            return made_at
    with gallery.transactions.writing():  # nobody deletes crops now
        made_at = stored_time(current_time())
        _copy_database(gallery, staged)
        missing = _copy_crops(gallery, staged)
    if missing:
        raise GalleryCorrupt(
            "The crop {crop} is missing from the gallery's folder. Remove the person it belongs to, or restore the "
            "folder from an earlier backup, then back up again.",
            crop=missing[0],
        )
    return made_at


def _copy_database(gallery: SQLiteGallery, staged: Path) -> None:
    """Copy the database, encrypted as it is, and the file of its keys; what was changed meanwhile does not open."""
    protection = gallery.transactions.protection
    key = protection.database_key()
    if protection.is_on():
        write_atomically(staged / HEADER_NAME, (gallery.folder / HEADER_NAME).read_bytes())
    copy_database(gallery.folder / backup_files.DATABASE, staged / backup_files.DATABASE, key)


def _copy_crops(gallery: SQLiteGallery, staged: Path) -> list[str]:
    """Copy the crops that the copied rows name, and remove others; return those that are not there."""
    key = gallery.transactions.protection.database_key()
    wanted = set(backup_files.crops_of(staged / backup_files.DATABASE, key))
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


def check_copy(folder: Path, made_at: str, key: KeySource | None) -> BackupReport:
    """Open a copy as a gallery, check it, and identify a stored reference in it.

    Raises `GalleryCorrupt`: it is not what it should be.
    """
    copy = SQLiteGallery(folder, key=key)
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
    protection = copy.transactions.protection
    crops = [*backup_files.crops_of(folder / backup_files.DATABASE, protection.database_key())]
    missing = [name for name in crops if not (folder / name).is_file()]
    if missing:
        raise GalleryCorrupt("The copy of the gallery lacks the crop {crop}. Nothing was changed.", crop=missing[0])
    score = None
    if probe is not None:
        identity_id, vector, model_id, samples, match_until = probe
        # As of a time at which it was matched with: by now all may have expired.
        earlier = datetime.fromisoformat(match_until) - timedelta(milliseconds=1)
        best = SQLiteGallery(folder, clock=lambda: earlier, key=key).search(
            Template(unblob(vector), model_id, samples), 5
        )
        score = next((item.score for item in best if item.identity.id == identity_id), None)
        if score is None or score < _SAME:
            raise GalleryCorrupt("A stored person was not identified in the copy of the gallery. Nothing was changed.")
    files = sum(path.is_file() for path in folder.rglob("*"))
    return BackupReport(made_at, copy.size(), copy.reference_count(), files, score, protection.is_on())
