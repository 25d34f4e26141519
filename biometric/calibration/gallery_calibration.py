"""Calibrates one gallery: reads clips, says what they support, fits and stores thresholds, goes back to earlier ones.

What was read of a clip (`ClipSummary`) can be kept by whoever called, so that another target, or more clips, never run
a model again.
"""

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.calibration.compared_people import summarize_clip
from biometric.calibration.verdict_scores import read_verdict_scores, with_verdicts
from biometric.domain.thresholds import threshold_in_force
from biometric.entities import (
    PURPOSES,
    Calibration,
    GalleryChange,
    Notice,
    NoticeCode,
    ObservedClip,
    Progress,
    Threshold,
    clean_camera,
)
from biometric.entities.calibration_footage import ClipSummary, FootageEvidence, StoredCalibration, TargetRate
from biometric.entities.verdict_evidence import WRONG_ANSWERS, CalibrationStatus, VerdictEvidence
from biometric.errors import CalibrationRefused, ThresholdBelowCard
from biometric.ports import Gallery, Models

if TYPE_CHECKING:
    from biometric.calibration.procedure import Comparison, FittedCalibration, Targets

ObserveClip = Callable[..., Generator[Progress, None, ObservedClip]]

_ALL = 2**31
"""More calibrations than a gallery holds."""
_Asked = tuple[TargetRate, TargetRate | None, int | None]
"""The values of `procedure.Targets`, which are checked once that is imported."""


class GalleryCalibration:
    """The calibrations of one gallery with the model in use; cheap to make.

    Args:
        observe: observes a whole clip: (path, label=…, accept_damaged=…, camera=…).
    """

    def __init__(self, gallery: Gallery, models: Models, observe: ObserveClip) -> None:
        self._gallery = gallery
        self._models = models
        self._observe = functools.partial(observe, accept_damaged=True)

    def read_clip(
        self, clip: Path, label: str | None = None, camera: str | None = None
    ) -> Generator[Progress, None, ClipSummary]:
        """Observe a clip; the return value is what a calibration takes of it. Closing the generator stops the work.

        Args:
            camera: which one it is from, "" for the unknown one; None: as the library or the file says.

        Raises:
            ClipError, ModelError: the clip cannot be observed.
            InvalidCamera: its name cannot be used.
        """
        observed = yield from self._observe(clip, label=label, camera=camera)
        return summarize_clip(observed)

    def read_clips(
        self, clips: Sequence[Path], cameras: Mapping[Path, str] | None = None
    ) -> Generator[Progress, None, tuple[list[ClipSummary], list[Notice]]]:
        """Observe clips as `read_clip` does; one of several that cannot be read is left out, with a note.

        Args:
            cameras: of clips whose camera the caller knows.

        Raises:
            ClipError: no clip can be read.
            ModelError: weights are missing or do not fit.
            InvalidCamera: the name of a camera cannot be used; then no clip was read.
        """
        from biometric.calibration import procedure

        cameras = {clip: clean_camera(camera) for clip, camera in (cameras or {}).items()}
        yield Progress("Loading models", 0, 0)
        self._models.resolve_embedder()
        return (yield from procedure.observe_clips(clips, self._observe, cameras))

    def evaluate(self, clips: Sequence[ClipSummary]) -> FootageEvidence:
        """Return which error rates the clips, with the gallery as it is now, support; nothing is stored.

        Raises:
            ModelMismatch: the gallery or a clip is of another model.
            GalleryError: the gallery cannot be read.
        """
        return self._compare(clips).evidence

    def propose(
        self,
        clips: Sequence[ClipSummary],
        *,
        target_fmr: TargetRate,
        target_fpir: TargetRate | None = None,
        notes: Sequence[Notice] = (),
        keep_cohort: int | None = None,
    ) -> Generator[Progress, None, Calibration]:
        """Fit thresholds to exactly these clips and the gallery, with what verdicts say of them; nothing is stored.

        Args:
            target_fmr: false match rate to keep in verification.
            target_fpir: false-positive identification rate to keep; None: 0.01 where the data suffice.
            notes: on clips that were left out.
            keep_cohort: for how many days templates of strangers may be kept where they help; None: not at all.

        Raises:
            CalibrationRefused: too little data for the targets.
            InvalidInput: a target is no rate, or a cohort cannot be kept for so long.
            ModelMismatch: the gallery or a clip is of another model.
            GalleryError: the gallery cannot be read or written.
        """
        return (yield from self._propose(clips, (target_fmr, target_fpir, keep_cohort), notes)).calibration

    def try_out(
        self,
        clips: Sequence[ClipSummary],
        *,
        target_fmr: TargetRate,
        target_fpir: TargetRate | None = None,
        keep_cohort: int | None = None,
    ) -> Generator[Progress, None, tuple[FootageEvidence, Calibration | None]]:
        """Return what the clips support, as `evaluate` does, and what `fit` would put in force; nothing is stored.

        The second value is None where there is too little data for the targets.

        Raises:
            InvalidInput, ModelMismatch, GalleryError: as of `propose`.
        """
        targets, comparison = yield from self._prepare(clips, (target_fmr, target_fpir, keep_cohort))
        try:
            return comparison.evidence, self._fitted(comparison, targets, ()).calibration
        except CalibrationRefused:
            return comparison.evidence, None

    def fit(
        self,
        clips: Sequence[ClipSummary],
        *,
        target_fmr: TargetRate,
        target_fpir: TargetRate | None = None,
        notes: Sequence[Notice] = (),
        keep_cohort: int | None = None,
        force: bool = False,
    ) -> Generator[Progress, None, tuple[Calibration, GalleryChange]]:
        """Fit thresholds as `propose` does, store them and put them in force.

        Args:
            force: also where one of them is below the model card's.

        Raises:
            CalibrationRefused, InvalidInput, ModelMismatch: as of `propose`; then the former thresholds stay.
            ThresholdBelowCard: one is below the model card's, and `force` was not said; the former thresholds stay.
            GalleryError: the gallery cannot be read or written.
        """
        fitted = yield from self._propose(clips, (target_fmr, target_fpir, keep_cohort), notes)
        _require_consent(fitted.calibration.notes, force)
        yield Progress("Fitting thresholds", 1, 1)  # whoever closes this here has nothing stored
        return fitted.calibration, self._gallery.save_calibration(fitted.calibration, fitted.learnt)

    def in_force(self) -> Calibration | None:
        """Return the calibration in force, None where the model card's thresholds are. Raises `GalleryError`."""
        return self._gallery.calibration(self._models.embedder_id())

    def history(self, limit: int = 100) -> list[StoredCalibration]:
        """Return all calibrations of the gallery, newest first, also of other models. Raises `GalleryError`."""
        return self._gallery.calibrations(limit)

    def verdict_evidence(self) -> tuple[VerdictEvidence, VerdictEvidence]:
        """Return what verdicts say about the thresholds in force: of verification, and of identification.

        Raises:
            GalleryError: the gallery cannot be read.
        """
        return self._said_of(self._thresholds())

    def status(self) -> CalibrationStatus:
        """Return what is in force with the model in use, and what verdicts say about it. Raises `GalleryError`."""
        model_id = self._models.embedder_id()
        stored = next((item for item in self.history(_ALL) if item.in_force and item.model_id == model_id), None)
        thresholds = self._thresholds()
        cohorts = tuple(self._gallery.cohorts())
        return CalibrationStatus(stored, *thresholds, *self._said_of(thresholds), cohorts)

    def delete_cohorts(self) -> GalleryChange:
        """Delete all cohorts of strangers at once and for good; calibrations then decide without normalisation.

        Raises:
            InvalidInput: none is kept.
        """
        return self._gallery.delete_cohorts()

    def use(self, number: int, *, force: bool = False) -> GalleryChange:
        """Put an earlier calibration in force again.

        Args:
            force: also where one of its thresholds is below the model card's.

        Raises:
            ThresholdBelowCard: one is, and `force` was not said.
            CalibrationUnusable: there is none of that number, it is of another model, damaged, or in force already.
        """
        self._models.resolve_embedder()
        model_id = self._models.embedder_id()
        held = next((item for item in self._gallery.calibrations(_ALL) if item.number == number), None)
        if held is not None and held.calibration is not None and held.model_id == model_id and not held.in_force:
            _require_consent(self._below_card(held.calibration), force)
        return self._gallery.use_calibration(number, model_id)

    def use_model_card(self) -> GalleryChange:
        """Put the model card's thresholds in force again; calibrations stay in the history.

        Raises:
            CalibrationUnusable: they are in force already.
        """
        self._models.resolve_embedder()
        return self._gallery.use_calibration(None, self._models.embedder_id())

    def _propose(
        self,
        clips: Sequence[ClipSummary],
        asked: _Asked,
        notes: Sequence[Notice],
    ) -> Generator[Progress, None, "FittedCalibration"]:
        targets, comparison = yield from self._prepare(clips, asked)
        return self._fitted(comparison, targets, notes)

    def _prepare(
        self, clips: Sequence[ClipSummary], asked: _Asked
    ) -> Generator[Progress, None, "tuple[Targets, Comparison]"]:
        """Check the targets and compare everybody; what follows is fitting."""
        from biometric.calibration import procedure  # imports scikit-learn

        targets = procedure.Targets(*asked)
        yield Progress("Comparing people", 0, 0)
        comparison = self._compare(clips)
        yield Progress("Fitting thresholds", 0, 0)
        return targets, comparison

    def _compare(self, clips: Sequence[ClipSummary]) -> "Comparison":
        from biometric.calibration import procedure

        self._models.resolve_embedder()
        bound = self._models.card_threshold("identification").value  # no setting may change who is who
        return procedure.compare(clips, self._gallery, self._models.embedder_id(), bound)

    def _thresholds(self) -> tuple[Threshold, Threshold]:
        verification, identification = (
            threshold_in_force(self._models, self._gallery, purpose) for purpose in PURPOSES
        )
        return verification, identification

    def _said_of(self, thresholds: tuple[Threshold, Threshold]) -> tuple[VerdictEvidence, VerdictEvidence]:
        scores = read_verdict_scores(self._gallery, self._models.embedder_id())
        verification, identification = map(scores.at, PURPOSES, thresholds)
        return verification, identification

    def _fitted(self, comparison: "Comparison", targets: "Targets", notes: Sequence[Notice]) -> "FittedCalibration":
        from biometric.calibration import procedure

        model_id = self._models.embedder_id()
        fitted = procedure.fit(comparison, targets, model_id, notes)
        default = self._models.threshold("identification")
        calibration = with_verdicts(fitted.calibration, read_verdict_scores(self._gallery, model_id), default)
        notes = (*self._below_card(calibration), *calibration.notes)
        return replace(fitted, calibration=replace(calibration, notes=notes))

    def _below_card(self, calibration: Calibration) -> list[Notice]:
        calibration = calibration.without_adaptation()  # the card's thresholds are for scores as they are
        fitted = {"verification": calibration.verification, "identification": calibration.identification}
        cards = {purpose: self._models.card_threshold(purpose).value for purpose in PURPOSES}
        return [
            Notice(NoticeCode.BELOW_MODEL_CARD, purpose=purpose, value=threshold.value, card=cards[purpose])
            for purpose in PURPOSES
            if (threshold := fitted[purpose]) is not None and threshold.value < cards[purpose]
        ]


def _require_consent(notes: Sequence[Notice], force: bool) -> None:
    """Raise unless thresholds may be used: with those below the model card's stand the wrong answers that reach one."""
    if not force and any(note.code is NoticeCode.BELOW_MODEL_CARD for note in notes):
        cautions = [note for note in notes if note.code is NoticeCode.BELOW_MODEL_CARD or note.code in WRONG_ANSWERS]
        raise ThresholdBelowCard(
            "Nothing was changed. Use a lower threshold only if your footage shows people like those whom your cameras "
            "see.",
            cautions,
        )
