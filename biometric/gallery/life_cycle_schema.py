"""The tables about the basis of enrollments, and about how long references are matched with and kept.

`reference_times` has a row for each reference, enrolled or in the trash. Triggers keep it current whatever adds, moves
or deletes a reference, so no other statement has to. `purge_from` is the earliest time at which a reference may be
deleted because it is overdue: "" from the start, `UNSHOWN` until somebody was shown that it will be.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

from sqlite_utils import Database

UNSHOWN = "~"
"""A `purge_from` later than any time."""

_SHIFTED = "strftime('%Y-%m-%dT%H:%M:%f+00:00', {created}, printf('%+.5f days', {days}))"
_SHIFTED_NOW = _SHIFTED.replace("{created}", "'now'")
_STORED = f"coalesce({_SHIFTED}, {_SHIFTED_NOW})"
"""A time of another form, as imports of earlier versions may have brought, counts from now on."""

_OWN_DAYS = "(SELECT {days} FROM person_retention WHERE identity_number = {owner})"
_DAYS = f"coalesce({_OWN_DAYS}, (SELECT {{days}} FROM retention))"


def until(days: str, row: str) -> str:
    """Return SQL for a stored time: `created_at` of a row of references, later by its owner's `days`."""
    within = _DAYS.format(days=days, owner=f"{row}.identity_number")
    return _STORED.format(created=f"{row}.created_at", days=within)


def _set_times(row: str) -> str:
    times = ", ".join(until(days, row) for days in ("matching_days", "keeping_days"))
    return (
        f"INSERT INTO reference_times (reference_number, match_until, keep_until) VALUES ({row}.number, {times}) "
        "ON CONFLICT (reference_number) DO UPDATE SET "
        "match_until = excluded.match_until, keep_until = excluded.keep_until;"
    )


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited.

    References that are there already have no basis. Their times follow from when they were enrolled, but none is
    deleted before that was shown.
    """
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = f"""
CREATE TABLE default_basis (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    legal_basis TEXT NOT NULL,
    purpose TEXT NOT NULL,
    responsible TEXT NOT NULL,
    note TEXT NOT NULL
);;
CREATE TABLE reference_bases (
    reference_number INTEGER PRIMARY KEY,
    legal_basis TEXT NOT NULL,
    purpose TEXT NOT NULL,
    responsible TEXT NOT NULL,
    note TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    entry_point TEXT NOT NULL
);;
CREATE TABLE retention (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    matching_days REAL NOT NULL,
    keeping_days REAL NOT NULL
);;
INSERT INTO retention (number, matching_days, keeping_days) VALUES (1, 7.0, 30.0);;
CREATE TABLE person_retention (
    identity_number INTEGER PRIMARY KEY,
    matching_days REAL,
    keeping_days REAL,
    held_since TEXT NOT NULL DEFAULT '',
    hold_reason TEXT NOT NULL DEFAULT ''
);;
CREATE TABLE reference_times (
    reference_number INTEGER PRIMARY KEY,
    match_until TEXT NOT NULL,
    keep_until TEXT NOT NULL,
    purge_from TEXT NOT NULL DEFAULT ''
);;
CREATE INDEX times_of_matching ON reference_times (match_until);;
CREATE INDEX times_of_keeping ON reference_times (keep_until);;
CREATE TRIGGER times_of_added AFTER INSERT ON biometric_references BEGIN {_set_times("NEW")} END;;
CREATE TRIGGER times_of_moved AFTER UPDATE OF identity_number ON biometric_references BEGIN {_set_times("NEW")} END;;
CREATE TRIGGER times_of_removed AFTER DELETE ON biometric_references
WHEN NOT EXISTS (SELECT 1 FROM trashed_references WHERE number = OLD.number) BEGIN
    DELETE FROM reference_times WHERE reference_number = OLD.number;
    DELETE FROM reference_bases WHERE reference_number = OLD.number;
END;;
CREATE TRIGGER times_of_trashed_removed AFTER DELETE ON trashed_references
WHEN NOT EXISTS (SELECT 1 FROM biometric_references WHERE number = OLD.number) BEGIN
    DELETE FROM reference_times WHERE reference_number = OLD.number;
    DELETE FROM reference_bases WHERE reference_number = OLD.number;
END;;
CREATE TRIGGER retention_of_removed AFTER DELETE ON identities
WHEN NOT EXISTS (SELECT 1 FROM trashed_identities WHERE number = OLD.number) BEGIN
    DELETE FROM person_retention WHERE identity_number = OLD.number;
END;;
CREATE TRIGGER retention_of_trashed_removed AFTER DELETE ON trashed_identities
WHEN NOT EXISTS (SELECT 1 FROM identities WHERE number = OLD.number) BEGIN
    DELETE FROM person_retention WHERE identity_number = OLD.number;
END;;
INSERT INTO reference_times (reference_number, match_until, keep_until, purge_from)
    SELECT r.number, {until("matching_days", "r")}, {until("keeping_days", "r")}, '{UNSHOWN}'
    FROM (SELECT number, identity_number, created_at FROM biometric_references
        UNION ALL SELECT number, identity_number, created_at FROM trashed_references) r
"""
