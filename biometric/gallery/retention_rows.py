"""SQL about how long references are matched with and kept. Works inside the caller's transaction.

See `life_cycle_schema` for what the columns hold.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlite_utils import Database

from biometric.entities import PersonLifetime, Retention
from biometric.errors import OnLegalHold
from biometric.gallery.life_cycle_schema import UNSHOWN, until
from biometric.gallery.records import stored_time


def read_times(db: Database, reference: int) -> tuple[str, str]:
    """Return until when a reference is matched with and kept."""
    sql = "SELECT match_until, keep_until FROM reference_times WHERE reference_number = ?"
    match_until, keep_until = db.execute(sql, [reference]).fetchone()
    return str(match_until), str(keep_until)


def read_retention(db: Database) -> Retention:
    """Return what holds for everybody for whom nothing else was set."""
    return Retention(*db.execute("SELECT matching_days, keeping_days FROM retention").fetchone())


def set_retention(db: Database, retention: Retention) -> None:
    """Set what holds for everybody for whom nothing else was set."""
    db.execute(
        "UPDATE retention SET matching_days = ?, keeping_days = ?", [retention.matching_days, retention.keeping_days]
    )


def set_person_retention(db: Database, owner: int, retention: Retention | None) -> None:
    """Set what holds for one identity; None: what holds for everybody."""
    days = (None, None) if retention is None else (retention.matching_days, retention.keeping_days)
    db.execute(
        "INSERT INTO person_retention (identity_number, matching_days, keeping_days) VALUES (?, ?, ?) "
        "ON CONFLICT (identity_number) DO UPDATE SET matching_days = excluded.matching_days, "
        "keeping_days = excluded.keeping_days",
        [owner, *days],
    )
    _forget_ordinary(db)


def reckon_times(db: Database, now: str, purge_from: str) -> None:
    """Set the times of all references anew, after days were changed.

    Args:
        now, purge_from: what becomes overdue by that at `now` may be deleted from `purge_from` on.
    """
    overdue = _numbers(db, "SELECT reference_number FROM reference_times WHERE keep_until <= ?", [now])
    for table in ("biometric_references", "trashed_references"):
        times = ", ".join(until(days, "r") for days in ("matching_days", "keeping_days"))
        db.execute(
            f"UPDATE reference_times SET (match_until, keep_until) = (SELECT {times} FROM {table} r "
            f"WHERE r.number = reference_number) WHERE reference_number IN (SELECT number FROM {table})"
        )
    # Indices read them all again, because some may be matched with again.
    db.execute("DELETE FROM changes WHERE reference_number IN (SELECT number FROM biometric_references)")
    db.execute("INSERT INTO changes (reference_number) SELECT number FROM biometric_references")
    db.execute(
        "UPDATE reference_times SET purge_from = max(purge_from, ?) WHERE keep_until <= ? "
        "AND reference_number NOT IN (SELECT value FROM json_each(?))",
        [purge_from, now, json.dumps(overdue)],
    )


def set_hold(db: Database, owner: int, since: str, reason: str) -> None:
    """Put an identity under a legal hold; `since` "" takes it away."""
    db.execute(
        "INSERT INTO person_retention (identity_number, held_since, hold_reason) VALUES (?, ?, ?) "
        "ON CONFLICT (identity_number) DO UPDATE SET held_since = excluded.held_since, "
        "hold_reason = excluded.hold_reason",
        [owner, since, reason],
    )
    _forget_ordinary(db)


def held_identities(db: Database, numbers: Iterable[int]) -> list[int]:
    """Return which of these identities are under a legal hold."""
    sql = (
        "SELECT identity_number FROM person_retention WHERE held_since <> '' "
        "AND identity_number IN (SELECT value FROM json_each(?))"
    )
    return _numbers(db, sql, [json.dumps(list(numbers))])


def require_no_hold(db: Database, numbers: Iterable[int]) -> None:
    """Raise `OnLegalHold`, naming them, where some of these identities are under a legal hold."""
    held = held_identities(db, numbers)
    if held:
        sql = "SELECT name FROM {} WHERE number IN (SELECT value FROM json_each(?))"
        tables = ("identities", "trashed_identities")
        names = [row[0] for table in tables for row in db.execute(sql.format(table), [json.dumps(held)])]
        raise OnLegalHold(
            "{names} is under a legal hold, so nothing was removed or moved. Release the hold first (gallery release).",
            names=", ".join(names),
        )


def _forget_ordinary(db: Database) -> None:
    db.execute("DELETE FROM person_retention WHERE matching_days IS NULL AND keeping_days IS NULL AND held_since = ''")


def expired_between(db: Database, since: str, now: str) -> list[int]:
    """Return the references that are matched with until after `since`, but not until after `now`."""
    sql = "SELECT reference_number FROM reference_times WHERE match_until > ? AND match_until <= ?"
    return _numbers(db, sql, [since, now])


_OWNED = """
    SELECT number, identity_number FROM biometric_references
    UNION ALL SELECT number, identity_number FROM trashed_references
"""


def overdue_references(db: Database, now: str) -> list[int]:
    """Return the references, enrolled or in the trash, that are to be deleted now."""
    sql = (
        f"SELECT o.number FROM ({_OWNED}) o JOIN reference_times t ON t.reference_number = o.number "
        "WHERE t.keep_until <= ? AND t.purge_from <= ? AND NOT EXISTS (SELECT 1 FROM person_retention p "
        "WHERE p.identity_number = o.identity_number AND p.held_since <> '') ORDER BY o.number"
    )
    return _numbers(db, sql, [now, now])


def left_without_references(db: Database, references: Collection[int]) -> dict[int, str]:
    """Return the number and id of each identity that has nothing enrolled any more without these references.

    An identity in the trash is among them when nothing at all is left of it.
    """
    listed = "(SELECT value FROM json_each(:listed))"
    sql = (
        f"SELECT DISTINCT o.identity_number, coalesce(i.id, x.id) FROM ({_OWNED}) o "
        "LEFT JOIN identities i ON i.number = o.identity_number "
        "LEFT JOIN trashed_identities x ON x.number = o.identity_number "
        f"WHERE o.number IN {listed} AND NOT EXISTS (SELECT 1 FROM biometric_references r "
        f"WHERE r.identity_number = o.identity_number AND r.number NOT IN {listed}) "
        "AND (i.number IS NOT NULL OR NOT EXISTS (SELECT 1 FROM trashed_references t "
        f"WHERE t.identity_number = o.identity_number AND t.number NOT IN {listed}))"
    )
    return dict(db.execute(sql, {"listed": json.dumps(list(references))}).fetchall())


def count_samples(db: Database, references: Collection[int]) -> int:
    """Return how many samples these references have, in place and in the trash."""
    listed = [json.dumps(list(references))]
    sql = "SELECT count(*) FROM {} WHERE reference_number IN (SELECT value FROM json_each(?))"
    return sum(int(db.execute(sql.format(table), listed).fetchone()[0]) for table in ("samples", "trashed_samples"))


def postpone(db: Database, owner: int, now: str, purge_from: str) -> None:
    """Let what is overdue of an identity stay until `purge_from`."""
    sql = (
        "UPDATE reference_times SET purge_from = max(purge_from, ?) WHERE keep_until <= ? "
        f"AND reference_number IN (SELECT number FROM ({_OWNED}) WHERE identity_number = ?)"
    )
    db.execute(sql, [purge_from, now, owner])


def is_overdue(db: Database, now: str) -> bool:
    """Return whether some reference's time is over and it may be deleted, unless a hold keeps it; cheap."""
    sql = "SELECT 1 FROM reference_times WHERE keep_until <= ? AND purge_from <= ? LIMIT 1"
    return db.execute(sql, [now, now]).fetchone() is not None


def let_overdue_wait(db: Database, now: str) -> None:
    """Let all that is overdue stay until that was shown."""
    db.execute("UPDATE reference_times SET purge_from = ? WHERE keep_until <= ?", [UNSHOWN, now])


def wait_until_shown(db: Database, references: Collection[int], now: str) -> None:
    """Let those of these references that are overdue stay until that was shown."""
    sql = (
        "UPDATE reference_times SET purge_from = ? WHERE keep_until <= ? "
        "AND reference_number IN (SELECT value FROM json_each(?))"
    )
    db.execute(sql, [UNSHOWN, now, json.dumps(list(references))])


def count_expired_people(db: Database, now: str) -> int:
    """Return how many identities have no reference that is matched with any more."""
    sql = (
        "SELECT count(DISTINCT r.identity_number) FROM reference_times e "
        "JOIN biometric_references r ON r.number = e.reference_number WHERE e.match_until <= ? AND NOT EXISTS ("
        "SELECT 1 FROM biometric_references o JOIN reference_times t ON t.reference_number = o.number "
        "WHERE o.identity_number = r.identity_number AND t.match_until > ?)"
    )
    return int(db.execute(sql, [now, now]).fetchone()[0])


def count_expired(db: Database, references: Collection[int], now: str) -> int:
    """Return how many of these references are not matched with any more."""
    sql = (
        "SELECT count(*) FROM reference_times WHERE match_until <= ? "
        "AND reference_number IN (SELECT value FROM json_each(?))"
    )
    return int(db.execute(sql, [now, json.dumps(list(references))]).fetchone()[0])


def count_unshown(db: Database) -> int:
    """Return how many references wait until it was shown when they go."""
    sql = "SELECT count(*) FROM reference_times WHERE purge_from = ?"
    return int(db.execute(sql, [UNSHOWN]).fetchone()[0])


def mark_shown(db: Database, now: str, grace: timedelta) -> None:
    """Say that it was shown when references go; those that waited for that may go from `grace` on."""
    shown = stored_time(datetime.fromisoformat(now) + grace)
    db.execute("UPDATE reference_times SET purge_from = ? WHERE purge_from = ?", [shown, UNSHOWN])


_LIFETIMES = """
    SELECT i.number, i.id, i.name, p.matching_days, p.keeping_days,
        coalesce(p.held_since, '') AS held_since, coalesce(p.hold_reason, '') AS hold_reason,
        count(t.reference_number) AS references_held,
        count(CASE WHEN t.match_until <= :now THEN 1 END) AS expired,
        count(t.reference_number) - count(b.reference_number) AS without_basis,
        coalesce(max(t.match_until), '') AS match_until,
        count(CASE WHEN t.purge_from = :unshown THEN 1 END) AS unshown
    FROM identities i
    LEFT JOIN person_retention p ON p.identity_number = i.number
    LEFT JOIN biometric_references r ON r.identity_number = i.number
    LEFT JOIN reference_times t ON t.reference_number = r.number
    LEFT JOIN reference_bases b ON b.reference_number = r.number
    GROUP BY i.number ORDER BY i.name_key
"""

_PURGES = """
    SELECT r.identity_number, max(t.keep_until, t.purge_from) AS due FROM biometric_references r
    JOIN reference_times t ON t.reference_number = r.number WHERE t.purge_from <> ? ORDER BY due
"""


def read_lifetimes(db: Database, now: str) -> list[PersonLifetime]:
    """Return until when the references of everybody enrolled are matched with and kept, by name."""
    ordinary = read_retention(db)
    purges: dict[int, list[str]] = {}
    for owner, due in db.execute(_PURGES, [UNSHOWN]):
        purges.setdefault(owner, []).append(due)
    lifetimes = []
    for row in list(db.query(_LIFETIMES, {"now": now, "unshown": UNSHOWN})):
        is_own = row["matching_days"] is not None
        due = [] if row["held_since"] else purges.get(row["number"], [])
        next_purge = due[0] if due else ""
        lifetimes.append(
            PersonLifetime(
                identity_id=row["id"],
                name=row["name"],
                retention=Retention(row["matching_days"], row["keeping_days"]) if is_own else ordinary,
                is_own=is_own,
                held_since=row["held_since"],
                hold_reason=row["hold_reason"],
                references=row["references_held"],
                expired=row["expired"],
                without_basis=row["without_basis"],
                match_until=row["match_until"],
                next_purge=next_purge,
                purge_references=sum(time[:10] == next_purge[:10] for time in due),
                waits_until_shown=row["unshown"],
            )
        )
    return lifetimes


def _numbers(db: Database, sql: str, values: list[str]) -> list[int]:
    return [int(row[0]) for row in db.execute(sql, values)]
