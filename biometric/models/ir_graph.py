"""Reads OpenVINO's IR (`.xml` and `.bin`) into a plain graph, so that other libraries can run the same network.

Format: https://docs.openvino.ai/2026/documentation/openvino-ir-format.html, version 10 and 11.
Only the standard library and numpy are needed. The XML is data from elsewhere: a document type declaration,
without which no entity can be declared or expanded, is refused.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.errors import UnsupportedModel, WeightsCorrupt

Attributes = Mapping[str, str]
"""An operation's attributes, as the text that stands in the file."""

ELEMENT_TYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(code).newbyteorder("<")
    for name, code in {
        "f64": "f8",
        "f32": "f4",
        "f16": "f2",
        "i64": "i8",
        "i32": "i4",
        "i16": "i2",
        "i8": "i1",
        "u64": "u8",
        "u32": "u4",
        "u16": "u2",
        "u8": "u1",
        "boolean": "?",
    }.items()
}
"""IR element types that are read, as numpy types (little-endian, as in the file)."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation.

    Attributes:
        kind: the operation's type, such as "Convolution".
        inputs: for each input, (index of the node that makes it, which of its outputs).
        outputs: number of outputs.
        attributes: the layer's data attributes, as text.
        value: a constant's array (its shape and type as in the file, read-only), otherwise None.
    """

    name: str
    kind: str
    inputs: tuple[tuple[int, int], ...]
    outputs: int
    attributes: Attributes
    value: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network with one input and one output; `nodes` stand in an order in which they can be run.

    Attributes:
        parameter: index of the node that is the input.
        result: (node, output) that is the network's output.
    """

    nodes: tuple[Node, ...]
    parameter: int
    result: tuple[int, int]


def read_ir(path: Path) -> Graph:
    """Read `path` (.xml) and the .bin beside it.

    Raises:
        WeightsCorrupt: a file is absent, damaged, or the two do not belong together.
        UnsupportedModel: not one input and one output, or an element type that is not known.
    """
    try:
        root = ET.parse(path, parser=ET.XMLParser(target=_NoDoctype())).getroot()  # noqa: S314  (doctype is refused)
        binary = np.fromfile(path.with_suffix(".bin"), np.uint8)
    except (OSError, ET.ParseError) as error:
        raise WeightsCorrupt(
            "The network {file} and its .bin cannot be read: {error}.", file=path.name, error=error
        ) from error
    try:
        return _Reader(path.name, root, binary).graph()
    except (KeyError, ValueError, AttributeError, IndexError) as error:
        raise WeightsCorrupt(
            "{file} is damaged or not an OpenVINO IR: {error!r}. Fetch it again.", file=path.name, error=error
        ) from error


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise WeightsCorrupt(
            "The network has a document type declaration ({name}), which no OpenVINO IR has.", name=name
        )


class _Reader:
    def __init__(self, name: str, root: ET.Element, binary: NDArray[np.uint8]) -> None:
        self._name = name
        self._binary = binary
        layers = root.findall("./layers/layer")
        self._layers = {layer.attrib["id"]: layer for layer in layers}
        self._edges = {
            (edge.attrib["to-layer"], edge.attrib["to-port"]): (edge.attrib["from-layer"], edge.attrib["from-port"])
            for edge in root.findall("./edges/edge")
        }
        if not layers or len(self._layers) != len(layers):
            raise ValueError("no layers, or two of the same id")

    def graph(self) -> Graph:
        order = self._order()
        index = {layer: number for number, layer in enumerate(order)}
        nodes = tuple(self._node(self._layers[layer], index) for layer in order)
        parameters = [number for number, node in enumerate(nodes) if node.kind == "Parameter"]
        results = [node.inputs[0] for node in nodes if node.kind == "Result"]
        if len(parameters) != 1 or len(results) != 1:
            raise UnsupportedModel(
                "{model} has {parameters_count} inputs and {results_count} outputs; an embedder has one of each.",
                model=self._name,
                parameters_count=len(parameters),
                results_count=len(results),
            )
        return Graph(nodes, parameters[0], results[0])

    def _order(self) -> list[str]:
        """Layer ids, each after those that it needs (depth first, without recursion)."""
        order: list[str] = []
        state: dict[str, int] = {}
        for start in self._layers:
            stack = [start]
            while stack:
                layer = stack[-1]
                if state.get(layer) == 2:
                    stack.pop()
                    continue
                needed = [source for source, _ in self._sources(layer) if state.get(source) != 2]
                if not needed:
                    state[layer] = 2
                    order.append(stack.pop())
                    continue
                if state.get(layer) == 1:
                    raise ValueError(f"layer {layer} needs its own output")
                state[layer] = 1
                stack += needed
        return order

    def _sources(self, layer: str) -> list[tuple[str, str]]:
        ports = self._layers[layer].findall("./input/port")
        return [self._edges[layer, port.attrib["id"]] for port in ports]

    def _node(self, layer: ET.Element, index: Mapping[str, int]) -> Node:
        data = layer.find("data")
        attributes = {} if data is None else dict(data.attrib)
        inputs = tuple(
            (index[source], self._position(source, port)) for source, port in self._sources(layer.attrib["id"])
        )
        kind = layer.attrib["type"]
        return Node(
            name=layer.attrib.get("name", layer.attrib["id"]),
            kind=kind,
            inputs=inputs,
            outputs=len(layer.findall("./output/port")),
            attributes=attributes,
            value=self._constant(attributes) if kind == "Const" else None,
        )

    def _position(self, layer: str, port: str) -> int:
        ports = [output.attrib["id"] for output in self._layers[layer].findall("./output/port")]
        return ports.index(port)

    def _constant(self, attributes: Attributes) -> NDArray[Any]:
        element = attributes["element_type"]
        if element not in ELEMENT_TYPES:
            raise UnsupportedModel(
                "{model} holds numbers of type {element}, which cannot be read here.", model=self._name, element=element
            )
        shape = integers(attributes.get("shape", ""))
        kind = ELEMENT_TYPES[element]
        offset, size = int(attributes["offset"]), int(attributes["size"])
        if min((offset, size, *shape), default=0) < 0 or size != prod(shape) * kind.itemsize:
            raise ValueError(f"a constant of shape {shape} and {size} bytes")
        if offset + size > self._binary.size:
            raise ValueError("the .bin is shorter than the .xml says")
        value = self._binary[offset : offset + size].view(kind).reshape(shape)
        value.setflags(write=False)
        return value


def flag(attributes: Attributes, name: str, default: str = "false") -> bool:
    """Whether an attribute says true; `default` is the text where it is absent."""
    return attributes.get(name, default).lower() in {"true", "1"}


def integers(text: str) -> tuple[int, ...]:
    """Parse an attribute of comma-separated whole numbers, () for an empty one."""
    return tuple(int(number) for number in text.split(",") if number.strip())
