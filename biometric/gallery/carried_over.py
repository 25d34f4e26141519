"""What a restored backup takes over from the gallery that it replaces: who was erased since, legal holds, and the
register."""

from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities.erasure import ErasureCertificate
from biometric.errors import GalleryError, GalleryLocked, InvalidInput, UnknownIdentity, UnknownReference
from biometric.gallery import carried_holds, erasure_rows
from biometric.gallery.repository import SQLiteGallery
from biometric.storage import sync_folder, sync_tree

_TABLES = {
    "erasure_keys": "key",
    "erasures": "id, erased_at, document",
    "derivatives": "id, kind, written_at, clip_digest, everybody",
}
"""Tables whose rows are added where they are not there yet, and their columns but the number."""
_TRAIL = ("audit_records", "audit_head", "export_signers")
"""Tables of the audit trail, which the copy takes as they are."""


def carry_over(copy: SQLiteGallery, current: SQLiteGallery | None, erased: Collection[ErasureCertificate]) -> int:
    """Delete from a copy who was erased since it was made; return how many people and references that were.

    Args:
        copy: the restored gallery, which nobody else uses yet.
        current: the gallery that it will replace, where there is one; one that cannot be read has nothing to say.
        erased: certificates of further erasures.

    Raises:
        OnLegalHold: the copy lacks what is held in the current gallery.
    """
    digests = {digest for item in erased for kind in _KINDS for digest in item.digests.get(kind, ())}
    keys: list[str] = []
    holds: carried_holds.Holds = {}
    held: dict[str, str] = {}
    if current is not None:
        try:
            with current.transactions.reading_or_empty() as db:
                keys = erasure_rows.keys(db)
                digests |= {str(row[0]) for row in db.execute("SELECT digest FROM tombstones")}
                rows = _rows(db)
                holds, held = carried_holds.read_holds(db), carried_holds.held_references(db)
        except GalleryError:
            current = None
    with copy.transactions.reading_or_empty() as db:
        carried_holds.require_all_held(db, held)
        known = [*erasure_rows.keys(db), *keys]
        gone = [
            (kind, opaque_id)
            for kind, opaque_id in erasure_rows.stored_ids(db)
            if any(erasure_rows.keyed_digest(key, kind, opaque_id.encode()) in digests for key in known)
        ]
    with copy.transactions.recording() as recording:
        if recording is not None:
            holds = carried_holds.lift_holds(recording[0]) | holds
    for kind, opaque_id in sorted(gone):  # people before references
        try:
            if kind == erasure_rows.IDENTITY:
                copy.erase(opaque_id)
            elif kind == erasure_rows.SIGHTING:
                copy.sightings.remove([opaque_id])
            else:
                change = copy.remove_reference(opaque_id)
                with copy.transactions.writing() as write:
                    write.purge([change.id])
        except (UnknownIdentity, UnknownReference):
            continue  # it went with its person
    with copy.transactions.recording() as recording:
        if recording is not None:
            carried_holds.put_holds(recording[0], holds)
            if current is not None:
                _add(recording[0], rows)
    return len(gone)


def is_readable(gallery: SQLiteGallery) -> bool:
    """Return whether a gallery is there and whole."""
    try:
        with gallery.transactions.reading() as db:
            return db is not None and db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    except GalleryLocked:
        raise
    except GalleryError:
        return False


def replace_damaged(folder: Path, staged: Path) -> None:
    """Let a verified copy take the place of a gallery that cannot be read, which is kept beside it."""
    sync_tree(staged)
    folder.rename(folder.with_name(f"{folder.name}.damaged-{uuid4().hex[:8]}"))
    staged.rename(folder)
    sync_folder(folder.parent)


def require_same_gallery(copy: SQLiteGallery, current: SQLiteGallery) -> None:
    """Raise `InvalidInput` where a copy is of another gallery than the one that it would replace.

    A gallery that is damaged does not say which it is: then it is taken for the same.
    """
    try:
        with current.transactions.reading() as db:
            here = None if db is None else db.execute("SELECT id FROM gallery").fetchone()
    except GalleryError:
        return
    with copy.transactions.reading() as db:
        theirs = None if db is None else db.execute("SELECT id FROM gallery").fetchone()
    if here is not None and here != theirs:
        raise InvalidInput(
            "This backup is of another gallery. Its people and its audit trail would take the place of those that are "
            "here. Restore it into another folder with --gallery, or say so with --another-gallery."
        )


def state(gallery: SQLiteGallery) -> object:
    """Return what differs once somebody was erased, or something recorded, in a gallery; None: it cannot be read."""
    try:
        return gallery.latest_erasure(), gallery.audit.head()
    except GalleryError:
        return None


_KINDS = (erasure_rows.IDENTITY, erasure_rows.REFERENCE, erasure_rows.SIGHTING)

_Rows = dict[str, list[tuple[object, ...]]]


def _rows(db: Database) -> _Rows:
    found: _Rows = {name: db.execute(f"SELECT {columns} FROM {name}").fetchall() for name, columns in _TABLES.items()}  # noqa: S608
    sql = "SELECT digest, id FROM tombstones JOIN erasures ON number = erasure"
    found["tombstones"] = db.execute(sql).fetchall()
    sql = "SELECT id, path, file_name, digest FROM derivative_files JOIN derivatives ON number = derivative"
    found["files"] = db.execute(sql).fetchall()
    sql = "SELECT id, identity_id FROM derivative_people JOIN derivatives ON number = derivative"
    found["people"] = db.execute(sql).fetchall()
    found["gallery"] = db.execute("SELECT id FROM gallery").fetchall()
    for name in _TRAIL:
        found[name] = db.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
    return found


def _add_trail(db: Database, rows: _Rows) -> None:
    """Let a copy of the same gallery go on with the audit trail as it is now, which is longer than the copy's."""
    if db.execute("SELECT id FROM gallery").fetchall() != rows["gallery"]:
        return
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_records'"
    triggers = db.execute(sql).fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    for name in _TRAIL:
        db.execute(f"DELETE FROM {name}")  # noqa: S608
        for row in rows[name]:
            db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
    for _, trigger in triggers:
        db.execute(str(trigger))


def _add(db: Database, rows: _Rows) -> None:
    _add_trail(db, rows)
    for name, columns in _TABLES.items():
        marks = ", ".join("?" * len(columns.split(", ")))
        for row in rows[name]:
            db.execute(f"INSERT OR IGNORE INTO {name} ({columns}) VALUES ({marks})", row)  # noqa: S608
    for row in rows["tombstones"]:
        db.execute("INSERT OR IGNORE INTO tombstones SELECT ?, number FROM erasures WHERE id = ?", row)
    for derivative_id, *values in rows["files"]:
        sql = "INSERT OR IGNORE INTO derivative_files SELECT number, ?, ?, ? FROM derivatives WHERE id = ?"
        db.execute(sql, [*values, derivative_id])
    for derivative_id, identity_id in rows["people"]:
        sql = "INSERT OR IGNORE INTO derivative_people SELECT number, ? FROM derivatives WHERE id = ?"
        db.execute(sql, [identity_id, derivative_id])
