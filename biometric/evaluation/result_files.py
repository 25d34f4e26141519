"""An evaluation as JSON, CSV and files: the one shape that command line, report and page share."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from biometric.errors import StorageFull
from biometric.evaluation.cohorts import Adaptation
from biometric.evaluation.detail_texts import detail_json
from biometric.evaluation.evaluating import Evaluation
from biometric.evaluation.groups import Audit
from biometric.evaluation.protocols import Estimate, OneToOne, OperatingPoint, RankResult, SearchPoint
from biometric.statistics.intervals import Interval, Rate
from biometric.storage import write_atomically

DIGITS = 6


@dataclass(frozen=True, slots=True)
class EvaluationMetadata:
    """How an evaluation was run, for its report.

    Attributes:
        model: what the model card says, in order: name → value.
        date: ISO 8601, UTC.
        command: as typed.
        seed: of draws and degradations.
        probe, reference: names of degradations of a side, "" for none.
    """

    model: Mapping[str, str]
    date: str
    command: str
    seed: int
    probe: str = ""
    reference: str = ""


def as_json(evaluation: Evaluation, metadata: EvaluationMetadata) -> dict[str, Any]:
    """Everything in JSON's types: rates in [0, 1], intervals as [low, high] with their method and confidence."""
    measured, dataset = evaluation.measured, evaluation.dataset
    return {
        "dataset": {
            "name": dataset.name,
            "protocol": dataset.protocol,
            **dataset.description(),
            "notes": list(dataset.notes),
        },
        "model": dict(metadata.model),
        "date": metadata.date,
        "command": metadata.command,
        "seed": metadata.seed,
        "degradation": {"probe": metadata.probe, "reference": metadata.reference},
        "adaptation": _adaptation(evaluation),
        "ranking": _ranking(measured.ranking),
        "verification": _verification(measured.verification),
        "templates": None
        if measured.template is None
        else {
            "size": measured.template_size,
            "mean_samples": _number(measured.template_samples),
            **_verification(measured.template),
        },
        "identification": [_search(point) for point in measured.searches],
        "robustness": [_numbers(asdict(row)) for row in evaluation.rows],
        "detail": detail_json(evaluation.detail),
        "groups": [_audit(audit) for audit in evaluation.audits],
        "seconds": _numbers(evaluation.seconds),
    }


def operating_points(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the CSV: every operating point of 1:1 (single pictures, templates) and of 1:N."""
    measured = evaluation.measured
    rows = [_point_row("single picture", 0, point) for point in measured.verification.points]
    if measured.template is not None:
        rows += [_point_row("template", 0, point) for point in measured.template.points]
    for point in measured.searches:
        head = {"level": "identification", "gallery_size": point.size, "point": f"FPIR {point.target:g}"}
        values = {"target": point.target, "threshold": _number(point.threshold), "support": str(point.support)}
        rows.append({**head, **values, **_flat("false_positive", point.fpir), **_flat("false_negative", point.fnir)})
    adaptation = Adaptation.NONE if evaluation.cohort is None else evaluation.cohort.plan.adaptation
    return [{**row, "adaptation": str(adaptation)} for row in rows]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_files(folder: Path, files: Mapping[str, bytes | str]) -> dict[str, Path]:
    """Write files into a folder, each under a temporary name first; the same names are replaced.

    Raises:
        StorageFull: the folder cannot be made or written.
    """
    paths = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            write_atomically(path, content.encode() if isinstance(content, str) else content, 0o644)
            paths[name] = path
    except OSError as error:
        raise StorageFull(f"The folder {folder} cannot be written: {error.strerror}. Choose another one.") from error
    return paths


def json_text(result: Mapping[str, Any]) -> str:
    """JSON for a file."""
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _number(value: float | None) -> float | None:
    return None if value is None or value in (float("inf"), float("-inf")) else round(value, DIGITS)


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in values.items()}


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    limits = [_number(interval.low), _number(interval.high)]
    return {"limits": limits, "confidence": interval.confidence, "method": interval.method}


def rate_json(rate: Rate | None) -> dict[str, Any] | None:
    """A rate with its counts, interval and whether the data suffice."""
    if rate is None:
        return None
    counts = {"value": _number(rate.value), "errors": rate.errors, "trials": rate.trials}
    counts["distinct_errors"] = rate.distinct
    return {**counts, "interval": _interval(rate.interval), "support": str(rate.support)}


def estimate_json(estimate: Estimate) -> dict[str, Any]:
    """A mean with its interval."""
    return {"value": _number(estimate.value), "interval": _interval(estimate.interval)}


def _adaptation(evaluation: Evaluation) -> dict[str, Any] | None:
    cohort, unadapted = evaluation.cohort, evaluation.unadapted
    if cohort is None:
        return None
    return {
        "name": str(cohort.plan.adaptation),
        "applied": cohort.is_applied,
        "cohort_share": cohort.plan.share,
        "cohort_people": cohort.people,
        "cohort_templates": len(cohort.templates),
        "judged_people": len(cohort.judged),
        "cameras": cohort.cameras,
        "learnt_cameras": cohort.learnt_cameras,
        "without": None
        if unadapted is None
        else {
            "ranking": _ranking(unadapted.ranking),
            "verification": _verification(unadapted.verification),
            "templates": None if unadapted.template is None else _verification(unadapted.template),
            "identification": [_search(point) for point in unadapted.searches],
        },
    }


def _ranking(ranking: RankResult) -> dict[str, Any]:
    return {
        **{f"rank{number}": estimate_json(estimate) for number, estimate in ranking.ranks.items()},
        "mAP": estimate_json(ranking.mean_average_precision),
        "mINP": estimate_json(ranking.mean_inverse_negative_penalty),
        "cmc": [_number(float(value)) for value in ranking.cmc],
        "probes": ranking.probes,
        "uncounted": ranking.uncounted,
        "tied": ranking.tied,
        "single_shot": ranking.single_shot,
    }


def _verification(verification: OneToOne) -> dict[str, Any]:
    return {
        "genuine": verification.scores.genuine.total,
        "impostor": verification.scores.impostor.total,
        "eer": _number(verification.eer),
        "eer_threshold": _number(verification.eer_threshold),
        "auc": _number(verification.auc),
        "d_prime": _number(verification.d_prime),
        "points": [_point(point) for point in verification.points],
    }


def _point(point: OperatingPoint) -> dict[str, Any]:
    return {
        "point": point.name,
        "target_fmr": point.target,
        "threshold": _number(point.threshold),
        "reachable": point.reachable,
        "fmr": rate_json(point.fmr),
        "fnmr": rate_json(point.fnmr),
        "support": str(point.support),
    }


def _search(point: SearchPoint) -> dict[str, Any]:
    return {
        "gallery_size": point.size,
        "target_fpir": point.target,
        "threshold": _number(point.threshold),
        "fpir": rate_json(point.fpir),
        "fnir": rate_json(point.fnir),
        "dir": _number(1.0 - point.fnir.value),
        "support": str(point.support),
    }


def _audit(audit: Audit) -> dict[str, Any]:
    return {
        "attribute": audit.attribute,
        "threshold": _number(audit.threshold),
        "groups": [
            {"group": rates.group, "people": rates.people, "fmr": rate_json(rates.fmr), "fnmr": rate_json(rates.fnmr)}
            for rates in audit.rates
        ],
        "ratios": [
            {
                "metric": ratio.metric,
                "group": ratio.group,
                "against": ratio.against,
                "ratio": _number(ratio.ratio),
                "interval": _interval(ratio.interval),
                "support": str(ratio.support),
            }
            for ratio in audit.ratios
        ],
    }


def _point_row(level: str, size: int, point: OperatingPoint) -> dict[str, Any]:
    head = {"level": level, "gallery_size": size or "", "point": point.name}
    values = {
        "target": "" if point.target is None else point.target,
        "threshold": _number(point.threshold),
        "support": str(point.support),
    }
    return {**head, **values, **_flat("false_positive", point.fmr), **_flat("false_negative", point.fnmr)}


def _flat(name: str, rate: Rate) -> dict[str, Any]:
    limits = {f"{name}_low": _number(rate.interval.low), f"{name}_high": _number(rate.interval.high)}
    counts = {f"{name}_errors": rate.errors, f"{name}_trials": rate.trials, f"{name}_support": str(rate.support)}
    return {f"{name}_rate": _number(rate.value), **limits, **counts}
