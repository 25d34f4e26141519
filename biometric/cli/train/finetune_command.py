"""`python -m biometric train finetune`: an embedder is trained on labelled pictures of people."""

import argparse
from datetime import UTC, datetime
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

if TYPE_CHECKING:
    from biometric.training.data_splits import DataSplits
    from biometric.training.finetuning import Finetuning, FinetuningConfig
    from biometric.training.runs import RunFolder

DATASETS = ("market1501", "cuhk03", "cuhk01", "msmt17", "tree", "csv")
"""The data sets of `evaluate` without galleries: people were not enrolled to be used for training."""

_MIN_TEST_PEOPLE = 30
"""With fewer test people the card warns that its figures are uncertain."""


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "finetune",
        help="train an embedder on labelled pictures of people",
        description="Train an embedder on pictures of known people, tested with people that it is not trained on.",
    )
    parser.add_argument("dataset", metavar="DATASET", choices=DATASETS, help=", ".join(DATASETS))
    parser.add_argument("folder", type=Path, metavar="DIR", help="its folder (csv: or the file)")
    add_run(parser)
    parser.add_argument("--protocol", help="protocol of the data set (default: its first)")
    parser.add_argument("--hold-back", type=float, metavar="SHARE", help="test with this share of the training people")
    add_network(parser, "imagenet")
    _add_losses(parser)
    add_schedule(parser, epochs=60, batch=None, rate=3.5e-4)
    add_optimizer(parser, "adamw", warmup=5.0, decay=5e-4)
    parser.add_argument(
        "--average", type=float, default=0.998, metavar="X", help="of the weights (default: 0.998 a step)"
    )
    parser.add_argument(
        "--evaluate-every", type=int, default=5, metavar="N", help="evaluate each N epochs (default: 5)"
    )
    add_result(parser, "pictures")
    parser.set_defaults(command=_finetune)


def _add_losses(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=16, metavar="P", help="people a step (default: 16)")
    parser.add_argument("--each", type=int, default=4, metavar="K", help="pictures of each person a step (default: 4)")
    parser.add_argument("--loss", default="TripletMarginLoss", metavar="NAME", help="of pytorch-metric-learning")
    parser.add_argument("--miner", metavar="NAME", help="of pytorch-metric-learning, or none (default: batch-hard)")
    parser.add_argument("--margin", type=float, metavar="X", help="of the loss (default: 0.3 for the triplet loss)")
    parser.add_argument("--smoothing", type=float, default=0.1, metavar="X", help="of identity labels (default: 0.1)")
    parser.add_argument(
        "--identity-weight", type=float, default=1.0, metavar="X", help="of the classifier (default: 1)"
    )
    parser.add_argument("--distance-weight", type=float, default=1.0, metavar="X", help="of the loss (default: 1)")


def _finetune(options: argparse.Namespace) -> int:
    from biometric.training.data_splits import read_splits
    from biometric.training.loop import fit_network

    # Wrong options and data are found before the run's folder is made.
    plan, config = plan_of(options), _config(options)
    splits = read_splits(
        options.dataset, options.folder.expanduser(), options.protocol, options.hold_back, options.seed
    )
    task = _task(options, splits, config)
    with open_run(options, "finetune") as folder:
        run(fit_network(task, folder, plan, "--people or --each"))
        result = _result(options, folder, task, splits)
        folder.finish(result, _card(options, folder, result))
    path = folder.folder
    show(options, result, describe_end(_describe_measurements(result), path, f"export --run {path}"))
    return DONE


def _config(options: argparse.Namespace) -> "FinetuningConfig":
    from biometric.training.finetuning import FinetuningConfig
    from biometric.training.losses import MetricLossConfig

    return FinetuningConfig(
        input_form(options),
        people=options.people,
        pictures_per_person=options.each,
        metric=MetricLossConfig(options.loss, options.miner, options.margin),
        smoothing=options.smoothing,
        identity=options.identity_weight,
        distance=options.distance_weight,
        average=options.average,
        epochs=options.epochs,
        evaluate_every=options.evaluate_every,
        seed=options.seed,
        workers=options.workers,
    )


def _task(options: argparse.Namespace, splits: "DataSplits", config: "FinetuningConfig") -> "Finetuning":
    from biometric.training.finetuning import Finetuning

    return Finetuning(initialize_network(options, options.architecture), splits, config)


def _result(
    options: argparse.Namespace, folder: "RunFolder", task: "Finetuning", splits: "DataSplits"
) -> dict[str, Any]:
    from biometric.evaluation import result_files

    metadata = result_files.EvaluationMetadata(
        model={"architecture": options.architecture, "run": folder.folder.name},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=folder.config["command"],
        seed=options.seed,
    )
    evaluated = result_files.as_json(run(task.measure()), metadata)
    return {
        **describe_network(options, task.network),
        "training": {
            "people": len(splits.training.people),
            "pictures": len(splits.training.sources),
            "left_out_with_one_picture": splits.single_picture_people,
        },
        "held_back": splits.held_back,
        "evaluation": evaluated,
    }


def _describe_measurements(result: dict[str, Any]) -> list[str]:
    """The figures in words."""
    evaluation = result["evaluation"]
    data, ranking = evaluation["dataset"], evaluation["ranking"]
    point = next(point for point in evaluation["verification"]["points"] if point["target_fmr"] == 0.01)
    people = "" if result["held_back"] else ", its test people"  # the protocol says how many are held back
    return [
        f"tested on {data['name']} ({data['protocol']}){people}: {data['people']:,} people, "
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
    training, test_people = result["training"], result["evaluation"]["dataset"]["people"]
    few = (
        [f"It was tested with {test_people} people only: the figures are uncertain."]
        if test_people < _MIN_TEST_PEOPLE
        else []
    )
    return card(
        f"{options.architecture}, fine-tuned on {result['evaluation']['dataset']['name']}",
        folder,
        data=f"{options.dataset} in {options.folder.name} (licence of the data: {options.licence}): "
        f"{training['people']:,} people, {training['pictures']:,} pictures; left out: "
        f"{training['left_out_with_one_picture']:,} people with one picture only; started from {options.begin}",
        metrics=_describe_measurements(result),
        limits=[
            *few,
            "The figures hold for cameras and people like those of this data set. Measure others with "
            "`python -m biometric evaluate`, and calibrate thresholds on your own footage.",
            "It recognises people by their clothes: after a change of clothes it takes them for other people.",
            "What is measured and exported is the moving average of the weights, without the classifier.",
        ],
    )
