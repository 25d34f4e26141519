"""The part of the library's `RecognitionService` that calibrates thresholds and says what decides."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from biometric.entities import Calibration, GalleryChange, KeptCohort, Progress, Purpose, Threshold
from biometric.entities.calibration_footage import POSSIBLE, StoredCalibration, TargetRate
from biometric.entities.cohort import check_cohort_days
from biometric.entities.progress import finish
from biometric.entities.verdict_evidence import VerdictEvidence
from biometric.service import Sightline

Report = Callable[[Progress], object]
"""Called with each step of a long call."""


class CalibrationCalls:
    """Thresholds, calibrations, and what verdicts say about them."""

    def _opened(self) -> Sightline:
        """Return the service behind. Raises `ValueError`: it was closed."""
        raise NotImplementedError

    def threshold(self, purpose: Purpose, value: float | None = None) -> Threshold:
        """The threshold for "verification" or "identification": `value`, else the default and what it rests on.

        Raises:
            InvalidThreshold: not a number in [-1, 1].
        """
        service = self._opened()
        service.models.resolve_embedder()
        return service.threshold(purpose, value)

    def calibrate(
        self,
        clips: Sequence[str | Path] = (),
        *,
        target_fmr: TargetRate = POSSIBLE,
        target_fpir: TargetRate | None = None,
        force: bool = False,
        cameras: Mapping[str | Path, str] | None = None,
        keep_cohort: int | None = None,
        progress: Report | None = None,
    ) -> Calibration:
        """Fit thresholds to whole, unlabelled clips and the gallery, and put them in force.

        Args:
            target_fmr: false match rate to keep in verification; "possible": the smallest that is supported.
            target_fpir: false-positive identification rate to keep, or "possible"; None: 0.01 where the data suffice.
            force: also put thresholds in force that are below the model card's.
            cameras: of clips whose camera is known; others are from the one that the library or the file says.
            keep_cohort: for how many days (1 to 365) nameless templates of strangers may be kept, where a camera saw
                200 or more and normalising scores with them helps; None: none is kept.

        Raises:
            InvalidCamera: the name of a camera cannot be used.
            InvalidInput: a cohort cannot be kept for so long.
            CalibrationRefused: too little data for the targets, or `ClipError`: no clip can be read.
            ThresholdBelowCard: a threshold is below the model card's, and `force` was not said.
        """
        if keep_cohort is not None:
            check_cohort_days(keep_cohort)  # before clips are read, which takes long
        paths = [Path(clip) for clip in clips]
        known = {Path(clip): camera for clip, camera in (cameras or {}).items()}
        service = self._opened()
        work = service.calibrate(
            paths,
            target_fmr=target_fmr,
            target_fpir=target_fpir,
            force=force,
            cameras=known,
            keep_cohort=keep_cohort,
        )
        return finish(work, progress)

    def cohorts(self) -> tuple[KeptCohort, ...]:
        """The cohorts of strangers that the gallery keeps, the one that expires last first."""
        return tuple(self._opened().gallery().cohorts())

    def delete_cohorts(self) -> GalleryChange:
        """Delete all cohorts of strangers at once and for good.

        Calibrations that normalised scores with them decide by their thresholds for scores without normalisation from
        then on.

        Raises:
            InvalidInput: none is kept.
        """
        return self._opened().calibrations().delete_cohorts()

    def calibrations(self) -> tuple[StoredCalibration, ...]:
        """The gallery's history of calibrations, newest first, each with its number and whether it is in force."""
        return tuple(self._opened().calibrations().history())

    def use_calibration(self, number: int | None, *, force: bool = False) -> GalleryChange:
        """Put an earlier calibration, or the model card (None), in force again.

        Args:
            force: also where one of its thresholds is below the model card's.

        Raises:
            CalibrationUnusable: there is none of that number, it cannot be used, or is in force already.
            ThresholdBelowCard: a threshold is below the model card's, and `force` was not said.
        """
        calibrations = self._opened().calibrations()
        return calibrations.use_model_card() if number is None else calibrations.use(number, force=force)

    def verdict_evidence(self) -> tuple[VerdictEvidence, VerdictEvidence]:
        """What verdicts say about the thresholds in force, of verification and of identification.

        It is selected evidence: only answers that were shown could be judged, so its rates are no error rates.
        """
        service = self._opened()
        service.models.resolve_embedder()
        return service.calibrations().verdict_evidence()
