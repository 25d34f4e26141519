"""A redaction, and what hiding leaves, as JSON."""

from typing import Any

from biometric.entities.redaction import Redaction
from biometric.entities.redaction_measure import MeasuredHiding, RedactionMeasure
from biometric.messages import describe_all


def redaction_json(redaction: Redaction) -> dict[str, Any]:
    """Return a redaction as JSON; `remaining` lists who is still seen, with frames and boxes."""
    return {
        "file": str(redaction.path),
        "from": redaction.frames.first,
        "to": redaction.frames.last,
        "hidden": str(redaction.choice.who),
        "names": list(redaction.choice.names),
        "method": str(redaction.hiding.method),
        "strength": redaction.hiding.strength,
        "measured": redaction.measured,
        "margin": redaction.margin,
        "sound_kept": redaction.sound_kept,
        "hidden_regions": redaction.hidden_regions,
        "shown": list(redaction.shown),
        "unsure": redaction.unsure,
        "added_by_second_pass": redaction.added,
        "remaining": [
            {
                "frame": person.frame_index,
                "seconds": round(person.seconds, 3),
                "box": [round(side, 1) for side in person.box],
                "confidence": round(person.confidence, 3),
            }
            for person in redaction.remaining
        ],
        "warnings": describe_all(redaction.warnings),
    }


def measure_json(measure: RedactionMeasure) -> dict[str, Any]:
    """Return what each hiding leaves as JSON."""
    safe = measure.weakest_safe
    return {
        "people": measure.people,
        "detections": measure.detections,
        "threshold": measure.threshold,
        "model": measure.model_id,
        "detector": measure.detector,
        "day": measure.day,
        "guess_rate": measure.guess_rate,
        "weakest_safe": None if safe is None else {"method": str(safe.method), "strength": safe.strength},
        "rows": [_row_json(row) for row in measure.rows],
    }


def _row_json(row: MeasuredHiding) -> dict[str, Any]:
    return {
        "method": None if row.hiding is None else str(row.hiding.method),
        "strength": None if row.hiding is None else row.hiding.strength,
        "detection_rate": row.detection_rate,
        "rank1": row.rank1,
        "rank1_alike": row.rank1_alike,
        "match_rate": row.match_rate,
        "false_match_rate": row.false_match_rate,
        "chance": row.chance,
    }
