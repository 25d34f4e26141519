"""What the commands of `train` share: options of the training loop, settings of a run, cards."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.errors import InvalidSetting

if TYPE_CHECKING:
    from biometric.entities.model_cards import InputFormat
    from biometric.training.runs import RunFolder
    from biometric.training.schedule import TrainingPlan

NOT_FOR = (
    "Must not be used to decide about a person unless a human looks at the footage, nor to watch people who have "
    "not been informed."
)


def add_schedule(parser: argparse.ArgumentParser, epochs: int, batch: int | None, rate: float) -> None:
    """Add the options of the shared loop; no --batch where `batch` is None."""
    parser.add_argument("--epochs", type=int, default=epochs, metavar="N", help=f"default: {epochs}")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="time limit (default: none)")
    if batch is not None:
        parser.add_argument("--batch", type=int, default=batch, metavar="N", help=f"crops a step (default: {batch})")
    parser.add_argument("--rate", type=float, default=rate, metavar="R", help=f"learning rate (default: {rate})")
    parser.add_argument("--half", action="store_true", help="bfloat16: faster on processors that support it")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of the CPU (default: all cores)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that prepare crops (default: 0)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of every random draw (default: 0)")


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run: every option that decides its outcome, as JSON values."""
    left_out = {"command", "json", "resume", "run"}
    return {name: _plain(value) for name, value in sorted(vars(options).items()) if name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def plan_of(options: argparse.Namespace) -> "TrainingPlan":
    """The plan of the training; sets the number of threads. Raises `InvalidSetting`."""
    import torch

    from biometric.training.schedule import TrainingPlan

    if options.threads:
        torch.set_num_threads(options.threads)
    return TrainingPlan(
        options.epochs,
        options.rate,
        half=options.half,
        device=device_of(options),
        seed=options.seed,
        minutes=options.minutes,
    )


def device_of(options: argparse.Namespace) -> str:
    """The device that --device names; for "auto" an NVIDIA GPU where there is one."""
    import torch

    if options.device != "auto":
        return str(options.device)
    return "cuda" if torch.cuda.is_available() else "cpu"


def input_form(options: argparse.Namespace) -> "InputFormat":
    """The network's input: of --height and --width, normalised as ImageNet's. Raises `InvalidSetting`."""
    from biometric.entities.model_cards import IMAGENET

    try:
        return replace(IMAGENET, height=options.height, width=options.width)
    except ValueError as error:
        raise InvalidSetting("--height and --width must be 1 or more.") from error


def initialize_network(options: argparse.Namespace, architecture: str) -> Any:
    """The network with --seed's random weights, or those that --from names; a resumed run keeps its own weights.

    Raises:
        InvalidSetting, UnsupportedModel, WeightsMissing, RunConflict: see `networks.build_network` and
        `load_initial_weights`.
    """
    from biometric.training.loop import seed_all
    from biometric.training.networks import build_network, load_initial_weights

    seed_all(options.seed)
    network = build_network(architecture)
    if not (options.resume and (options.run.expanduser() / "checkpoint.pt").is_file()):
        load_initial_weights(network, architecture, options.begin)
    return network


def card(title: str, folder: "RunFolder", *, data: str, metrics: Sequence[str], limits: Sequence[str]) -> list[str]:
    """Lines of a model card: data, command, metrics, limits, and what it must not be used for."""
    command = folder.config.get("command", "")
    return [
        f"# {title}",
        "",
        f"Data: {data}.",
        "",
        "Made by:",
        "",
        f"    {command}",
        "",
        "## Measured",
        "",
        *(f"- {line}" for line in metrics),
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in limits),
        f"- {NOT_FOR}",
    ]
