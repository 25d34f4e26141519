"""How long a network is trained, with which learning rate, and how far a run has come."""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from biometric.errors import InvalidSetting


def check_limit(minutes: float) -> None:
    """Refuse a limit that is not a duration. Raises `InvalidSetting`."""
    if not 0 <= minutes < math.inf:
        raise InvalidSetting("--minutes must be 0 (no limit) or more.")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Length of a training, learning rate and optimizer.

    Attributes:
        rate: learning rate after the warm-up; follows a half cosine to `final` × rate (arXiv 1608.03983).
        warmup: epochs of linear rise.
        optimizer: "adamw" or "sgd" (momentum 0.9, Nesterov).
        decay: weight decay, for weights of two and more axes only.
        half: bfloat16 (CPU, newer GPUs) or float16 with a scaled loss (older GPUs) instead of float32.
        device: "cpu", "cuda", "cuda:1", …
        clip: largest norm of the gradient, 0 for no limit.
        minutes: time limit, 0 for none; with a limit the rate falls with the time. Such a run cannot be repeated
            exactly.
        keep_every: seconds between checkpoints within an epoch, 0 for none: so much a machine that disappears loses.
            The task must be able to begin an epoch at any batch.
        best_by: a quantity that the task measures after each epoch; the weights with the highest one are kept, those
            before the first epoch included. "" for none.
        slow: beginnings of names of parameters that learn with `slow_share` of the rate, such as pre-trained ones;
            names are "MODULE.PARAMETER".
    """

    epochs: int
    rate: float
    warmup: float = 1.0
    final: float = 0.01
    optimizer: str = "adamw"
    decay: float = 1e-4
    half: bool = False
    device: str = "cpu"
    seed: int = 0
    clip: float = 0.0
    minutes: float = 0.0
    keep_every: float = 0.0
    best_by: str = ""
    slow: tuple[str, ...] = ()
    slow_share: float = 1 / 3

    def __post_init__(self) -> None:
        check_limit(self.minutes)
        if self.epochs < 1 or not 0 < self.rate < math.inf or self.warmup < 0 or self.decay < 0:
            raise InvalidSetting("Training needs 1 or more epochs, a learning rate above 0, warm-up and decay from 0.")
        if self.optimizer not in ("adamw", "sgd"):
            raise InvalidSetting(f"There is no optimizer {self.optimizer!r}. Known: adamw, sgd.")

    def rate_at(self, epoch: float) -> float:
        """Learning rate at a point of the run, counted in epochs."""
        if epoch < self.warmup:
            return self.rate * (epoch + 1e-3) / self.warmup
        share = (epoch - self.warmup) / max(1e-9, self.epochs - self.warmup)
        return self.rate * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


class TrainingClock:
    """Position of a run in its plan: by its epochs, or by its time where that is further on.

    Args:
        rows: of the finished epochs, with their "seconds".
        unfinished_seconds: that earlier processes spent on an epoch that is not finished.
        started: when the work began, by `time.monotonic`; now where it is None.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        rows: Iterable[Mapping[str, float]],
        unfinished_seconds: float = 0.0,
        started: float | None = None,
    ) -> None:
        self._plan = plan
        self._earlier_seconds = sum(row.get("seconds", 0.0) for row in rows) + unfinished_seconds
        self._started = time.monotonic() if started is None else started
        self._startup_seconds: float | None = None
        self.ending_seconds = 0.0
        """Seconds that the end of the run needs: they are kept free within the time limit."""

    def on_first_step(self) -> None:
        """Called after every step: the first call ends the start-up (workers, compilers), which does not count."""
        if self._startup_seconds is None:
            self._startup_seconds = time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit, infinity without one."""
        if not self._plan.minutes:
            return math.inf
        elapsed = time.monotonic() - self._started
        return self._plan.minutes * 60 - self._earlier_seconds - elapsed - self.ending_seconds

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.seconds_left <= 0

    def position(self, epoch: float) -> float:
        """The position in the plan, in epochs."""
        if self._startup_seconds is None or not self._plan.minutes:
            return epoch
        training_seconds = self._plan.minutes * 60 - self._startup_seconds - self.ending_seconds
        share = 1.0 if training_seconds <= 0 else 1.0 - max(0.0, self.seconds_left) / training_seconds
        return max(epoch, self._plan.epochs * share)
