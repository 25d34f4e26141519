"""The files of a case as JSON: manifest, what was seen in an input, results. Numbers are written so that reading them
gives the same ones; templates are the bytes of their float32 numbers, hexadecimal, little-endian."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from biometric.entities import (
    Calibration,
    EnrollmentBasis,
    LikelihoodRatio,
    Notice,
    RateKind,
    Threshold,
    ThresholdSource,
)
from biometric.entities.cases import (
    CaseCrop,
    CaseEnvironment,
    CaseManifest,
    CaseModel,
    CasePerson,
    CaseResults,
    CaseScore,
    NoRatio,
    ObservedInput,
)

FORMAT, VERSION = "sightline-case", 1


def document(values: Mapping[str, Any]) -> str:
    """Return a file's text."""
    return json.dumps({"format": FORMAT, "version": VERSION, **values}, indent=1, ensure_ascii=False, sort_keys=True)


def read_document(text: str) -> dict[str, Any]:
    """Return a file's values. Raises `ValueError`: it is none, or of another version."""
    values = json.loads(text)
    if not isinstance(values, dict) or (values.get("format"), values.get("version")) != (FORMAT, VERSION):
        raise ValueError("expected a file of a case")
    return values


def manifest_values(manifest: CaseManifest) -> dict[str, Any]:
    """Return the values of a manifest; `read_manifest` reads them."""
    basis = asdict(manifest.basis)
    plain = {name: getattr(manifest, name) for name in ("case_id", "number", "examiner", "note", "created_at")}
    return {
        **plain,
        "basis": {**basis, "legal_basis": manifest.basis.legal_basis.value},
        "models": [asdict(model) for model in manifest.models],
        "threshold": threshold_values(manifest.threshold),
        "calibration": None if manifest.calibration is None else manifest.calibration.as_dict(),
        "settings": dict(manifest.settings),
        "environment": asdict(manifest.environment),
        "notices": [notice.as_dict() for notice in manifest.notices],
    }


def read_manifest(values: Mapping[str, Any]) -> CaseManifest:
    """Return a manifest. Raises `KeyError`, `TypeError`, `ValueError`, `BiometricError`: it is none."""
    calibration = values["calibration"]
    return CaseManifest(
        **{name: str(values[name]) for name in ("case_id", "number", "examiner", "note", "created_at")},
        basis=EnrollmentBasis(**values["basis"]),
        models=tuple(CaseModel(**model) for model in values["models"]),
        threshold=read_threshold(values["threshold"]),
        calibration=None if calibration is None else Calibration.from_dict(calibration),
        settings=dict(values["settings"]),
        environment=CaseEnvironment(**values["environment"]),
        notices=tuple(Notice.from_dict(notice) for notice in values["notices"]),
    )


def threshold_values(threshold: Threshold) -> dict[str, Any]:
    """Return a threshold with its evidence and likelihood ratio, for scores as they are."""
    return {
        "value": threshold.value,
        "source": threshold.source.value,
        "evidence": [notice.as_dict() for notice in threshold.evidence],
        "rate": threshold.rate,
        "rate_kind": threshold.rate_kind.value,
        "calibrated_on": threshold.calibrated_on,
        "likelihood": None if threshold.likelihood is None else threshold.likelihood.as_dict(),
        "interval_low": threshold.interval_low,
    }


def read_threshold(values: Mapping[str, Any]) -> Threshold:
    """Return a threshold from `threshold_values`. Raises as `read_manifest`."""
    likelihood = values["likelihood"]
    return Threshold(
        values["value"],
        ThresholdSource(values["source"]),
        tuple(Notice.from_dict(notice) for notice in values["evidence"]),
        values["rate"],
        RateKind(values["rate_kind"]),
        values["calibrated_on"],
        None if likelihood is None else LikelihoodRatio.from_dict(likelihood),
        values["interval_low"],
    )


def seen_values(seen: ObservedInput) -> dict[str, Any]:
    """Return what was seen in an input; `read_seen` reads it."""
    plain = {name: getattr(seen, name) for name in ("number", "first", "last", "analysed")}
    return {
        **plain,
        "facts": dict(seen.facts),
        "warnings": [warning.as_dict() for warning in seen.warnings],
        "people": [_person_values(person) for person in seen.people],
    }


def _person_values(person: CasePerson) -> dict[str, Any]:
    names = ("person", "first", "last", "first_seconds", "last_seconds", "refused")
    vector = None if person.vector is None else person.vector.astype("<f4").tobytes().hex()
    crops = [asdict(crop) for crop in person.crops]
    return {**{name: getattr(person, name) for name in names}, "crops": crops, "template_float32": vector}


def read_seen(values: Mapping[str, Any]) -> ObservedInput:
    """Return what was seen in an input. Raises as `read_manifest`."""
    return ObservedInput(
        number=values["number"],
        facts=dict(values["facts"]),
        first=values["first"],
        last=values["last"],
        analysed=values["analysed"],
        warnings=tuple(Notice.from_dict(warning) for warning in values["warnings"]),
        people=tuple(_read_person(person) for person in values["people"]),
    )


def _read_person(values: Mapping[str, Any]) -> CasePerson:
    template = values["template_float32"]
    rest = {name: value for name, value in values.items() if name not in ("crops", "template_float32")}
    vector = None if template is None else np.frombuffer(bytes.fromhex(template), "<f4").astype(np.float32)
    crops = tuple(CaseCrop(**{**crop, "size": tuple(crop["size"])}) for crop in values["crops"])
    return CasePerson(**rest, crops=crops, vector=vector)


def results_values(results: CaseResults) -> dict[str, Any]:
    """Return results; `read_results` reads them."""
    return {"scores": [asdict(score) for score in results.scores], "environment": asdict(results.environment)}


def read_results(values: Mapping[str, Any]) -> CaseResults:
    """Return results. Raises as `read_manifest`."""
    scores = tuple(
        CaseScore(
            **{
                **score,
                "questioned": tuple(score["questioned"]),
                "known": tuple(score["known"]),
                "no_ratio": None if score["no_ratio"] is None else NoRatio(score["no_ratio"]),
            }
        )
        for score in values["scores"]
    )
    return CaseResults(scores, CaseEnvironment(**values["environment"]))
