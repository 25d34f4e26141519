"""SQL that moves identities, references and samples into the trash and back, and deletes for good.

Works inside the caller's transaction. What is in the trash keeps its row numbers and its crops. `secure_delete`
overwrites the rows that leave a table.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlite_utils import Database

from biometric.gallery import verdict_rows
from biometric.gallery.files import OPAQUE_ID, GalleryFiles

_IDENTITY = "number, id, name, name_key, created_at, updated_at, cover"
_REFERENCE = (
    "number, id, clip_number, folder, first_frame, last_frame, created_at, sample_count, model_id, vector, camera"
)
_SAMPLE = "number, reference_number, name, quality, frame_index, embedding"
_LISTED = "(SELECT value FROM json_each(?))"

PICTURES = 8
"""Most pictures shown of what one change put into the trash."""

Place = tuple[str, str]
"""(folder, reference id) of crops."""


def trash_identity(db: Database, number: int, change: int, merged_into: int | None) -> None:
    """Move an identity that has no references any more."""
    db.execute(
        f"INSERT INTO trashed_identities ({_IDENTITY}, change, merged_into) "
        f"SELECT {_IDENTITY}, ?, ? FROM identities WHERE number = ?",
        [change, merged_into, number],
    )
    db.execute("DELETE FROM identities WHERE number = ?", [number])


def restore_identity(db: Database, number: int) -> None:
    """Move an identity, whose name is free, out of the trash."""
    db.execute(
        f"INSERT INTO identities ({_IDENTITY}) SELECT {_IDENTITY} FROM trashed_identities WHERE number = ?", [number]
    )
    db.execute("DELETE FROM trashed_identities WHERE number = ?", [number])


def trash_reference(db: Database, number: int, change: int) -> None:
    """Move a reference with the samples that it still has."""
    for sample in db.execute("SELECT number FROM samples WHERE reference_number = ?", [number]).fetchall():
        trash_sample(db, sample[0], change, with_reference=True)
    db.execute(
        f"INSERT INTO trashed_references ({_REFERENCE}, identity_number, change) "
        f"SELECT {_REFERENCE}, identity_number, ? FROM biometric_references WHERE number = ?",
        [change, number],
    )
    db.execute("DELETE FROM biometric_references WHERE number = ?", [number])


def restore_reference(db: Database, number: int, owner: int) -> None:
    """Move a reference out of the trash to the identity `owner`, with the samples that left together with it."""
    db.execute(
        f"INSERT INTO biometric_references ({_REFERENCE}, identity_number) "
        f"SELECT {_REFERENCE}, ? FROM trashed_references WHERE number = ?",
        [owner, number],
    )
    db.execute("DELETE FROM trashed_references WHERE number = ?", [number])
    sql = "SELECT number FROM trashed_samples WHERE reference_number = ? AND with_reference"
    for sample in db.execute(sql, [number]).fetchall():
        restore_sample(db, sample[0])


def trash_sample(db: Database, number: int, change: int, *, with_reference: bool) -> None:
    """Move a sample."""
    db.execute(
        f"INSERT INTO trashed_samples ({_SAMPLE}, change, with_reference) "
        f"SELECT {_SAMPLE}, ?, ? FROM samples WHERE number = ?",
        [change, with_reference, number],
    )
    db.execute("DELETE FROM samples WHERE number = ?", [number])


def restore_sample(db: Database, number: int) -> None:
    """Move a sample out of the trash; its reference is there."""
    db.execute(f"INSERT INTO samples ({_SAMPLE}) SELECT {_SAMPLE} FROM trashed_samples WHERE number = ?", [number])
    db.execute("DELETE FROM trashed_samples WHERE number = ?", [number])


def is_in_trash(db: Database, table: str, number: int) -> bool:
    """Return whether a row of `identities`, `references` or `samples` is in the trash."""
    return db.execute(f"SELECT 1 FROM trashed_{table} WHERE number = ?", [number]).fetchone() is not None


def trashed_identity(db: Database, identity_id: str) -> tuple[int, str] | None:
    """Return row number and name of the identity with that id in the trash, or None."""
    if OPAQUE_ID.fullmatch(identity_id) is None:
        return None
    row = db.execute("SELECT number, name FROM trashed_identities WHERE id = ?", [identity_id]).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def identities_called(db: Database, key: str) -> list[str]:
    """Return the ids of identities in the trash with that `name_key`, the latest first."""
    sql = "SELECT id FROM trashed_identities WHERE name_key = ? ORDER BY change DESC"
    return [str(row[0]) for row in db.execute(sql, [key])]


def rename_trashed(db: Database, number: int, name: str, key: str) -> None:
    """Give an identity in the trash a name under which it can come back."""
    db.execute("UPDATE trashed_identities SET name = ?, name_key = ? WHERE number = ?", [name, key, number])


def trashed_reference(db: Database, reference_id: str) -> int | None:
    """Return the row number of the reference with that id in the trash, or None."""
    row = db.execute("SELECT number FROM trashed_references WHERE id = ?", [reference_id]).fetchone()
    return None if row is None else int(row[0])


def owner_of_trashed(db: Database, reference_id: str) -> str | None:
    """Return the id of whose a reference in the trash was, None where it is not there."""
    sql = (
        "SELECT coalesce(i.id, t.id, '') FROM trashed_references r LEFT JOIN identities i ON i.number = "
        "r.identity_number LEFT JOIN trashed_identities t ON t.number = r.identity_number WHERE r.id = ?"
    )
    row = db.execute(sql, [reference_id]).fetchone()
    return None if row is None else str(row[0])


def merged_identities(db: Database, number: int) -> list[int]:
    """Return the identities in the trash that were merged into this one, directly or not."""
    sql = (
        "WITH RECURSIVE merged (number) AS (VALUES (?) UNION "
        "SELECT t.number FROM trashed_identities t JOIN merged ON t.merged_into = merged.number) "
        "SELECT number FROM merged WHERE number <> ?"
    )
    return [int(row[0]) for row in db.execute(sql, [number, number])]


def changes_with_trash(db: Database) -> list[int]:
    """Return the changes whose rows are in the trash, newest first."""
    sql = (
        "SELECT change FROM trashed_identities UNION SELECT change FROM trashed_references "
        "UNION SELECT change FROM trashed_samples UNION SELECT change FROM trashed_verdicts ORDER BY change DESC"
    )
    return [int(row[0]) for row in db.execute(sql)]


def people_and_references(db: Database, changes: Iterable[int]) -> tuple[list[int], list[int]]:
    """Return the people and the references that go for good with these changes; who was merged stays as another."""
    listed = json.dumps(list(changes))
    sql = f"SELECT number FROM trashed_identities WHERE merged_into IS NULL AND change IN {_LISTED}"
    people = _numbers(db, sql, listed)
    return people, _numbers(db, f"SELECT number FROM trashed_references WHERE change IN {_LISTED}", listed)


def identities_of_changes(db: Database, changes: Iterable[int]) -> list[str]:
    """Return the ids of identities that these changes put into the trash."""
    sql = f"SELECT id FROM trashed_identities WHERE change IN {_LISTED} ORDER BY id"
    return [str(row[0]) for row in db.execute(sql, [json.dumps(list(changes))])]


def count_trash(db: Database, change: int) -> tuple[int, int]:
    """Return how many references and samples one change put into the trash."""
    counts = (
        db.execute(f"SELECT count(*) FROM trashed_{table} WHERE change = ?", [change]).fetchone()[0]
        for table in ("references", "samples")
    )
    references, samples = counts
    return int(references), int(samples)


def count_owned(db: Database, identities: Iterable[int]) -> tuple[int, int]:
    """Return how many references and samples these identities have, enrolled and in the trash."""
    listed = json.dumps(list(identities))
    references = [
        *_numbers(db, f"SELECT number FROM biometric_references WHERE identity_number IN {_LISTED}", listed),
        *_numbers(db, f"SELECT number FROM trashed_references WHERE identity_number IN {_LISTED}", listed),
    ]
    of_references = json.dumps(references)
    samples = (
        db.execute(f"SELECT count(*) FROM {table} WHERE reference_number IN {_LISTED}", [of_references]).fetchone()[0]
        for table in ("samples", "trashed_samples")
    )
    return len(references), sum(samples)


def pictures(db: Database, files: GalleryFiles, change: int) -> Iterator[Path]:
    """Yield the best crops on disk of what one change put into the trash, best first."""
    sql = (
        "SELECT coalesce(r.folder, t.folder), coalesce(r.id, t.id), s.name FROM trashed_samples s "
        "LEFT JOIN biometric_references r ON r.number = s.reference_number "
        "LEFT JOIN trashed_references t ON t.number = s.reference_number "
        "WHERE s.change = ? ORDER BY s.quality DESC, s.number LIMIT ?"
    )
    for folder, reference, name in db.execute(sql, [change, PICTURES]).fetchall():
        crop = files.crop(folder, reference, name)
        if crop.is_file():
            yield crop


def delete_of_changes(db: Database, changes: Iterable[int]) -> tuple[list[Place], list[int], set[int]]:
    """Delete what these changes put into the trash.

    Returns:
        Where crops are to be deleted after the commit, and the numbers of the identities and references that are gone.
    """
    expired = list(changes)
    listed = json.dumps(expired)
    verdict_rows.delete_of_changes(db, expired)
    identities = _numbers(db, f"SELECT number FROM trashed_identities WHERE change IN {_LISTED}", listed)
    references = _numbers(db, f"SELECT number FROM trashed_references WHERE change IN {_LISTED}", listed)
    samples = _numbers(db, f"SELECT number FROM trashed_samples WHERE change IN {_LISTED}", listed)
    references += _numbers(
        db, f"SELECT number FROM trashed_references WHERE identity_number IN {_LISTED}", json.dumps(identities)
    )
    return _delete(db, identities, references, samples), identities, set(references)


def delete_identities(db: Database, numbers: Iterable[int]) -> tuple[list[Place], set[int]]:
    """Delete identities with all that is theirs, enrolled and in the trash.

    Returns:
        Where crops are to be deleted after the commit, and the numbers of the references that are gone.
    """
    identities = list(numbers)
    listed = json.dumps(identities)
    references = [
        *_numbers(db, f"SELECT number FROM biometric_references WHERE identity_number IN {_LISTED}", listed),
        *_numbers(db, f"SELECT number FROM trashed_references WHERE identity_number IN {_LISTED}", listed),
    ]
    return _delete(db, identities, references, []), set(references)


def delete_references(db: Database, numbers: Iterable[int]) -> list[Place]:
    """Delete references, enrolled or in the trash; return where crops are to be deleted after the commit."""
    return _delete(db, [], list(numbers), [])


def _delete(db: Database, identities: list[int], references: list[int], samples: list[int]) -> list[Place]:
    of_identities, of_references, of_samples = map(json.dumps, (identities, references, samples))
    verdict_rows.delete_of_people(db, identities, references)
    places: set[Place] = set()
    clips: set[int] = set()
    for table in ("biometric_references", "trashed_references"):
        sql = f"SELECT folder, id, clip_number FROM {table} WHERE number IN {_LISTED}"
        for folder, reference, clip in db.execute(sql, [of_references]).fetchall():
            places.add((folder, reference))
            clips.add(clip)
        sql = (
            f"SELECT r.folder, r.id FROM trashed_samples s JOIN {table} r ON r.number = s.reference_number "
            f"WHERE s.number IN {_LISTED}"
        )
        places |= {(folder, reference) for folder, reference in db.execute(sql, [of_samples]).fetchall()}
    db.execute(
        f"DELETE FROM trashed_samples WHERE number IN {_LISTED} OR reference_number IN {_LISTED}",
        [of_samples, of_references],
    )
    db.execute(f"DELETE FROM trashed_references WHERE number IN {_LISTED}", [of_references])
    db.execute(f"DELETE FROM biometric_references WHERE number IN {_LISTED}", [of_references])
    db.execute(
        "UPDATE sightings SET identity_number = (SELECT t.merged_into FROM trashed_identities t "
        "WHERE t.number = sightings.identity_number) WHERE identity_number IN "
        f"(SELECT number FROM trashed_identities WHERE merged_into IS NOT NULL AND number IN {_LISTED})",
        [of_identities],
    )
    db.execute(f"DELETE FROM trashed_identities WHERE number IN {_LISTED}", [of_identities])
    db.execute(f"DELETE FROM identities WHERE number IN {_LISTED}", [of_identities])
    db.execute(
        f"DELETE FROM clips WHERE number IN {_LISTED} "
        "AND NOT EXISTS (SELECT 1 FROM biometric_references r WHERE r.clip_number = clips.number) "
        "AND NOT EXISTS (SELECT 1 FROM trashed_references r WHERE r.clip_number = clips.number)",
        [json.dumps(list(clips))],
    )
    return sorted(places)


def _numbers(db: Database, sql: str, listed: str) -> list[int]:
    return [int(row[0]) for row in db.execute(sql, [listed])]
