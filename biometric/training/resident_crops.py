"""All crops as one tensor on the device of a training, and whether its memory is enough for that."""

import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biometric.entities import Progress
from biometric.errors import OutOfMemory
from biometric.models.embedding import resize
from biometric.training.crops.crop_records import Crops

MARGIN = 1.125
"""Crops are kept larger than the pictures made of them by this factor, since a picture shows a part of its crop."""
_SHARE = 0.5
"""Of the free memory that crops may take: networks, pictures and gradients need the rest."""
_AT_ONCE = 256


def resident_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width in which crops are kept, for pictures of `size`."""
    return round(size[0] * MARGIN), round(size[1] * MARGIN)


def fits_on_device(count: int, size: tuple[int, int], device: torch.device) -> bool:
    """Whether `count` crops for pictures of `size` leave enough of the free memory of a device."""
    return _bytes_of(count, size) <= _SHARE * free_memory(device)


def check_fits(count: int, size: tuple[int, int], device: torch.device) -> None:
    """Refuse crops that the device cannot hold. Raises `OutOfMemory`."""
    if not fits_on_device(count, size, device):
        needed, free = (value / 1e9 for value in (_bytes_of(count, size), free_memory(device)))
        raise OutOfMemory(
            f"{count:,} crops take {needed:.1f} GB, and {device} has {free:.1f} GB of free memory, of which they may "
            "take half. Give --crops-on workers, or fewer crops."
        )


def load_resident(crops: Crops, size: tuple[int, int], device: torch.device) -> Generator[Progress, None, Tensor]:
    """Read all crops, resized for pictures of `size`: (N, 3, h, w) uint8 BGR on the device.

    Raises:
        OutOfMemory: the device cannot hold them.
        DatasetInvalid: a crop is damaged.
    """
    check_fits(len(crops), size, device)
    height, width = resident_size(size)

    def read(index: int) -> NDArray[np.uint8]:
        return _planes(crops, index, height, width)

    try:
        tensor = torch.empty(len(crops), 3, height, width, dtype=torch.uint8, device=device)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for start in range(0, len(crops), _AT_ONCE):
                numbers = range(start, min(len(crops), start + _AT_ONCE))
                pictures = torch.from_numpy(np.stack(list(threads.map(read, numbers))))
                tensor[start : numbers.stop] = pictures.to(device)
                yield Progress("Reading crop", numbers.stop, len(crops))
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(
            f"{device} has too little memory for {len(crops):,} crops. Give --crops-on workers, or fewer crops."
        ) from error
    return tensor


def first_pictures(crops: Crops, count: int, size: tuple[int, int], device: torch.device) -> Tensor:
    """Return up to `count` crops exactly in `size`: (N, 3, H, W) uint8 BGR on the device. Raises `DatasetInvalid`."""
    pictures = [_planes(crops, index, *size) for index in range(min(len(crops), count))]
    return torch.from_numpy(np.stack(pictures)).to(device)


def free_memory(device: torch.device) -> float:
    """Bytes that can be allocated on a device; infinity where that cannot be told."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    memory = Path("/proc/meminfo")
    lines = memory.read_text("utf-8").splitlines() if memory.is_file() else []
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return float("inf") if kilobytes is None else int(kilobytes) * 1024.0


def _planes(crops: Crops, index: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(resize(crops.load(index), height, width).transpose(2, 0, 1))


def _bytes_of(count: int, size: tuple[int, int]) -> int:
    height, width = resident_size(size)
    return count * 3 * height * width
