"""Scores and thresholds as the commands print them."""

from biometric.entities import Threshold
from biometric.messages import decimal, describe_likelihood, describe_origin
from biometric.messages.translation import gettext as _


def score_text(score: float | None, threshold: Threshold, decimals: int) -> str:
    """Return a comparison score to so many decimals, with its likelihood ratio where the threshold knows it."""
    if score is None:
        return _("none")
    if threshold.likelihood is None:
        return decimal(score, decimals)
    return f"{decimal(score, decimals)} ({describe_likelihood(threshold.likelihood, score)})"


def threshold_text(threshold: Threshold, decimals: int) -> str:
    """Return a threshold to so many decimals and where it is from."""
    value = decimal(threshold.value, decimals)
    return _("threshold {value} ({origin})").format(value=value, origin=describe_origin(threshold))
