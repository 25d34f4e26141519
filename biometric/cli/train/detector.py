"""`python -m biometric train detector`: a person detector from labelled photographs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.common import DONE, show
from biometric.cli.train.common import card, device_of, settings_of
from biometric.entities import Progress

if TYPE_CHECKING:
    from biometric.training.detector import Recipe
    from biometric.training.runs import RunFolder


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    made = subcommands.add_parser(
        "detector",
        help="train a person detector",
        description="Train a person detector with ultralytics on photographs with YOLO labels: DIR/images/train, "
        "DIR/images/val, DIR/labels/train and DIR/labels/val, one class (0, person).",
    )
    made.add_argument("data", type=Path, metavar="DIR", help="the data set")
    made.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    made.add_argument("--resume", action="store_true", help="go on with the run that is there")
    made.add_argument("--architecture", default="yolo26n", metavar="NAME", help="ultralytics' name (default: yolo26n)")
    made.add_argument("--from", dest="begin", default="scratch", metavar="PT", help="a .pt (default: scratch)")
    made.add_argument("--size", type=int, default=320, metavar="PIXELS", help="of the picture (default: 320)")
    made.add_argument("--epochs", type=int, default=100, metavar="N", help="default: 100")
    made.add_argument("--minutes", type=float, default=0.0, metavar="N", help="end after so long (default: no limit)")
    made.add_argument("--batch", type=int, default=16, metavar="N", help="pictures a step (default: 16)")
    made.add_argument("--rate", type=float, default=0.01, metavar="R", help="learning rate (default: 0.01)")
    made.add_argument("--optimizer", default="MuSGD", metavar="NAME", help="MuSGD (default), SGD, AdamW, …")
    made.add_argument("--stretch", type=float, default=1.8, metavar="X", help="largest stretching (default: 1.8)")
    made.add_argument("--mosaic", type=float, default=1.0, metavar="P", help="share put together of four (default: 1)")
    made.add_argument("--half", action="store_true", help="half precision: faster where the processor knows it")
    made.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default)")
    made.add_argument("--threads", type=int, default=0, metavar="N", help="of the CPU (default: all cores)")
    made.add_argument("--workers", type=int, default=2, metavar="N", help="processes that prepare pictures (GPU only)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of random draws (default: 0)")
    made.add_argument("--licence", default="not stated", help="of the photographs, for the card")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_detector)


def _detector(options: argparse.Namespace) -> int:
    from biometric.models.vendor import quiet_ultralytics
    from biometric.settings import Settings
    from biometric.training.runs import RunFolder

    quiet_ultralytics(Settings.from_environment(None).cache)
    from biometric.training import detector

    recipe, data = _recipe(options), options.data.expanduser()
    counts = detector.check_dataset(data)
    folder = RunFolder(options.run.expanduser(), "detector", settings_of(options), options.resume)
    try:
        best = detector.train(data, recipe, folder, _report)
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


def _recipe(options: argparse.Namespace) -> "Recipe":
    from biometric.training.detector import Recipe

    names = ("architecture", "begin", "size", "epochs", "minutes", "batch", "rate", "optimizer", "mosaic", "stretch")
    values = {name: getattr(options, name) for name in (*names, "half", "threads", "workers", "seed")}
    return Recipe(device=device_of(options), **values)


def _report(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def _best(folder: "RunFolder") -> dict[str, float]:
    """The row of the epoch whose weights are kept: ultralytics keeps the one of highest AP50-95."""
    row = max(folder.rows, key=lambda row: row.get("metrics/mAP50-95(B)", 0.0))
    return {"epoch": row["epoch"], "ap50": row["metrics/mAP50(B)"], "ap50_95": row["metrics/mAP50-95(B)"]}


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    counts = result["data"]
    begun = "random weights" if options.begin == "scratch" else Path(options.begin).name
    return card(
        f"{options.architecture}, one class (person)",
        folder,
        data=f"{options.data.name}: {counts['train']:,} photographs to train, {counts['val']:,} to validate, "
        f"{counts['people']:,} people labelled (licence of the data: {options.licence}). Begun from {begun}",
        metrics=[
            f"AP50 {result['ap50']:.3f}, AP50-95 {result['ap50_95']:.3f} on the validation photographs at "
            f"{options.size} pixels, the best of {len(folder.rows)} epochs: chosen on the same photographs, so "
            "slightly too good"
        ],
        limits=[
            "It finds people as large as those of its photographs; small, crowded and hidden ones are missed more.",
            "A person who is not found is in no answer: say how footage looks before trusting a “nobody”.",
        ],
    )
