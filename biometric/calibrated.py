"""A gallery's calibration as the threshold to decide by, with its evidence in words."""

import math

from biometric.entities import Calibration, FittedThreshold, Purpose, Threshold, ThresholdSource


def threshold(calibration: Calibration, purpose: Purpose, gallery_size: int) -> Threshold | None:
    """Return the calibrated threshold for a purpose, or None where the calibration has none.

    Args:
        gallery_size: identities enrolled now. An identification threshold was fitted for the size at that time; in a
            larger gallery strangers pass more often, by 1 - (1 - FPIR)^(now / then) if comparisons are independent.
    """
    fitted = calibration.verification if purpose == "verification" else calibration.identification
    if fitted is None:
        return None
    rate, size = fitted.target, calibration.gallery_size
    evidence = f"Calibrated on your footage on {calibration.day}: {_counted(fitted)}"
    if purpose == "identification":
        evidence += f" It is for a gallery of {_people(size)}."
        if gallery_size > size:
            rate = -math.expm1(math.log1p(-rate) * gallery_size / size)
            evidence += (
                f" The gallery has grown to {_people(gallery_size)} since, so that strangers pass more often: "
                "calibrate again."
            )
    return Threshold(
        fitted.value,
        ThresholdSource.CALIBRATION,
        evidence,
        rate,
        calibrated_on=calibration.day,
        likelihood=calibration.likelihood,
    )


def _counted(fitted: FittedThreshold) -> str:
    reached = "none" if fitted.errors == 0 else f"{fitted.errors:,}"
    return (
        f"{reached} of {fitted.trials:,} {fitted.basis} {'reaches' if fitted.errors < 2 else 'reach'} it, so with 95 % "
        f"confidence the rate is at most {fitted.upper:.2g} (target {fitted.target:g}). 95 % interval of the "
        f"threshold: {fitted.low:.2f} to {fitted.high:.2f}, drawing people anew."
    )


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"
