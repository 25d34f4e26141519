"""`python -m biometric train finetune`: an embedder learns from labelled pictures who is the same person."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.common import DONE, run, show
from biometric.cli.train.common import add_schedule, begun_network, card, input_form, plan_of, settings_of

if TYPE_CHECKING:
    from biometric.training.finetune import Finetuning, Recipe
    from biometric.training.people import Sides
    from biometric.training.runs import RunFolder
    from biometric.training.schedule import Plan

DATASETS = ("market1501", "cuhk03", "cuhk01", "msmt17", "tree", "csv")
"""What `evaluate` reads, but for galleries: people were not enrolled in order to be trained on."""

_MANY = 30
"""People from which on a card does not warn of its figures."""


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    made = subcommands.add_parser(
        "finetune",
        help="train an embedder on labelled pictures of people",
        description="Train an embedder on pictures of known people, judged by people that it does not learn from.",
    )
    made.add_argument("dataset", metavar="DATASET", choices=DATASETS, help=", ".join(DATASETS))
    made.add_argument("folder", type=Path, metavar="DIR", help="its folder (csv: or the file)")
    made.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    made.add_argument("--resume", action="store_true", help="go on with the run that is there")
    made.add_argument("--protocol", help="protocol of the data set (default: its first)")
    made.add_argument("--hold-back", type=float, metavar="SHARE", help="judge by this share of the people to train on")
    _add_network(made)
    _add_losses(made)
    add_schedule(made, epochs=60, batch=None, rate=3.5e-4)
    made.add_argument("--warmup", type=float, default=5.0, metavar="N", help="epochs of rising rate (default: 5)")
    made.add_argument("--optimizer", choices=("adamw", "sgd"), default="adamw", help="adamw (default) or sgd")
    made.add_argument("--decay", type=float, default=5e-4, metavar="X", help="weight decay (default: 0.0005)")
    made.add_argument(
        "--average", type=float, default=0.998, metavar="X", help="of the weights (default: 0.998 a step)"
    )
    made.add_argument("--evaluate-every", type=int, default=5, metavar="N", help="judge each N epochs (default: 5)")
    made.add_argument("--licence", default="not stated", help="of the pictures, for the card")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_finetune)


def _add_network(made: argparse.ArgumentParser) -> None:
    made.add_argument("--architecture", default="resnet50_bnneck", metavar="NAME", help="default: resnet50_bnneck")
    made.add_argument(
        "--from",
        dest="begin",
        default="imagenet",
        metavar="WEIGHTS",
        help="imagenet (default), scratch, a run, a .safetensors or a card",
    )
    made.add_argument("--height", type=int, default=256, metavar="PIXELS", help="of the input (default: 256)")
    made.add_argument("--width", type=int, default=128, metavar="PIXELS", help="of the input (default: 128)")


def _add_losses(made: argparse.ArgumentParser) -> None:
    made.add_argument("--people", type=int, default=16, metavar="P", help="people a step (default: 16)")
    made.add_argument("--each", type=int, default=4, metavar="K", help="pictures of each person a step (default: 4)")
    made.add_argument("--loss", default="TripletMarginLoss", metavar="NAME", help="of pytorch-metric-learning")
    made.add_argument("--miner", metavar="NAME", help="of pytorch-metric-learning, or none (default: batch-hard)")
    made.add_argument("--margin", type=float, metavar="X", help="of the loss (default: 0.3 for the triplet loss)")
    made.add_argument("--smoothing", type=float, default=0.1, metavar="X", help="of identity labels (default: 0.1)")
    made.add_argument("--identity-weight", type=float, default=1.0, metavar="X", help="of the classifier (default: 1)")
    made.add_argument("--distance-weight", type=float, default=1.0, metavar="X", help="of the loss (default: 1)")


def _finetune(options: argparse.Namespace) -> int:
    from biometric.training.loop import fit
    from biometric.training.people import read_sides
    from biometric.training.runs import RunFolder

    # Whatever is wrong with options and data is found before a run is begun: no folder is left behind.
    plan, recipe = _plan(options), _recipe(options)
    sides = read_sides(options.dataset, options.folder.expanduser(), options.protocol, options.hold_back, options.seed)
    task = _task(options, sides, recipe)
    folder = RunFolder(options.run.expanduser(), "finetune", settings_of(options), options.resume)
    try:
        run(fit(task, folder, plan, "--people or --each"))
        result = _result(options, folder, task, sides)
        folder.finish(result, _card(options, folder, result))
    finally:
        folder.close()
    lines = [f"{line[0].upper()}{line[1:]}" for line in _measured(result)]
    lines += [f"The run is in {folder.folder}; next: python -m biometric train export --run {folder.folder}"]
    show(options, result, "\n".join(lines))
    return DONE


def _plan(options: argparse.Namespace) -> "Plan":
    plan = plan_of(options)
    return replace(plan, warmup=options.warmup, optimizer=options.optimizer, decay=options.decay)


def _recipe(options: argparse.Namespace) -> "Recipe":
    from biometric.training.finetune import Recipe
    from biometric.training.losses import Metric

    return Recipe(
        input_form(options),
        people=options.people,
        each=options.each,
        metric=Metric(options.loss, options.miner, options.margin),
        smoothing=options.smoothing,
        identity=options.identity_weight,
        distance=options.distance_weight,
        average=options.average,
        epochs=options.epochs,
        every=options.evaluate_every,
        seed=options.seed,
        workers=options.workers,
    )


def _task(options: argparse.Namespace, sides: "Sides", recipe: "Recipe") -> "Finetuning":
    from biometric.training.finetune import Finetuning

    return Finetuning(begun_network(options, options.architecture), sides, recipe)


def _result(options: argparse.Namespace, folder: "RunFolder", task: "Finetuning", sides: "Sides") -> dict[str, Any]:
    from biometric.evaluation import outputs

    how = outputs.Circumstances(
        model={"architecture": options.architecture, "run": folder.folder.name},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=folder.began["command"],
        seed=options.seed,
    )
    evaluated = outputs.as_json(run(task.evaluate()), how)
    return {
        "architecture": options.architecture,
        "height": options.height,
        "width": options.width,
        "dimension": task.network.feature_dim,
        "parameters": sum(value.numel() for value in task.network.parameters()),
        "began_from": options.begin,
        "learnt": {
            "people": len(sides.learnt.people),
            "pictures": len(sides.learnt.sources),
            "left_out_with_one_picture": sides.alone,
        },
        "held_back": sides.held_back,
        "evaluation": evaluated,
    }


def _measured(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    found = result["evaluation"]
    data, ranking = found["dataset"], found["ranking"]
    point = next(each for each in found["verification"]["points"] if each["target_fmr"] == 0.01)
    side = "" if result["held_back"] else ", its test side"  # the protocol says how many are held back
    return [
        f"judged on {data['name']} ({data['protocol']}){side}: {data['people']:,} people, "
        f"{data['pictures']:,} pictures",
        f"rank-1 {_with_interval(ranking['rank1'])}, mAP {_with_interval(ranking['mAP'])}",
        f"FNMR {_with_interval(point['fnmr'])} at FMR 1e-2 (threshold {point['threshold']:.3f}; {point['support']})",
    ]


def _with_interval(estimate: dict[str, Any]) -> str:
    if estimate["interval"] is None:
        return f"{estimate['value']:.1%}"
    low, high = estimate["interval"]["limits"]
    return f"{estimate['value']:.1%} (95 % interval {low:.1%} to {high:.1%})"


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    learnt, judges = result["learnt"], result["evaluation"]["dataset"]["people"]
    few = [f"Only {judges} people judged it: the figures may be far off."] if judges < _MANY else []
    return card(
        f"{options.architecture}, fine-tuned on {result['evaluation']['dataset']['name']}",
        folder,
        data=f"{options.dataset} in {options.folder.name} (licence of the data: {options.licence}): "
        f"{learnt['people']:,} people, {learnt['pictures']:,} pictures; left out: "
        f"{learnt['left_out_with_one_picture']:,} people of whom there is one picture only; begun from {options.begin}",
        metrics=_measured(result),
        limits=[
            *few,
            "The figures are of cameras and people like those of this data set. Measure others with "
            "`python -m biometric evaluate`, and calibrate thresholds on footage of your own.",
            "It knows people by their clothes: after a change of clothes it takes them for others.",
            "What is measured and exported is the moving average of the weights, without the classifier.",
        ],
    )
