"""Which references and verdicts are about which sightings, and how long these are kept by whose they are.

Works inside the caller's transaction.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlite_utils import Database

from biometric.domain.constraints import same_probe, shown_by
from biometric.entities.verdicts import ProbeRecord
from biometric.gallery import trash_rows, verdict_rows
from biometric.gallery.records import stored_time
from biometric.gallery.sighting_reading import MERGED, WHO, probes_of_clip
from biometric.gallery.sighting_rows import HELD, LISTED

_TRASHED = f"""coalesce(
    (SELECT max(r.identity_number) FROM sighting_references l
        JOIN trashed_references r ON r.number = l.reference_number WHERE l.sighting_number = s.number),
    (SELECT t.number FROM trashed_identities t WHERE t.number = {MERGED}))"""
"""Of a sighting `s` that is of nobody enrolled, whose it is in the trash."""


def link_verdict(db: Database, number: int, probe: ProbeRecord) -> None:
    """Say which sightings a verdict that was just stored is about."""
    sightings = {sighting: own for sighting, _, own in probes_of_clip(db, probe.clip_digest)}
    reckon(db, _link_verdict(db, number, probe, sightings))


def link_reference(db: Database, number: int) -> None:
    """Say from which sightings a reference that was just stored was enrolled."""
    row = db.execute(
        "SELECT c.digest, r.first_frame, r.last_frame FROM biometric_references r "
        "JOIN clips c ON c.number = r.clip_number WHERE r.number = ?",
        [number],
    ).fetchone()
    sightings = {sighting: probe for sighting, _, probe in probes_of_clip(db, row[0])}
    reckon(db, _link_reference(db, number, (row[1], row[2]), sightings))


def link_sightings(db: Database, digest: str, sightings: Mapping[int, ProbeRecord]) -> None:
    """Say which references and verdicts that are there already are about sightings of a clip that were just stored.

    Sets until when these sightings are kept, too.
    """
    if not sightings:
        return
    sql = (
        "SELECT r.number, r.first_frame, r.last_frame FROM biometric_references r "
        "JOIN clips c ON c.number = r.clip_number WHERE c.digest = ?"
    )
    for number, first, last in db.execute(sql, [digest]).fetchall():
        _link_reference(db, number, (first, last), sightings)
    for number, probe in verdict_rows.probes_of_clip(db, digest):
        _link_verdict(db, number, probe, sightings)
    reckon(db, list(sightings))


def _link_reference(
    db: Database, number: int, frames: tuple[int, int], sightings: Mapping[int, ProbeRecord]
) -> list[int]:
    """Link a reference with those sightings of its clip whose person it shows, and return them."""
    if not sightings:
        return []
    for _, boxes, template in verdict_rows.shown(db, [number]):
        found = [sighting for sighting, probe in sightings.items() if shown_by(probe, template, boxes, frames)]
        _link(db, "reference", found, number)
        return found
    return []


def _link_verdict(db: Database, number: int, probe: ProbeRecord, sightings: Mapping[int, ProbeRecord]) -> list[int]:
    """Link a verdict with those sightings of its clip that are of its probe, and return them."""
    found = [sighting for sighting, own in sightings.items() if same_probe(own, probe)]
    _link(db, "verdict", found, number)
    return found


def _link(db: Database, what: str, sightings: Iterable[int], number: int) -> None:
    sql = (
        f"INSERT INTO sighting_{what}s (sighting_number, {what}_number) VALUES (?, ?) "
        f"ON CONFLICT (sighting_number, {what}_number) DO NOTHING"
    )
    for sighting in sightings:
        db.execute(sql, [sighting, number])


# --- how long they are kept ----------------------------------------------------------------------------------------


def owners(db: Database, numbers: Collection[int]) -> dict[int, int]:
    """Return whose each of these sightings is, enrolled or in the trash; without those of nobody."""
    sql = f"SELECT s.number, coalesce({WHO}, {_TRASHED}) FROM sightings s WHERE s.number IN {LISTED}"
    return {int(row[0]): int(row[1]) for row in db.execute(sql, [json.dumps(list(numbers))]) if row[1] is not None}


def numbers_of_people(db: Database, identities: Collection[int]) -> list[int]:
    """Return the sightings of these identities, enrolled or in the trash."""
    everybody = {*identities}
    for identity in identities:
        everybody |= set(trash_rows.merged_identities(db, identity))
    listed = json.dumps(sorted(everybody))
    found: set[int] = set()
    sql = f"SELECT number FROM sightings WHERE identity_number IN {LISTED}"
    found |= {int(row[0]) for row in db.execute(sql, [listed])}
    for what, tables in (
        ("reference", ("biometric_references", "trashed_references")),
        ("verdict", ("verdicts", "trashed_verdicts")),
    ):
        for table in tables:
            sql = (
                f"SELECT l.sighting_number FROM sighting_{what}s l JOIN {table} x ON x.number = l.{what}_number "
                f"WHERE x.identity_number IN {LISTED}"
            )
            found |= {int(row[0]) for row in db.execute(sql, [listed])}
    belonging = owners(db, found)
    return sorted(number for number in found if belonging.get(number) in everybody)


def reckon(db: Database, numbers: Collection[int], at_least: tuple[str, str] | None = None) -> None:
    """Set until when sightings are kept, by whose they are: a person's as long as references made at the same time.

    Args:
        at_least: (now, later): what would become overdue by now is kept until then.
    """
    if not numbers:
        return
    belonging = owners(db, numbers)
    ordinary = float(db.execute("SELECT keeping_days FROM retention").fetchone()[0])
    sql = f"SELECT identity_number, keeping_days, held_since FROM person_retention WHERE identity_number IN {LISTED}"
    own = {row[0]: row[1:] for row in db.execute(sql, [json.dumps(sorted(set(belonging.values())))])}
    sql = f"SELECT number, kept_at, unknown_until, keep_until FROM sightings WHERE number IN {LISTED}"
    for number, kept_at, unknown_until, former in db.execute(sql, [json.dumps(list(numbers))]).fetchall():
        until, owner = str(unknown_until), belonging.get(number)
        if owner is not None:
            days, held_since = own.get(owner, (None, ""))
            kept = datetime.fromisoformat(kept_at) + timedelta(days=ordinary if days is None else days)
            until = HELD if held_since else stored_time(kept)
        if at_least is not None and until <= at_least[0] < former:
            until = at_least[1]
        if until != former:
            db.execute("UPDATE sightings SET keep_until = ? WHERE number = ?", [until, number])


def reckon_people(db: Database, identities: Iterable[int] | None, now: str, later: str) -> None:
    """Set the times of the sightings of identities, None: of everybody, after their days or a hold were changed."""
    if identities is None:
        numbers = [int(row[0]) for row in db.execute("SELECT number FROM sightings")]
    else:
        numbers = numbers_of_people(db, list(identities))
    reckon(db, numbers, (now, later))


def reckon_linked(db: Database) -> None:
    """Set the times of all sightings that a reference or a verdict is about, after changes were undone."""
    sql = "SELECT sighting_number FROM sighting_references UNION SELECT sighting_number FROM sighting_verdicts"
    reckon(db, [int(row[0]) for row in db.execute(sql)])


def overdue(db: Database, now: str) -> list[int]:
    """Return the sightings that were kept long enough, by whose they are now."""
    perhaps = [int(row[0]) for row in db.execute("SELECT number FROM sightings WHERE keep_until <= ?", [now])]
    if perhaps:
        reckon(db, perhaps)
        sql = f"SELECT number FROM sightings WHERE keep_until <= ? AND number IN {LISTED}"
        perhaps = [int(row[0]) for row in db.execute(sql, [now, json.dumps(perhaps)])]
    return perhaps
