"""Networks for OpenVINO whose numbers are read from another weight file, so that no number is kept twice.

A `.safetensors` holds the same numbers as the network that OpenVINO makes of it, and so does a `.pt` (a zip archive
that is not compressed; nothing of it is unpickled). The graph alone, an `.xml`, is kept beside such a file. Its
constants are bytes of that file, and the few that it does not hold, a `.bin`, follow behind them.
"""

import re
import tempfile
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13

_ALIGNMENT = 64
_LEAST = 32
"""Constants of fewer bytes are not looked for: they are shapes and axes."""

_CONSTANT = re.compile(r'(<data element_type="[^"]*" shape="[^"]*" offset=")(\d+)(" size=")(\d+)(")')


def read_graph(graph: Path, weights: Path | None = None) -> openvino.Model:
    """Read an `.xml` or another file of OpenVINO's formats; an `.xml` with its `.bin`.

    Args:
        weights: the file that holds the numbers, for a graph made by `split_network`.

    Raises:
        RuntimeError: the files are damaged, or no network.
        OSError: they cannot be read.
    """
    if weights is None:
        return openvino.Core().read_model(graph)
    numbers = weights.read_bytes()
    buffer = numbers + bytes(-len(numbers) % _ALIGNMENT) + graph.with_suffix(".bin").read_bytes()
    return openvino.Core().read_model(graph.read_bytes(), openvino.Tensor(np.frombuffer(buffer, np.uint8)))


def split_network(model: openvino.Model, weights: bytes) -> tuple[bytes, bytes]:
    """Return the graph (`.xml`) of a network whose numbers are in a weight file, and the numbers that are not (`.bin`).

    Constants of float32 that the file holds as float16 become these, widened when the network is loaded.
    """
    for operation in model.get_ordered_ops():
        if operation.get_type_name() == "Constant" and operation.get_element_type() == openvino.Type.f32:
            _narrow(operation, weights)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "network.xml"
        openvino.save_model(model, graph, compress_to_fp16=False)
        text, numbers = graph.read_text("utf-8"), graph.with_suffix(".bin").read_bytes()
    rest = bytearray()
    behind = len(weights) + -len(weights) % _ALIGNMENT

    def moved(match: re.Match[str]) -> str:
        offset, size = int(match[2]), int(match[4])
        content = numbers[offset : offset + size]
        place = weights.find(content) if size >= _LEAST else -1
        if place < 0:
            found = rest.find(content)
            if found < 0:
                rest.extend(bytes(-len(rest) % _ALIGNMENT))
                found = len(rest)
                rest.extend(content)
            place = behind + found
        return f"{match[1]}{place}{match[3]}{size}{match[5]}"

    return _without_names(_CONSTANT.sub(moved, text)).encode(), bytes(rest)


def _without_names(text: str) -> str:
    """The same graph in fewer bytes: operations are known by their numbers, and names count up in each process."""
    text = re.sub(r'<net name="[^"]*"', '<net name="network"', text, count=1)
    text = re.sub(r'(<layer id="(\d+)") name="[^"]*"', r'\1 name="\2"', text)
    text = re.sub(r'\s*<rt_info>\s*<attribute name="fused_names"[^>]*/>\s*</rt_info>', "", text)
    text = re.sub(r'(<port id="\d+"[^>]*?) names="[^"]*"', r"\1", text)
    return re.sub(r"\n\s+", "\n", text)


def _narrow(constant: openvino.Node, weights: bytes) -> None:
    """Put float16 in the place of a float32 constant where the file holds it so."""
    values = np.array(constant.get_data())
    if values.nbytes < _LEAST or values.tobytes() in weights:
        return
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if np.array_equal(half.astype(np.float32), values) and half.tobytes() in weights:
        widened = opset13.convert(opset13.constant(half), "f32")
        for user in constant.output(0).get_target_inputs():
            user.replace_source_output(widened.output(0))
