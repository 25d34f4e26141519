"""Kept clips and answers as JSON-ready dictionaries, for the API and the command line."""

from collections.abc import Mapping
from typing import Any

from biometric.entities import AnsweredPerson, KeptAnswer, KeptClip
from biometric.messages.answer_sentences import describe_answer
from biometric.results.answer_json import threshold_json
from biometric.results.occurrences import times_json


def kept_clip_json(clip: KeptClip, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one clip with its answers, newest first; `names` are those that identities have now, by id."""
    return {
        "clip": clip.id,
        "name": clip.label,
        "seconds": clip.duration,
        "frames": clip.frame_count,
        "photograph": clip.photograph,
        "recorded": clip.recorded_at,
        "camera": clip.camera,
        "bytes": clip.size,
        "sha256": clip.digest,
        "kept": clip.kept_at,
        "answered": clip.used_at,
        "expires": clip.expires_at,
        "answers": [kept_answer_json(answer, names) for answer in clip.answers],
    }


def kept_answer_json(answer: KeptAnswer, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one line of the history; `from` and `to` are 0-based frames, inclusive."""
    return {
        "answer": answer.id,
        "kind": str(answer.kind),
        "text": describe_answer(answer, names),
        "when": answer.when,
        "clip": answer.clip_id,
        "name": answer.clip_label,
        "from": answer.first_frame,
        "to": answer.last_frame,
        "model": answer.model_id,
        **({} if answer.threshold is None else threshold_json(answer.threshold)),
        "people": [_person_json(person, names) for person in answer.people],
    }


def _person_json(person: AnsweredPerson, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "person": person.person,
        "decision": None if person.decision is None else str(person.decision),
        "band": str(person.band),
        "identity": names.get(person.identity_id or ""),
        "erased": person.erased,
        "score": person.score,
        "margin": person.margin,
        "from": person.first_frame,
        "to": person.last_frame,
        "from_seconds": round(person.first_seconds, 3),
        "to_seconds": round(person.last_seconds, 3),
        "stretches": times_json(person.times),
    }
