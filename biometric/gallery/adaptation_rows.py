"""SQL about what calibrations learnt of cameras. Works inside the caller's transaction.

Each adaptation has one row a camera and one for the mean over all (camera ""); it stays while the gallery does, because
an earlier calibration can be put in force again, and is the same for calibrations that learnt the same.
"""

import numpy as np
from sqlite_utils import Database

from biometric.entities import AdaptationKind, LearntAdaptation, LearntCameras, ScoreAdaptation
from biometric.errors import GalleryCorrupt
from biometric.gallery import cohort_rows
from biometric.gallery.reference_rows import blob, unblob


def create_tables(db: Database) -> None:
    """Make the table, and verdicts' column for the mark of their scores: a migration, which is never edited."""
    for table in ("verdicts", "trashed_verdicts"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN adaptation TEXT NOT NULL DEFAULT ''")
    db.execute(
        """
        CREATE TABLE learnt_cameras (
            adaptation TEXT NOT NULL,
            camera TEXT NOT NULL,
            model_id TEXT NOT NULL,
            people INTEGER NOT NULL,
            mean BLOB NOT NULL CHECK (typeof(mean) = 'blob'),
            PRIMARY KEY (adaptation, camera)
        ) WITHOUT ROWID
        """
    )


def insert_learnt(db: Database, learnt: LearntCameras, model_id: str) -> None:
    """Store what a calibration learnt, with the embedder that its vectors are of."""
    means = [
        (key, int(count), mean) for key, count, mean in zip(learnt.cameras, learnt.counts, learnt.means, strict=True)
    ]
    for camera, people, mean in [*means, ("", 0, learnt.everywhere)]:
        sql = "INSERT OR IGNORE INTO learnt_cameras (adaptation, camera, model_id, people, mean) VALUES (?, ?, ?, ?, ?)"
        db.execute(sql, [learnt.id, camera, model_id, people, blob(mean)])


def read_learnt(db: Database, adaptation: ScoreAdaptation, now: str) -> LearntAdaptation | None:
    """Return what an adaptation needs, None for scores as they are.

    Raises:
        CohortGone: that is a cohort, which has expired or was deleted.
        GalleryCorrupt: it is not there, or is not what it was.
    """
    if adaptation.kind is AdaptationKind.NONE:
        return None
    if adaptation.kind is AdaptationKind.NORMALISATION:
        return cohort_rows.read_cohort(db, adaptation, now)
    return _read_cameras(db, adaptation)


def _read_cameras(db: Database, adaptation: ScoreAdaptation) -> LearntCameras:
    sql = "SELECT camera, people, mean FROM learnt_cameras WHERE adaptation = ? ORDER BY camera"
    rows = db.execute(sql, [adaptation.id]).fetchall()
    try:
        everywhere, *named = rows  # "" comes first
        means = [unblob(mean) for _, _, mean in named]
        overall = unblob(everywhere[2])
        learnt = LearntCameras(
            cameras=tuple(camera for camera, _, _ in named),
            counts=np.array([people for _, people, _ in named], np.int64),
            means=np.stack(means) if means else np.zeros((0, len(overall)), np.float32),
            everywhere=overall,
        )
    except (TypeError, ValueError) as error:
        raise _damaged() from error
    if learnt.mark != adaptation:
        raise _damaged()
    return learnt


def _damaged() -> GalleryCorrupt:
    return GalleryCorrupt(
        "What the calibration in force learnt of the cameras cannot be read, because the gallery's database is "
        "damaged. Calibrate again, go back to the model card's thresholds (calibrate --model-card), or restore the "
        "gallery's folder from a backup."
    )
