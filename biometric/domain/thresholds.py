"""A gallery's calibration as the threshold to decide by, with its evidence in words."""

import math
from dataclasses import replace

from biometric.entities import Calibration, FittedThreshold, Purpose, Threshold, ThresholdSource


def threshold(
    calibration: Calibration, purpose: Purpose, gallery_size: int, references: int, card: Threshold
) -> Threshold | None:
    """Return the threshold for a purpose, or None where the calibration has none for it.

    An identification threshold was fitted for the gallery at that time. In a larger one strangers pass more often, by
    1 - (1 - FPIR)^growth if comparisons are independent; growth is that of identities or of references, whichever is
    more. Where that exceeds the target, the higher one of the calibrated threshold and the model card's decides.

    Args:
        gallery_size, references: identities and their references enrolled now.
        card: the model card's threshold for the purpose.
    """
    fitted = calibration.verification if purpose == "verification" else calibration.identification
    if fitted is None:
        return None
    evidence = f"Calibrated on your footage on {calibration.day}: {_counted(calibration, fitted)}"
    if purpose == "verification":
        return _made(calibration, fitted, evidence, fitted.target)
    evidence += f" It is for a gallery of {_people(calibration.gallery_size)}."
    growth = _growth(calibration, gallery_size, references)
    rate = -math.expm1(math.log1p(-fitted.upper) * growth) if fitted.upper < 1 else 1.0
    if growth <= 1 or rate <= fitted.target:
        return _made(calibration, fitted, evidence, fitted.target)
    evidence += (
        f" The gallery has grown to {_people(gallery_size)} with {references:,} references since, so that strangers "
        f"pass more often, at up to {rate:.2g} of searches: calibrate again."
    )
    if card.value <= fitted.value:
        return _made(calibration, fitted, evidence, rate)
    evidence = f"{card.evidence}. The model card's threshold decides, not the lower calibrated one. {evidence}".lstrip(
        ". "
    )
    return replace(card, evidence=evidence, likelihood=calibration.likelihood)


def _growth(calibration: Calibration, gallery_size: int, references: int) -> float:
    """How many times as many identities or references there are as then; infinite where nobody was enrolled."""
    if calibration.gallery_size == 0:
        return math.inf if gallery_size else 1.0
    # earlier calibrations did not count references: one each is the least there can have been
    then = max(calibration.references, calibration.gallery_size)
    return max(gallery_size / calibration.gallery_size, references / then)


def _made(calibration: Calibration, fitted: FittedThreshold, evidence: str, rate: float) -> Threshold:
    return Threshold(
        fitted.value,
        ThresholdSource.CALIBRATION,
        evidence,
        rate,
        calibrated_on=calibration.day,
        likelihood=calibration.likelihood,
    )


def _counted(calibration: Calibration, fitted: FittedThreshold) -> str:
    reached = "none" if fitted.errors == 0 else f"{fitted.errors:,}"
    doubtful = ""
    if calibration.doubtful:
        doubtful = (
            f" {calibration.doubtful:,} comparisons that may be of one person were counted as mistakes up to their "
            "scores."
        )
    return (
        f"{reached} of {fitted.trials:,} {fitted.basis} {'reaches' if fitted.errors < 2 else 'reach'} it, so the rate "
        f"is at most {fitted.upper:.2g} (target {fitted.target:g}) with 95 % confidence, if the people seen are a "
        f"random sample of your cameras' people.{doubtful} 95 % interval of the threshold: {fitted.low:.2f} to "
        f"{fitted.high:.2f}, drawing people anew."
    )


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"
