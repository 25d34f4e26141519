"""`python -m biometric train pretrain`: a network learns from unlabelled crops what makes people look different."""

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.common import DONE, run, show
from biometric.cli.train.common import add_schedule, begun_network, card, input_form, plan_of, settings_of
from biometric.entities.progress import finish
from biometric.errors import InvalidSetting

if TYPE_CHECKING:
    from biometric.training.distributed import Place
    from biometric.training.pretrain import Pretraining, Recipe
    from biometric.training.runs import RunFolder
    from biometric.training.schedule import Plan


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    made = subcommands.add_parser(
        "pretrain",
        help="pre-train an embedder on unlabelled crops (MoCo v2)",
        description="Pre-train an embedder on unlabelled crops by momentum contrast (MoCo v2), for `train finetune` "
        "to go on from. On several GPUs: torchrun --standalone --nproc-per-node N -m -- biometric train pretrain …",
    )
    made.add_argument("crops", type=Path, nargs="+", metavar="CROPS", help="sets made by `train crops`, or folders")
    made.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    made.add_argument("--resume", action="store_true", help="go on with the run that is there")
    made.add_argument("--architecture", default="resnet50_bnneck", metavar="NAME", help="default: resnet50_bnneck")
    made.add_argument(
        "--from",
        dest="begin",
        default="scratch",
        metavar="WEIGHTS",
        help="scratch (default), imagenet, a run, a .safetensors or a card",
    )
    made.add_argument("--height", type=int, default=256, metavar="PIXELS", help="of the input (default: 256)")
    made.add_argument("--width", type=int, default=128, metavar="PIXELS", help="of the input (default: 128)")
    _add_contrast(made)
    add_schedule(made, epochs=200, batch=256, rate=0.03)
    made.add_argument("--warmup", type=float, default=1.0, metavar="N", help="epochs of rising rate (default: 1)")
    made.add_argument("--optimizer", choices=("sgd", "adamw"), default="sgd", help="sgd (default) or adamw")
    made.add_argument("--decay", type=float, default=1e-4, metavar="X", help="weight decay (default: 0.0001)")
    made.add_argument("--probe-every", type=int, default=5, metavar="N", help="epochs between probes (default: 5)")
    made.add_argument("--licence", default="not stated", help="of the crops, for the card")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_pretrain)


def _add_contrast(made: argparse.ArgumentParser) -> None:
    made.add_argument("--queue", type=int, default=4096, metavar="N", help="keys to be told from (default: 4096)")
    made.add_argument("--temperature", type=float, default=0.1, metavar="X", help="of the loss (default: 0.1)")
    made.add_argument("--momentum", type=float, default=0.999, metavar="X", help="of the key encoder (default: 0.999)")
    made.add_argument("--dimension", type=int, default=128, metavar="N", help="of the keys (default: 128)")
    made.add_argument(
        "--groups", type=int, default=8, metavar="N", help="parts of a batch with statistics of their own (default: 8)"
    )


def _pretrain(options: argparse.Namespace) -> int:
    from biometric.training import distributed

    # Whatever is wrong with options and data is found before a run is begun: no folder is left behind.
    where = distributed.place()
    plan, recipe = _plan(options, where), _recipe(options)
    with distributed.joined(where, plan.device):
        task = _task(options, recipe, where)
        result = _trained(options, task, plan, where)
    if where.first:
        folder = options.run.expanduser()
        lines = [f"{line[0].upper()}{line[1:]}" for line in _measured(result)]
        lines += [f"The run is in {folder}; next: python -m biometric train finetune … --from {folder}"]
        show(options, result, "\n".join(lines))
    return DONE


def _plan(options: argparse.Namespace, where: "Place") -> "Plan":
    from biometric.training.distributed import device_of

    plan = plan_of(options)
    if plan.minutes and where.world > 1:
        raise InvalidSetting("--minutes is for one process: several would not end in the same step. Use --epochs.")
    return replace(
        plan,
        warmup=options.warmup,
        optimizer=options.optimizer,
        decay=options.decay,
        device=device_of(where, plan.device),
    )


def _recipe(options: argparse.Namespace) -> "Recipe":
    from biometric.training.moco import Contrast
    from biometric.training.pretrain import Recipe

    return Recipe(
        input_form(options),
        Contrast(options.queue, options.temperature, options.momentum, options.dimension, options.groups),
        batch=options.batch,
        epochs=options.epochs,
        every=options.probe_every,
        seed=options.seed,
        workers=options.workers,
    )


def _task(options: argparse.Namespace, recipe: "Recipe", where: "Place") -> "Pretraining":
    from biometric.training.crops.joined import JoinedCrops
    from biometric.training.crops.store import open_crops
    from biometric.training.loop import seed_all
    from biometric.training.pretrain import Pretraining

    crops = JoinedCrops([open_crops(path.expanduser()) for path in options.crops])
    network = begun_network(options, options.architecture)
    seed_all(options.seed, 1)  # wherever it began from, heads and queue begin alike
    return Pretraining(network, crops, recipe, where)


def _trained(options: argparse.Namespace, task: "Pretraining", plan: "Plan", where: "Place") -> dict[str, Any]:
    """Train to the end; the first process writes the run's folder and returns the result."""
    from biometric.training.loop import fit
    from biometric.training.runs import RunFolder

    settings = {**settings_of(options), "processes": where.world}
    with RunFolder(options.run.expanduser(), "pretrain", settings, options.resume, quiet=not where.first) as folder:
        work = fit(task, folder, plan)
        if not where.first:
            finish(work)
            return {}
        run(work)
        result = _result(options, task, folder)
        folder.finish(result, _card(options, folder, result))
        return result


def _result(options: argparse.Namespace, task: "Pretraining", folder: "RunFolder") -> dict[str, Any]:
    found = task.sample
    probe = None
    if found is not None:
        probe = {
            "accuracy": folder.rows[-1]["knn"],
            "chance": found.chance,
            "crops": len(found.crops),
            "tracks": len(set(found.tracks.tolist())),
        }
    return {
        "architecture": options.architecture,
        "height": options.height,
        "width": options.width,
        "dimension": task.network.feature_dim,
        "parameters": sum(value.numel() for value in task.network.parameters()),
        "began_from": options.begin,
        "crops": task.crops,
        "epochs": options.epochs,
        "loss": folder.rows[-1]["loss"],
        "loss_of_guessing": math.log(options.queue + 1),
        "nearest_neighbours": probe,
    }


def _measured(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    loss = f"loss of the last epoch {result['loss']:.3f} (of guessing: {result['loss_of_guessing']:.3f})"
    found = result["nearest_neighbours"]
    if found is None:
        return [loss, "no look at nearest neighbours: the crops have too few tracks, or none"]
    return [
        loss,
        f"{found['accuracy']:.1%} of {found['crops']:,} crops are nearest to others of their own track, out of "
        f"{found['tracks']:,} tracks (by guessing: {found['chance']:.1%})",
    ]


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    names = ", ".join(path.name for path in options.crops)
    return card(
        f"{options.architecture}, pre-trained by momentum contrast",
        folder,
        data=f"{result['crops']:,} unlabelled crops of {names} (licence of the data: {options.licence}); begun from "
        f"{options.begin}",
        metrics=_measured(result),
        limits=[
            "It is a beginning for `python -m biometric train finetune`, not an embedder to compare people with.",
            "Tracks stand in for people in the look at nearest neighbours: their crops share camera, light and minute, "
            "and the network was trained on them. It compares epochs and runs on the same crops, nothing else.",
            "It has learnt whatever the crops show, the biases of who was filmed and where included.",
        ],
    )
