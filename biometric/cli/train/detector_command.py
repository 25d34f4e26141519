"""`python -m biometric train detector`: a person detector from labelled photographs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, progress_line, show
from biometric.cli.train.training_options import (
    add_result,
    add_run,
    add_schedule,
    card,
    describe_end,
    device_of,
    open_run,
)

if TYPE_CHECKING:
    from biometric.training.detector_training import DetectorConfig
    from biometric.training.runs import RunFolder


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "detector",
        help="train a person detector",
        description="Train a person detector with ultralytics on photographs with YOLO labels: DIR/images/train, "
        "DIR/images/val, DIR/labels/train and DIR/labels/val; people are class 0, others are passed over.",
    )
    parser.add_argument("data", type=Path, metavar="DIR", help="the data set")
    add_run(parser)
    parser.add_argument(
        "--architecture", default="yolo26n", metavar="NAME", help="ultralytics' name (default: yolo26n)"
    )
    parser.add_argument("--from", dest="begin", default="scratch", metavar="PT", help="a .pt (default: scratch)")
    parser.add_argument("--size", type=int, default=320, metavar="PIXELS", help="side of the pictures (default: 320)")
    add_schedule(parser, epochs=100, batch=16, rate=0.01, pictures="photographs", workers=2)
    parser.add_argument("--optimizer", default="MuSGD", metavar="NAME", help="MuSGD (default), SGD, AdamW, …")
    parser.add_argument("--stretch", type=float, default=1.8, metavar="X", help="largest stretch factor (default: 1.8)")
    parser.add_argument(
        "--mosaic", type=float, default=1.0, metavar="P", help="share composed of four pictures (default: 1)"
    )
    add_result(parser, "photographs")
    parser.set_defaults(command=_detector)


def _detector(options: argparse.Namespace) -> int:
    from biometric.bootstrap import configure_ultralytics
    from biometric.settings import Settings

    configure_ultralytics(Settings.from_environment(None))
    from biometric.training.detector_training import read_dataset, train_detector

    config, dataset = _config(options), read_dataset(options.data.expanduser())
    counts = dataset.counts()
    with open_run(options, "detector") as folder:
        with progress_line() as report:
            best = train_detector(dataset, config, folder, report)
        result = {"weights": str(best.relative_to(folder.folder)), "data": counts, **_best(folder)}
        folder.finish(result, _card(options, folder, result))
    path = folder.folder
    metrics = f"{_accuracy(result)} on {counts['val']:,} photographs (epoch {result['epoch']:.0f})"
    show(options, result, describe_end([metrics], path, f"export --run {path}"))
    return DONE


def _config(options: argparse.Namespace) -> "DetectorConfig":
    from biometric.training.detector_training import DetectorConfig

    names = ("architecture", "begin", "size", "epochs", "minutes", "batch", "rate", "optimizer", "mosaic", "stretch")
    values = {name: getattr(options, name) for name in (*names, "half", "threads", "workers", "seed")}
    return DetectorConfig(device=device_of(options), **values)


def _best(folder: "RunFolder") -> dict[str, float]:
    """The row of the epoch whose weights are kept: ultralytics keeps the one of highest AP50-95."""
    row = max(folder.rows, key=lambda row: row.get("metrics/mAP50-95(B)", 0.0))
    return {"epoch": row["epoch"], "ap50": row["metrics/mAP50(B)"], "ap50_95": row["metrics/mAP50-95(B)"]}


def _accuracy(result: dict[str, Any]) -> str:
    return f"AP50 {result['ap50']:.3f}, AP50-95 {result['ap50_95']:.3f}"


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    counts = result["data"]
    initial_weights = "random weights" if options.begin == "scratch" else Path(options.begin).name
    return card(
        f"{options.architecture}, one class (person)",
        folder,
        data=f"{options.data.name}: {counts['train']:,} photographs to train, {counts['val']:,} to validate, "
        f"{counts['people']:,} people labelled (licence of the data: {options.licence}). Started from "
        f"{initial_weights}",
        metrics=[
            f"{_accuracy(result)} on the validation photographs at "
            f"{options.size} pixels, the best of {len(folder.rows)} epochs: chosen on the same photographs, so "
            "slightly optimistic"
        ],
        limits=[
            "It finds people as large as those of its photographs; small, crowded and hidden ones are missed more.",
            "A person who is not found is missing from every answer: check the footage before relying on "
            "“nobody found”.",
        ],
    )
