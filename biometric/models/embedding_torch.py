"""Embeddings with torch, on CUDA or CPU: `.safetensors` with an architecture of ours, and OpenVINO's IR rebuilt."""

import copy
import logging
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
from biometric.models.crop_batches import CropBatches
from biometric.models.device_failures import device_failures, free_memory, is_out_of_memory
from biometric.models.embedding import prepare_crops, scale_to_unit_length, trial_pictures, vectors_agree
from biometric.models.ir_graph import read_ir
from biometric.models.ir_module import GraphModule

logger = logging.getLogger(__name__)

BATCH = {"cuda": 256, "cpu": 8}
"""Crops a run, by device; fewer from the first time on that the device's memory was too small."""

CARD_PRECISION = torch.float16
"""What is tried on a card."""

LEAST_AGREEMENT = 0.9995
"""Least cosine to full precision, with crops prepared on the processor, for half precision to be used on a card."""


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
        as_on_card: prepare crops in batches on the device, and compute in half precision where embeddings stay the
            same; None: on CUDA alone. On torch's CPU device it is slower, and there for tests.

    Raises:
        UnsupportedModel: the network is not one of crops in, one vector a crop out.
        DeviceFailed: the device has too little memory, or does not work.
    """

    def __init__(
        self,
        module: nn.Module,
        form: InputFormat,
        model_id: str,
        device: str = "cpu",
        dimension: int | None = None,
        as_on_card: bool | None = None,
    ) -> None:
        self._device = torch.device(device)
        self._form = form
        self._model_id = model_id
        self._lock = threading.Lock()
        self._batch = BATCH[self._device.type]
        with device_failures(device):
            self._module = module.eval().requires_grad_(False).to(self._device)
            self._network, self._crops = self._module, None
            length = self._vectors([np.zeros((form.height, form.width, 3), np.uint8)] * 2).shape[1]
            if as_on_card or (as_on_card is None and self._device.type == "cuda"):
                self._crops = CropBatches(form, self._device)
                self._choose_precision()
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
    def running(self) -> nn.Module:
        """The network as it runs on the device: in `precision`."""
        return self._network

    @property
    def form(self) -> InputFormat:
        """How crops are prepared."""
        return self._form

    @property
    def precision(self) -> str:
        """What the network computes in: "float32" or "float16"."""
        return str(torch.float32 if self._network is self._module else CARD_PRECISION).removeprefix("torch.")

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
            DeviceFailed: the device stopped working, or has not the memory for a single crop.
        """
        with self._lock, device_failures(str(self._device)):
            vectors = self._vectors(crops) if len(crops) else np.empty((0, self._dimension), np.float32)
        return scale_to_unit_length(vectors, self._model_id)

    def _vectors(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Run the network on batches; what comes out stays on the device until all are under way."""
        outputs: list[Tensor] = []
        start = 0
        with torch.inference_mode(), _exact():
            while start < len(crops):
                batch = crops[start : start + self._batch]
                try:
                    outputs.append(self._run(batch))
                except RuntimeError as error:
                    if len(batch) == 1 or not is_out_of_memory(error):
                        raise
                    self._batch = len(batch) // 2
                    logger.warning("%s has too little memory for %d crops at once", self.device, len(batch))
                else:
                    start += len(batch)
                    continue
                free_memory(self._device)  # behind the block: the error holds what was computed
            vectors: NDArray[np.float32] = torch.cat(outputs).float().cpu().numpy()
        return vectors

    def _run(self, crops: Sequence[Image]) -> Tensor:
        """Return (N, D) on the device."""
        if self._crops is None:
            batch = torch.from_numpy(prepare_crops(crops, self._form)).to(self._device)
        else:
            batch = self._crops.prepare(crops)
        output: Tensor = self._network(batch).flatten(1)
        if len(output) != len(batch):
            raise UnsupportedModel(
                "{model} does not give one vector a crop, so it cannot serve as embedder.", model=self._model_id
            )
        return output

    def _choose_precision(self) -> None:
        """Use half precision where embeddings stay the same."""
        form = self._form
        patch = np.random.default_rng(1).integers(0, 256, (2 * form.height + 3, form.width // 3 + 1, 3), np.uint8)
        pictures = [*trial_pictures(form.height, form.width), patch, patch[: form.height // 4, : form.width // 5 + 1]]
        full, crops = self._vectors(pictures), self._crops
        try:
            self._network = copy.deepcopy(self._module).to(CARD_PRECISION)
            self._crops = CropBatches(form, self._device, CARD_PRECISION)
            half = self._vectors(pictures)
        except RuntimeError as error:  # an operation that there is not in half precision
            if is_out_of_memory(error):
                raise
            half = np.full_like(full, np.nan)
        if not vectors_agree(full, half, LEAST_AGREEMENT):
            self._network, self._crops = self._module, crops


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
