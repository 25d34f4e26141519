"""Networks to train and where they begin: what fits is loaded, what does not is refused in a sentence."""

import hashlib
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from biometric.errors import (
    InvalidSetting,
    LibraryMissing,
    RunConflict,
    UnsupportedModel,
    WeightsCorrupt,
    WeightsMissing,
)
from biometric.models.architectures import ARCHITECTURES, OSNet
from biometric.training.checkpoints import save_state
from biometric.training.loop import seed_all
from biometric.training.networks import (
    average_model,
    build_network,
    is_timm,
    load_exact_weights,
    load_initial_weights,
    read_weights,
)

TINY = "osnet_x0_25"
TIMM = "timm:resnet10t"


def make_network(architecture: str = TINY, seed: int = 1) -> nn.Module:
    seed_all(seed)
    return build_network(architecture)


def same(one: nn.Module, other: nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def saved(network: nn.Module, path: Path) -> Path:
    safetensors.torch.save_file(network.state_dict(), path)
    return path


def test_every_network_says_the_length_of_its_embedding() -> None:
    for architecture in (TINY, "osnet_x0_25_gdc", TIMM):
        network = make_network(architecture).eval()
        with torch.no_grad():
            assert network(torch.zeros(2, 3, 64, 32)).shape == (2, network.feature_dim)
        assert is_timm(architecture) == architecture.startswith("timm:")
    assert set(ARCHITECTURES) >= {TINY, "resnet50_bnneck"}


def test_the_neck_follows_the_feature() -> None:
    network = make_network("resnet50_bnneck").eval()
    network.bottleneck.running_mean.uniform_(-1, 1)
    pixels = torch.rand(2, 3, 64, 32)
    with torch.no_grad():
        feature = network.feature(pixels)
        assert torch.equal(network.bottleneck(feature), network(pixels))
        assert not torch.equal(feature, network(pixels))


def test_unknown_networks() -> None:
    with pytest.raises(UnsupportedModel, match="osnet_x0_25"):
        build_network("osnet")
    with pytest.raises(InvalidSetting, match="timm knows no network 'no_such'"):
        build_network("timm:no_such")


def test_without_timm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LibraryMissing, match=r"requirements-train\.txt"):
        build_network(TIMM)


def test_random_weights_are_left_as_they_are() -> None:
    network = make_network()
    assert load_initial_weights(network, TINY, "scratch") == "random weights"
    assert same(network, make_network())
    assert not same(network, make_network(seed=2))


def test_begin_from_a_file_a_checkpoint_or_a_run(tmp_path: Path) -> None:
    source, average = make_network(seed=2), average_model(make_network(seed=3), 0.9)
    saved(source, tmp_path / "weights.safetensors")
    run = tmp_path / "run"
    run.mkdir()
    save_state({"modules": {"network": source.state_dict()}}, run / "checkpoint.pt")
    for place in (tmp_path / "weights.safetensors", run, run / "checkpoint.pt"):
        network = make_network()
        assert load_initial_weights(network, TINY, str(place)).startswith("the weights of ")
        assert same(network, source)
    state = {"modules": {"network": source.state_dict(), "average": average.state_dict()}}
    save_state(state, run / "checkpoint.pt")
    network = make_network()
    load_initial_weights(network, TINY, str(run))
    assert same(network, average.module)  # the average is what is kept of a run
    assert set(read_weights(run / "checkpoint.pt")) == set(source.state_dict())


def test_a_head_of_another_length_is_left_as_it_is(tmp_path: Path) -> None:
    seed_all(2)
    source = OSNet((16, 64, 96, 128), 64)
    network, untouched = make_network(), make_network()
    load_initial_weights(network, TINY, str(saved(source, tmp_path / "short.safetensors")))
    assert same(network.conv5, source.conv5)
    assert torch.equal(network.fc[0].weight, untouched.fc[0].weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = saved(make_network("osnet_x0_5"), tmp_path / "wide.safetensors")
    network = make_network()
    with pytest.raises(UnsupportedModel, match=r"wide\.safetensors are weights of another architecture"):
        load_initial_weights(network, TINY, str(path))
    assert same(network, make_network())


def test_what_cannot_be_begun_from(tmp_path: Path) -> None:
    network = make_network()
    with pytest.raises(InvalidSetting, match="not a file, a run or a card"):
        load_initial_weights(network, TINY, str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidSetting, match="not a file, a run or a card"):
        load_initial_weights(network, TINY, str(tmp_path / "empty"))
    for name in ("model.onnx", "model.xml"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(UnsupportedModel, match=f"{name}, whose format .* train distill"):
            load_initial_weights(network, TINY, str(tmp_path / name))
    (tmp_path / "bad.safetensors").write_bytes(b"x" * 50)
    with pytest.raises(UnsupportedModel, match="is damaged"):
        load_initial_weights(network, TINY, str(tmp_path / "bad.safetensors"))
    (tmp_path / "bad.pt").write_bytes(b"x" * 50)
    with pytest.raises(RunConflict, match="cannot be used"):
        load_initial_weights(network, TINY, str(tmp_path / "bad.pt"))
    save_state({"modules": {"head": {}}}, tmp_path / "other.pt")
    with pytest.raises(UnsupportedModel, match="does not hold an embedder's network"):
        load_initial_weights(network, TINY, str(tmp_path / "other.pt"))


CARD = """
[[card]]
id = "{name}"
role = "{role}"
title = "A card"
format = "{form}"
architecture = "osnet_x0_25"
licence = "CC0"
source = "made"
recommended = {recommended}
files = [{{ name = "{file}", size = {size}, sha256 = "{checksum}" }}]
"""
EMBEDDER = "dimension = 512\n[card.input]\n"


def manifest(project: Path, weights: Path, checksum: str = "") -> None:
    """A project whose manifest lists a detector, an OpenVINO embedder, and the weights as `mine`."""
    folder = project / "models"
    size, right = weights.stat().st_size, hashlib.sha256(weights.read_bytes()).hexdigest()
    here = {"file": weights.name, "size": size, "checksum": checksum or right}
    absent = {"file": "absent.bin", "size": 9, "checksum": right}
    text = (
        CARD.format(name="finder", role="detector", form="ultralytics", recommended="true", **absent)
        + CARD.format(name="ir", role="embedder", form="openvino", recommended="true", **absent)
        + EMBEDDER
        + CARD.format(name="mine", role="embedder", form="safetensors", recommended="false", **here)
        + EMBEDDER
    )
    (folder / "manifest.toml").write_text(text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    monkeypatch.setattr("biometric.locations.checkout", lambda: tmp_path)
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    return tmp_path


def test_begin_from_a_card(project: Path) -> None:
    source, network = make_network(seed=2), make_network()
    manifest(project, saved(source, project / "models" / "mine.safetensors"))
    assert load_initial_weights(network, TINY, "mine") == "the weights of the card mine"
    assert same(network, source)
    with pytest.raises(UnsupportedModel, match="has the architecture osnet_x0_25, not osnet_x0_5"):
        load_initial_weights(make_network("osnet_x0_5"), "osnet_x0_5", "mine")
    with pytest.raises(UnsupportedModel, match="the card ir, whose format"):
        load_initial_weights(network, TINY, "ir")
    with pytest.raises(InvalidSetting, match="not a file, a run or a card"):
        load_initial_weights(network, TINY, "finder")


def test_every_byte_of_a_card_is_checked(project: Path) -> None:
    path = saved(make_network(seed=2), project / "models" / "mine.safetensors")
    manifest(project, path, checksum="0" * 64)
    with pytest.raises(WeightsCorrupt, match="not the file that its card"):
        load_initial_weights(make_network(), TINY, "mine")
    path.unlink()
    with pytest.raises(WeightsMissing):
        load_initial_weights(make_network(), TINY, "mine")


def test_imagenet_without_weights_or_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    with pytest.raises(InvalidSetting, match="no ImageNet weights for osnet_x0_25"):
        load_initial_weights(make_network(), TINY, "imagenet")
    create = timm.create_model

    def offline(name: str, pretrained: bool, num_classes: int) -> nn.Module:
        if pretrained:
            raise OSError("no network")
        return create(name, num_classes=num_classes)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(WeightsMissing, match=r"ImageNet weights of resnet10t .*OSError"):
        load_initial_weights(make_network(TIMM), TIMM, "imagenet")


def test_imagenets_names_are_those_of_our_resnet(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, num_classes: create(name, num_classes=0))
    for architecture in ("resnet50_bnneck", "resnet50_bnneck_gem"):
        network, before = make_network(architecture), make_network(architecture)
        assert load_initial_weights(network, architecture, "imagenet") == "ImageNet weights of timm"
        assert not torch.equal(network.conv1.weight, before.conv1.weight)
        assert not torch.equal(network.layer4[2].conv3.weight, before.layer4[2].conv3.weight)


@pytest.mark.parametrize(("decay", "moved"), [(0.1, 0.9), (0.75, 9 / 11), (0.9999, 9 / 11)])
def test_the_average_follows_weights_and_statistics(decay: float, moved: float) -> None:
    network = nn.BatchNorm1d(2)
    average = average_model(network, decay)
    assert not any(value.requires_grad for value in average.parameters())
    assert all(value.requires_grad for value in network.parameters())
    average.update_parameters(network)  # the first one is taken as it is
    with torch.no_grad():
        network.weight.fill_(5.0)
        network.running_mean.fill_(8.0)
    average.update_parameters(network)  # early ones move it far: see `average_model`
    assert average.module.weight.tolist() == pytest.approx([1 + 4 * moved] * 2)
    assert average.module.running_mean.tolist() == pytest.approx([8 * moved] * 2)


def test_loading_takes_every_weight(tmp_path: Path) -> None:
    source = make_network(seed=2)
    path = saved(source, tmp_path / "weights.safetensors")
    network = make_network()
    load_exact_weights(network, path)
    assert same(network, source)
    with pytest.raises(WeightsCorrupt, match="do not fit"):
        load_exact_weights(make_network("osnet_x0_5"), path)
    timm_source, timm_network = make_network(TIMM, 2), make_network(TIMM)
    load_exact_weights(timm_network, saved(timm_source, tmp_path / "timm.safetensors"))
    assert same(timm_network, timm_source)
