"""Legal holds of a gallery whose place a restored backup takes: they stay, and nothing that is held is lost by it."""

from sqlite_utils import Database

from biometric.errors import OnLegalHold
from biometric.gallery import reference_rows, retention_rows, rows, trash_rows

Holds = dict[str, tuple[str, str]]
"""Since when and why people are held, by their ids."""


def read_holds(db: Database) -> Holds:
    """Return who is under a legal hold, enrolled or in the trash."""
    sql = (
        "SELECT coalesce(i.id, x.id), held_since, hold_reason FROM person_retention p "
        "LEFT JOIN identities i ON i.number = p.identity_number "
        "LEFT JOIN trashed_identities x ON x.number = p.identity_number WHERE held_since <> ''"
    )
    return {str(identity): (str(since), str(reason)) for identity, since, reason in db.execute(sql) if identity}


def held_references(db: Database) -> dict[str, str]:
    """Return the name of whom each reference under a legal hold is of, by the references' ids."""
    owned = " UNION ALL ".join(
        f"SELECT r.id AS id, r.identity_number AS owner FROM {table} r"  # noqa: S608 - constants
        for table in ("biometric_references", "trashed_references")
    )
    sql = (
        "SELECT o.id, coalesce(i.name, x.name) FROM person_retention p "  # noqa: S608 - constants
        f"JOIN ({owned}) o ON o.owner = p.identity_number "
        "LEFT JOIN identities i ON i.number = p.identity_number "
        "LEFT JOIN trashed_identities x ON x.number = p.identity_number WHERE p.held_since <> ''"
    )
    return {str(reference): str(name) for reference, name in db.execute(sql)}


def require_all_held(copy: Database, held: dict[str, str]) -> None:
    """Raise `OnLegalHold`, naming them, where a copy lacks references of people who are under a legal hold."""
    present = reference_rows.all_ids(copy)
    names = sorted({name for reference, name in held.items() if reference not in present})
    if names:
        raise OnLegalHold(
            "{names}: under a legal hold, and the backup does not hold all of it, so that restoring would delete what "
            "must be kept. Restore into another folder with --gallery, or release the hold first (gallery release).",
            names=", ".join(names),
        )


def lift_holds(copy: Database) -> Holds:
    """Take all holds away, so that who was erased since can go; return what they were."""
    former = read_holds(copy)
    for identity_id in former:
        _set(copy, identity_id, "", "")
    return former


def put_holds(copy: Database, holds: Holds) -> None:
    """Put people under a hold; those who are not there (any more) are left out."""
    for identity_id, (since, reason) in holds.items():
        _set(copy, identity_id, since, reason)


def _set(db: Database, identity_id: str, since: str, reason: str) -> None:
    number = rows.number_by_id(db, identity_id)
    if number is None:
        trashed = trash_rows.trashed_identity(db, identity_id)
        number = None if trashed is None else trashed[0]
    if number is not None:
        retention_rows.set_hold(db, number, since, reason)
