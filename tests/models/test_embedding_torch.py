"""Embeddings with torch: the same as OpenVINO's, from IR and ONNX alike; `.safetensors`; CUDA where there is one."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from biometric.entities.model_cards import IMAGENET, Card, Format, Role
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.architectures import build_architecture
from biometric.models.cards import read_manifest
from biometric.models.embedding_openvino import OpenVINOEmbedder, convert_to_ir
from biometric.models.embedding_torch import TorchEmbedder
from tests.conftest import PROJECT

MANIFEST = PROJECT / "models" / "manifest.toml"
CARDS = [
    card
    for card in read_manifest(MANIFEST)
    if card.role is Role.EMBEDDER and card.format is not Format.SAFETENSORS and card.id != "omz-0286-fp32"
]
"""Those of the shared folder; a .safetensors is torch's alone on every device."""


def crops_of(shared: Path, count: int = 12) -> list[np.ndarray]:
    """Real people and their surroundings, in many sizes."""
    import cv2

    capture = cv2.VideoCapture(str(shared / "clips" / "street.mp4"))
    frame = capture.read()[1]
    capture.release()
    rng = np.random.default_rng(0)
    corners = zip(rng.integers(0, 1000, count), rng.integers(0, 350, count), strict=True)
    return [frame[y : y + rng.integers(60, 360), x : x + rng.integers(30, 150)] for x, y in corners]


def embedders(card: Card, shared: Path, tmp_path: Path, device: str) -> tuple[OpenVINOEmbedder, TorchEmbedder]:
    path = shared / "models" / card.files[0].name
    assert card.input is not None
    reference = OpenVINOEmbedder(path, card.input, card.id, card.dimension, exact=True)
    ir = convert_to_ir(path, tmp_path / "model.xml") if path.suffix == ".onnx" else path
    return reference, TorchEmbedder.from_ir(ir, card.input, card.id, device, card.dimension)


@pytest.mark.real
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_torch_agrees_with_openvino_on_real_crops(card: Card, shared: Path, tmp_path: Path) -> None:
    reference, rebuilt = embedders(card, shared, tmp_path, "cpu")
    crops = crops_of(shared)
    cosines = (reference.embed(crops) * rebuilt.embed(crops)).sum(axis=1)
    assert cosines.min() >= 0.9999
    assert (rebuilt.model_id, rebuilt.dimension) == (reference.model_id, reference.dimension)
    assert rebuilt.device == "CPU · torch"


@pytest.mark.real
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_half_precision_keeps_embeddings_what_they_are(card: Card, shared: Path) -> None:
    path, crops = shared / "models" / card.files[0].name, crops_of(shared)
    assert card.input is not None
    exact = OpenVINOEmbedder(path, card.input, card.id, exact=True).embed(crops)
    assert (exact * OpenVINOEmbedder(path, card.input, card.id).embed(crops)).sum(axis=1).min() >= 0.9995


def saved(path: Path, architecture: str, metadata: dict[str, str] | None = None) -> Path:
    torch.manual_seed(0)
    safetensors.torch.save_file(build_architecture(architecture).state_dict(), path, metadata)
    return path


def test_safetensors_are_loaded_into_their_architecture(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", "osnet_x0_25")
    embedder = TorchEmbedder.from_safetensors(path, "osnet_x0_25", IMAGENET, "own", "cpu", 512)
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (60, 30, 3)).astype(np.uint8) for _ in range(3)]
    vectors = embedder.embed(crops)
    assert (vectors.shape, vectors.dtype) == ((3, 512), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert embedder.embed([]).shape == (0, 512)
    again = TorchEmbedder.from_safetensors(path, "osnet_x0_25", IMAGENET, "own").embed(crops)
    np.testing.assert_array_equal(vectors, again)


def test_safetensors_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", "osnet_x0_25")
    with pytest.raises(WeightsCorrupt, match="do not fit"):
        TorchEmbedder.from_safetensors(path, "osnet_x0_5", IMAGENET, "own")
    with pytest.raises(UnsupportedModel, match="osnet_x1_0"):
        TorchEmbedder.from_safetensors(path, "osnet", IMAGENET, "own")
    with pytest.raises(UnsupportedModel, match="its card says 100"):
        TorchEmbedder.from_safetensors(path, "osnet_x0_25", IMAGENET, "own", "cpu", 100)


def test_promise_16_a_pickle_called_safetensors_does_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    torch.save(Trap(), tmp_path / "w.safetensors")
    with pytest.raises(WeightsCorrupt, match=r"w\.safetensors"):
        TorchEmbedder.from_safetensors(tmp_path / "w.safetensors", "osnet_x0_25", IMAGENET, "own")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_damaged_safetensors_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"w\.safetensors"):
        TorchEmbedder.from_safetensors(tmp_path / "w.safetensors", "osnet_x0_25", IMAGENET, "own")


def test_promise_19_a_vector_without_direction_is_an_error() -> None:
    class Nothing(torch.nn.Module):  # type: ignore[misc]
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.mean((2, 3)) * float("nan")

    embedder = TorchEmbedder(Nothing(), IMAGENET, "nothing")
    with pytest.raises(UnsupportedModel, match="nothing"):
        embedder.embed([np.zeros((4, 4, 3), np.uint8)])


def test_one_vector_for_all_crops_is_refused() -> None:
    class Lump(torch.nn.Module):  # type: ignore[misc]
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.mean((0, 2, 3))[None]

    with pytest.raises(UnsupportedModel, match="one vector a crop"):
        TorchEmbedder(Lump(), IMAGENET, "lump")


def test_exactness_is_switched_back(tmp_path: Path) -> None:
    before = torch.backends.cudnn.conv.fp32_precision
    TorchEmbedder.from_safetensors(saved(tmp_path / "w.safetensors", "osnet_x0_25"), "osnet_x0_25", IMAGENET, "own")
    assert torch.backends.cudnn.conv.fp32_precision == before
