"""Networks converted to OpenVINO give the embeddings that they give in torch; and what happens where they cannot be."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from biometric.entities import Image
from biometric.entities.model_cards import IMAGENET, RAW_BGR, Role
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models import loading, network_conversion
from biometric.models.architectures import ARCHITECTURES, build_architecture
from biometric.models.cards import read_manifest
from biometric.models.embedding_openvino import OpenVINOEmbedder
from biometric.models.embedding_torch import TorchEmbedder, read_network
from biometric.models.network_conversion import convert_network
from biometric.models.own_weights import own_card
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.weights import Weights
from biometric.ports import Embedder
from tests.conftest import PROJECT
from tests.models.test_embedding_torch import crops_of

SMALL = replace(IMAGENET, height=64, width=32)
STARTER = next(
    card for card in read_manifest(PROJECT / "models" / "manifest.toml") if card.starter and card.role is Role.EMBEDDER
)


def pictures(count: int = 11) -> list[Image]:
    """Made-up crops in many sizes, with contrast in the large."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 6, 3, 3), dtype=np.uint8)
    return [np.kron(patch, np.ones((7 + n, 5 + n, 1), np.uint8)) for n, patch in enumerate(coarse)]


def trained(architecture: str) -> nn.Module:
    """A network whose batch normalisation is not that of random weights, which changes nothing."""
    torch.manual_seed(0)
    network = build_architecture(architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.running_mean) * 0.1
            module.running_var = torch.rand_like(module.running_var) + 0.5
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_gives_the_same_embeddings(architecture: str, tmp_path: Path) -> None:
    network = trained(architecture)
    in_torch = TorchEmbedder(network, SMALL, "x")
    with signal_stack_kept():
        converted = OpenVINOEmbedder(convert_network(network, SMALL, tmp_path / "m.xml"), SMALL, "x", exact=True)
    assert converted.dimension == in_torch.dimension
    cosines = (in_torch.embed(pictures()) * converted.embed(pictures())).sum(axis=1)
    assert cosines.min() >= 0.9999


def starter_weights() -> Weights:
    return Weights(STARTER, (PROJECT / "models" / STARTER.files[0].name,))


def agreement(crops: list[Image], cache: Path) -> float:
    """Least cosine of the starter as the app runs it to torch."""
    with signal_stack_kept():
        serving = loading.load_embedder(starter_weights(), "cpu", cache)
    assert serving.device == "CPU · OpenVINO"
    in_torch = loading.load_in_torch(starter_weights(), "cpu", cache)
    return float((serving.embed(crops) * in_torch.embed(crops)).sum(axis=1).min())


def test_the_starter_gives_the_same_embeddings(tmp_path: Path) -> None:
    assert agreement(pictures(), tmp_path) >= 0.9999


@pytest.mark.real
def test_the_starter_gives_the_same_embeddings_of_real_crops(shared: Path, tmp_path: Path) -> None:
    assert agreement(crops_of(shared), tmp_path) >= 0.9999


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    path = tmp_path / "mine.safetensors"
    metadata = {"architecture": "osnet_x0_25", "height": "64", "width": "32"}
    safetensors.torch.save_file(trained("osnet_x0_25").state_dict(), path, metadata)
    card, paths = own_card(Role.EMBEDDER, path)
    return Weights(card, paths)


def load(weights: Weights, cache: Path) -> Embedder:
    with signal_stack_kept():
        return loading.load_embedder(weights, "cpu", cache)


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "embedders").glob("*/model.bin"))


def test_weights_are_converted_once_and_again_only_where_the_cache_is_damaged(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversions = []
    convert = network_conversion.convert_network

    def counted(network: nn.Module, *rest: object) -> Path:
        conversions.append(network)
        return convert(network, *rest)

    monkeypatch.setattr(network_conversion, "convert_network", counted)
    vectors = load(weights, tmp_path / "cache").embed(pictures())
    np.testing.assert_array_equal(load(weights, tmp_path / "cache").embed(pictures()), vectors)
    assert len(conversions) == 1
    (file,) = kept(tmp_path / "cache")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    np.testing.assert_array_equal(load(weights, tmp_path / "cache").embed(pictures()), vectors)
    assert len(conversions) == 2


def test_the_same_weights_for_crops_of_another_size_are_converted_anew(weights: Weights, tmp_path: Path) -> None:
    assert weights.card.input is not None
    larger = replace(weights.card, input=replace(weights.card.input, height=96))
    for card in (weights.card, larger, weights.card):
        assert load(replace(weights, card=card), tmp_path / "cache").device == "CPU · OpenVINO"
    assert len(kept(tmp_path / "cache")) == 2


def test_without_openvino_torch_serves(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "biometric.models.embedding_openvino", None)
    assert_torch_serves(weights, tmp_path / "cache", caplog, "embedding_openvino")


def test_a_network_that_cannot_be_converted_is_run_by_torch(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise UnsupportedModel("no such operation")

    monkeypatch.setattr(network_conversion, "convert_network", fail)
    assert_torch_serves(weights, tmp_path / "cache", caplog, "no such operation")
    assert not kept(tmp_path / "cache")


def test_where_the_cache_cannot_be_written_torch_serves(
    weights: Weights, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert_torch_serves(weights, tmp_path / "cache", caplog, "cannot be written")


def assert_torch_serves(weights: Weights, cache: Path, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    with caplog.at_level(logging.WARNING, "biometric"):
        embedder = loading.load_embedder(weights, "cpu", cache)
    assert (embedder.device, embedder.model_id) == ("CPU · torch", weights.card.id)
    (said,) = caplog.messages
    assert "run by torch" in said
    assert reason in said


def test_damaged_weights_are_an_error_not_a_reason_for_torch(weights: Weights, tmp_path: Path) -> None:
    weights.main.write_bytes(b"x" * 100)
    with pytest.raises(WeightsCorrupt, match=r"mine\.safetensors"):
        loading.load_embedder(weights, "cpu", tmp_path / "cache")


def test_what_openvino_cannot_express_is_told(tmp_path: Path) -> None:
    class Foreign(nn.Module):  # type: ignore[misc]
        def forward(self, batch: Tensor) -> Tensor:
            return torch.linalg.svd(batch.flatten(1) @ batch.flatten(1).T)[0]

    with pytest.raises(UnsupportedModel, match=r"cannot be converted.*linalg_svd"):
        convert_network(Foreign(), RAW_BGR, tmp_path / "m.xml")


def test_a_target_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written"):
        convert_network(trained("osnet_x0_25_gdc"), SMALL, tmp_path / "file" / "m.xml")


def test_a_converted_network_loads_without_torch(weights: Weights, tmp_path: Path) -> None:
    """Importing torch takes seconds: from the second start on, an embedder needs none of them."""
    from tests.fresh_interpreter import packages_loaded_by

    load(weights, tmp_path / "cache")
    script = (
        "from pathlib import Path; from biometric.entities.model_cards import Role; "
        "from biometric.models.loading import load_embedder; from biometric.models.own_weights import own_card; "
        "from biometric.models.weights import Weights; "
        f"weights = Weights(*own_card(Role.EMBEDDER, Path({str(weights.main)!r}))); "
        f"assert load_embedder(weights, 'cpu', Path({str(tmp_path / 'cache')!r})).device == 'CPU · OpenVINO'"
    )
    assert packages_loaded_by(script, ("torch", "openvino")) == {"openvino"}


def test_weights_read_for_running_are_in_evaluation_mode(weights: Weights) -> None:
    network = read_network(weights.main, "osnet_x0_25")
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
