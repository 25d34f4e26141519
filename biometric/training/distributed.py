"""Several processes as one training: who they are (torchrun says it), how they meet, whose gradients are averaged."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from biometric.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Place:
    """Which process of how many this is.

    Attributes:
        rank: in [0, world); the process of rank 0 writes the run's folder.
        world: number of processes.
        local: number among the processes of this machine; the GPU that it takes.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world or self.local < 0:
            raise InvalidSetting(
                f"RANK is {self.rank}, WORLD_SIZE {self.world} and LOCAL_RANK {self.local}, which do not fit together. "
                "Start several processes by torchrun, or unset these variables."
            )

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0


def place() -> Place:
    """Read the place from RANK, WORLD_SIZE and LOCAL_RANK, as torchrun sets them; alone where they are absent.

    Raises:
        InvalidSetting: they are no numbers or do not fit together.
    """
    values = {name: os.environ.get(name, default) for name, default in _ALONE.items()}
    try:
        return Place(*(int(value) for value in values.values()))
    except ValueError as error:
        raise InvalidSetting(f"{_listed(values)} must be whole numbers, as torchrun sets them.") from error


_ALONE = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def device_of(where: Place, device: str) -> str:
    """The device of this process: under torchrun, "cuda" is a GPU of its own."""
    return f"cuda:{where.local}" if where.world > 1 and device == "cuda" else device


@contextmanager
def joined(where: Place, device: str) -> Generator[None, None, None]:
    """Meet the other processes for as long as the block lasts (NCCL between GPUs, Gloo between CPUs).

    Raises:
        InvalidSetting: they did not meet.
    """
    if where.world == 1:
        yield
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    try:
        torch.distributed.init_process_group("nccl" if on_gpu else "gloo")
    except (RuntimeError, ValueError) as error:
        raise InvalidSetting(
            f"The {where.world} processes of this training did not meet: {error}. Start them by torchrun."
        ) from error
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def parallel(module: nn.Module, where: Place) -> nn.Module:
    """Return the module so that its gradients are averaged over all processes; itself where there is one only.

    All begin each step with the buffers (statistics of normalisations, a queue) of the first process.
    """
    if where.world == 1:
        return module
    device = next(module.parameters()).device
    return nn.parallel.DistributedDataParallel(module, [device] if device.type == "cuda" else None)
