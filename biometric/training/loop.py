"""The loop that every training of torch networks shares: epochs, schedule, precision, checkpoints, resuming.

A task gives the batches, the loss and the evaluation; the loop does the rest. Each epoch draws from generators seeded
with (seed, epoch), and checkpoints are written between epochs: on the CPU, a run that was interrupted and resumed gives
the same numbers as one that was not.
"""

import math
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from biometric.entities import Progress
from biometric.errors import LossNotFinite, OutOfMemory, RunConflict, StorageFull
from biometric.storage import atomic_path, describe_os_error
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingClock, TrainingPlan

_LARGE_PRIME = 1_000_003


class TrainingTask(Protocol):
    """What is trained."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """All modules with state, by name; trained are those parameters that require gradients."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """The batches of an epoch; the same ones for the same epoch."""

    def steps(self) -> int:
        """Number of batches an epoch."""

    def loss(self, batch: Any) -> Tensor:
        """The scalar to minimise; run under automatic mixed precision where that is on."""

    def on_step_end(self, epoch: int) -> None:
        """Called after each step of the optimizer, for example to update a momentum encoder."""

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        """Quantities measured after an epoch (validation); {} where nothing is measured after this one."""


def fit_network(
    task: TrainingTask, run: RunFolder, plan: TrainingPlan, setting: str = "--batch"
) -> Generator[Progress, None, None]:
    """Train to the end, from the run's checkpoint where there is one; yields progress.

    Args:
        setting: the option to lower when memory is full, for the message.

    Raises:
        LossNotFinite: only the last checkpoint is kept.
        OutOfMemory: names `setting`.
        RunConflict: the checkpoint is not one of this task.
        StorageFull: the checkpoint cannot be written; the one before is kept.
    """
    with _memory_watched(plan, setting):
        device = torch.device(plan.device)
        for module in task.modules.values():
            module.to(device)
        optimizer = build_optimizer(task, plan)
        scaler = torch.amp.GradScaler(device.type, enabled=plan.half and _half(device) is torch.float16)
        epochs_done = _restore(task, run, optimizer, scaler)
        started, first, clock = time.monotonic(), epochs_done, TrainingClock(plan, run.rows)
        recorded = started
        for epoch in range(epochs_done, plan.epochs):
            if clock.is_over():
                break
            seed_all(plan.seed, epoch)
            total = 0.0
            for step, batch in enumerate(task.batches(epoch)):
                rate = plan.rate_at(clock.position(epoch + step / task.steps()))
                for group in optimizer.param_groups:
                    group["lr"] = rate
                total += _step(task, batch, optimizer, scaler, plan, run)
                task.on_step_end(epoch)
                clock.on_first_step()
                epochs_passed = epoch - first + (step + 1) / task.steps()
                seconds_left = min(
                    clock.seconds_left,
                    (time.monotonic() - started) / epochs_passed * (plan.epochs - first - epochs_passed),
                )
                yield Progress(
                    f"Epoch {epoch + 1} of {plan.epochs}: step", step + 1, task.steps(), seconds_left=seconds_left
                )
                if clock.is_over():
                    break
            row = {"epoch": epoch + 1, "loss": total / (step + 1), "rate": rate}
            with torch.no_grad():
                row |= task.evaluate(epoch)
            before, recorded = recorded, time.monotonic()
            run.record({**row, "seconds": recorded - before})  # their sum is the time that the run took
            _save(task, run, optimizer, scaler, epoch + 1)


@contextmanager
def _memory_watched(plan: TrainingPlan, setting: str) -> Generator[None, None, None]:
    """Name the setting to lower where memory is full: in a step, in moving the network, or in evaluating it."""
    try:
        yield
    except (torch.cuda.OutOfMemoryError, RuntimeError, MemoryError) as error:
        if not memory_is_full(error):
            raise
        raise OutOfMemory(
            f"The memory of {plan.device} is full. Lower {setting}, choose a smaller network, or free memory; "
            "then repeat the command with --resume."
        ) from error


def _step(
    task: TrainingTask, batch: Any, optimizer: torch.optim.Optimizer, scaler: Any, plan: TrainingPlan, run: RunFolder
) -> float:
    """One step of the optimizer; returns the loss."""
    device = torch.device(plan.device)
    with torch.autocast(device.type, dtype=_half(device), enabled=plan.half):
        loss = task.loss(batch)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise LossNotFinite(_not_finite(run, value))
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    if plan.clip:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(_trainable(task), plan.clip)
    scaler.step(optimizer)
    scaler.update()
    return value


def memory_is_full(error: BaseException) -> bool:
    """Whether an error means that memory could not be allocated (torch has a type for it on CUDA only)."""
    message = str(error).lower()
    return (
        isinstance(error, torch.cuda.OutOfMemoryError | MemoryError)
        or "out of memory" in message
        or "can't allocate memory" in message
    )


def _not_finite(run: RunFolder, value: float) -> str:
    checkpoint = (
        f"The state after the last whole epoch is kept in {run.checkpoint}"
        if run.checkpoint.is_file()
        else "No epoch was finished, so nothing is kept"
    )
    return (
        f"The loss became {value}. {checkpoint}. Train again with a lower --rate, a longer --warmup or without --half."
    )


def seed_all(seed: int, epoch: int = 0) -> None:
    """Seed torch for an epoch; data draws from generators of their own."""
    torch.manual_seed(seed * _LARGE_PRIME + epoch)


def _half(device: torch.device) -> torch.dtype:
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def _trainable(task: TrainingTask) -> list[nn.Parameter]:
    return [value for module in task.modules.values() for value in module.parameters() if value.requires_grad]


def build_optimizer(task: TrainingTask, plan: TrainingPlan) -> torch.optim.Optimizer:
    """Weight decay pulls on weights, not on biases and scales of normalisations (arXiv 1812.01187, section 3.1)."""
    values = _trainable(task)
    groups = [
        {"params": [value for value in values if value.ndim > 1], "weight_decay": plan.decay},
        {"params": [value for value in values if value.ndim <= 1], "weight_decay": 0.0},
    ]
    if plan.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=plan.rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=plan.rate)


def _save(task: TrainingTask, run: RunFolder, optimizer: torch.optim.Optimizer, scaler: Any, epochs_done: int) -> None:
    if run.quiet:
        return
    state = {
        "kind": run.kind,
        "epoch": epochs_done,
        "modules": {name: module.state_dict() for name, module in task.modules.items()},
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
    }
    save_state(state, run.checkpoint)


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


def _restore(task: TrainingTask, run: RunFolder, optimizer: torch.optim.Optimizer, scaler: Any) -> int:
    """Load the checkpoint where there is one; return the number of epochs done."""
    if not run.checkpoint.is_file():
        run.forget_after(0)
        return 0
    state = load_state(run.checkpoint)
    try:
        for name, module in task.modules.items():
            module.load_state_dict(state["modules"][name])
        optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the loss was not scaled, as on processors with bfloat16
            scaler.load_state_dict(state["scaler"])
        epochs_done = int(state["epoch"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise RunConflict(
            f"The checkpoint {run.checkpoint} belongs to another kind of run. Choose another --run."
        ) from error
    run.forget_after(epochs_done)
    return epochs_done
