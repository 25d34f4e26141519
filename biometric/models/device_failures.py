"""Tells a failing device from other errors of torch, and turns it into an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from biometric.errors import DeviceFailed
from biometric.models.ultralytics_setup import first_line

_SIGNS = (
    "cuda error",
    "cuda driver",
    "cuda gpus",
    "cuda-capable",
    "nvidia driver",
    "compiled with cuda",
    "cudnn error",
    "cudnn_status",
    "cublas_status",
    "cusolver",
    "nvrtc error",
)
"""What messages of errors contain that come from a device, its driver or its libraries."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device's memory was too small for what was asked; less may fit."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def is_device_error(error: BaseException) -> bool:
    """Whether the device itself failed (its memory included), and not what was to be computed on it."""
    if is_out_of_memory(error) or isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError | AssertionError) and any(sign in str(error).lower() for sign in _SIGNS)


@contextmanager
def device_failures(device: str) -> Iterator[None]:
    """Turn the failure of a device in the block into `DeviceFailed`; other errors pass."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        if not is_device_error(error):
            raise
        raise DeviceFailed(
            "The device {device} stopped working: {error}. Close other programs that use it, or set "
            "SIGHTLINE_DEVICE=cpu to work on the processor.",
            device=device,
            error=first_line(error).rstrip("."),
        ) from error


def free_memory(device: torch.device) -> None:
    """Give the memory back that torch keeps for later, so that a smaller request may succeed."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
