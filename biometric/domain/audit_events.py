"""What the audit trail says of answers: ids, numbers and digests, never a name or a template."""

from collections.abc import Collection, Sequence

from biometric.entities import Identification, ObservedClip, Threshold, ThresholdSource, Verification
from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.entities.people import EDIT_CODES
from biometric.entities.redaction import Redaction
from biometric.ports import Gallery


def record_verification(gallery: Gallery, observed: ObservedClip, answer: Verification) -> None:
    """Record an answer to a claim. Raises the `GalleryError` family: then there is no answer either."""
    other = answer.best_other
    details: dict[str, AuditValue] = {
        **_input(observed),
        **_threshold(answer.threshold),
        "claimed": answer.identity.id,
        "person": answer.observation.person,
        "decision": answer.decision.value,
        "score": _number(answer.score),
        "reference": answer.reference_id,
        "best_other": None if other is None else other.identity.id,
        "best_other_score": None if other is None else _number(other.score),
    }
    people = {answer.identity.id, *([] if other is None else [other.identity.id])}
    gallery.audit.record(_event(AuditAction.VERIFIED, people, details, answer.threshold, observed.model_id))


def record_identification(gallery: Gallery, observed: ObservedClip, answers: Sequence[Identification]) -> None:
    """Record who the people of a clip are said to be. Raises the `GalleryError` family: then there is no answer."""
    told: list[AuditValue] = [
        {
            "person": answer.observation.person,
            "decision": answer.decision.value,
            "score": _number(answer.score),
            "identity": None if answer.identity is None else answer.identity.id,
            "closest": answer.candidates[0].identity.id if answer.candidates else None,
        }
        for answer in answers
    ]
    details: dict[str, AuditValue] = {**_input(observed), "answers": told}
    if answers:
        details |= _threshold(answers[0].threshold)
    people = {answer.identity.id for answer in answers if answer.identity is not None}
    people |= {answer.candidates[0].identity.id for answer in answers if answer.candidates}
    threshold = answers[0].threshold if answers else None
    gallery.audit.record(_event(AuditAction.IDENTIFIED, people, details, threshold, observed.model_id))


def record_redaction(gallery: Gallery, redaction: Redaction, shown: Collection[str], digests: tuple[str, str]) -> None:
    """Record that people were hidden in footage. Nothing is recorded, nor made, where there is no gallery yet.

    Args:
        shown: ids of those who are shown in it.
        digests: SHA-256 of the clip, and of what was written.

    Raises:
        GalleryError: it cannot be recorded; then the footage is not to be kept.
    """
    details: dict[str, AuditValue] = {
        "input": digests[0],
        "file_sha256": digests[1],
        "frames": [redaction.frames.first, redaction.frames.last],
        "hidden": redaction.choice.who.value,
        "method": str(redaction.hiding),
        "margin": _number(redaction.margin),
        "sound_kept": redaction.sound_kept,
        "still_seen": len(redaction.remaining),
    }
    if gallery.revision():
        gallery.audit.record(AuditEvent(AuditAction.REDACTED, tuple(sorted(shown)), details))


def _input(observed: ObservedClip) -> dict[str, AuditValue]:
    edits: list[AuditValue] = [notice.code.value for notice in observed.warnings if notice.code in EDIT_CODES]
    return {
        "input": observed.video.digest,
        "frames": [observed.frames.first, observed.frames.last],
        "model": observed.model_id,
        **({"edits": edits} if edits else {}),
    }


def _threshold(threshold: Threshold) -> dict[str, AuditValue]:
    return {
        "threshold": _number(threshold.value),
        "threshold_source": threshold.source.value,
        "adaptation": str(threshold.adaptation),
    }


def _event(
    action: AuditAction, people: set[str], details: dict[str, AuditValue], threshold: Threshold | None, model_id: str
) -> AuditEvent:
    calibrated = threshold is not None and threshold.source is ThresholdSource.CALIBRATION
    return AuditEvent(action, tuple(sorted(people)), details, model_id if calibrated else None)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"
