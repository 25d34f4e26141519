"""What the footage of a calibration supports, and a gallery's history of calibrations, as JSON."""

from typing import Any

from biometric.entities.calibration_footage import (
    POSSIBLE,
    FootageEvidence,
    FootageNeeded,
    StoredCalibration,
    SupportedRate,
    TargetRate,
)
from biometric.results.answer_json import calibration_json


def evidence_json(evidence: FootageEvidence, fmr: TargetRate, fpir: TargetRate) -> dict[str, Any]:
    """Return what `calibrate --dry-run --json` prints: what is possible now, and what the targets still need."""
    needed = {
        "verification": None if fmr == POSSIBLE else evidence.needed_for_verification(float(fmr)),
        "identification": None if fpir == POSSIBLE else evidence.needed_for_identification(float(fpir)),
    }
    counts = ("clips", "people", "not_compared", "pairs", "independent", "strangers", "gallery_size", "separable")
    return {
        **{name: getattr(evidence, name) for name in counts},
        "possible": {
            "verification": _supported_json(evidence.verification),
            "identification": _supported_json(evidence.identification),
        },
        "targets": {"verification": fmr, "identification": fpir},
        "needed": {purpose: _needed_json(item) for purpose, item in needed.items()},
    }


def stored_calibration_json(stored: StoredCalibration) -> dict[str, Any]:
    """Return one row of `calibrate --history --json`; `calibration` is None where its record is damaged."""
    return {
        "number": stored.number,
        "created_at": stored.created_at,
        "model_id": stored.model_id,
        "in_force": stored.in_force,
        "since": stored.since,
        "calibration": None if stored.calibration is None else calibration_json(stored.calibration),
    }


def _supported_json(supported: SupportedRate | None) -> dict[str, Any] | None:
    if supported is None:
        return None
    return {"one_in": supported.one_in, "rate": supported.rate, "basis_code": str(supported.basis)}


def _needed_json(needed: FootageNeeded | None) -> dict[str, Any] | None:
    return None if needed is None else {"people": needed.people, "clips": needed.clips}
