"""OpenVINO's IR rebuilt as a module of torch."""

import numpy as np
import torch
from torch import Tensor, nn

from biometric.models.ir_graph import Graph
from biometric.models.ir_torch import Operation, operation, torch_type


class GraphModule(nn.Module):
    """Runs an IR graph: (N, 3, H, W) float32 in, the network's output out.

    What does not depend on the input is computed once, at construction; fractions become buffers, which move with
    the module, while whole numbers (shapes, axes) stay on the CPU.

    Raises:
        UnsupportedModel: an operation is not known; names it.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph
        self._whole: dict[tuple[int, int], Tensor] = {}
        self._fraction: dict[tuple[int, int], str] = {}
        self._steps: list[tuple[int, Operation]] = []
        constants: dict[tuple[int, int], Tensor] = {}
        with torch.no_grad():
            for number, node in enumerate(graph.nodes):
                if node.value is not None:
                    array = np.array(node.value)
                    constants[number, 0] = torch.from_numpy(array).to(torch_type(node.attributes["element_type"]))
                elif node.kind not in ("Parameter", "Result"):
                    self._plan(number, operation(node.kind), constants)
        needed = {source for number, _ in self._steps for source in graph.nodes[number].inputs} | {graph.result}
        for place in needed & constants.keys():
            self._keep(place, constants[place])
        self._last = self._last_uses()

    def _plan(self, number: int, run: Operation, constants: dict[tuple[int, int], Tensor]) -> None:
        node = self._graph.nodes[number]
        if all(source in constants for source in node.inputs):
            outputs = run(node.attributes, [constants[source] for source in node.inputs])
            constants.update(((number, position), output) for position, output in enumerate(outputs))
        else:
            self._steps.append((number, run))

    def _keep(self, place: tuple[int, int], value: Tensor) -> None:
        if value.is_floating_point():
            name = f"constant_{place[0]}_{place[1]}"
            self.register_buffer(name, value.contiguous())
            self._fraction[place] = name
        else:
            self._whole[place] = value

    def _last_uses(self) -> dict[int, list[tuple[int, int]]]:
        """For each step, the values that are not needed after it: freed at once, so that memory stays small."""
        last = {source: number for number, _ in self._steps for source in self._graph.nodes[number].inputs}
        released: dict[int, list[tuple[int, int]]] = {}
        for source, number in last.items():
            if source != self._graph.result and source not in self._whole and source not in self._fraction:
                released.setdefault(number, []).append(source)
        return released

    def forward(self, batch: Tensor) -> Tensor:
        """Run the network."""
        values: dict[tuple[int, int], Tensor] = {place: getattr(self, name) for place, name in self._fraction.items()}
        values.update(self._whole)
        values[self._graph.parameter, 0] = batch
        for number, run in self._steps:
            node = self._graph.nodes[number]
            outputs = run(node.attributes, [values[source] for source in node.inputs])
            for position, output in enumerate(outputs):
                values[number, position] = output
            for place in self._last.get(number, ()):
                del values[place]
        return values[self._graph.result]
