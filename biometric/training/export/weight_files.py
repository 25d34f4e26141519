"""A torch network as the bytes of a weight file: `.safetensors`, or ONNX that OpenVINO reads, with its description.

ONNX is written by torch's TorchScript exporter: the newer one needs another library and gives OpenVINO nothing more.
The same weights give the same bytes.
"""

import io
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from biometric.entities.model_cards import InputFormat
from biometric.errors import LibraryMissing, UnsupportedModel

INPUT, OUTPUT = "crops", "embeddings"
_OPSET = 17


def to_onnx(network: nn.Module, form: InputFormat, metadata: Mapping[str, str], half: bool) -> bytes:
    """Return an ONNX file of a network in evaluation mode, for any number of crops at once.

    Args:
        network: (N, 3, H, W) float32 → (N, D), on the CPU.
        metadata: what the file says of itself (metadata_props).
        half: store weights of two and more axes as float16; they are widened when the file is loaded.

    Raises:
        LibraryMissing: onnx is not installed.
        UnsupportedModel: the network has an operation that ONNX lacks.
    """
    try:
        import onnx
    except ImportError as error:
        raise LibraryMissing(
            "ONNX files need the library onnx: python -m pip install -r requirements-train.txt"
        ) from error
    model = onnx.load_from_string(_exported(network, form))
    if half:
        _halve(onnx, model.graph)
    for name, value in sorted(metadata.items()):
        model.metadata_props.add(key=name, value=value)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _exported(network: nn.Module, form: InputFormat) -> bytes:
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch advertises its newer exporter
            torch.onnx.export(
                network,
                (torch.zeros(2, 3, form.height, form.width),),
                stream,  # type: ignore[arg-type]  # the annotation leaves streams out, which this exporter takes
                dynamo=False,
                opset_version=_OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "count"}, OUTPUT: {0: "count"}},
            )
    except (RuntimeError, ValueError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnsupportedModel(f"The network cannot be written as ONNX: {first}") from error
    return stream.getvalue()


def _halve(onnx: Any, graph: Any) -> None:
    """Store large weights as float16, each widened by a Cast in front of everything else."""
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        name, stored = weight.name, f"{weight.name}_half"
        values = onnx.numpy_helper.to_array(weight)
        with np.errstate(over="ignore"):  # infinite ones are found by comparing outputs
            narrow = values.astype(np.float16)
        weight.CopyFrom(onnx.numpy_helper.from_array(narrow, stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], f"widen_{name}", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


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
