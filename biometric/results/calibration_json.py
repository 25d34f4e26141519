"""What the footage of a calibration supports, and a gallery's history of calibrations, as JSON."""

from collections.abc import Sequence
from typing import Any

from biometric.domain.verdict_counts import strangers_needed
from biometric.entities import Calibration, KeptCohort, Notice
from biometric.entities.calibration_footage import (
    POSSIBLE,
    FootageEvidence,
    FootageNeeded,
    StoredCalibration,
    SupportedRate,
    TargetRate,
)
from biometric.entities.verdict_evidence import CalibrationStatus, VerdictEvidence
from biometric.messages import describe_all, describe_evidence
from biometric.messages.adaptation_sentences import cohort_sentence
from biometric.messages.verdict_sentences import describe_below, describe_confirmed, describe_wrong
from biometric.results.answer_json import calibration_json, threshold_json


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


def trial_json(
    evidence: FootageEvidence,
    proposal: Calibration | None,
    notes: Sequence[Notice],
    fmr: TargetRate,
    fpir: TargetRate,
) -> dict[str, Any]:
    """Return what a dry run says: what the footage supports, and what would be used, None where data do not suffice.

    Args:
        notes: on clips that were left out; those of the proposal follow.
    """
    return {
        **evidence_json(evidence, fmr, fpir),
        "proposal": None if proposal is None else calibration_json(proposal),
        "notes": describe_all(notes if proposal is None else [*notes, *proposal.notes]),
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


def calibration_status_json(status: CalibrationStatus) -> dict[str, Any]:
    """Return what `calibrate --status --json` prints: what is in force, and what verdicts say about it."""
    purposes = {
        "verification": (status.verification, status.verification_verdicts),
        "identification": (status.identification, status.identification_verdicts),
    }
    return {
        "in_force": None if status.stored is None else stored_calibration_json(status.stored),
        **{
            purpose: {
                **threshold_json(threshold),
                "evidence": describe_evidence(threshold),
                "verdicts": verdict_evidence_json(evidence),
            }
            for purpose, (threshold, evidence) in purposes.items()
        },
        "cohorts": [cohort_json(cohort) for cohort in status.cohorts],
    }


def cohort_json(cohort: KeptCohort) -> dict[str, Any]:
    """Return a cohort of strangers that is kept: people by camera ("" for the unknown one), never a template."""
    return {
        "adaptation": cohort.adaptation.as_dict(),
        "model_id": cohort.model_id,
        "people": dict(cohort.people),
        "expires": cohort.expires,
        "sentence": cohort_sentence(cohort),
    }


def verdict_evidence_json(evidence: VerdictEvidence) -> dict[str, Any]:
    """Return what verdicts say about a threshold; `selected` marks that its rates are no error rates of everybody."""
    confirmed, counts = evidence.confirmed, evidence.counts
    warning = describe_wrong(evidence, strangers_needed(counts))
    return {
        "selected": True,
        "confirmed": None
        if confirmed is None
        else {
            "answers": confirmed.comparisons,
            "people": confirmed.people,
            "lowest_score": confirmed.lowest,
            "missed": confirmed.missed,
            "fnmr_interval": [confirmed.low, confirmed.high],
        },
        "confirmed_not_counted": evidence.not_counted,
        "wrong": {
            "answers": counts.wrong + counts.told_apart,
            "reaching": counts.wrong,
            "highest_score": evidence.highest_wrong,
            "clear_threshold": evidence.clear_threshold,
            "confirmed_missed_there": evidence.missed_there,
        },
        "undecided": counts.undecided,
        "other_adaptation": evidence.other_adaptation,
        "sentences": [text for text in (describe_confirmed(evidence), describe_below(evidence)) if text],
        "warnings": [warning] if warning else [],
    }


def _supported_json(supported: SupportedRate | None) -> dict[str, Any] | None:
    if supported is None:
        return None
    return {"one_in": supported.one_in, "rate": supported.rate, "basis_code": str(supported.basis)}


def _needed_json(needed: FootageNeeded | None) -> dict[str, Any] | None:
    return None if needed is None else {"people": needed.people, "clips": needed.clips}
