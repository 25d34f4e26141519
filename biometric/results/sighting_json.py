"""Sightings as JSON-ready dictionaries, for the API and the command line."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from biometric.entities.sighting_queries import SightingHit
from biometric.entities.sightings import Sighting
from biometric.messages.sighting_sentences import describe_certainty, describe_when, describe_who
from biometric.results.answer_json import threshold_json


def sighting_json(sighting: Sighting, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one sighting; `names` are those that identities have now, by id. Times are ISO 8601, null if unknown."""
    decision, detail = sighting.decision, sighting.detail
    return {
        "sighting": sighting.id,
        "who": describe_who(sighting, names),
        "when": describe_when(sighting),
        "how_sure": describe_certainty(sighting),
        "identity": names.get(sighting.identity_id or ""),
        "named_by": str(sighting.naming),
        "proposal": sighting.is_proposal,
        "not": sorted(names[item] for item in sighting.not_people if item in names),
        "camera": sighting.camera,
        "clip": sighting.clip_name,
        "clip_id": sighting.clip_id or None,
        "sha256": sighting.clip_digest,
        "person": sighting.person,
        "begins": _iso(sighting.begins_at),
        "ends": _iso(sighting.ends_at),
        "time_from": str(sighting.time.source),
        "zone_assumed": sighting.time.zone_assumed,
        "from": sighting.first_frame,
        "to": sighting.last_frame,
        "stretches": [
            {
                "from": item.first_frame,
                "to": item.last_frame,
                "from_seconds": round(item.first_seconds, 3),
                "to_seconds": round(item.last_seconds, 3),
            }
            for item in sighting.stretches
        ],
        "decision": None if decision is None else str(decision.decision),
        "closest": None if decision is None else names.get(decision.candidate_id or ""),
        "score": None if decision is None else decision.score,
        "margin": None if decision is None else decision.margin,
        **({} if decision is None else threshold_json(decision.threshold)),
        "model": sighting.template.model_id,
        "samples": sighting.template.sample_count,
        "picture": None
        if detail is None
        else {"height": detail.height, "sharpness": round(detail.sharpness, 1), "samples": detail.samples},
        "seen_at_once": list(sighting.seen_at_once),
        "kept": sighting.kept_at,
        "kept_until": sighting.keep_until or None,
        "basis": sighting.basis.basis.legal_basis.value,
        "purpose": sighting.basis.basis.purpose,
    }


def hits_json(hits: Iterable[SightingHit], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what a search found, each sighting (see `sighting_json`) with its score."""
    return [{"score": hit.score, **sighting_json(hit.sighting, names)} for hit in hits]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
