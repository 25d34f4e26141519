"""SQL about the history of a gallery: one row a change, whom it concerns, and until when it can be undone.

A change *stands* until it is undone. Undoing puts back the state of before, so it is refused while a later change of
one of the same people, or of the thresholds in force, stands. An undoing itself stands in the way only of what came
after the change it took back.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlite_utils import Database

from biometric.entities import ChangeKind, GalleryChange

Steps = list[list[Any]]
"""What a change did, in order; see `change_recorder`."""

_LARGEST = 2**63 - 1
"""What SQLite can store."""

_LISTED = "(SELECT value FROM json_each(?))"


def insert_change(db: Database, kind: ChangeKind, when: str, expires: str | None, undoes: int | None = None) -> int:
    """Add a change and return its id; counts, steps and people follow."""
    row = {"kind": kind.value, "changed_at": when, "expires_at": expires, "undoes": undoes}
    change: Any = db.table("journal").insert(row | {"reference_count": 0, "sample_count": 0}).last_pk
    return int(change)


def set_counts(db: Database, change: int, references: int, samples: int) -> None:
    """Say how many references and samples a change concerns."""
    db.table("journal").update(change, {"reference_count": references, "sample_count": samples})


def set_steps(db: Database, change: int, steps: Steps) -> None:
    """Store what undoing a change needs."""
    db.execute("UPDATE journal SET steps = ? WHERE id = ?", [json.dumps(steps, ensure_ascii=False), change])


def read_steps(db: Database, change: int) -> Steps | None:
    """Return what undoing a change needs, or None when it cannot be undone (any more)."""
    row = db.execute("SELECT steps FROM journal WHERE id = ?", [change]).fetchone()
    if row is None or row[0] is None:
        return None
    steps: Steps = json.loads(row[0])
    return steps


def add_person(db: Database, change: int, number: int) -> None:
    """Say that a change concerns the enrolled identity of that row number, as it is called now."""
    db.execute(
        "INSERT INTO journal_people (change, position, identity_number, name) "
        "SELECT ?, (SELECT coalesce(max(position) + 1, 0) FROM journal_people WHERE change = ?), number, name "
        "FROM identities WHERE number = ?",
        [change, change, number],
    )


def mark_thresholds(db: Database, change: int) -> None:
    """Say that a change concerns the thresholds in force."""
    db.table("journal").update(change, {"concerns_thresholds": 1})


def copy_people(db: Database, change: int, source: int) -> None:
    """Say that a change concerns the people whom the change `source` concerns."""
    db.execute(
        "INSERT INTO journal_people (change, position, identity_number, name) "
        "SELECT ?, position, identity_number, name FROM journal_people WHERE change = ?",
        [change, source],
    )


def mark_undone(db: Database, change: int, undone_by: int | None) -> None:
    """Say which change took this one back; None: it stands again."""
    db.table("journal").update(change, {"undone_by": undone_by})


def renew(db: Database, change: int, expires: str, steps: Steps) -> None:
    """Let a change that was made again expire as one that was made now."""
    db.table("journal").update(change, {"expires_at": expires})
    set_steps(db, change, steps)


def is_expired(db: Database, now: str) -> bool:
    """Return whether some change's time is over and its steps are still kept."""
    return db.execute(f"{_EXPIRED} LIMIT 1", [now]).fetchone() is not None


def expired_changes(db: Database, now: str) -> list[int]:
    """Return the changes whose time is over and whose steps are still kept."""
    return [int(row[0]) for row in db.execute(_EXPIRED, [now])]


_HELD = (
    "SELECT p.change FROM journal_people p JOIN person_retention r ON r.identity_number = p.identity_number "
    "WHERE r.held_since <> ''"
)
_EXPIRED = f"SELECT id FROM journal WHERE steps IS NOT NULL AND expires_at <= ? AND id NOT IN ({_HELD})"  # noqa: S608


def without_held(db: Database, changes: Iterable[int]) -> list[int]:
    """Return those of these changes that concern nobody under a legal hold."""
    held = {int(row[0]) for row in db.execute(_HELD)}
    return [change for change in changes if change not in held]


def forget_steps(db: Database, changes: Iterable[int]) -> None:
    """Let changes expire: they can no longer be undone, and names of their time are not kept."""
    listed = [json.dumps(list(changes))]
    db.execute(f"UPDATE journal SET steps = NULL WHERE id IN {_LISTED}", listed)  # noqa: S608
    db.execute(f"UPDATE journal_people SET name = NULL WHERE change IN {_LISTED}", listed)  # noqa: S608


def forget_references(db: Database, numbers: Collection[int]) -> None:
    """Drop the steps of all changes of these references: they have nothing to go back to, and may hold templates."""
    rows = db.execute("SELECT id, steps FROM journal WHERE steps IS NOT NULL").fetchall()
    forget_steps(db, _changes_with(rows, ("reference_in", "reference_out", "owner", "camera", "template"), numbers))


def forget_templates(db: Database, numbers: Collection[int]) -> None:
    """Drop the steps that hold former templates of these references, where they expire later than the references."""
    if numbers:
        rows = db.execute("SELECT id, steps FROM journal WHERE steps LIKE '%\"template\"%'").fetchall()
        forget_steps(db, _changes_with(rows, ("template",), numbers))


def forget_verdicts(db: Database, numbers: Collection[int]) -> None:
    """Drop the steps of all changes of these verdicts, which are deleted for good."""
    if numbers:
        rows = db.execute("SELECT id, steps FROM journal WHERE steps LIKE '%\"verdict_%'").fetchall()
        forget_steps(db, _changes_with(rows, ("verdict_in", "verdict_out"), numbers))


def _changes_with(rows: Iterable[tuple[int, str]], actions: Collection[str], numbers: Collection[int]) -> list[int]:
    return [
        change for change, steps in rows if any(step[0] in actions and step[1] in numbers for step in json.loads(steps))
    ]


def forget_people(db: Database, numbers: Iterable[int]) -> None:
    """Drop names of identities that are deleted for good, and the steps of all changes that concern them."""
    listed = [json.dumps(list(numbers))]
    concerned = f"SELECT change FROM journal_people WHERE identity_number IN {_LISTED}"  # noqa: S608
    db.execute(f"UPDATE journal SET steps = NULL WHERE id IN ({concerned})", listed)  # noqa: S608
    db.execute(f"DELETE FROM journal_people WHERE identity_number IN {_LISTED}", listed)  # noqa: S608


def read_change(db: Database, change: int) -> GalleryChange | None:
    """Return a change, or None when there is none of that id."""
    if not 0 < change <= _LARGEST:
        return None
    rows = list(db.query("SELECT * FROM journal WHERE id = ?", [change]))
    return _change(db, rows[0]) if rows else None


def read_changes(db: Database, limit: int) -> list[GalleryChange]:
    """Return the latest changes, newest first."""
    rows = list(db.query("SELECT * FROM journal ORDER BY id DESC LIMIT ?", [max(0, min(limit, _LARGEST))]))
    return [_change(db, row) for row in rows]


def latest_undoable(db: Database) -> int | None:
    """Return the latest change that stands and can be undone; undoings do not count."""
    sql = (
        "SELECT id FROM journal WHERE steps IS NOT NULL AND undone_by IS NULL AND kind NOT IN (?, ?) "
        "ORDER BY id DESC LIMIT 1"
    )
    row = db.execute(sql, [ChangeKind.UNDONE.value, ChangeKind.REDONE.value]).fetchone()
    return None if row is None else int(row[0])


_BLOCKER = """
    SELECT max(later.id) FROM journal later
    LEFT JOIN journal undone ON undone.id = later.undoes
    LEFT JOIN journal original ON original.id = undone.undoes
    WHERE later.id > :change AND later.undone_by IS NULL AND (later.undoes IS NULL OR later.undoes < :change) AND
        coalesce(original.kind, undone.kind, later.kind) NOT GLOB 'verdict_*' AND
        later.kind NOT IN ('held', 'released', 'retention_set') AND (
        later.id IN (
            SELECT theirs.change FROM journal_people mine
            JOIN journal_people theirs ON theirs.identity_number = mine.identity_number
            WHERE mine.change = :change
        )
        OR later.concerns_thresholds AND (SELECT concerns_thresholds FROM journal WHERE id = :change)
    )
"""


def _change(db: Database, row: dict[str, Any]) -> GalleryChange:
    people = db.execute(
        "SELECT coalesce(p.name, i.name, t.name), coalesce(i.id, t.id) FROM journal_people p "
        "LEFT JOIN identities i ON i.number = p.identity_number "
        "LEFT JOIN trashed_identities t ON t.number = p.identity_number WHERE p.change = ? ORDER BY p.position",
        [row["id"]],
    ).fetchall()
    # Without a trash a change expires in the transaction that makes it.
    can_be_undone = row["steps"] is not None and row["expires_at"] > row["changed_at"]
    can_be_blocked = can_be_undone and not _is_about_verdict(db, row)
    blocker = db.execute(_BLOCKER, {"change": row["id"]}).fetchone()[0] if can_be_blocked else None
    return GalleryChange(
        id=row["id"],
        kind=ChangeKind(row["kind"]),
        when=row["changed_at"],
        names=tuple(name for name, _ in people),
        identity_ids=tuple(dict.fromkeys(identity_id for _, identity_id in people)),
        references=row["reference_count"],
        samples=row["sample_count"],
        expires=row["expires_at"] if can_be_undone else None,
        undoes=row["undoes"],
        undone_by=row["undone_by"],
        blocked_by=blocker,
    )


def _is_about_verdict(db: Database, row: dict[str, Any]) -> bool:
    """Return whether a change, or the one that it took back, changed a verdict."""
    if row["undoes"] is None:
        return ChangeKind(row["kind"]).is_verdict
    undone = db.query("SELECT * FROM journal WHERE id = ?", [row["undoes"]])
    return any(_is_about_verdict(db, change) for change in undone)
