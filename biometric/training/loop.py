"""The loop that every training of torch networks shares: epochs, schedule, precision, checkpoints, resuming.

A task gives the batches, the loss and the evaluation; the loop does the rest. Each step draws from generators seeded
with (seed, epoch, step), and checkpoints are written between epochs, or also between steps: on the CPU, a run that was
interrupted and resumed gives the same numbers as one that was not.
"""

import math
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from biometric.entities import Progress
from biometric.errors import LossNotFinite, OutOfMemory
from biometric.training.checkpoints import BestWeights, Position, TrainingState
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingClock, TrainingPlan

_LARGE_PRIME = 1_000_003
_STEPS_UNCHECKED = 20
"""Steps on a GPU after which losses are looked at; no checkpoint is written in between."""


class TrainingTask(Protocol):
    """What is trained."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """All modules with state, by name; trained are those parameters that require gradients."""

    def batches(self, epoch: int, first: int = 0) -> Iterable[Any]:
        """The batches of an epoch from number `first` on; the same ones for the same epoch."""

    def steps(self) -> int:
        """Number of batches an epoch."""

    def loss(self, batch: Any) -> Tensor:
        """The scalar to minimise; run under automatic mixed precision where that is on."""

    def on_step_end(self, epoch: int) -> None:
        """Called after each step of the optimizer, for example to update a momentum encoder."""

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        """Quantities measured after an epoch (validation); {} where nothing is measured after this one."""


def fit_network(
    task: TrainingTask, run: RunFolder, plan: TrainingPlan, setting: str = "--batch", started: float | None = None
) -> Generator[Progress, None, None]:
    """Train to the end, from the run's checkpoint where there is one; yields progress.

    Args:
        setting: the option to lower when memory is full, for the message.
        started: when the work began, by `time.monotonic`, for the time limit; now where it is None.

    Raises:
        LossNotFinite: only the last checkpoint is kept.
        OutOfMemory: names `setting`.
        RunConflict: the checkpoint is not one of this task.
        StorageFull: the checkpoint cannot be written; the one before is kept.
    """
    with _memory_watched(plan, setting):
        training = _Training(task, run, plan, started)
        training.measure_start()
        for epoch in range(training.position.epoch, plan.epochs):
            if training.clock.is_over():
                break
            yield from training.run_epoch(epoch)


class _Training:
    """A task on its device, with what changes from step to step; continued from the run's checkpoint."""

    def __init__(self, task: TrainingTask, run: RunFolder, plan: TrainingPlan, started: float | None) -> None:
        self._task, self._run, self._plan = task, run, plan
        self._device = torch.device(plan.device)
        for module in task.modules.values():
            module.to(self._device)
        self._optimizer = build_optimizer(task, plan)
        half = plan.half and _half(self._device) is torch.float16
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=half)
        self._state = TrainingState(task.modules, self._optimizer, self._scaler)
        self.position = self._state.restore(run)
        self.clock = TrainingClock(plan, run.rows, self.position.seconds, started)
        self._best = BestWeights(task.modules, run, plan.best_by) if plan.best_by else None
        self._first = self.position.epoch
        self._begun = self._epoch_begun = time.monotonic()

    def measure_start(self) -> None:
        """Measure the weights that a run begins with, where the best are kept, and how long measuring takes."""
        if self._best is None:
            return
        if self.position == Position(0) and not self._run.rows:
            with torch.no_grad():
                row = {"epoch": 0, **self._task.evaluate(0)}
            self._begun = time.monotonic()
            self._run.record({**row, "seconds": self._begun - self._epoch_begun})
            self._best.keep(row)
            self._epoch_begun = self._begun
        # The last epoch's measurement, that of the result, and as much again for a machine that became busier.
        self.clock.ending_seconds = 3 * next((row["seconds"] for row in self._run.rows if row["epoch"] == 0), 0.0)

    def run_epoch(self, epoch: int) -> Generator[Progress, None, None]:
        """Train for an epoch, or for what is left of one; measure, record and save."""
        task, plan, before = self._task, self._plan, self.position
        steps, saved = task.steps(), time.monotonic()
        losses = _LossSum(self._run, before.loss, _STEPS_UNCHECKED if self._device.type == "cuda" else 1)
        for step, batch in enumerate(task.batches(epoch, before.step), before.step):
            seed_all(plan.seed, epoch, step)
            rate = plan.rate_at(self.clock.position(epoch + step / steps))
            for group in self._optimizer.param_groups:
                group["lr"] = rate * group.get("share", 1.0)  # runs of earlier versions lack it
            _step(task, batch, self._optimizer, self._scaler, plan, losses)
            task.on_step_end(epoch)
            self.clock.on_first_step()
            yield Progress(
                f"Epoch {epoch + 1} of {plan.epochs}: step",
                step + 1,
                steps,
                seconds_left=self._seconds_left(epoch + (step + 1) / steps),
            )
            if self.clock.is_over():
                break
            now = time.monotonic()
            if plan.keep_every and now - saved >= plan.keep_every and step + 1 < steps:
                seconds = before.seconds + now - self._epoch_begun
                self._state.save(self._run, Position(epoch, step + 1, losses.total(), seconds))
                saved = time.monotonic()
        row = {"epoch": epoch + 1, "loss": losses.total() / (step + 1), "rate": rate}
        with torch.no_grad():
            row |= task.evaluate(epoch)
        began, self._epoch_begun = self._epoch_begun, time.monotonic()
        seconds = before.seconds + self._epoch_begun - began
        self._run.record({**row, "seconds": seconds})  # their sum is the time that the run took
        if self._best is not None:
            self._best.keep(row)
        self.position = Position(epoch + 1)
        self._state.save(self._run, self.position)

    def _seconds_left(self, epochs_done: float) -> float:
        here = epochs_done - self._first - self.position.step / self._task.steps()
        pace = (time.monotonic() - self._begun) / max(here, 1e-9)
        return min(self.clock.seconds_left, pace * (self._plan.epochs - epochs_done))


class _LossSum:
    """Sum of the losses of an epoch; refuses one that is not finite.

    Args:
        unchecked: losses that are looked at together: looking waits until the device has computed them.
    """

    def __init__(self, run: RunFolder, total: float, unchecked: int) -> None:
        self._run, self._total, self._unchecked = run, total, unchecked
        self._waiting: list[Tensor] = []

    def add(self, loss: Tensor) -> None:
        """Add a loss. Raises `LossNotFinite`, perhaps only at a later one."""
        self._waiting.append(loss.detach())
        if len(self._waiting) >= self._unchecked:
            self.total()

    def total(self) -> float:
        """The sum. Raises `LossNotFinite`."""
        for loss in self._waiting:
            value = float(loss)
            if not math.isfinite(value):
                raise LossNotFinite(_not_finite(self._run, value))
            self._total += value
        self._waiting.clear()
        return self._total


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
    task: TrainingTask,
    batch: Any,
    optimizer: torch.optim.Optimizer,
    scaler: Any,
    plan: TrainingPlan,
    losses: _LossSum,
) -> None:
    """One step of the optimizer."""
    device = torch.device(plan.device)
    with torch.autocast(device.type, dtype=_half(device), enabled=plan.half):
        loss = task.loss(batch)
    losses.add(loss)
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    if plan.clip:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(_trainable(task).values(), plan.clip)
    scaler.step(optimizer)
    scaler.update()


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
        f"The state before is kept in {run.checkpoint}"
        if run.checkpoint.is_file()
        else "No epoch was finished, so nothing is kept"
    )
    return (
        f"The loss became {value}. {checkpoint}. Train again with a lower --rate, a longer --warmup or without --half."
    )


def seed_all(seed: int, epoch: int = 0, step: int = 0) -> None:
    """Seed torch for a step; data draw from generators of their own, but for those made on the device."""
    torch.manual_seed(((seed * _LARGE_PRIME + epoch) * _LARGE_PRIME + step) % 2**63)


def _half(device: torch.device) -> torch.dtype:
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def _trainable(task: TrainingTask) -> dict[str, nn.Parameter]:
    return {
        f"{name}.{parameter}": value
        for name, module in task.modules.items()
        for parameter, value in module.named_parameters()
        if value.requires_grad
    }


def build_optimizer(task: TrainingTask, plan: TrainingPlan) -> torch.optim.Optimizer:
    """Weight decay pulls on weights, not on biases and scales of normalisations (arXiv 1812.01187, section 3.1)."""
    groups: list[dict[str, Any]] = []
    trainable = _trainable(task)
    for share in (1.0, plan.slow_share) if plan.slow else (1.0,):
        slow = share != 1.0
        values = [value for name, value in trainable.items() if name.startswith(plan.slow or ("/",)) == slow]
        weights, others = ([value for value in values if (value.ndim > 1) == wide] for wide in (True, False))
        groups += [
            {"params": weights, "weight_decay": plan.decay, "share": share},
            {"params": others, "weight_decay": 0.0, "share": share},
        ]
    if plan.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=plan.rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=plan.rate, fused=torch.device(plan.device).type == "cuda")
