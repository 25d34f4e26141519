"""Embeddings with torch, on CUDA or CPU: `.safetensors` with an architecture of ours, and OpenVINO's IR rebuilt."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.architectures import build_architecture, load_weights
from biometric.models.embedding import batches, prepare_crops, scale_to_unit_length
from biometric.models.ir_graph import Graph, read_ir
from biometric.models.ir_torch import Operation, operation, torch_type

BATCH = {"cuda": 64, "cpu": 8}
"""Crops a run, by device."""


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


def read_network(path: Path, architecture: str) -> nn.Module:
    """Return an architecture of `architectures.py` with the weights of a `.safetensors`, for running it.

    Raises:
        WeightsCorrupt: the file is damaged, or holds the weights of another network.
        UnsupportedModel: no such architecture.
    """
    network = build_architecture(architecture)
    try:
        state = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise WeightsCorrupt(
            "{file} is not a .safetensors file or is damaged: {error}", file=path.name, error=error
        ) from error
    load_weights(network, state, path.name)
    return network.eval().requires_grad_(False)


class TorchEmbedder:
    """ports.Embedder over a torch module.

    Args:
        module: (N, 3, H, W) float32 in, (N, D) out.
        form: how crops are prepared.
        model_id: the card's id.
        device: "cpu", "cuda", "cuda:1", …
        dimension: expected length of the embedding, None to take the network's.

    Raises:
        UnsupportedModel: the network is not one of crops in, one vector a crop out.
    """

    def __init__(
        self, module: nn.Module, form: InputFormat, model_id: str, device: str = "cpu", dimension: int | None = None
    ) -> None:
        self._device = torch.device(device)
        self._module = module.eval().requires_grad_(False).to(self._device)
        self._form = form
        self._model_id = model_id
        self._lock = threading.Lock()
        length = self._run(np.zeros((2, 3, form.height, form.width), np.float32)).shape[1]
        if dimension is not None and length != dimension:
            raise UnsupportedModel(
                "{model_id} gives {length} numbers a crop; its card says {dimension}.",
                model_id=model_id,
                length=length,
                dimension=dimension,
            )
        self._dimension: int = length

    @classmethod
    def from_ir(
        cls, path: Path, form: InputFormat, model_id: str, device: str = "cpu", dimension: int | None = None
    ) -> "TorchEmbedder":
        """Rebuild the network of an OpenVINO IR. Raises `WeightsCorrupt`, `UnsupportedModel`."""
        graph = read_ir(path)
        try:
            return cls(GraphModule(graph), form, model_id, device, dimension)
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            if isinstance(error, torch.cuda.OutOfMemoryError):
                raise
            raise UnsupportedModel("{file} cannot be rebuilt in torch: {error}", file=path.name, error=error) from error

    @classmethod
    def from_safetensors(
        cls,
        path: Path,
        architecture: str,
        form: InputFormat,
        model_id: str,
        device: str = "cpu",
        dimension: int | None = None,
    ) -> "TorchEmbedder":
        """Load an architecture of `architectures.py` with its weights. Raises `WeightsCorrupt`, `UnsupportedModel`."""
        return cls(read_network(path, architecture), form, model_id, device, dimension)

    @property
    def model_id(self) -> str:
        """The card's id, the same on every device."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    @property
    def network(self) -> nn.Module:
        """(N, 3, H, W) float32, prepared as `form` says → (N, D), for training another one by it."""
        return self._module

    @property
    def form(self) -> InputFormat:
        """How crops are prepared."""
        return self._form

    @property
    def device(self) -> str:
        """For people, such as "CUDA · NVIDIA H200" or "CPU · torch"."""
        if self._device.type == "cuda":
            return f"CUDA · {torch.cuda.get_device_name(self._device)}"
        return "CPU · torch"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, D) unit float32 for N crops ((h, w, 3) uint8 BGR); (0, D) for none.

        Raises:
            UnsupportedModel: the network gave a vector without direction.
        """
        size = BATCH[self._device.type]
        vectors = [self._run(prepare_crops(batch, self._form)) for batch in batches(crops, size)]
        return scale_to_unit_length(
            np.concatenate([np.empty((0, self._dimension), np.float32), *vectors]), self._model_id
        )

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._lock, torch.inference_mode(), _exact():
            output = self._module(torch.from_numpy(batch).to(self._device)).flatten(1).float().cpu()
        if len(output) != len(batch):
            raise UnsupportedModel(
                "{model} does not give one vector a crop, so it cannot serve as embedder.", model=self._model_id
            )
        vectors: NDArray[np.float32] = output.numpy()
        return vectors


@contextmanager
def _exact() -> Iterator[None]:
    """Switch TF32 off: its ten bits of mantissa would make embeddings differ between devices."""
    cudnn: Any = torch.backends.cudnn  # its annotations leave `conv` out
    backends = (torch.backends.cuda.matmul, cudnn.conv)
    before = [backend.fp32_precision for backend in backends]
    for backend in backends:
        backend.fp32_precision = "ieee"
    try:
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision
