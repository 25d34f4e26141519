"""SQL about groups of sightings. Works inside the caller's transaction.

A group's sightings are those in `grouped_sightings`; a row without any stays, so that undoing finds it. Names are not
here: whoever is enrolled from a sighting of a group takes it out of the unknown ones, and undoing that brings it back.

Steps of a change (see `change_recorder`):

    grouped N former group          a sighting went from a group (0: none) to another one (0: none)
    group_state N state             the former state of a group
    groups_differ N other           somebody said that two groups are different people
    groups_alike N other            that was taken back
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from biometric.entities.sighting_groups import GroupState
from biometric.errors import GalleryCorrupt, UndoRefused
from biometric.gallery.sighting_reading import WHO
from biometric.gallery.sighting_rows import LISTED

STEPS = frozenset(("grouped", "group_state", "groups_differ", "groups_alike"))


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited."""
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
CREATE TABLE sighting_groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    made_at TEXT NOT NULL
);;
CREATE TABLE grouped_sightings (
    sighting_number INTEGER PRIMARY KEY REFERENCES sightings (number) ON DELETE CASCADE,
    group_number INTEGER NOT NULL REFERENCES sighting_groups (number)
);;
CREATE INDEX sightings_of_group ON grouped_sightings (group_number);;
CREATE TABLE different_groups (
    first_number INTEGER NOT NULL REFERENCES sighting_groups (number),
    second_number INTEGER NOT NULL REFERENCES sighting_groups (number),
    PRIMARY KEY (first_number, second_number)
)
"""


def add_group(db: Database, state: GroupState, now: str) -> int:
    """Add an empty group; return its number."""
    sql = "INSERT INTO sighting_groups (state, made_at) VALUES (?, ?) RETURNING number"
    return int(db.execute(sql, [state.value, now]).fetchone()[0])


@dataclass(frozen=True, slots=True)
class Member:
    """A sighting without a name in a group: row number, and what is shown of it; times as they are stored."""

    sighting: int
    state: GroupState
    id: str
    clip_digest: str
    camera: str
    begins_at: str
    ends_at: str
    height: int | None


_MEMBERS = f"""
    SELECT g.group_number, s.number, o.state, s.id, s.clip_digest, s.camera, s.begins_at, s.ends_at, s.height
    FROM grouped_sightings g JOIN sightings s ON s.number = g.sighting_number
    JOIN sighting_groups o ON o.number = g.group_number WHERE s.keep_until > ? AND {WHO} IS NULL
"""


def unnamed_of_group(db: Database, number: int, now: str) -> list[Member]:
    """Return a group's sightings without a name that are kept, in order."""
    sql = f"{_MEMBERS} AND g.group_number = ? ORDER BY s.number"
    return [_member(values) for _, *values in db.execute(sql, [now, number]).fetchall()]


def unnamed_by_group(db: Database, now: str, ignored: bool) -> dict[int, list[Member]]:
    """Return the same of each group that is ignored, or of all others."""
    found: dict[int, list[Member]] = {}
    sql = f"{_MEMBERS} AND (o.state = ?) = ? ORDER BY s.number"
    for group, *values in db.execute(sql, [now, GroupState.IGNORED.value, int(ignored)]).fetchall():
        found.setdefault(int(group), []).append(_member(values))
    return found


def _member(values: list[Any]) -> Member:
    number, state, *rest = values
    return Member(int(number), GroupState(state), *rest)


def groups_of(db: Database, numbers: Collection[int]) -> dict[int, int]:
    """Return the group of each of these sightings that has one."""
    sql = f"SELECT sighting_number, group_number FROM grouped_sightings WHERE sighting_number IN {LISTED}"
    return {int(row[0]): int(row[1]) for row in db.execute(sql, [json.dumps(list(numbers))])}


def state_of(db: Database, number: int) -> GroupState | None:
    """Return the state of a group; None: there is none of that number."""
    row = db.execute("SELECT state FROM sighting_groups WHERE number = ?", [number]).fetchone()
    return None if row is None else GroupState(row[0])


def different_pairs(db: Database) -> list[tuple[int, int]]:
    """Return the pairs of groups that somebody said to be different people."""
    sql = "SELECT first_number, second_number FROM different_groups"
    return [(int(first), int(second)) for first, second in db.execute(sql)]


def seen_at_once(db: Database, numbers: Collection[int]) -> tuple[int, int] | None:
    """Return two of these sightings that were in view at once; None: there are none."""
    listed = json.dumps(list(numbers))
    sql = (
        f"SELECT first_number, second_number FROM sighting_pairs WHERE first_number IN {LISTED} "
        f"AND second_number IN {LISTED} LIMIT 1"
    )
    row = db.execute(sql, [listed, listed]).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


def put(db: Database, sighting: int, group: int) -> None:
    """Put a sighting into a group; 0: into none. One that was deleted meanwhile is passed over."""
    if group:
        db.execute(
            "INSERT INTO grouped_sightings (sighting_number, group_number) "
            "SELECT number, ? FROM sightings WHERE number = ? "
            "ON CONFLICT (sighting_number) DO UPDATE SET group_number = excluded.group_number",
            [group, sighting],
        )
    else:
        db.execute("DELETE FROM grouped_sightings WHERE sighting_number = ?", [sighting])


def move(db: Database, steps: list[list[Any]], sighting: int, group: int) -> None:
    """Put a sighting into a group, as a step of a change."""
    former = groups_of(db, [sighting]).get(sighting, 0)
    put(db, sighting, group)
    steps.append(["grouped", sighting, former, group])


def set_state(db: Database, steps: list[list[Any]], number: int, state: GroupState) -> None:
    """Set the state of a group, as a step of a change."""
    former = state_of(db, number)
    if former is None:
        raise UndoRefused("What this change concerns is not there any more, so it cannot be undone.")
    db.execute("UPDATE sighting_groups SET state = ? WHERE number = ?", [state.value, number])
    steps.append(["group_state", number, former.value])


def set_different(db: Database, steps: list[list[Any]], first: int, second: int, different: bool) -> None:
    """Say that two groups are different people, or no more, as a step of a change where that changes anything."""
    low, high = sorted((first, second))
    sql = "SELECT 1 FROM different_groups WHERE first_number = ? AND second_number = ?"
    if (db.execute(sql, [low, high]).fetchone() is not None) == different:
        return
    sql = "DELETE FROM different_groups WHERE first_number = ? AND second_number = ?"
    if different:
        sql = "INSERT INTO different_groups (first_number, second_number) VALUES (?, ?)"
    db.execute(sql, [low, high])
    steps.append(["groups_differ" if different else "groups_alike", low, high])


def take_back(db: Database, steps: list[list[Any]], action: str, number: int, values: list[Any]) -> None:
    """Take a step back, as a step of the change that undoes it.

    Raises:
        UndoRefused: a sighting is no longer in the group into which the step put it.
    """
    match action:
        case "grouped":
            former, group = values
            exists = db.execute("SELECT 1 FROM sightings WHERE number = ?", [number]).fetchone() is not None
            if exists and groups_of(db, [number]).get(number, 0) != group:
                raise UndoRefused(
                    "These groups were joined or split again since, so this cannot be undone. Undo that first."
                )
            move(db, steps, number, former)
        case "group_state":
            set_state(db, steps, number, GroupState(values[0]))
        case "groups_differ" | "groups_alike":
            set_different(db, steps, number, values[0], action == "groups_alike")
        case _:
            raise GalleryCorrupt("The gallery's history cannot be read. Restore its folder from a backup.")
