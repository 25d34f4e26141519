"""`python -m biometric train distill`: a small network learns the embeddings of a large one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.cli.train.training_options import (
    add_input_size,
    add_result,
    add_run,
    add_schedule,
    card,
    describe_end,
    device_of,
    initialize_network,
    input_form,
    open_run,
    plan_of,
)
from biometric.errors import InvalidSetting
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.training.crops.crop_records import Crops
    from biometric.training.distillation import Distillation
    from biometric.training.distillation_targets import DistillationConfig
    from biometric.training.runs import RunFolder


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
    parser.add_argument("--student", default="resnet14_gdc", metavar="NAME", help="default: resnet14_gdc")
    parser.add_argument("--from", dest="begin", default="scratch", metavar="WEIGHTS", help="a run or a .safetensors")
    add_input_size(parser)
    parser.add_argument("--views", type=int, default=4, metavar="N", help="fixed views of each crop (default: 4)")
    parser.add_argument("--live", action="store_true", help="the teacher embeds every picture, at each step: for GPUs")
    parser.add_argument(
        "--mix", type=float, default=0.5, metavar="P", help="share blended of two (--live; default: 0.5)"
    )
    parser.add_argument("--passes", type=int, default=1, metavar="N", help="times an epoch shows a crop (default: 1)")
    parser.add_argument("--relation", type=float, default=1.0, metavar="X", help="weight of comparison scores")
    add_schedule(parser, epochs=30, batch=64, rate=2e-3)
    add_result(parser)
    parser.set_defaults(command=_distill)


def _distill(options: argparse.Namespace) -> int:
    from biometric.training.crops.crop_sets import JoinedCrops, open_crops
    from biometric.training.loop import fit_network

    # Wrong options and data are found before the run's folder is made.
    plan, config = plan_of(options), _config(options)
    if any(path.expanduser().resolve() == options.held_back.expanduser().resolve() for path in options.crops):
        raise InvalidSetting(
            f"--held-back {options.held_back} is also among the training crops. Name crops of other videos to "
            f"test with."
        )
    crops = JoinedCrops([open_crops(path.expanduser()) for path in options.crops])
    held_back = open_crops(options.held_back.expanduser())
    network = initialize_network(options, options.student)
    with open_run(options, "distill") as folder:
        task, teacher = _build_task(options, network, (crops, held_back), config, folder)
        run(fit_network(task, folder, plan))
        result = _result(task, teacher, options.begin)
        folder.finish(result, _card(options, folder, result))
    path = folder.folder
    show(
        options,
        result,
        describe_end([f"teacher: {teacher}", *_describe_measurements(result)], path, f"export --run {path}"),
    )
    return DONE


def _config(options: argparse.Namespace) -> "DistillationConfig":
    from biometric.training.distillation_targets import DistillationConfig

    return DistillationConfig(
        input_form(options),
        options.views,
        options.batch,
        options.relation,
        options.mix,
        options.passes,
        seed=options.seed,
        workers=options.workers,
    )


def _build_task(
    options: argparse.Namespace,
    network: Any,
    crop_sets: "tuple[Crops, Crops]",
    config: "DistillationConfig",
    folder: "RunFolder",
) -> "tuple[Distillation, str]":
    """The task, with the teacher's embeddings or the teacher itself; the teacher's id."""
    from biometric.bootstrap import build_teachers
    from biometric.training.distillation import Distillation
    from biometric.training.distillation_targets import DistillationTargets, FixedTargets, OnlineTargets, embed_teacher

    crops, held_back = crop_sets
    models = build_teachers(Settings.from_environment(None, embedder=options.teacher), options.live)
    try:
        teacher: Any = models.embedder()
        held_back_targets = run(embed_teacher(held_back, teacher, config, folder, "teacher-held-back", 1))[:, 0]
        targets: DistillationTargets
        if options.live:
            network_of_teacher = teacher.network.to(device_of(options))
            targets = OnlineTargets(crops, network_of_teacher, teacher.form, teacher.dimension, config)
        else:
            embeddings = run(embed_teacher(crops, teacher, config, folder, "teacher", options.views))
            targets = FixedTargets(crops, embeddings, config)
    finally:
        models.close()
    return Distillation(network, len(crops), targets, (held_back, held_back_targets), config), teacher.model_id


def _result(task: "Distillation", teacher: str, initial_weights: str) -> dict[str, Any]:
    cosines = task.cosines(task.embed_held_back())
    interval = task.interval(cosines)
    return {
        "teacher": teacher,
        "initial_weights": initial_weights,
        "held_back": len(cosines),
        "cosine": float(cosines.mean(dtype=float)),
        "cosine_interval": None if interval is None else [interval.low, interval.high],
        "scores": float(task.evaluate(0)["scores"]),
        "parameters": sum(value.numel() for value in task.network.parameters()),
    }


def _interval(result: dict[str, Any]) -> str:
    if result["cosine_interval"] is None:
        return "no interval: all crops are from one picture or video"
    low, high = result["cosine_interval"]
    return f"95 % interval {low:.3f} to {high:.3f}, by resampling pictures"


def _describe_measurements(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    return [
        f"mean cosine to the teacher on {result['held_back']:,} held-back crops: {result['cosine']:.3f} "
        f"({_interval(result)})",
        f"correlation of comparison scores with the teacher's: {result['scores']:.3f}",
    ]


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    return card(
        f"{options.student}, student of {result['teacher']}",
        folder,
        data=f"{', '.join(path.name for path in options.crops)} (licence of the data: {options.licence}); "
        f"held back: {options.held_back.name}",
        metrics=_describe_measurements(result),
        limits=[
            "It can be no better than its teacher, and shares its teacher's biases.",
            "A cosine to the teacher is not an error rate: measure error rates with `python -m biometric evaluate`.",
        ],
    )
