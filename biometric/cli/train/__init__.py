"""`python -m biometric train …`: from videos to weights. Needs requirements-train.txt; the application does not."""

from typing import Any

from biometric.cli.train import (
    crops_command,
    detector_command,
    distill_command,
    export_command,
    finetune_command,
    pretrain_command,
)


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "train",
        help="train your own models",
        description="Train models: from videos to weights (see docs/training.md). Each run writes a folder.",
    )
    subcommands = parser.add_subparsers(metavar="STEP", required=True)
    for step in (
        crops_command,
        pretrain_command,
        finetune_command,
        distill_command,
        detector_command,
        export_command,
    ):
        step.add_command(subcommands)
