"""Results as JSON-ready dictionaries: the one shape that the API, the command line and the downloads share.

Scores and thresholds are unrounded, so that a threshold given back decides as before. Where there is a sentence, its
code and values stand beside it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from biometric.entities import (
    PURPOSES,
    Calibration,
    Enrollment,
    GalleryChange,
    Identification,
    Identity,
    LookCounts,
    Notice,
    Observation,
    ObservedClip,
    RecordedVerdict,
    Threshold,
    Verdict,
    VerdictWord,
    Verification,
)
from biometric.entities.model_reports import ModelStatus
from biometric.messages import describe, describe_all, describe_basis, describe_reason
from biometric.messages.change_sentences import describe_change
from biometric.messages.verdict_sentences import describe_verdict
from biometric.results.detail_json import detail_json
from biometric.results.life_cycle_json import basis_record_json
from biometric.results.person_edit_json import edits_json

REFUSED_LISTED = 50
"""Most refused samples that an enrollment's JSON lists."""


def notice_json(notice: Notice, sentence_key: str = "reason") -> dict[str, Any]:
    """Return a notice as its sentence, its code and its values: {"reason", "reason_code", "reason_values"}."""
    return {
        sentence_key: describe(notice),
        f"{sentence_key}_code": str(notice.code),
        f"{sentence_key}_values": dict(notice.values),
    }


def warnings_json(warnings: Sequence[Notice]) -> dict[str, Any]:
    """Return warnings as sentences, and as codes with values in the same order."""
    return {"warnings": describe_all(warnings), "warning_codes": [warning.as_dict() for warning in warnings]}


def threshold_json(threshold: Threshold) -> dict[str, Any]:
    """Return a threshold with where it came from; its value decides as before when it is given back.

    `adaptation` is that of the scores beside it: scores are compared only where kind and id are equal.
    """
    return {
        "threshold": threshold.value,
        "unsure_from": threshold.unsure_from,
        "threshold_source": str(threshold.source),
        "threshold_rate": threshold.rate,
        "threshold_rate_kind": None if threshold.rate is None else str(threshold.rate_kind),
        "adaptation": threshold.adaptation.as_dict(),
    }


def enrollment_json(enrollment: Enrollment, observed: ObservedClip) -> dict[str, Any]:
    """Return what `enroll --json` prints. Frames are 0-based; `people` counts the usable people in range.

    `samples_refused` lists at most `REFUSED_LISTED` refused samples, spread over time, of `samples_refused_count`.
    """
    observation = enrollment.observation
    return {
        "identity": enrollment.identity.name,
        "reference": enrollment.reference.id,
        "person": observation.person,
        "people": enrollment.people,
        "camera": enrollment.reference.camera,
        "basis": basis_record_json(enrollment.reference.basis),
        **_seen_json(observation),
        "samples_kept": enrollment.reference.template.sample_count,
        "samples_refused_count": observation.refused_count,
        "samples_refused": _refused_json(observation),
        "change": None if enrollment.change is None else enrollment.change.id,
        **detail_json(enrollment.detail),
        "frames": _looks_json(observed),
        "edits": edits_json(enrollment.warnings),
        **warnings_json(enrollment.warnings),
    }


def _refused_json(observation: Observation) -> list[dict[str, Any]]:
    refused, count = observation.refused, min(len(observation.refused), REFUSED_LISTED)
    listed = [refused[number * len(refused) // count] for number in range(count)]
    return [
        {"frame": sample.detection.frame_index, **notice_json(sample.refusal)}
        for sample in listed
        if sample.refusal is not None
    ]


def verification_json(verification: Verification, observed: ObservedClip) -> dict[str, Any]:
    """Return what `verify --json` prints; scores are cosines in [-1, 1]."""
    return {
        "decision": str(verification.decision),
        "band": str(verification.band),
        "identity": verification.identity.name,
        "score": verification.score,
        **threshold_json(verification.threshold),
        "margin": verification.margin,
        "person": verification.observation.person,
        "people": verification.people,
        **_seen_json(verification.observation),
        **detail_json(verification.detail),
        **_reason_json(verification),
        **warnings_json(verification.warnings),
        **_verdicts_json(verification),
        **_footage_json(observed),
    }


def identification_json(
    identifications: Sequence[Identification], outputs: dict[str, str | None] | None, observed: ObservedClip
) -> dict[str, Any]:
    """Return what `identify --json` prints; `from` and `to` are 0-based frames, inclusive.

    `from_seconds` and `to_seconds` are when these frames are shown, since the clip's first frame.
    """
    return {
        "people": [_person_json(identification) for identification in identifications],
        "outputs": outputs or {"clip": None, "csv": None, "json": None, "timeline": None},
        **_footage_json(observed),
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


def change_json(change: GalleryChange) -> dict[str, Any]:
    """Return one row of `gallery history --json`; `expires` is None where it cannot be undone."""
    return {
        "change": change.id,
        "kind": str(change.kind),
        "text": describe_change(change),
        "when": change.when,
        "identities": list(change.names),
        "references": change.references,
        "samples": change.samples,
        "expires": change.expires,
        "undoes": change.undoes,
        "undone_by": change.undone_by,
        "blocked_by": change.blocked_by,
    }


def _person_json(identification: Identification) -> dict[str, Any]:
    tracklet = identification.observation.tracklet
    return {
        "person": identification.observation.person,
        "from": tracklet.first_frame,
        "to": tracklet.last_frame,
        "from_seconds": round(tracklet.first_seconds, 3),
        "to_seconds": round(tracklet.last_seconds, 3),
        **_seen_json(identification.observation),
        "decision": str(identification.decision),
        "band": str(identification.band),
        "identity": None if identification.identity is None else identification.identity.name,
        "score": identification.score,
        **threshold_json(identification.threshold),
        "margin": identification.margin,
        "candidates": [
            {"identity": candidate.identity.name, "score": candidate.score} for candidate in identification.candidates
        ],
        **detail_json(identification.detail),
        **_reason_json(identification),
        **warnings_json(identification.warnings),
        **_verdicts_json(identification),
    }


def _seen_json(person: Observation) -> dict[str, Any]:
    """When a person is in view, the tracks that are this person where there are several, and who else may be.

    `linked_by` is "score", "motion" (below the linking threshold, but where the person was going), "double detection"
    or "hand"; `score` and `link_score`, the least of them, are cosines in [-1, 1].
    """
    return {
        "stretches": [
            {
                "from": stretch.first_frame,
                "to": stretch.last_frame,
                "from_seconds": round(stretch.first_seconds, 3),
                "to_seconds": round(stretch.last_seconds, 3),
            }
            for stretch in person.stretches
        ],
        "tracks": [
            {
                "from": part.observation.tracklet.first_frame,
                "to": part.observation.tracklet.last_frame,
                "linked_by": str(part.kind),
                "score": part.score,
            }
            for part in person.linked
        ],
        "link_score": person.link_score,
        "perhaps_same": [{"person": other.person, "score": other.score} for other in person.perhaps],
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return one row of `verdict list --json`; `from` and `to` are 0-based frames, inclusive."""
    return {
        "id": verdict.id,
        "verdict": str(verdict.word),
        "identity": verdict.name,
        "text": describe_verdict(verdict),
        "purpose": verdict.purpose,
        "decision": str(verdict.decision),
        "score": verdict.score,
        "threshold": verdict.threshold,
        "adaptation": verdict.adaptation.as_dict(),
        "clip": verdict.probe.clip_name,
        "clip_digest": verdict.probe.clip_digest,
        "person": verdict.probe.person,
        "from": verdict.probe.first_frame,
        "to": verdict.probe.last_frame,
        "by": verdict.by or None,
        "when": verdict.created_at,
    }


def recorded_verdict_json(recorded: RecordedVerdict) -> dict[str, Any]:
    """Return what `verdict set --json` prints."""
    return {**verdict_json(recorded.verdict), "change": change_json(recorded.change)}


def _verdicts_json(answer: Verification | Identification) -> dict[str, Any]:
    """What was said of this person before, and whom they cannot be because of it."""
    return {
        "proposal": not answer.verdicts,  # nobody has judged it
        "verdicts": [verdict_json(verdict) for verdict in answer.verdicts],
        "excluded": [verdict.name for verdict in answer.verdicts if verdict.word is VerdictWord.WRONG],
    }


def _footage_json(observed: ObservedClip) -> dict[str, Any]:
    """What should be known of the footage beside any answer: its camera, damage, who was joined or split …"""
    known = {f"footage_{key}": value for key, value in warnings_json(observed.warnings).items()}
    return {"camera": observed.camera, "edits": edits_json(observed.warnings), "frames": _looks_json(observed), **known}


def _looks_json(observed: ObservedClip) -> dict[str, Any]:
    """Return how many frames were analysed, in how many of them people were looked for, and why not in the others."""
    looks = LookCounts(observed.analysed_frames) if observed.looks is None else observed.looks
    return {"analysed": looks.analysed, **asdict(looks)}


def _reason_json(answer: Verification | Identification) -> dict[str, Any]:
    return {**notice_json(answer.reason), "reason": describe_reason(answer)}


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return what `calibrate --json` prints: sentences under the keys, codes and values beside them."""
    data = calibration.as_dict()
    for purpose in PURPOSES:
        fitted = getattr(calibration, purpose)
        if fitted is not None:
            data[purpose] |= {
                "basis": describe_basis(fitted.basis, calibration.gallery_size),
                "basis_code": str(fitted.basis),
            }
    if calibration.likelihood is not None and calibration.likelihood.basis is not None:
        data["likelihood"] |= notice_json(calibration.likelihood.basis, "basis")
    data["notes"] = describe_all(calibration.notes)
    data["note_codes"] = [note.as_dict() for note in calibration.notes]
    return data


def model_status_json(status: ModelStatus) -> dict[str, Any]:
    """Return one role of `models list --json`."""
    notice = "" if status.notice is None else describe(status.notice)
    return {
        **{name: getattr(status, name) for name in ("role", "card", "state", "device", "licence", "problem")},
        "path": None if status.path is None else str(status.path),
        "notice": notice or status.problem,
        "notice_code": None if status.notice is None else str(status.notice.code),
        "notice_values": {} if status.notice is None else dict(status.notice.values),
    }
