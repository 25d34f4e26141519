"""The gallery's calibrations as rows: one JSON document each, inside the caller's transaction."""

import json

from sqlite_utils import Database

from biometric.entities import Calibration
from biometric.errors import GalleryCorrupt


def insert(db: Database, calibration: Calibration) -> None:
    """Add a calibration."""
    document = json.dumps(calibration.as_dict(), ensure_ascii=False, allow_nan=False)
    row = {"created_at": calibration.created_at, "model_id": calibration.model_id, "document": document}
    db["calibrations"].insert(row)


def latest(db: Database, model_id: str) -> Calibration | None:
    """Return the calibration of that model that was added last, or None. Raises `GalleryCorrupt`."""
    sql = "SELECT document FROM calibrations WHERE model_id = ? ORDER BY number DESC LIMIT 1"
    found = db.execute(sql, [model_id]).fetchone()
    if found is None:
        return None
    try:
        return Calibration.from_dict(json.loads(found[0]))
    except (KeyError, TypeError, ValueError) as error:
        raise GalleryCorrupt(
            f"The gallery's database is damaged (its calibration cannot be read: {error}). "
            "Calibrate again, or restore the gallery's folder from a backup."
        ) from error
