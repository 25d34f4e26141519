"""Sends pictures to torch's device: through page-locked memory, on a stream of its own, while the device computes.

On torch's CPU device the same calls fill an array and hand it over, so that what uses them is tested without a card.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SLOTS = 3
"""Buffers in turn: one is filled while one travels and one is waited for."""


@dataclass(slots=True)
class _Slot:
    buffer: Tensor
    sent: torch.cuda.Event | None = None


class Uploader:
    """Sends arrays of bytes to a device. Not for several threads at once.

    Args:
        device: where to; "cuda" in any form gets page-locked memory and a stream for transfers.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._on_card = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if self._on_card else None  # type: ignore[no-untyped-call]
        self._slots = [_Slot(torch.empty(0, dtype=torch.uint8)) for _ in range(SLOTS)]
        self._next = 0

    def send(self, shape: tuple[int, ...], fill: Callable[[NDArray[np.uint8]], None]) -> Tensor:
        """Let `fill` write an array of `shape`, uint8, and return it as a tensor on the device.

        On a card the call returns before the bytes have arrived; what is computed on the current stream afterwards
        waits for them. On the CPU the tensor is overwritten by the `SLOTS`-th call from now.

        Raises:
            torch.OutOfMemoryError: the card's memory is full.
        """
        slot = self._slots[self._next]
        self._next = (self._next + 1) % SLOTS
        if slot.sent is not None:
            slot.sent.synchronize()
        count = int(np.prod(shape))
        if len(slot.buffer) < count:
            slot.buffer = torch.empty(count, dtype=torch.uint8, pin_memory=self._on_card)
        part = slot.buffer[:count].view(shape)
        fill(part.numpy())
        if self._stream is None:
            return part
        current = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            sent = part.to(self._device, non_blocking=True)
            slot.sent = torch.cuda.Event()  # type: ignore[no-untyped-call]
            slot.sent.record(self._stream)
        current.wait_event(slot.sent)
        sent.record_stream(current)  # its memory was taken on the other stream, and must not be given away too early
        return sent
