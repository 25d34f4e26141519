"""`python -m biometric train distill`: a small network learns the embeddings of a large one."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.cli.train.distill_options import resolve_options
from biometric.cli.train.training_options import (
    add_result,
    add_run,
    add_schedule,
    card,
    describe_end,
    initialize_network,
    open_run,
    plan_of,
)
from biometric.errors import InvalidSetting

if TYPE_CHECKING:
    from biometric.training.distillation import Distillation
    from biometric.training.distillation_targets import DistillationConfig
    from biometric.training.runs import RunFolder

_KEEP_EVERY = 20.0
"""Seconds between checkpoints: a machine that disappears loses less than half a minute."""
_LARGEST_GRADIENT = 5.0


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "distill",
        help="train a small embedder to imitate a large one",
        description="Train a small embedder to give the embeddings of another one (the teacher) on unlabelled crops.",
    )
    parser.add_argument("crops", type=Path, nargs="+", metavar="CROPS", help="sets made by `train crops`, or folders")
    parser.add_argument("--held-back", type=Path, required=True, metavar="CROPS", help="crops for testing only")
    add_run(parser)
    parser.add_argument("--teacher", metavar="CARD", help="a card's name or a file (default: the app's embedder)")
    parser.add_argument(
        "--student",
        metavar="NAME",
        help="an architecture; lite0, lite1 and lite2 begin with ImageNet's weights (default: that of --from, or else "
        "resnet14_gdc)",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        metavar="WEIGHTS",
        help="a card, a run, a .safetensors, imagenet or scratch (default: imagenet for lite0, lite1 and lite2, else "
        "scratch)",
    )
    for name, default in (("height", 256), ("width", 128)):
        parser.add_argument(
            f"--{name}", type=int, metavar="PIXELS", help=f"of the network's input (default: as --from, or {default})"
        )
    parser.add_argument(
        "--colours",
        choices=("imagenet", "raw"),
        help="RGB of ImageNet's mean and deviation, or BGR of 0 to 255 (default: as --from, or imagenet)",
    )
    parser.add_argument("--views", type=int, default=4, metavar="N", help="fixed views of each crop (default: 4)")
    parser.add_argument("--live", action="store_true", help="the teacher embeds every picture, at each step: for GPUs")
    parser.add_argument(
        "--crops-on",
        choices=("auto", "device", "workers"),
        default="auto",
        help="with --live: crops stay in the device's memory and are changed there, or processes prepare them "
        "(default: auto, on a GPU whose memory is enough)",
    )
    parser.add_argument(
        "--mix", type=float, default=0.5, metavar="P", help="share blended of two (--live; default: 0.5)"
    )
    parser.add_argument("--passes", type=int, default=1, metavar="N", help="times an epoch shows a crop (default: 1)")
    parser.add_argument("--relation", type=float, default=1.0, metavar="X", help="weight of comparison scores")
    add_schedule(parser, epochs=30, batch=64, rate=2e-3)
    add_result(parser)
    parser.set_defaults(command=_distill)


def _distill(options: argparse.Namespace) -> int:
    from biometric.cli.train.distill_tasks import build_task, check_crops_on
    from biometric.training.checkpoints import load_best
    from biometric.training.crops.crop_sets import JoinedCrops, open_crops
    from biometric.training.distillation import check_count
    from biometric.training.loop import fit_network

    started = time.monotonic()
    # Wrong options and data are found before the run's folder is made.
    check_crops_on(options)
    pretrained = resolve_options(options)
    plan = plan_of(options, keep_every=_KEEP_EVERY, best_by="cosine", clip=_LARGEST_GRADIENT, slow=pretrained)
    config = _config(options)
    if any(path.expanduser().resolve() == options.held_back.expanduser().resolve() for path in options.crops):
        raise InvalidSetting(
            f"--held-back {options.held_back} is also among the training crops. Name crops of other videos to "
            f"test with."
        )
    crops = JoinedCrops([open_crops(path.expanduser()) for path in options.crops])
    held_back = open_crops(options.held_back.expanduser())
    network = initialize_network(options, options.student)
    check_count(len(crops), config)
    with open_run(options, "distill") as folder:
        task, teacher = build_task(options, network, (crops, held_back), config, folder)
        run(fit_network(task, folder, plan, started=started))
        best = load_best(folder, task.modules)
        result = _result(task, folder, teacher, options.begin, best)
        folder.finish(result, _card(options, folder, result))
    path = folder.folder
    show(
        options,
        result,
        describe_end([f"teacher: {teacher}", *_describe_measurements(result)], path, f"export --run {path}"),
    )
    return DONE


def _config(options: argparse.Namespace) -> "DistillationConfig":
    from biometric.training.augmentation_ranges import LIVE, STRONG
    from biometric.training.distillation_targets import DistillationConfig
    from biometric.training.initial_input import input_with

    return DistillationConfig(
        input_with(options.colours, options.height, options.width),
        options.views,
        options.batch,
        options.relation,
        options.mix,
        options.passes,
        seed=options.seed,
        workers=options.workers,
        strength=LIVE if options.live else STRONG,
    )


def _result(
    task: "Distillation", folder: "RunFolder", teacher: str, initial_weights: str, best: int | None
) -> dict[str, Any]:
    embeddings = task.embed_held_back()
    cosines = task.cosines(embeddings)
    interval = task.interval(cosines)
    speeds = [row["views_per_second"] for row in folder.rows if "views_per_second" in row]
    return {
        "teacher": teacher,
        "initial_weights": initial_weights,
        "held_back": len(cosines),
        "cosine": float(cosines.mean(dtype=float)),
        "cosine_interval": None if interval is None else [interval.low, interval.high],
        "cosine_at_start": next((row["cosine"] for row in folder.rows if row["epoch"] == 0), None),
        "best_epoch": best,
        "scores": task.score_agreement(embeddings),
        "views_per_second": sum(speeds) / len(speeds) if speeds else None,
        "parameters": sum(value.numel() for value in task.network.parameters()),
    }


def _interval(result: dict[str, Any]) -> str:
    if result["cosine_interval"] is None:
        return "no interval: all crops are from one picture or video"
    low, high = result["cosine_interval"]
    return f"95 % interval {low:.3f} to {high:.3f}, by resampling pictures"


def _describe_measurements(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    lines = [
        f"mean cosine to the teacher on {result['held_back']:,} held-back crops: {result['cosine']:.3f} "
        f"({_interval(result)})",
        f"correlation of comparison scores with the teacher's: {result['scores']:.3f}",
    ]
    if result["cosine_at_start"] is not None:
        lines.append(
            f"mean cosine of the weights that it began with: {result['cosine_at_start']:.3f}; the best were those "
            f"after epoch {result['best_epoch']}, chosen on the same held-back crops"
        )
    return lines


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    from biometric.training.imagenet_weights import LITE_LICENCE, lite_number

    licences = f"licence of the data: {options.licence}"
    if options.begin == "imagenet" and lite_number(options.student) is not None:
        licences += f"; of the weights that it began with: {LITE_LICENCE}"
    return card(
        f"{options.student}, student of {result['teacher']}",
        folder,
        data=f"{', '.join(path.name for path in options.crops)} ({licences}); held back: {options.held_back.name}",
        metrics=_describe_measurements(result),
        limits=[
            "It can be no better than its teacher, and shares its teacher's biases.",
            "A cosine to the teacher is not an error rate: measure error rates with `python -m biometric evaluate`.",
        ],
    )
