"""`python -m biometric train detector`: a person detector from labelled photographs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, show
from biometric.cli.train.training_options import card, device_of, settings_of
from biometric.entities import Progress

if TYPE_CHECKING:
    from biometric.training.detector_training import DetectorConfig
    from biometric.training.runs import RunFolder


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "detector",
        help="train a person detector",
        description="Train a person detector with ultralytics on photographs with YOLO labels: DIR/images/train, "
        "DIR/images/val, DIR/labels/train and DIR/labels/val, one class (0, person).",
    )
    parser.add_argument("data", type=Path, metavar="DIR", help="the data set")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    parser.add_argument(
        "--architecture", default="yolo26n", metavar="NAME", help="ultralytics' name (default: yolo26n)"
    )
    parser.add_argument("--from", dest="begin", default="scratch", metavar="PT", help="a .pt (default: scratch)")
    parser.add_argument("--size", type=int, default=320, metavar="PIXELS", help="side of the pictures (default: 320)")
    parser.add_argument("--epochs", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="time limit (default: none)")
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="pictures a step (default: 16)")
    parser.add_argument("--rate", type=float, default=0.01, metavar="R", help="learning rate (default: 0.01)")
    parser.add_argument("--optimizer", default="MuSGD", metavar="NAME", help="MuSGD (default), SGD, AdamW, …")
    parser.add_argument("--stretch", type=float, default=1.8, metavar="X", help="largest stretch factor (default: 1.8)")
    parser.add_argument(
        "--mosaic", type=float, default=1.0, metavar="P", help="share composed of four pictures (default: 1)"
    )
    parser.add_argument("--half", action="store_true", help="half precision: faster on processors that support it")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of the CPU (default: all cores)")
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="processes that prepare pictures (GPU only)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of random draws (default: 0)")
    parser.add_argument("--licence", default="not stated", help="of the photographs, for the card")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_detector)


def _detector(options: argparse.Namespace) -> int:
    from biometric.bootstrap import configure_ultralytics
    from biometric.settings import Settings
    from biometric.training.runs import RunFolder

    configure_ultralytics(Settings.from_environment(None))
    from biometric.training.detector_training import check_dataset, train_detector

    config, data = _config(options), options.data.expanduser()
    counts = check_dataset(data)
    folder = RunFolder(options.run.expanduser(), "detector", settings_of(options), options.resume)
    try:
        best = train_detector(data, config, folder, _report)
        result = {"weights": str(best.relative_to(folder.folder)), "data": counts, **_best(folder)}
        folder.finish(result, _card(options, folder, result))
    finally:
        folder.close()
    text = (
        f"AP50 {result['ap50']:.3f}, AP50-95 {result['ap50_95']:.3f} on {counts['val']:,} photographs (epoch "
        f"{result['epoch']:.0f}). The run is in {folder.folder}; next: "
        f"python -m biometric train export --run {folder.folder}"
    )
    show(options, result, text)
    return DONE


def _config(options: argparse.Namespace) -> "DetectorConfig":
    from biometric.training.detector_training import DetectorConfig

    names = ("architecture", "begin", "size", "epochs", "minutes", "batch", "rate", "optimizer", "mosaic", "stretch")
    values = {name: getattr(options, name) for name in (*names, "half", "threads", "workers", "seed")}
    return DetectorConfig(device=device_of(options), **values)


def _report(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def _best(folder: "RunFolder") -> dict[str, float]:
    """The row of the epoch whose weights are kept: ultralytics keeps the one of highest AP50-95."""
    row = max(folder.rows, key=lambda row: row.get("metrics/mAP50-95(B)", 0.0))
    return {"epoch": row["epoch"], "ap50": row["metrics/mAP50(B)"], "ap50_95": row["metrics/mAP50-95(B)"]}


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
            f"AP50 {result['ap50']:.3f}, AP50-95 {result['ap50_95']:.3f} on the validation photographs at "
            f"{options.size} pixels, the best of {len(folder.rows)} epochs: chosen on the same photographs, so "
            "slightly optimistic"
        ],
        limits=[
            "It finds people as large as those of its photographs; small, crowded and hidden ones are missed more.",
            "A person who is not found is missing from every answer: check the footage before relying on "
            "“nobody found”.",
        ],
    )
