"""Results as JSON-ready dictionaries: the one shape that the API, the command line and the downloads share."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from biometric.entities import Enrollment, Identification, Identity, Observation, Verification

DIGITS = 4
"""Decimals of scores in JSON and CSV; people see two."""


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS)


def enrollment_json(enrollment: Enrollment) -> dict[str, Any]:
    """Return what `enroll --json` prints. Frames are 0-based; `people` counts the usable people in range."""
    observation = enrollment.observation
    return {
        "identity": enrollment.identity.name,
        "reference": enrollment.reference.id,
        "person": observation.person,
        "people": enrollment.people,
        "samples_kept": enrollment.reference.template.sample_count,
        "samples_refused": [
            {"frame": sample.detection.frame_index, "reason": sample.refusal} for sample in observation.refused
        ],
        "warnings": list(enrollment.warnings),
    }


def verification_json(verification: Verification) -> dict[str, Any]:
    """Return what `verify --json` prints; scores are cosines in [-1, 1]."""
    return {
        "decision": str(verification.decision),
        "identity": verification.identity.name,
        "score": _rounded(verification.score),
        "threshold": _rounded(verification.threshold.value),
        "threshold_source": str(verification.threshold.source),
        "margin": _rounded(verification.margin),
        "person": verification.observation.person,
        "people": verification.people,
    }


def identification_json(
    identifications: Sequence[Identification], outputs: dict[str, str | None] | None = None
) -> dict[str, Any]:
    """Return what `identify --json` prints; `from` and `to` are 0-based frames, inclusive."""
    return {
        "people": [_person_json(identification) for identification in identifications],
        "outputs": outputs or {"clip": None, "csv": None, "json": None, "timeline": None},
    }


def identity_json(identity: Identity) -> dict[str, Any]:
    """Return one row of `gallery list --json`."""
    return {
        "identity": identity.name,
        "id": identity.id,
        "references": identity.reference_count,
        "samples": identity.sample_count,
        "created": identity.created_at,
        "updated": identity.updated_at,
    }


def _person_json(identification: Identification) -> dict[str, Any]:
    tracklet = identification.observation.tracklet
    return {
        "person": identification.observation.person,
        "from": tracklet.first_frame,
        "to": tracklet.last_frame,
        "decision": str(identification.decision),
        "identity": None if identification.identity is None else identification.identity.name,
        "score": _rounded(identification.score),
        "threshold": _rounded(identification.threshold.value),
        "margin": _rounded(identification.margin),
        "candidates": [
            {"identity": candidate.identity.name, "score": _rounded(candidate.score)}
            for candidate in identification.candidates
        ],
    }


def refusal_summary(observations: Sequence[Observation]) -> str:
    """Say in a few words why samples were refused, most frequent first: "too small (12), blurred (3)"."""
    counts = Counter(
        (sample.refusal or "").split(" (")[0] for observation in observations for sample in observation.refused
    )
    return ", ".join(f"{reason} ({count})" for reason, count in counts.most_common(4))
