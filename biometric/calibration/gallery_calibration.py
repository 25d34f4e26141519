"""Calibrates one gallery: reads clips, says what they support, fits and stores thresholds, goes back to earlier ones.

What was read of a clip (`ClipSummary`) can be kept by whoever called, so that another target, or more clips, never run
a model again.
"""

import functools
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.calibration.collection import summarize_clip
from biometric.entities import Calibration, GalleryChange, Notice, ObservedClip, Progress
from biometric.entities.calibration_footage import ClipSummary, FootageEvidence, StoredCalibration, TargetRate
from biometric.ports import Gallery, Models

if TYPE_CHECKING:
    from biometric.calibration.procedure import Comparison

ObserveClip = Callable[..., Generator[Progress, None, ObservedClip]]


class GalleryCalibration:
    """The calibrations of one gallery with the model in use; cheap to make.

    Args:
        observe: observes a whole clip: (path, label=…, accept_damaged=…).
    """

    def __init__(self, gallery: Gallery, models: Models, observe: ObserveClip) -> None:
        self._gallery = gallery
        self._models = models
        self._observe = functools.partial(observe, accept_damaged=True)

    def read_clip(self, clip: Path, label: str | None = None) -> Generator[Progress, None, ClipSummary]:
        """Observe a clip; the return value is what a calibration takes of it. Closing the generator stops the work.

        Raises:
            ClipError, ModelError: the clip cannot be observed.
        """
        observed = yield from self._observe(clip, label=label)
        return summarize_clip(observed)

    def read_clips(self, clips: Sequence[Path]) -> Generator[Progress, None, tuple[list[ClipSummary], list[Notice]]]:
        """Observe clips as `read_clip` does; one of several that cannot be read is left out, with a note.

        Raises:
            ClipError: no clip can be read.
            ModelError: weights are missing or do not fit.
        """
        from biometric.calibration import procedure

        yield Progress("Loading models", 0, 0)
        self._models.resolve_embedder()
        return (yield from procedure.observe_clips(clips, self._observe))

    def evaluate(self, clips: Sequence[ClipSummary]) -> FootageEvidence:
        """Return which error rates the clips, with the gallery as it is now, support; nothing is stored.

        Raises:
            ModelMismatch: the gallery or a clip is of another model.
            GalleryError: the gallery cannot be read.
        """
        return self._compare(clips).evidence

    def fit(
        self,
        clips: Sequence[ClipSummary],
        *,
        target_fmr: TargetRate,
        target_fpir: TargetRate | None = None,
        notes: Sequence[Notice] = (),
    ) -> Generator[Progress, None, tuple[Calibration, GalleryChange]]:
        """Fit thresholds to exactly these clips and the gallery, store them and put them in force.

        Args:
            target_fmr: false match rate to keep in verification.
            target_fpir: false-positive identification rate to keep; None: 0.01 where the data suffice.
            notes: on clips that were left out.

        Raises:
            CalibrationRefused: too little data for the targets; then the former thresholds stay.
            InvalidInput: a target is no rate.
            ModelMismatch: the gallery or a clip is of another model.
            GalleryError: the gallery cannot be read or written.
        """
        from biometric.calibration import procedure  # imports scikit-learn

        targets = procedure.Targets(target_fmr, target_fpir)
        yield Progress("Comparing people", 0, 0)
        comparison = self._compare(clips)
        yield Progress("Fitting thresholds", 0, 0)
        calibration = procedure.fit(comparison, targets, self._models.embedder_id(), notes)
        return calibration, self._gallery.save_calibration(calibration)

    def in_force(self) -> Calibration | None:
        """Return the calibration in force, None where the model card's thresholds are. Raises `GalleryError`."""
        return self._gallery.calibration(self._models.embedder_id())

    def history(self, limit: int = 100) -> list[StoredCalibration]:
        """Return all calibrations of the gallery, newest first, also of other models. Raises `GalleryError`."""
        return self._gallery.calibrations(limit)

    def use(self, number: int) -> GalleryChange:
        """Put an earlier calibration in force again.

        Raises:
            CalibrationUnusable: there is none of that number, it is of another model, damaged, or in force already.
        """
        self._models.resolve_embedder()
        return self._gallery.use_calibration(number, self._models.embedder_id())

    def use_model_card(self) -> GalleryChange:
        """Put the model card's thresholds in force again; calibrations stay in the history.

        Raises:
            CalibrationUnusable: they are in force already.
        """
        self._models.resolve_embedder()
        return self._gallery.use_calibration(None, self._models.embedder_id())

    def _compare(self, clips: Sequence[ClipSummary]) -> "Comparison":
        from biometric.calibration import procedure

        self._models.resolve_embedder()
        bound = self._models.card_threshold("identification").value  # no setting may change who is who
        return procedure.compare(clips, self._gallery, self._models.embedder_id(), bound)
