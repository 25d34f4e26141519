"""`python -m biometric evaluate-detector DIR`: how well the detector finds people in labelled photographs."""

import argparse
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.entities.model_cards import Role
from biometric.results.answer_json import notice_json
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.evaluation.detector_accuracy import DetectorMeasured, Photographs
    from biometric.ports import ModelAdministration


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "evaluate-detector",
        help="measure how well people are found in labelled photographs",
        description="Measure the detector's average precision, recall and precision with intervals on photographs with "
        "YOLO labels: DIR/images/SPLIT beside DIR/labels/SPLIT (see docs/evaluation.md).",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of images/ and labels/")
    parser.add_argument("--split", default="val", metavar="NAME", help="split of the photographs (default: val)")
    parser.add_argument("--model", metavar="CARD", help="detector: a card's name or a file (default: the app's)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write JSON, CSV and the curve here")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws for intervals (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_evaluate)


def confidences() -> dict[str, float]:
    """The confidences that decide what the app does with a detection, by name."""
    from biometric.bootstrap import detection_confidences
    from biometric.domain.selection import Rules

    continues, starts = detection_confidences()
    return {
        "continues a track": continues,
        "starts a track": starts,
        "allows embedding": Rules().min_confidence,
    }


def photographs(folder: Path, split: str) -> "Photographs":
    """The photographs of a split. Raises `DatasetInvalid` as `find_labelled`."""
    from biometric.evaluation.dataset_images import DatasetImages
    from biometric.evaluation.datasets.dataset import Source
    from biometric.evaluation.detector_accuracy import Photographs
    from biometric.training.labelled_photographs import find_labelled, read_people

    pictures = DatasetImages()
    labels = {labelled.picture: labelled.labels for labelled in find_labelled(folder.expanduser(), [split])}
    return Photographs(
        list(labels),
        lambda file: pictures.load(Source(file)),
        lambda file, width, height: read_people(labels[file], width, height),
    )


def _evaluate(options: argparse.Namespace) -> int:
    from biometric.bootstrap import build_measured_models
    from biometric.errors import InvalidSetting
    from biometric.evaluation.detector_accuracy import measure_detector

    if options.seed < 0:
        raise InvalidSetting("--seed must be 0 or more.")
    wanted = photographs(options.folder, options.split)
    models = build_measured_models(Settings.from_environment(None, detector=options.model))
    try:
        measured = run(measure_detector(wanted, models.detector(), confidences(), options.seed))
        result = _as_json(measured, models, options)
    finally:
        models.close()
    if options.output is not None:
        result["files"] = _write(measured, result, options.output)
    show(options, result, _text(result))
    return DONE


def _as_json(
    measured: "DetectorMeasured", models: "ModelAdministration", options: argparse.Namespace
) -> dict[str, Any]:
    from biometric.evaluation.result_files import estimate_json

    detector = models.detector()
    card = {"model": detector.name, "device": detector.device}
    for status in models.status():
        if status.role == Role.DETECTOR:
            card |= {"licence": status.licence} | (
                {} if status.notice is None else notice_json(status.notice, "notice")
            )
    counts = {"pictures": measured.pictures, "people": measured.people, "without_people": measured.empty}
    return {
        "dataset": {"name": options.folder.expanduser().resolve().name, "split": options.split, **counts},
        "model": card,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(options),
        "seed": options.seed,
        "ap50": estimate_json(measured.ap50),
        "ap50_95": estimate_json(measured.ap50_95),
        "points": [
            {
                "point": name,
                "confidence": point.confidence,
                "recall": estimate_json(point.recall),
                "precision": None if point.precision is None else estimate_json(point.precision),
            }
            for name, point in measured.points.items()
        ],
        "milliseconds": round(measured.milliseconds, 2),
    }


def _command(options: argparse.Namespace) -> str:
    """The command that repeats the evaluation."""
    words = ["python", "-m", "biometric", "evaluate-detector", str(options.folder), "--split", options.split]
    for name in ("model", "output"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join([*words, "--seed", str(options.seed)])


def _write(measured: "DetectorMeasured", result: dict[str, Any], folder: Path) -> list[str]:
    from biometric.evaluation import average_precision, plots, result_files

    recall, precision = average_precision.curve(measured.matches)
    rows = zip(measured.matches.confidences, recall, precision, strict=True)
    marks = {
        f"{name} (confidence {point.confidence:g})": (point.recall.value, point.precision.value)
        for name, point in measured.points.items()
        if point.precision is not None
    }
    files: dict[str, bytes | str] = {
        "evaluation.json": result_files.json_text(result),
        "precision-recall.csv": result_files.as_csv(
            [{"confidence": f"{c:.6f}", "recall": f"{r:.6f}", "precision": f"{p:.6f}"} for c, r, p in rows]
        ),
        "precision-recall.png": plots.precision_recall(recall, precision, marks),
    }
    return [str(path) for path in result_files.write_files(folder.expanduser(), files).values()]


def _text(result: dict[str, Any]) -> str:
    counts, model = result["dataset"], result["model"]
    lines = [
        f"{counts['name']} ({counts['split']}): {counts['pictures']:,} photographs, {counts['people']:,} people, "
        f"{counts['without_people']:,} photographs without anybody.",
        f"{model['model']} on {model['device']}: {result['milliseconds']:.1f} ms a photograph.",
        f"AP50 {_shown(result['ap50'])}, AP50-95 {_shown(result['ap50_95'])}.",
    ]
    for point in result["points"]:
        precision = "unknown, there is no such box" if point["precision"] is None else _shown(point["precision"])
        head = f"  From confidence {point['confidence']:g}, which {point['point']}:"
        lines.append(f"{head} recall {_shown(point['recall'])}, precision {precision}.")
    return "\n".join([*lines, *result.get("files", [])])


def _shown(estimate: dict[str, Any]) -> str:
    low, high = estimate["interval"]["limits"]
    return f"{estimate['value']:.3f} ({low:.3f}–{high:.3f})"
