"""`python -m biometric train pretrain`: a network learns features of people from unlabelled crops."""

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.cli.train.training_options import (
    add_schedule,
    card,
    initialize_network,
    input_form,
    plan_of,
    settings_of,
)
from biometric.entities.progress import finish
from biometric.errors import InvalidSetting

if TYPE_CHECKING:
    from biometric.training.distributed import ProcessRank
    from biometric.training.pretraining import Pretraining, PretrainingConfig
    from biometric.training.runs import RunFolder
    from biometric.training.schedule import TrainingPlan


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "pretrain",
        help="pre-train an embedder on unlabelled crops (MoCo v2)",
        description="Pre-train an embedder on unlabelled crops by momentum contrast (MoCo v2), as a start for "
        "`train finetune`. On several GPUs: torchrun --standalone --nproc-per-node N -m -- biometric train pretrain …",
    )
    parser.add_argument("crops", type=Path, nargs="+", metavar="CROPS", help="sets made by `train crops`, or folders")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    parser.add_argument("--architecture", default="resnet50_bnneck", metavar="NAME", help="default: resnet50_bnneck")
    parser.add_argument(
        "--from",
        dest="begin",
        default="scratch",
        metavar="WEIGHTS",
        help="scratch (default), imagenet, a run, a .safetensors or a card",
    )
    parser.add_argument("--height", type=int, default=256, metavar="PIXELS", help="of the input (default: 256)")
    parser.add_argument("--width", type=int, default=128, metavar="PIXELS", help="of the input (default: 128)")
    _add_contrast(parser)
    add_schedule(parser, epochs=200, batch=256, rate=0.03)
    parser.add_argument("--warmup", type=float, default=1.0, metavar="N", help="epochs of rising rate (default: 1)")
    parser.add_argument("--optimizer", choices=("sgd", "adamw"), default="sgd", help="sgd (default) or adamw")
    parser.add_argument("--decay", type=float, default=1e-4, metavar="X", help="weight decay (default: 0.0001)")
    parser.add_argument("--probe-every", type=int, default=5, metavar="N", help="epochs between probes (default: 5)")
    parser.add_argument("--licence", default="not stated", help="of the crops, for the card")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_pretrain)


def _add_contrast(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue", type=int, default=4096, metavar="N", help="keys to compare with (default: 4096)")
    parser.add_argument("--temperature", type=float, default=0.1, metavar="X", help="of the loss (default: 0.1)")
    parser.add_argument(
        "--momentum", type=float, default=0.999, metavar="X", help="of the key encoder (default: 0.999)"
    )
    parser.add_argument("--dimension", type=int, default=128, metavar="N", help="of the keys (default: 128)")
    parser.add_argument(
        "--groups", type=int, default=8, metavar="N", help="groups of a batch, each normalised by itself (default: 8)"
    )


def _pretrain(options: argparse.Namespace) -> int:
    from biometric.training import distributed

    # Wrong options and data are found before the run's folder is made.
    rank = distributed.process_rank()
    plan, config = _plan(options, rank), _config(options)
    with distributed.process_group(rank, plan.device):
        task = _task(options, config, rank)
        result = _train(options, task, plan, rank)
    if rank.first:
        folder = options.run.expanduser()
        lines = [f"{line[0].upper()}{line[1:]}" for line in _describe_measurements(result)]
        lines += [f"The run is in {folder}; next: python -m biometric train finetune … --from {folder}"]
        show(options, result, "\n".join(lines))
    return DONE


def _plan(options: argparse.Namespace, rank: "ProcessRank") -> "TrainingPlan":
    from biometric.training.distributed import device_of

    plan = plan_of(options)
    if plan.minutes and rank.world > 1:
        raise InvalidSetting(
            "--minutes works with one process only: several would not stop at the same step. Use --epochs."
        )
    return replace(
        plan,
        warmup=options.warmup,
        optimizer=options.optimizer,
        decay=options.decay,
        device=device_of(rank, plan.device),
    )


def _config(options: argparse.Namespace) -> "PretrainingConfig":
    from biometric.training.moco import ContrastConfig
    from biometric.training.pretraining import PretrainingConfig

    return PretrainingConfig(
        input_form(options),
        ContrastConfig(options.queue, options.temperature, options.momentum, options.dimension, options.groups),
        batch=options.batch,
        epochs=options.epochs,
        probe_every=options.probe_every,
        seed=options.seed,
        workers=options.workers,
    )


def _task(options: argparse.Namespace, config: "PretrainingConfig", rank: "ProcessRank") -> "Pretraining":
    from biometric.training.crops.crop_sets import JoinedCrops, open_crops
    from biometric.training.loop import seed_all
    from biometric.training.pretraining import Pretraining

    crops = JoinedCrops([open_crops(path.expanduser()) for path in options.crops])
    network = initialize_network(options, options.architecture)
    seed_all(options.seed, 1)  # heads and queue do not depend on the initial weights
    return Pretraining(network, crops, config, rank)


def _train(
    options: argparse.Namespace, task: "Pretraining", plan: "TrainingPlan", rank: "ProcessRank"
) -> dict[str, Any]:
    """Train to the end; the first process writes the run's folder and returns the result."""
    from biometric.training.loop import fit
    from biometric.training.runs import RunFolder

    settings = {**settings_of(options), "processes": rank.world}
    with RunFolder(options.run.expanduser(), "pretrain", settings, options.resume, quiet=not rank.first) as folder:
        training = fit(task, folder, plan)
        if not rank.first:
            finish(training)
            return {}
        run(training)
        result = _result(options, task, folder)
        folder.finish(result, _card(options, folder, result))
        return result


def _result(options: argparse.Namespace, task: "Pretraining", folder: "RunFolder") -> dict[str, Any]:
    sample = task.sample
    probe = None
    if sample is not None:
        probe = {
            "accuracy": folder.rows[-1]["knn"],
            "chance": sample.chance,
            "crops": len(sample.crops),
            "tracks": len(set(sample.tracks.tolist())),
        }
    return {
        "architecture": options.architecture,
        "height": options.height,
        "width": options.width,
        "dimension": task.network.feature_dim,
        "parameters": sum(value.numel() for value in task.network.parameters()),
        "initial_weights": options.begin,
        "crops": task.crops,
        "epochs": options.epochs,
        "loss": folder.rows[-1]["loss"],
        "loss_of_guessing": math.log(options.queue + 1),
        "nearest_neighbours": probe,
    }


def _describe_measurements(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    loss = f"loss of the last epoch {result['loss']:.3f} (of random guessing: {result['loss_of_guessing']:.3f})"
    probe = result["nearest_neighbours"]
    if probe is None:
        return [loss, "no nearest-neighbour probe: the crops have too few tracks, or none"]
    return [
        loss,
        f"{probe['accuracy']:.1%} of {probe['crops']:,} crops are nearest to others of their own track, out of "
        f"{probe['tracks']:,} tracks (by random guessing: {probe['chance']:.1%})",
    ]


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    names = ", ".join(path.name for path in options.crops)
    return card(
        f"{options.architecture}, pre-trained by momentum contrast",
        folder,
        data=f"{result['crops']:,} unlabelled crops of {names} (licence of the data: {options.licence}); started from "
        f"{options.begin}",
        metrics=_describe_measurements(result),
        limits=[
            "It is a start for `python -m biometric train finetune`, not an embedder to compare people with.",
            "The nearest-neighbour probe uses tracks instead of people: their crops share camera, light and minute, "
            "and the network was trained on them. It compares epochs and runs on the same crops, nothing else.",
            "It may have learned any property of the crops, including biases of who was filmed and where.",
        ],
    )
