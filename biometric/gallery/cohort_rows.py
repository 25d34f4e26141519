"""SQL about cohorts: nameless templates of strangers, with which scores are normalised. Works inside a transaction.

A cohort is in no answer from the moment at which it expires, also where its rows cannot be deleted just then.
"""

import json
from collections.abc import Iterable

import numpy as np
from sqlite_utils import Database

from biometric.entities import AdaptationKind, KeptCohort, ScoreAdaptation, StrangerCohort
from biometric.errors import CohortGone, GalleryCorrupt
from biometric.gallery.reference_rows import blob, unblob


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited."""
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
CREATE TABLE cohorts (
    adaptation TEXT PRIMARY KEY,
    model_id TEXT NOT NULL,
    same_person REAL NOT NULL,
    expires_at TEXT NOT NULL
);;
CREATE TABLE cohort_templates (
    number INTEGER PRIMARY KEY,
    adaptation TEXT NOT NULL REFERENCES cohorts (adaptation) ON DELETE CASCADE,
    camera TEXT NOT NULL,
    vector BLOB NOT NULL CHECK (typeof(vector) = 'blob')
);;
CREATE INDEX templates_of_cohort ON cohort_templates (adaptation)
"""


def insert_cohort(db: Database, cohort: StrangerCohort, model_id: str, expires: str) -> None:
    """Store a cohort until a time, in the form of `stored_time`; one that is kept already is kept until then.

    Args:
        model_id: the embedder of its templates.
    """
    _delete(db, [cohort.id])
    row = [cohort.id, model_id, cohort.same_person, expires]
    db.execute("INSERT INTO cohorts (adaptation, model_id, same_person, expires_at) VALUES (?, ?, ?, ?)", row)
    for camera, vector in zip(cohort.cameras, cohort.vectors, strict=True):
        sql = "INSERT INTO cohort_templates (adaptation, camera, vector) VALUES (?, ?, ?)"
        db.execute(sql, [cohort.id, camera, blob(vector)])


def is_kept(db: Database, adaptation: ScoreAdaptation, now: str) -> bool:
    """Return whether the cohort of an adaptation is there and has not expired."""
    sql = "SELECT 1 FROM cohorts WHERE adaptation = ? AND expires_at > ?"
    return db.execute(sql, [adaptation.id, now]).fetchone() is not None


def read_cohort(db: Database, adaptation: ScoreAdaptation, now: str) -> StrangerCohort:
    """Return the cohort of an adaptation.

    Raises:
        CohortGone: it has expired, or was deleted.
        GalleryCorrupt: it is not what it was.
    """
    require_kept(db, adaptation, now)
    sql = "SELECT same_person, expires_at FROM cohorts WHERE adaptation = ?"
    same_person, expires = db.execute(sql, [adaptation.id]).fetchone()
    sql = "SELECT camera, vector FROM cohort_templates WHERE adaptation = ? ORDER BY number"
    rows = db.execute(sql, [adaptation.id]).fetchall()
    try:
        vectors = np.stack([unblob(vector) for _, vector in rows])
        cohort = StrangerCohort(tuple(camera for camera, _ in rows), vectors, same_person, expires)
    except (TypeError, ValueError) as error:
        raise _damaged() from error
    if cohort.mark != adaptation:
        raise _damaged()
    return cohort


def require_kept(db: Database, adaptation: ScoreAdaptation, now: str) -> None:
    """Raise `CohortGone` unless the cohort of an adaptation, if it needs one, is there and has not expired."""
    if adaptation.kind is AdaptationKind.NORMALISATION and not is_kept(db, adaptation, now):
        raise CohortGone(
            "The templates of strangers that these scores were normalised with are no longer kept. Ask again, for "
            "scores without normalisation, or calibrate again."
        )


def kept_cohorts(db: Database, now: str) -> list[KeptCohort]:
    """Return the cohorts that are kept, the one that expires last first."""
    sql = "SELECT adaptation, model_id, expires_at FROM cohorts WHERE expires_at > ? ORDER BY expires_at DESC, rowid"
    counted = "SELECT camera, count(*) FROM cohort_templates WHERE adaptation = ? GROUP BY camera ORDER BY camera"
    return [
        KeptCohort(
            ScoreAdaptation(AdaptationKind.NORMALISATION, adaptation),
            model_id,
            dict(db.execute(counted, [adaptation]).fetchall()),
            expires,
        )
        for adaptation, model_id, expires in db.execute(sql, [now]).fetchall()
    ]


def is_expired(db: Database, now: str) -> bool:
    """Return whether some cohort's time is over and it is still there."""
    return db.execute("SELECT 1 FROM cohorts WHERE expires_at <= ? LIMIT 1", [now]).fetchone() is not None


def delete_expired(db: Database, now: str) -> None:
    """Delete the cohorts whose time is over."""
    _delete(db, [row[0] for row in db.execute("SELECT adaptation FROM cohorts WHERE expires_at <= ?", [now])])


def delete_all(db: Database) -> int:
    """Delete all cohorts; return how many there were."""
    ids = [row[0] for row in db.execute("SELECT adaptation FROM cohorts")]
    _delete(db, ids)
    return len(ids)


def delete_with_people(db: Database, identities: Iterable[int]) -> None:
    """Delete each cohort that may hold a template of identities, enrolled or in the trash; call it before theirs go."""
    cohorts = db.execute("SELECT adaptation, model_id, same_person FROM cohorts").fetchall()
    if not cohorts:
        return
    listed = [json.dumps(list(identities))]
    own = "SELECT model_id, vector FROM {} WHERE identity_number IN (SELECT value FROM json_each(?))"
    theirs = [
        row for table in ("biometric_references", "trashed_references") for row in db.execute(own.format(table), listed)
    ]
    for adaptation, model_id, same_person in cohorts:
        vectors = [unblob(vector) for stored_model, vector in theirs if stored_model == model_id]
        sql = "SELECT vector FROM cohort_templates WHERE adaptation = ?"
        strangers = [unblob(row[0]) for row in db.execute(sql, [adaptation])]
        if vectors and (np.stack(strangers) @ np.stack(vectors).T >= same_person).any():
            _delete(db, [adaptation])


def _delete(db: Database, adaptations: Iterable[str]) -> None:
    for adaptation in adaptations:
        db.execute("DELETE FROM cohort_templates WHERE adaptation = ?", [adaptation])
        db.execute("DELETE FROM cohorts WHERE adaptation = ?", [adaptation])


def _damaged() -> GalleryCorrupt:
    return GalleryCorrupt(
        "The cohort of the calibration in force cannot be read, because the gallery's database is damaged. Calibrate "
        "again, go back to the model card's thresholds (calibrate --model-card), or restore the gallery's folder from "
        "a backup."
    )
