"""Several processes that train one network: their ranks (set by torchrun), their group, and averaged gradients."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from biometric.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class ProcessRank:
    """The rank of this process among those that train together.

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
                f"RANK is {self.rank}, WORLD_SIZE {self.world} and LOCAL_RANK {self.local}, which contradict "
                f"each other. "
                "Start several processes by torchrun, or unset these variables."
            )

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0


def process_rank() -> ProcessRank:
    """Read the rank from RANK, WORLD_SIZE and LOCAL_RANK, as torchrun sets them; a single process where they are
    absent.

    Raises:
        InvalidSetting: they are not numbers or contradict each other.
    """
    values = {name: os.environ.get(name, default) for name, default in _SINGLE_PROCESS.items()}
    try:
        return ProcessRank(*(int(value) for value in values.values()))
    except ValueError as error:
        raise InvalidSetting(f"{_listed(values)} must be whole numbers, as torchrun sets them.") from error


_SINGLE_PROCESS = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def device_of_rank(rank: ProcessRank, device: str) -> str:
    """The device of this process: under torchrun, "cuda" means a GPU for each process."""
    return f"cuda:{rank.local}" if rank.world > 1 and device == "cuda" else device


@contextmanager
def process_group(rank: ProcessRank, device: str) -> Generator[None, None, None]:
    """Join the group of processes for the duration of the block (NCCL between GPUs, Gloo between CPUs).

    Raises:
        InvalidSetting: the processes could not connect.
    """
    if rank.world == 1:
        yield
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    try:
        torch.distributed.init_process_group("nccl" if on_gpu else "gloo")
    except (RuntimeError, ValueError) as error:
        raise InvalidSetting(
            f"The {rank.world} processes of this training could not connect: {error}. Start them by torchrun."
        ) from error
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def parallelize(module: nn.Module, rank: ProcessRank) -> nn.Module:
    """Return the module with gradients averaged over all processes; the module itself where there is one process only.

    All start each step with the buffers (statistics of normalisations, a queue) of the first process.
    """
    if rank.world == 1:
        return module
    device = next(module.parameters()).device
    return nn.parallel.DistributedDataParallel(module, [device] if device.type == "cuda" else None)
