"""What a training leaves on disk while it runs: the state that it continues from, and the best weights so far."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from biometric.errors import RunConflict, StorageFull
from biometric.storage import atomic_path, describe_os_error
from biometric.training.runs import RunFolder


@dataclass(frozen=True, slots=True)
class Position:
    """How far a training has come.

    Attributes:
        epoch: number of whole epochs done.
        step: number of steps done in the epoch after them.
        loss: sum of the losses of those steps.
        seconds: time spent on those steps.
    """

    epoch: int
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0


class TrainingState:
    """All that changes while a network is trained.

    Args:
        modules: with state, by name.
        scaler: torch.amp.GradScaler of the loss.
    """

    def __init__(self, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, scaler: Any) -> None:
        self._modules, self._optimizer, self._scaler = modules, optimizer, scaler

    def save(self, run: RunFolder, position: Position) -> None:
        """Write the checkpoint of the run. Raises `StorageFull`; the one before is kept."""
        if run.quiet:
            return
        state = {
            "kind": run.kind,
            **asdict(position),
            "modules": {name: module.state_dict() for name, module in self._modules.items()},
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }
        save_state(state, run.checkpoint)

    def restore(self, run: RunFolder) -> Position:
        """Load the checkpoint where there is one, and let the run forget what came after it.

        Raises:
            RunConflict: it cannot be read, or is one of another kind of training.
        """
        if not run.checkpoint.is_file():
            run.forget_after(0)
            return Position(0)
        state = load_state(run.checkpoint)
        try:
            for name, module in self._modules.items():
                module.load_state_dict(state["modules"][name])
            self._optimizer.load_state_dict(state["optimizer"])
            if state["scaler"]:  # empty where the loss was not scaled, as on processors with bfloat16
                self._scaler.load_state_dict(state["scaler"])
            # Checkpoints of earlier versions were written between epochs only.
            within = (int(state.get("step", 0)), float(state.get("loss", 0.0)), float(state.get("seconds", 0.0)))
            position = Position(int(state["epoch"]), *within)
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunConflict(
                f"The checkpoint {run.checkpoint} belongs to another kind of run. Choose another --run."
            ) from error
        run.forget_after(position.epoch)
        return position


class BestWeights:
    """Keeps the weights that a measurement found best: the moving average, where there is one.

    Args:
        quantity: name of what is measured; more is better.
    """

    def __init__(self, modules: Mapping[str, nn.Module], run: RunFolder, quantity: str) -> None:
        name = "average" if "average" in modules else "network"
        self._name, self._module, self._run, self._quantity = name, modules[name], run, quantity
        self._value = -math.inf
        if run.best.is_file():
            self._value = float(load_state(run.best).get("value", -math.inf))

    def keep(self, row: Mapping[str, float]) -> None:
        """Write the weights if their row tells that they are better than all before. Raises `StorageFull`."""
        value = float(row.get(self._quantity, -math.inf))
        if self._run.quiet or not value > self._value:
            return
        self._value = value
        modules = {self._name: self._module.state_dict()}
        save_state(
            {"kind": self._run.kind, "epoch": int(row["epoch"]), "value": value, "modules": modules}, self._run.best
        )


def load_best(run: RunFolder, modules: Mapping[str, nn.Module]) -> int | None:
    """Load the best weights into the module that they are of; return after which epoch they were best.

    None, and nothing is loaded, where none were kept.

    Raises:
        RunConflict: they cannot be read, or are of another network.
    """
    if not run.best.is_file():
        return None
    state = load_state(run.best)
    try:
        for name, weights in state["modules"].items():
            modules[name].load_state_dict(weights)
        return int(state["epoch"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise RunConflict(f"The weights {run.best} belong to another kind of run. Choose another --run.") from error


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values atomically. Raises `StorageFull`."""
    try:
        with atomic_path(path, 0o644) as partial, partial.open("wb") as stream:
            torch.save(state, stream)
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError):
            reason = describe_os_error(error)
        elif "write" in str(error):  # torch's zip writer has no exception type of its own
            reason = str(error)
        else:
            raise
        raise StorageFull(
            f"{path} cannot be written: {reason}. Free some space; then repeat the command with --resume."
        ) from error


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; nothing but tensors and plain values is accepted.

    Raises:
        RunConflict: the file is damaged or holds something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or not isinstance(state.get("modules"), dict):
            raise ValueError("it is not a checkpoint of a training run")
    except Exception as error:  # torch raises whatever a damaged file provokes
        raise RunConflict(
            f"The checkpoint {path} cannot be used: {error}. Delete it, or choose another --run."
        ) from error
    return state
