"""`python -m biometric train pretrain`: a network learns features of people from unlabelled crops."""

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.cli.train.training_options import (
    add_network,
    add_optimizer,
    add_result,
    add_run,
    add_schedule,
    card,
    describe_end,
    describe_network,
    initialize_network,
    input_form,
    open_run,
    plan_of,
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
    add_run(parser)
    add_network(parser, "scratch")
    _add_contrast(parser)
    add_schedule(parser, epochs=200, batch=256, rate=0.03)
    add_optimizer(parser, "sgd", warmup=1.0, decay=1e-4)
    parser.add_argument("--probe-every", type=int, default=5, metavar="N", help="epochs between probes (default: 5)")
    add_result(parser)
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
        show(options, result, describe_end(_describe_measurements(result), folder, f"finetune … --from {folder}"))
    return DONE


def _plan(options: argparse.Namespace, rank: "ProcessRank") -> "TrainingPlan":
    from biometric.training.distributed import device_of_rank

    plan = plan_of(options)
    if plan.minutes and rank.world > 1:
        raise InvalidSetting(
            "--minutes works with one process only: several would not stop at the same step. Use --epochs."
        )
    return replace(plan, device=device_of_rank(rank, plan.device))


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
    from biometric.training.loop import fit_network

    with open_run(options, "pretrain", quiet=not rank.first, processes=rank.world) as folder:
        training = fit_network(task, folder, plan)
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
        **describe_network(options, task.network),
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
