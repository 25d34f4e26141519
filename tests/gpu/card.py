"""The graphics card that tests marked `gpu` run on."""

import pytest
import torch


def needed_card() -> str:
    """Return the device; the test is skipped where there is none."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return "cuda"
