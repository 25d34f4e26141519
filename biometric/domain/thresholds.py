"""The threshold to decide by, with its evidence: a value given, the setting's, a calibration's or the model card's."""

import math
from dataclasses import replace

from biometric.entities import (
    UNADAPTED,
    Calibration,
    FittedThreshold,
    Notice,
    NoticeCode,
    Purpose,
    RateKind,
    StrangerCohort,
    Threshold,
    ThresholdSource,
)
from biometric.ports import Gallery, Models


def threshold_in_force(
    models: Models, gallery: Gallery, purpose: Purpose, value: float | None = None, *, adapted: bool = True
) -> Threshold:
    """Return the threshold to decide by: `value` where given, else the default with its evidence.

    The default is the setting's, else that of the gallery's calibration with the model in use, else the model
    card's. Of a calibration whose cohort is not kept any more, the thresholds for scores as they are decide, and the
    evidence says so. Where there is a calibration, its likelihood ratio comes with a threshold of any origin. Setting
    and card are thresholds for scores as they are; a calibration's are for scores with its adaptation, and so is a
    value given where that is the default.

    Args:
        adapted: False for scores that no adaptation is made for: of people of one clip or gallery with each other.

    Raises:
        InvalidThreshold: not a number in [-1, 1].
        GalleryError: the gallery cannot be read.
    """
    default, calibration = models.threshold(purpose), gallery.calibration(models.embedder_id())
    notices: tuple[Notice, ...] = ()
    if calibration is not None:
        card = models.card_threshold(purpose)
        if not adapted:
            calibration = calibration.without_adaptation()
        elif not gallery.is_kept(calibration.adaptation):
            calibration, notices = calibration.without_adaptation(), (Notice(NoticeCode.COHORT_NOT_KEPT),)
        fitted = calibrated_threshold(calibration, purpose, gallery.size(), gallery.reference_count(), card)
        if fitted is not None and default.source is not ThresholdSource.SETTING:
            default = fitted
        scored = calibration.without_adaptation() if default.adaptation == UNADAPTED else calibration
        default = replace(default, likelihood=scored.likelihood)
    if value is None or value == default.value:
        return replace(default, evidence=(*default.evidence, *notices))
    return Threshold(value, ThresholdSource.USER, notices, likelihood=default.likelihood, adaptation=default.adaptation)


def for_camera(threshold: Threshold, gallery: Gallery, camera: str) -> Threshold:
    """Return a threshold whose evidence says where a probe's camera was not learnt by the calibration.

    Its templates are then centred by the mean over all cameras, its scores normalised with strangers of others. Raises
    `GalleryError`: what was learnt is gone.
    """
    learnt = gallery.learnt(threshold.adaptation)
    if learnt is None or learnt.knows(camera):
        return threshold
    if isinstance(learnt, StrangerCohort):
        code = NoticeCode.CAMERA_NOT_IN_COHORT if camera else NoticeCode.CAMERA_UNKNOWN_TO_COHORT
    else:
        code = NoticeCode.CAMERA_NOT_LEARNT if camera else NoticeCode.CAMERA_UNKNOWN
    notice = Notice(code, camera=camera) if camera else Notice(code)
    return replace(threshold, evidence=(*threshold.evidence, notice))


def calibrated_threshold(
    calibration: Calibration, purpose: Purpose, gallery_size: int, references: int, card: Threshold
) -> Threshold | None:
    """Return the threshold for a purpose, or None where the calibration has none for it.

    An identification threshold was fitted for the gallery at that time. In a larger one strangers pass more often, by
    1 - (1 - FPIR)^growth if comparisons are independent; growth is that of identities or of references, whichever is
    more. Where that exceeds the target, the higher one of the calibrated threshold and the model card's decides, both
    for scores as they are: the card knows no others.

    Args:
        gallery_size, references: identities and their references enrolled now.
        card: the model card's threshold for the purpose.
    """
    fitted = calibration.verification if purpose == "verification" else calibration.identification
    if fitted is None:
        return None
    evidence = _evidence(calibration, fitted)
    if purpose == "verification":
        return _calibrated(calibration, fitted, evidence, fitted.target, RateKind.FMR)
    evidence.append(Notice(NoticeCode.FOR_GALLERY_SIZE, identities=calibration.gallery_size))
    growth = _growth(calibration, gallery_size, references)
    rate = -math.expm1(math.log1p(-fitted.upper) * growth) if fitted.upper < 1 else 1.0
    if growth <= 1 or rate <= fitted.target:
        return _calibrated(calibration, fitted, evidence, fitted.target, RateKind.FPIR)
    if calibration.adaptation != UNADAPTED:
        return calibrated_threshold(calibration.without_adaptation(), purpose, gallery_size, references, card)
    grown = Notice(NoticeCode.GALLERY_HAS_GROWN, identities=gallery_size, references=references, rate=rate)
    evidence.append(grown)
    if card.value <= fitted.value:
        return _calibrated(calibration, fitted, evidence, rate, RateKind.FPIR)
    decides = Notice(NoticeCode.CARD_THRESHOLD_DECIDES)
    return replace(card, evidence=(*card.evidence, decides, *evidence), likelihood=calibration.likelihood)


def _growth(calibration: Calibration, gallery_size: int, references: int) -> float:
    """How many times as many identities or references there are as then; infinite where nobody was enrolled."""
    if calibration.gallery_size == 0:
        return math.inf if gallery_size else 1.0
    # earlier calibrations did not count references: one each is the least there can have been
    references_then = max(calibration.references, calibration.gallery_size)
    return max(gallery_size / calibration.gallery_size, references / references_then)


def _calibrated(
    calibration: Calibration, fitted: FittedThreshold, evidence: list[Notice], rate: float, kind: RateKind
) -> Threshold:
    return Threshold(
        fitted.value,
        ThresholdSource.CALIBRATION,
        tuple(evidence),
        rate,
        kind,
        calibrated_on=calibration.day,
        likelihood=calibration.likelihood,
        interval_low=fitted.low,
        adaptation=calibration.adaptation,
    )


def _evidence(calibration: Calibration, fitted: FittedThreshold) -> list[Notice]:
    evidence = [
        Notice(
            NoticeCode.CALIBRATED,
            day=calibration.day,
            errors=fitted.errors,
            trials=fitted.trials,
            basis=str(fitted.basis),
            searched=calibration.gallery_size,
            upper=fitted.upper,
            target=fitted.target,
            low=fitted.low,
            high=fitted.high,
        )
    ]
    if calibration.doubtful:
        evidence.append(Notice(NoticeCode.COUNTED_AS_ERRORS, comparisons=calibration.doubtful))
    return evidence
