"""Crops on the device of the training: what is kept, and what is said where memory is too small."""

from argparse import Namespace

import numpy as np
import pytest
import torch

from biometric.cli.train.distill_tasks import crops_on_device
from biometric.entities.progress import finish
from biometric.errors import OutOfMemory
from biometric.models.embedding import resize
from biometric.training import resident_crops
from biometric.training.resident_crops import fits_on_device, load_resident
from tests.training.test_distillation import DrawnCrops

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_crops_lie_there_in_order_a_little_larger_than_pictures() -> None:
    stages = []
    tensor = finish(load_resident(DrawnCrops(5), (64, 32), CPU), stages.append)
    assert (tuple(tensor.shape), tensor.dtype) == ((5, 3, 72, 36), torch.uint8)
    for index in range(5):
        expected = resize(DrawnCrops(5).load(index), 72, 36).transpose(2, 0, 1)
        np.testing.assert_array_equal(tensor[index].numpy(), expected)
    assert (stages[-1].done, stages[-1].total) == (5, 5)


@pytest.mark.parametrize(
    ("wanted", "device", "free", "chosen"),
    [
        ("auto", CUDA, 1e9, True),
        ("auto", CUDA, 1e5, False),
        ("auto", CPU, 1e9, False),
        ("device", CPU, 1e9, True),
        ("workers", CUDA, 1e9, False),
    ],
)
def test_where_crops_lie(
    wanted: str, device: torch.device, free: float, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident_crops, "free_memory", lambda device: free)
    assert crops_on_device(Namespace(crops_on=wanted), 100, (64, 32), device) == chosen


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident_crops, "free_memory", lambda device: 1e6)
    assert fits_on_device(60, (64, 32), CPU)
    with pytest.raises(OutOfMemory, match=r"100 crops take 0\.0 GB, and cpu has .* --crops-on workers, or fewer crops"):
        crops_on_device(Namespace(crops_on="device"), 100, (64, 32), CPU)
    with pytest.raises(OutOfMemory):
        finish(load_resident(DrawnCrops(100), (64, 32), CPU))


def test_memory_that_fails_while_crops_are_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(OutOfMemory, match="too little memory for 3 crops"):
        finish(load_resident(DrawnCrops(3), (64, 32), CPU))


def test_the_free_memory_of_this_machine_is_known() -> None:
    assert resident_crops.free_memory(CPU) > 1e6
