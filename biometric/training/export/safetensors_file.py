"""The adapter to `.safetensors`: weights with a description, the same bytes whenever they are the same weights."""

import json
from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor, nn


def to_safetensors(network: nn.Module, metadata: Mapping[str, str], half: bool) -> bytes:
    """Return a `.safetensors` of a network.

    Args:
        metadata: what the file says of itself, text to text (see models/README.md).
        half: store weights of two and more axes as float16. Scales, offsets and statistics stay float32: they are
            few, and batch normalisation divides by them.
    """
    # Counters of batch normalisation serve training only.
    state = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    stored = {name: _stored(value, half) for name, value in state.items()}
    return _ordered(safetensors.torch.save(stored, dict(metadata)))


def _stored(value: Tensor, half: bool) -> Tensor:
    narrow = half and value.is_floating_point() and value.ndim > 1
    return (value.to(torch.float16) if narrow else value).contiguous().clone()


def _ordered(content: bytes) -> bytes:
    """The same file with the keys of its header in order (the library writes its metadata in a random one).

    Layout: 8 bytes little-endian header length, the header (JSON, padded with spaces to a multiple of 8), the data.
    """
    length = int.from_bytes(content[:8], "little")
    values = json.loads(content[8 : 8 + length])
    ordered = {"__metadata__": dict(sorted(values.pop("__metadata__").items())), **values}
    header = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]
