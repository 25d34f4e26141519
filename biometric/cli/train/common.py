"""What the commands of `train` share: options of the loop, settings of a run, cards."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.errors import InvalidSetting

if TYPE_CHECKING:
    from biometric.models.cards import InputFormat
    from biometric.training.runs import RunFolder
    from biometric.training.schedule import Plan

NOT_FOR = (
    "Must not be used to decide about a person without a human who looks at the footage, nor to watch people who "
    "have not been told."
)


def add_schedule(made: argparse.ArgumentParser, epochs: int, batch: int | None, rate: float) -> None:
    """Add the options of the shared loop; no --batch where `batch` is None."""
    made.add_argument("--epochs", type=int, default=epochs, metavar="N", help=f"default: {epochs}")
    made.add_argument("--minutes", type=float, default=0.0, metavar="N", help="end after so long (default: no limit)")
    if batch is not None:
        made.add_argument("--batch", type=int, default=batch, metavar="N", help=f"crops a step (default: {batch})")
    made.add_argument("--rate", type=float, default=rate, metavar="R", help=f"learning rate (default: {rate})")
    made.add_argument("--half", action="store_true", help="bfloat16: faster where the processor knows it")
    made.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default)")
    made.add_argument("--threads", type=int, default=0, metavar="N", help="of the CPU (default: all cores)")
    made.add_argument("--workers", type=int, default=0, metavar="N", help="processes that prepare crops (default: 0)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of every random draw (default: 0)")


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What decides the outcome of a run: every option but those of the command itself, as JSON values."""
    left_out = {"command", "json", "resume", "run"}
    return {name: _plain(value) for name, value in sorted(vars(options).items()) if name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def plan_of(options: argparse.Namespace) -> "Plan":
    """The plan of the loop; sets the number of threads. Raises `InvalidSetting`."""
    import torch

    from biometric.training.schedule import Plan

    if options.threads:
        torch.set_num_threads(options.threads)
    return Plan(
        options.epochs,
        options.rate,
        half=options.half,
        device=device_of(options),
        seed=options.seed,
        minutes=options.minutes,
    )


def device_of(options: argparse.Namespace) -> str:
    """What --device says; for "auto" an NVIDIA GPU where there is one."""
    import torch

    if options.device != "auto":
        return str(options.device)
    return "cuda" if torch.cuda.is_available() else "cpu"


def input_form(options: argparse.Namespace) -> "InputFormat":
    """The network's input: of --height and --width, normalised as ImageNet's. Raises `InvalidSetting`."""
    from biometric.models.cards import IMAGENET

    try:
        return replace(IMAGENET, height=options.height, width=options.width)
    except ValueError as error:
        raise InvalidSetting("--height and --width must be 1 or more.") from error


def begun_network(options: argparse.Namespace, architecture: str) -> Any:
    """The network of --seed's random weights, filled as --from says; a resumed run has weights of its own.

    Raises:
        InvalidSetting, UnsupportedModel, WeightsMissing, RunConflict: see `networks.backbone` and `begin_from`.
    """
    from biometric.training.loop import seed_all
    from biometric.training.networks import backbone, begin_from

    seed_all(options.seed)
    network = backbone(architecture)
    if not (options.resume and (options.run.expanduser() / "checkpoint.pt").is_file()):
        begin_from(network, architecture, options.begin)
    return network


def card(title: str, folder: "RunFolder", *, data: str, metrics: Sequence[str], limits: Sequence[str]) -> list[str]:
    """Lines of a model card: data, command, metrics, limits, and what it must not be used for."""
    command = folder.began.get("command", "")
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
