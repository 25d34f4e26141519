"""Sentences on the adaptation of scores to cameras, in English; a part of `templates.TEMPLATES`."""

from collections.abc import Mapping
from typing import Final

from biometric.entities.notices import NoticeCode

ADAPTATION_TEMPLATES: Final[Mapping[NoticeCode, str]] = {
    NoticeCode.CAMERA_NOT_LEARNT: (
        "The calibration did not see enough people by the camera {camera}; the mean over all cameras is used for it."
    ),
    NoticeCode.CAMERA_UNKNOWN: "The camera of this footage is not known; the mean over all cameras is used for it.",
    NoticeCode.CAMERA_NOT_IN_COHORT: (
        "The cohort holds nobody who was seen by the camera {camera}; scores are normalised with people of other "
        "cameras, which gains less."
    ),
    NoticeCode.CAMERA_UNKNOWN_TO_COHORT: (
        "The camera of this footage is not known; scores are normalised with people of all cameras of the cohort, "
        "which gains less."
    ),
    NoticeCode.COHORT_NOT_KEPT: (
        "The cohort with which the calibration normalises scores has expired or was deleted: its thresholds for scores "
        "without normalisation decide. Calibrate again to normalise scores."
    ),
    NoticeCode.COHORT_TOO_SMALL: (
        "No cohort was kept: a camera must have seen {needed:,} people who are not enrolled, and the one that saw the "
        "most saw {people:,}."
    ),
    NoticeCode.COHORT_NOT_USED: (
        "No cohort was kept, because normalising scores with it has no certain gain on this footage."
    ),
}
