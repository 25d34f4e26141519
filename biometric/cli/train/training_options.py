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


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add --run and --resume, which `open_run` reads."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")


def add_network(parser: argparse.ArgumentParser, begin: str) -> None:
    """Add --architecture, --from ("imagenet" or "scratch" by default) and the size of the input."""
    parser.add_argument("--architecture", default="resnet50_bnneck", metavar="NAME", help="default: resnet50_bnneck")
    other = "scratch" if begin == "imagenet" else "imagenet"
    parser.add_argument(
        "--from",
        dest="begin",
        default=begin,
        metavar="WEIGHTS",
        help=f"{begin} (default), {other}, a run, a .safetensors or a card",
    )
    add_input_size(parser)


def add_input_size(parser: argparse.ArgumentParser) -> None:
    """Add --height and --width, which `input_form` reads."""
    for name, default in (("height", 256), ("width", 128)):
        parser.add_argument(
            f"--{name}",
            type=int,
            default=default,
            metavar="PIXELS",
            help=f"of the network's input (default: {default})",
        )


def add_schedule(
    parser: argparse.ArgumentParser,
    epochs: int,
    batch: int | None,
    rate: float,
    pictures: str = "crops",
    workers: int = 0,
) -> None:
    """Add the options of a training's length, rate and device with their defaults; no --batch for None."""
    parser.add_argument("--epochs", type=int, default=epochs, metavar="N", help=f"default: {epochs}")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="time limit (default: none)")
    if batch is not None:
        parser.add_argument(
            "--batch", type=int, default=batch, metavar="N", help=f"{pictures} a step (default: {batch})"
        )
    parser.add_argument("--rate", type=float, default=rate, metavar="R", help=f"learning rate (default: {rate})")
    parser.add_argument("--half", action="store_true", help="half precision: faster on processors that support it")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 or auto (default)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of the CPU (default: all cores)")
    parser.add_argument(
        "--workers",
        type=int,
        default=workers,
        metavar="N",
        help=f"processes that prepare {pictures} (default: {workers})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of every random draw (default: 0)")


def add_optimizer(parser: argparse.ArgumentParser, optimizer: str, warmup: float, decay: float) -> None:
    """Add --warmup, --optimizer and --decay with their defaults; `plan_of` reads them."""
    other = "sgd" if optimizer == "adamw" else "adamw"
    parser.add_argument(
        "--warmup", type=float, default=warmup, metavar="N", help=f"epochs of rising rate (default: {warmup:g})"
    )
    parser.add_argument(
        "--optimizer", choices=("adamw", "sgd"), default=optimizer, help=f"{optimizer} (default) or {other}"
    )
    parser.add_argument("--decay", type=float, default=decay, metavar="X", help=f"weight decay (default: {decay})")


def add_result(parser: argparse.ArgumentParser, pictures: str = "crops") -> None:
    """Add --licence, which stands on the run's card, and --json."""
    parser.add_argument("--licence", default="not stated", help=f"of the {pictures}, for the card")
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run: every option that decides its outcome, as JSON values."""
    left_out = {"command", "json", "resume", "run"}
    return {name: _plain(value) for name, value in sorted(vars(options).items()) if name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def open_run(options: argparse.Namespace, kind: str, *, quiet: bool = False, **settings: Any) -> "RunFolder":
    """Open the folder that --run names, with the options and further `settings` as the run's. See `RunFolder`."""
    from biometric.training.runs import RunFolder

    return RunFolder(options.run.expanduser(), kind, {**settings_of(options), **settings}, options.resume, quiet=quiet)


def plan_of(options: argparse.Namespace, **changes: Any) -> "TrainingPlan":
    """The plan of the training, with `changes` of what has no option; sets the number of threads.

    Raises `InvalidSetting`.
    """
    import torch

    from biometric.training.schedule import TrainingPlan

    if options.threads:
        torch.set_num_threads(options.threads)
    optimizer = {name: getattr(options, name) for name in ("warmup", "optimizer", "decay") if hasattr(options, name)}
    return TrainingPlan(
        options.epochs,
        options.rate,
        half=options.half,
        device=device_of(options),
        seed=options.seed,
        minutes=options.minutes,
        **optimizer,
        **changes,
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


def describe_network(options: argparse.Namespace, network: Any) -> dict[str, Any]:
    """What a result says of the trained network."""
    return {
        "architecture": options.architecture,
        "height": options.height,
        "width": options.width,
        "dimension": network.feature_dim,
        "parameters": sum(value.numel() for value in network.parameters()),
        "initial_weights": options.begin,
    }


def describe_end(metrics: Sequence[str], folder: Path, next_command: str) -> str:
    """What is said when a run has ended: its figures, each a line, and where it lies.

    Args:
        next_command: the command of `train` to go on with, and its options.
    """
    lines = [f"{line[0].upper()}{line[1:]}" for line in metrics]
    return "\n".join([*lines, f"The run is in {folder}; next: python -m biometric train {next_command}"])


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
