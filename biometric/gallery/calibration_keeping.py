"""Which thresholds are in force in a gallery: every choice is one change, which can be undone for a time."""

from datetime import datetime

from biometric.entities import (
    UNADAPTED,
    AdaptationKind,
    Calibration,
    ChangeKind,
    GalleryChange,
    KeptCohort,
    LearntAdaptation,
    ScoreAdaptation,
    StrangerCohort,
)
from biometric.entities.calibration_footage import StoredCalibration
from biometric.errors import CalibrationUnusable, InvalidInput
from biometric.gallery import adaptation_rows, calibration_rows, cohort_rows, rows
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.editing import GalleryEditing
from biometric.gallery.records import stored_time


class CalibrationKeeping(GalleryEditing):
    """The calibrations of a gallery."""

    def calibration(self, model_id: str) -> Calibration | None:
        """Return the calibration in force for that model, or None where the model card's thresholds are."""
        with self._transactions.reading() as db:
            return None if db is None else calibration_rows.calibration_in_force(db, model_id)

    def calibrations(self, limit: int = 100) -> list[StoredCalibration]:
        """Return the latest calibrations of all models, newest first; a damaged one without its contents."""
        with self._transactions.reading() as db:
            return [] if db is None else calibration_rows.stored(db, limit)

    def learnt(self, adaptation: ScoreAdaptation) -> LearntAdaptation | None:
        """Return what an adaptation needs; None for scores as they are. Raises `GalleryCorrupt`, `CohortGone`."""
        if adaptation == UNADAPTED:
            return None
        with self._transactions.reading_or_empty() as db:
            return adaptation_rows.read_learnt(db, adaptation, self._transactions.now())

    def is_kept(self, adaptation: ScoreAdaptation) -> bool:
        """Return whether scores of an adaptation can be made: a cohort expires, or is deleted."""
        if adaptation.kind is not AdaptationKind.NORMALISATION:
            return True
        with self._transactions.reading() as db:
            return db is not None and cohort_rows.is_kept(db, adaptation, self._transactions.now())

    def cohorts(self) -> list[KeptCohort]:
        """Return the cohorts of strangers that are kept, the one that expires last first."""
        with self._transactions.reading() as db:
            return [] if db is None else cohort_rows.kept_cohorts(db, self._transactions.now())

    def delete_cohorts(self) -> GalleryChange:
        """Delete all cohorts at once and for good. Raises `InvalidInput`: none is kept."""
        absent = InvalidInput("No cohort of strangers is kept in this gallery. Nothing was deleted.")
        with self._transactions.reading() as db:
            if db is None or not cohort_rows.kept_cohorts(db, self._transactions.now()):
                raise absent
        with self._transactions.writing() as write:
            if not cohort_rows.delete_all(write.db):
                raise absent
            return ChangeRecorder(write, ChangeKind.COHORT_DELETED).finish(0, 0, can_be_undone=False)

    def save_calibration(self, calibration: Calibration, learnt: LearntAdaptation | None = None) -> GalleryChange:
        """Store a calibration and put it in force for its model.

        Args:
            learnt: what its scores are adapted with, if they are; a cohort is kept until it expires.

        Raises:
            ValueError: the calibration's scores are of another adaptation.
            ModelMismatch: the gallery holds templates of another model.
        """
        if calibration.adaptation != (UNADAPTED if learnt is None else learnt.mark):
            raise ValueError(f"expected what {calibration.adaptation} was learnt from, got {learnt}")
        with self._transactions.writing() as write:
            rows.check_model(write.db, calibration.model_id)
            if isinstance(learnt, StrangerCohort):
                expires = stored_time(datetime.fromisoformat(learnt.expires))
                cohort_rows.insert_cohort(write.db, learnt, calibration.model_id, expires)
            elif learnt is not None:
                adaptation_rows.insert_learnt(write.db, learnt, calibration.model_id)
            number = calibration_rows.insert(write.db, calibration)
            recorder = ChangeRecorder(write, ChangeKind.CALIBRATED)
            recorder.note(**calibration_rows.audit_details(write.db, number, calibration.model_id))
            recorder.set_thresholds(calibration.model_id, (number, write.now))
            return recorder.finish(0, 0)

    def use_calibration(self, number: int | None, model_id: str) -> GalleryChange:
        """Put an earlier calibration of that model in force again, or the model card's thresholds (None).

        Raises:
            CalibrationUnusable: there is no such calibration, it is of another model, damaged, or in force already.
            ModelMismatch: the gallery holds templates of another model.
        """
        with self._transactions.reading() as db:
            if db is None:
                raise _in_force_already(None) if number is None else calibration_rows.unknown(number)
        with self._transactions.writing() as write:
            rows.check_model(write.db, model_id)
            if number is not None:
                calibration_rows.check_usable(write.db, number, model_id, write.now)
            former = calibration_rows.read_in_force(write.db, model_id)
            if number == (None if former is None else former[0]):
                raise _in_force_already(number)
            kind = ChangeKind.CARD_CHOSEN if number is None else ChangeKind.CALIBRATION_CHOSEN
            recorder = ChangeRecorder(write, kind)
            recorder.note(**calibration_rows.audit_details(write.db, number, model_id))
            recorder.set_thresholds(model_id, (number, write.now))
            return recorder.finish(0, 0)


def _in_force_already(number: int | None) -> CalibrationUnusable:
    if number is None:
        return CalibrationUnusable("The model card's thresholds are in force already. Nothing has changed.")
    return CalibrationUnusable("Calibration {number} is in force already. Nothing has changed.", number=number)
