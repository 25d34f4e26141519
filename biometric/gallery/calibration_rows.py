"""SQL about calibrations: all that were made, and which one is in force for a model."""

import hashlib
import json
from typing import Any

from sqlite_utils import Database

from biometric.entities import Calibration
from biometric.entities.audit import AuditValue
from biometric.entities.calibration_footage import StoredCalibration
from biometric.errors import CalibrationUnusable, CohortGone, GalleryCorrupt
from biometric.gallery import adaptation_rows

InForce = tuple[int | None, str]
"""Number of the calibration in force, None for the model card's thresholds, and since when."""

_LARGEST = 2**63 - 1
"""What SQLite can store."""


def insert(db: Database, calibration: Calibration) -> int:
    """Add a calibration and return its number; it is not yet in force."""
    document = json.dumps(calibration.as_dict(), ensure_ascii=False, allow_nan=False)
    row = {"created_at": calibration.created_at, "model_id": calibration.model_id, "document": document}
    number: Any = db.table("calibrations").insert(row).last_pk
    return int(number)


def read_in_force(db: Database, model_id: str) -> InForce | None:
    """Return what is in force for a model; None where nobody has ever chosen, so that the model card's is."""
    sql = "SELECT calibration, since FROM calibrations_in_force WHERE model_id = ?"
    row = db.execute(sql, [model_id]).fetchone()
    return None if row is None else (row[0], row[1])


def audit_details(db: Database, number: int | None, model_id: str) -> dict[str, AuditValue]:
    """Return what an audit record says of a calibration, None: of the model card's thresholds."""
    row = db.execute("SELECT document FROM calibrations WHERE number = ?", [number]).fetchone()
    document = None if row is None else hashlib.sha256(row[0].encode()).hexdigest()
    return {"calibration": number, "calibration_sha256": document, "model": model_id}


def set_in_force(db: Database, model_id: str, in_force: InForce | None) -> None:
    """Put a calibration or the model card in force for a model."""
    db.execute("DELETE FROM calibrations_in_force WHERE model_id = ?", [model_id])
    if in_force is not None:
        row = {"model_id": model_id, "calibration": in_force[0], "since": in_force[1]}
        db.table("calibrations_in_force").insert(row)


def calibration_in_force(db: Database, model_id: str) -> Calibration | None:
    """Return the calibration in force for a model, or None. Raises `GalleryCorrupt`."""
    sql = (
        "SELECT document FROM calibrations JOIN calibrations_in_force ON calibration = number "
        "WHERE calibrations_in_force.model_id = ?"
    )
    row = db.execute(sql, [model_id]).fetchone()
    if row is None:
        return None
    calibration = _read(row[0])
    if calibration is None:
        raise GalleryCorrupt(
            "The calibration in force cannot be read, because the gallery's database is damaged. Calibrate again, go "
            "back to the model card's thresholds (calibrate --model-card), or restore the gallery's folder from a "
            "backup."
        )
    return calibration


def stored(db: Database, limit: int) -> list[StoredCalibration]:
    """Return the latest calibrations of all models, newest first."""
    sql = (
        "SELECT c.number, c.created_at, c.model_id, c.document, f.since FROM calibrations c "
        "LEFT JOIN calibrations_in_force f ON f.calibration = c.number ORDER BY c.number DESC LIMIT ?"
    )
    rows = db.execute(sql, [max(0, min(limit, _LARGEST))]).fetchall()
    return [
        StoredCalibration(number, str(created_at), str(model_id), _read(document), since)
        for number, created_at, model_id, document, since in rows
    ]


def check_usable(db: Database, number: int, model_id: str, now: str) -> None:
    """Raise `CalibrationUnusable` unless the calibration of that number can serve for a model.

    One whose cohort has expired can: by its thresholds for scores without an adaptation.
    """
    row = None
    if 0 < number <= _LARGEST:
        row = db.execute("SELECT model_id, document FROM calibrations WHERE number = ?", [number]).fetchone()
    if row is None:
        raise unknown(number)
    if row[0] != model_id:
        raise CalibrationUnusable(
            "Calibration {number} was made with the model {model}, and {model_id} is in use. Scores of two "
            "models cannot be compared: calibrate again with the model in use.",
            number=number,
            model=row[0],
            model_id=model_id,
        )
    calibration = _read(row[1])
    if calibration is None or not _is_learnt(db, calibration, now):
        raise CalibrationUnusable("Calibration {number} cannot be read any more. Choose another one.", number=number)


def unknown(number: int) -> CalibrationUnusable:
    """Return the error that there is no calibration of that number."""
    return CalibrationUnusable("There is no calibration {number}. Look at the history for its number.", number=number)


def _is_learnt(db: Database, calibration: Calibration, now: str) -> bool:
    try:
        adaptation_rows.read_learnt(db, calibration.adaptation, now)
    except CohortGone:
        return True
    except GalleryCorrupt:
        return False
    return True


def _read(document: str) -> Calibration | None:
    try:
        return Calibration.from_dict(json.loads(document))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None
