"""What the browser sends from the Calibration tab, checked: clips, targets and offered rates."""

from pathlib import Path

from biometric.entities.calibration_footage import DEFAULT_FPIR, HIGHEST_TARGET, POSSIBLE, FootageEvidence, TargetRate
from biometric.entities.cohort import check_cohort_days
from biometric.errors import InvalidInput
from biometric.ui.browser_input import NOT_UNDERSTOOD

MOST_CLIPS = 50


def clip_paths(value: object) -> list[Path]:
    """Check the clips that the page sent. Raises `InvalidInput`."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidInput("These clips could not be understood. Upload them again.")
    if len(value) > MOST_CLIPS:
        raise InvalidInput("At most {most} clips can be used at once; use the command line for more.", most=MOST_CLIPS)
    return [Path(item) for item in value]


def target_rate(value: object) -> float:
    """Check the target rate that the page sent. Raises `InvalidInput`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= HIGHEST_TARGET:
        raise InvalidInput("Choose how many strangers may pass.")
    return float(value)


def cohort_days(value: object) -> int | None:
    """Return for how many days templates of strangers may be kept, None for not at all. Raises `InvalidInput`."""
    return None if value in (None, 0) and not isinstance(value, bool) else check_cohort_days(value)


def offered_rate(evidence: FootageEvidence, number: int) -> float:
    """Return the rate 1 / number, which the page has offered. Raises `InvalidInput`: it has not."""
    supported = evidence.verification
    if supported is None or not 2 <= number <= supported.one_in:
        raise InvalidInput(NOT_UNDERSTOOD)
    return 1 / number


def search_target(evidence: FootageEvidence, rate: float) -> TargetRate | None:
    """Return the target of identification: the usual one where it is supported, unless the smallest is asked for."""
    smallest = evidence.verification is not None and rate == evidence.verification.rate
    usual = evidence.identification is not None and evidence.identification.rate <= DEFAULT_FPIR
    return None if usual and not smallest else POSSIBLE
