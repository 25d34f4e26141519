"""The gallery's schema: numbered migrations, each applied in one transaction and never edited once released.

`PRAGMA user_version` counts the migrations applied; `PRAGMA application_id` distinguishes a gallery from other
databases. A new migration is a function appended to `MIGRATIONS`; tests apply all of them to a database of each older
version.

How an index outside the database is kept current: triggers write one row into `changes` for each reference that is
added, moved to another identity or removed. `revision` only ever rises, so a reader that has revision r needs only the
references named by later rows: those that still exist are to be read again, the others were removed.
"""

import itertools
import logging
from collections.abc import Callable
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities.names import comparable_text, number_name
from biometric.errors import GalleryCorrupt
from biometric.gallery import (
    adaptation_rows,
    audit_rows,
    cohort_rows,
    erasure_rows,
    group_rows,
    journal_schema,
    life_cycle_schema,
    sighting_schema,
    verdict_rows,
)
from biometric.storage.sqlite_files import apply_migrations, stored_version

logger = logging.getLogger(__name__)

APPLICATION_ID = 0x51474C54
"""Marks the file as a Sightline gallery (bytes "QGLT")."""


def _initial_schema(db: Database) -> None:
    for statement in _INITIAL.split(";;"):
        db.execute(statement)
    db.table("gallery").insert({"id": uuid4().hex})


_INITIAL = """
CREATE TABLE gallery (
    id TEXT PRIMARY KEY
);;
CREATE TABLE identities (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);;
CREATE TABLE clips (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (digest, name)
);;
CREATE TABLE biometric_references (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    identity_number INTEGER NOT NULL REFERENCES identities (number) ON DELETE CASCADE,
    clip_number INTEGER NOT NULL REFERENCES clips (number),
    folder TEXT NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    sample_count INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    vector BLOB NOT NULL CHECK (typeof(vector) = 'blob')
);;
CREATE INDEX references_of_identity ON biometric_references (identity_number, sample_count);;
CREATE INDEX references_of_clip ON biometric_references (clip_number);;
CREATE TABLE samples (
    number INTEGER PRIMARY KEY,
    reference_number INTEGER NOT NULL REFERENCES biometric_references (number) ON DELETE CASCADE,
    name TEXT NOT NULL,
    quality REAL NOT NULL,
    frame_index INTEGER NOT NULL,
    embedding BLOB NOT NULL CHECK (typeof(embedding) = 'blob'),
    UNIQUE (reference_number, name)
);;
CREATE INDEX best_samples ON samples (reference_number, quality, name);;
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    reference_number INTEGER NOT NULL UNIQUE
);;
CREATE TRIGGER reference_added AFTER INSERT ON biometric_references BEGIN
    INSERT INTO changes (reference_number) VALUES (NEW.number);
END;;
CREATE TRIGGER reference_changed AFTER UPDATE OF identity_number, vector ON biometric_references BEGIN
    DELETE FROM changes WHERE reference_number = NEW.number;
    INSERT INTO changes (reference_number) VALUES (NEW.number);
END;;
CREATE TRIGGER reference_removed AFTER DELETE ON biometric_references BEGIN
    DELETE FROM changes WHERE reference_number = OLD.number;
    INSERT INTO changes (reference_number) VALUES (OLD.number);
END
"""


def _calibrations(db: Database) -> None:
    """Thresholds fitted on the gallery's own footage; earlier ones stay, the latest of a model counts."""
    db.execute(_CALIBRATIONS)


_CALIBRATIONS = """
CREATE TABLE calibrations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    model_id TEXT NOT NULL,
    document TEXT NOT NULL CHECK (typeof(document) = 'text')
)
"""


def _comparable_names(db: Database) -> None:
    """Names that differ only in invisible characters have one key; of two people who had such names both stay."""
    people = db.execute("SELECT number, name FROM identities ORDER BY number").fetchall()
    # A former key of one person must not collide with the new key of another.
    db.execute("UPDATE identities SET name_key = 'former ' || number || char(10)")
    used_keys: set[str] = set()
    reserved = {comparable_text(name) for _, name in people}
    for number, name in people:
        # Names without anything visible were accepted before.
        free_name = _free_name(name if comparable_text(name) else "Unnamed", used_keys, reserved)
        used_keys.add(comparable_text(free_name))
        columns = [free_name, comparable_text(free_name), number]
        db.execute("UPDATE identities SET name = ?, name_key = ? WHERE number = ?", columns)
        if free_name != name:
            logger.warning(
                "The name %s looks like another person's, or shows nothing: this person is now called %s. "
                "If both are one person, merge them.",
                name,
                free_name,
            )


def _free_name(name: str, used_keys: set[str], reserved: set[str]) -> str:
    if comparable_text(name) not in used_keys:
        return name
    numbered = (number_name(name, number) for number in itertools.count(2))
    return next(candidate for candidate in numbered if comparable_text(candidate) not in used_keys | reserved)


def _calibrations_in_force(db: Database) -> None:
    """Which calibration decides is chosen, and no longer just the latest; undoing knows changes of thresholds."""
    for statement in _CALIBRATIONS_IN_FORCE.split(";;"):
        db.execute(statement)


_CALIBRATIONS_IN_FORCE = """
CREATE TABLE calibrations_in_force (
    model_id TEXT PRIMARY KEY,
    calibration INTEGER REFERENCES calibrations (number),
    since TEXT NOT NULL
);;
INSERT INTO calibrations_in_force (model_id, calibration, since)
    SELECT model_id, max(number), created_at FROM calibrations GROUP BY model_id;;
ALTER TABLE journal ADD COLUMN concerns_thresholds INTEGER NOT NULL DEFAULT 0
"""


def _cameras(db: Database) -> None:
    """By which camera a reference was seen; "" for the unknown one, of which all earlier ones are."""
    for table in ("biometric_references", "trashed_references"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN camera TEXT NOT NULL DEFAULT ''")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    _initial_schema,
    _calibrations,
    _comparable_names,
    journal_schema.create_tables,
    _calibrations_in_force,
    verdict_rows.create_tables,
    _cameras,
    adaptation_rows.create_tables,
    cohort_rows.create_tables,
    erasure_rows.create_tables,
    audit_rows.create_tables,
    life_cycle_schema.create_tables,
    verdict_rows.add_givers,
    sighting_schema.create_tables,
    group_rows.create_tables,
)
"""In order; the first has number 1. Append only."""


def schema_version(db: Database) -> int:
    """Return the number of migrations applied to `db`; 0 for a file without any table.

    Raises:
        GalleryCorrupt: the database is of a newer Sightline, or another application's.
    """
    version = stored_version(db, APPLICATION_ID)
    if version is None:
        raise GalleryCorrupt(
            "The file gallery.sqlite3 in the gallery's folder is not a Sightline gallery. "
            "Choose another folder, or restore the gallery from a backup or an export."
        )
    if version > len(MIGRATIONS):
        raise GalleryCorrupt(
            "The gallery was written by a newer version of Sightline (schema {version}; this version "
            "knows {known}). Update Sightline, or choose another gallery folder.",
            version=version,
            known=len(MIGRATIONS),
        )
    return version


def migrate(db: Database) -> None:
    """Apply all migrations that are not applied yet.

    The caller holds the write lock (`BEGIN IMMEDIATE`), so all of them happen or none, and two processes that open
    an old gallery at once do not both migrate it.

    Raises:
        GalleryCorrupt: the database is of a newer Sightline, or another application's.
    """
    apply_migrations(db, APPLICATION_ID, schema_version(db), MIGRATIONS)
