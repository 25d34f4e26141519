"""`python -m biometric train …`: from videos to weights. Needs requirements-train.txt; the app does not."""

from typing import Any

from biometric.cli.train import crops, detector, distill, export, finetune, pretrain


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    made = commands.add_parser(
        "train",
        help="train models of your own",
        description="Train models: from videos to weights (see docs/training.md). Each run writes a folder.",
    )
    inner = made.add_subparsers(metavar="STEP", required=True)
    for step in (crops, pretrain, finetune, distill, detector, export):
        step.add_command(inner)
