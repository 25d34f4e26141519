"""The embedder as a graphics card runs it: the same embeddings, and what happens when the card fails.

Most tests run on torch's CPU device, in the code that a card runs; those marked `gpu` need one. None needs OpenVINO.
"""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from biometric.entities import Image
from biometric.entities.model_cards import RAW_BGR
from biometric.errors import DeviceFailed
from biometric.models import embedding_torch
from biometric.models.device_failures import device_failures
from biometric.models.embedding_torch import TorchEmbedder, read_network
from biometric.models.ir_graph import read_ir
from biometric.models.ir_module import GraphModule
from tests.conftest import PROJECT
from tests.gpu.card import needed_card

NAMES = ("0286", "starter")
HEIGHTS = (8, 12, 24, 48, 96, 200, 256, 300, 420, 600)


def crops_of(shared: Path, heights: tuple[int, ...] = HEIGHTS) -> list[Image]:
    """Parts of a real frame, each enlarged or reduced to one of the heights; some flat, some narrow, some wide."""
    import cv2

    capture = cv2.VideoCapture(str(shared / "clips" / "street.mp4"))
    frame = capture.read()[1]
    capture.release()
    rng = np.random.default_rng(0)
    crops = []
    for height, shape in zip(heights, itertools.cycle((0.3, 1.2, 0.45)), strict=False):
        x, y = int(rng.integers(0, 1000)), int(rng.integers(0, 350))
        part = frame[y : y + 300, x : x + round(300 * min(shape, 0.8))]
        crops.append(cv2.resize(part, (max(1, round(height * shape)), height), interpolation=cv2.INTER_AREA))
    return crops


def load(shared: Path, name: str, device: str = "cpu", as_on_card: bool | None = None) -> TorchEmbedder:
    if name == "starter":
        network = read_network(PROJECT / "models" / "starter-embedder.safetensors", "resnet18_gdc")
    else:
        network = GraphModule(read_ir(shared / "models" / "person-reidentification-retail-0286.xml"))
    return TorchEmbedder(network, RAW_BGR, name, device, as_on_card=as_on_card)


def least_cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum(axis=1).min())


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_crops_prepared_in_batches_give_the_same_embeddings(
    shared: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_torch, "CARD_PRECISION", torch.float32)  # half precision is slow on a processor
    crops = crops_of(shared)
    one_by_one, in_batches = load(shared, name).embed(crops), load(shared, name, as_on_card=True).embed(crops)
    assert least_cosine(one_by_one, in_batches) >= 0.9999


@pytest.mark.gpu
@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_a_card_gives_the_embeddings_of_the_processor(shared: Path, name: str) -> None:
    card, crops = load(shared, name, needed_card()), crops_of(shared)
    least = least_cosine(load(shared, name).embed(crops), card.embed(crops))
    assert least >= 0.999
    many = crops * (2048 // len(crops))
    card.embed(many)
    started = time.perf_counter()
    card.embed(many)
    rate = len(many) / (time.perf_counter() - started)
    print(f"\n{name} on {card.device}: {rate:.0f} crops/s, least cosine {least:.6f}")


@pytest.mark.gpu
@pytest.mark.real
def test_a_card_agrees_with_openvino(shared: Path, tmp_path: Path) -> None:
    others = pytest.importorskip("tests.models.test_embedding_torch", exc_type=ImportError)
    device = needed_card()
    for number, card in enumerate(others.CARDS):
        (tmp_path / str(number)).mkdir()
        reference, on_card = others.embedders(card, shared, tmp_path / str(number), device)
        crops = crops_of(shared)
        assert least_cosine(reference.embed(crops), on_card.embed(crops)) >= 0.999, card.id


@pytest.mark.gpu
def test_a_full_card_is_told_apart_from_other_errors() -> None:
    device = needed_card()
    with pytest.raises(DeviceFailed, match="out of memory"), device_failures(device):
        torch.empty(1 << 50, dtype=torch.uint8, device=device)


class Averages(torch.nn.Module):
    """Gives the means of the colours; fails on batches larger than `most`, as a device does."""

    def __init__(self, most: int, failure: str = "CUDA out of memory. Tried to allocate 2.00 GiB.") -> None:
        super().__init__()
        self.most, self.failure = most, failure
        self.seen: list[int] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(batch))
        if len(batch) > self.most:
            kind = torch.OutOfMemoryError if "out of memory" in self.failure else torch.AcceleratorError
            raise kind(self.failure)
        return batch.mean((2, 3))


def coloured(count: int) -> list[Image]:
    rng = np.random.default_rng(0)
    return [np.full((20, 10, 3), colour, np.uint8) for colour in rng.integers(1, 256, (count, 3))]


@pytest.mark.parametrize("as_on_card", [False, True])
def test_too_little_memory_means_smaller_batches(as_on_card: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedding_torch.BATCH, "cpu", 64)
    expected = TorchEmbedder(Averages(64), RAW_BGR, "x").embed(coloured(100))
    network = Averages(64)
    embedder = TorchEmbedder(network, RAW_BGR, "x", as_on_card=as_on_card)
    running = embedder._network  # a copy, where it runs in half precision
    assert isinstance(running, Averages)
    running.most, running.seen = 20, []
    vectors = embedder.embed(coloured(100))
    assert least_cosine(vectors, expected) > 0.9999
    assert running.seen == [64, 32, 16, 16, 16, 16, 16, 16, 4]  # what is too large is tried once
    running.seen = []
    embedder.embed(coloured(40))
    assert running.seen == [16, 16, 8]


@pytest.mark.parametrize(
    ("most", "failure"),
    [(0, "CUDA out of memory. Tried to allocate 2.00 GiB."), (1, "CUDA error: unspecified launch failure")],
)
def test_a_device_that_fails_is_told_and_what_to_do(most: int, failure: str) -> None:
    network = Averages(8, failure)
    embedder = TorchEmbedder(network, RAW_BGR, "x")
    network.most = most
    with pytest.raises(DeviceFailed, match=f"(?s){failure[:20]}.*SIGHTLINE_DEVICE=cpu"):
        embedder.embed(coloured(3))
    network.most = 8
    assert embedder.embed(coloured(3)).shape == (3, 3)


def test_other_errors_of_torch_are_no_failing_device() -> None:
    with pytest.raises(RuntimeError, match="mat1"), device_failures("cuda"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_half_precision_is_used_only_where_embeddings_stay_the_same() -> None:
    class Wide(torch.nn.Module):
        """Overflows in half precision."""

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.mean((2, 3)) * 1000

    crops = coloured(5)
    wide = TorchEmbedder(Wide(), RAW_BGR, "x", as_on_card=True)
    assert least_cosine(wide.embed(crops), TorchEmbedder(Wide(), RAW_BGR, "x").embed(crops)) > 0.999999
    assert wide.precision == "float32"
    assert TorchEmbedder(Averages(8), RAW_BGR, "x", as_on_card=True).precision == "float16"
