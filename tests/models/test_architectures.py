"""Networks from papers: the names of published weights, and one real set of weights that must give real answers."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.architectures import ARCHITECTURES, build_architecture, load_weights, mapped_names
from biometric.models.cards import ARCHITECTURE_ALIASES
from biometric.models.ir_graph import Graph, read_ir
from biometric.models.osnet import SpatialPooling
from tests.conftest import PROJECT

STARTER = PROJECT / "models" / "starter-embedder.safetensors"


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_gives_one_vector_a_crop(name: str) -> None:
    network = build_architecture(name).eval()
    with torch.inference_mode():
        output = network(torch.rand(2, 3, 256, 128))
    assert output.shape == (2, network.feature_dim)
    assert torch.isfinite(output).all()


@pytest.mark.parametrize(
    ("name", "millions"),
    # Published sizes: OSNet, table 1 and torchreid's model zoo; ResNet-50 without its classifier.
    [
        ("osnet_x1_0", 2.17),
        ("osnet_x0_75", 1.29),
        ("osnet_x0_5", 0.63),
        ("osnet_x0_25", 0.20),
        ("resnet50_bnneck", 23.5),
        # EfficientNet-Lite: published 4.65, 5.42 and 6.09 without the last widening and the classifier, with a head.
        ("efficientnet_lite0_gdc", 4.65 - 1.69 + 0.31),
        ("efficientnet_lite1_gdc", 5.42 - 1.69 + 0.31),
        ("efficientnet_lite2_gdc", 6.09 - 1.73 + 0.32),
    ],
)
def test_the_number_of_parameters_is_the_published_one(name: str, millions: float) -> None:
    count = sum(parameter.numel() for parameter in build_architecture(name).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.02)


@pytest.mark.parametrize("name", ["osnet_x0_25_gdc", "resnet14_gdc", "resnet18_gdc", "efficientnet_lite0_gdc"])
def test_students_even_out_light_and_contrast(name: str) -> None:
    torch.manual_seed(0)
    network, crops = build_architecture(name).eval(), torch.randn(2, 3, 256, 128)
    with torch.inference_mode():
        torch.testing.assert_close(network(crops * 0.7 + 0.2), network(crops), rtol=1e-3, atol=1e-3)


def test_places_are_weighed_channel_by_channel() -> None:
    pooling = SpatialPooling(2, (2, 1))
    data = torch.rand(3, 2, 2, 1)
    torch.testing.assert_close(pooling(data), data.mean((2, 3)))  # before training: the mean
    larger = torch.rand(3, 2, 6, 5)
    torch.testing.assert_close(pooling(larger), larger.mean((2, 3)))
    with torch.no_grad():
        pooling.weight.copy_(torch.tensor([[[1.0], [0.0]], [[0.0], [2.0]]]))
    torch.testing.assert_close(pooling(data), torch.stack([data[:, 0, 0, 0], 2 * data[:, 1, 1, 0]], 1))
    ramp = torch.tensor([1.0, 1.0, 2 / 3, 1 / 3, 0.0, 0.0]).view(6, 1)  # the first channel's, from above to below
    torch.testing.assert_close(pooling(larger)[:, 0], (larger[:, 0] * ramp).sum((1, 2)) / 15)
    near = torch.nn.functional.interpolate(pooling.weight[None], (7, 3), mode="bilinear")[0] * 2 / 21
    other = torch.rand(1, 2, 7, 3)
    torch.testing.assert_close(pooling(other), (other * near).sum((2, 3)))


def test_osnet_has_torchreids_names() -> None:
    names = set(build_architecture("osnet_x0_25").state_dict())
    assert {
        "conv1.conv.weight",
        "conv1.bn.running_mean",
        "conv2.0.conv1.conv.weight",
        "conv2.0.conv2a.conv1.weight",
        "conv2.0.conv2d.3.bn.weight",
        "conv2.0.gate.fc1.bias",
        "conv2.0.conv3.bn.bias",
        "conv2.0.downsample.conv.weight",
        "conv2.2.0.conv.weight",
        "conv4.1.conv2c.2.conv2.weight",
        "conv5.bn.weight",
        "fc.0.weight",
        "fc.1.running_var",
    } <= names


@pytest.mark.parametrize("former", sorted(ARCHITECTURE_ALIASES))
def test_former_names_of_architectures_are_still_read(former: str) -> None:
    assert type(build_architecture(former)) is type(build_architecture(ARCHITECTURE_ALIASES[former]))
    assert former not in ARCHITECTURES


@pytest.mark.real
def test_the_starter_has_the_weights_of_the_student_that_was_trained(shared: Path) -> None:
    trained = safetensors.torch.load_file(shared / "models" / "student-4m.safetensors")
    starter = safetensors.torch.load_file(STARTER)
    assert trained.keys() == starter.keys()
    assert all(torch.equal(value, starter[name]) for name, value in trained.items())


def test_the_starters_network_is_the_one_that_its_weights_were_trained_in() -> None:
    """Against the same arithmetic, written as one chain of functions over the file's tensors."""
    weights = {name: value.float() for name, value in safetensors.torch.load_file(STARTER).items()}
    network = build_architecture("resnet18_gdc").eval()
    load_weights(network, weights, STARTER.name)
    torch.manual_seed(0)
    crops = torch.nn.functional.interpolate(torch.rand(6, 3, 24, 12) * 255, (192, 96), mode="bilinear")
    with torch.inference_mode():
        ours, theirs = network(crops), starter_by_functions(weights, crops)
    cosines = torch.nn.functional.cosine_similarity(ours, theirs)
    assert float(cosines.min()) >= 0.99999
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-4


def starter_by_functions(weights: dict[str, torch.Tensor], crops: torch.Tensor) -> torch.Tensor:
    functions = torch.nn.functional

    def normalize(data: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance, scale, offset = (
            weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functions.batch_norm(data, mean, variance, scale, offset)

    def block(data: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        inner = functions.conv2d(data, weights[f"{name}.conv1.weight"], stride=stride, padding=1)
        inner = torch.relu(normalize(inner, f"{name}.bn1"))
        inner = normalize(functions.conv2d(inner, weights[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in weights:
            data = functions.conv2d(data, weights[f"{name}.downsample.0.weight"], stride=stride)
            data = normalize(data, f"{name}.downsample.1")
        return torch.relu(inner + data)

    data = functions.instance_norm(crops, weight=weights["enter.weight"], bias=weights["enter.bias"])
    data = functions.conv2d(data, weights["conv1.weight"], stride=4)
    data = torch.relu(functions.instance_norm(data, weight=weights["bn1.weight"], bias=weights["bn1.bias"]))
    for stage in range(4):
        data = block(data, f"stages.{stage}.0", 1 if stage == 0 else 2)
        data = block(data, f"stages.{stage}.1", 1)
    data = torch.relu(normalize(functions.conv2d(data, weights["widen.0.weight"]), "widen.1"))
    assert data.shape[2:] == weights["place.weight"].shape[1:]
    data = torch.einsum("nchw,chw->nc", data, weights["place.weight"])
    return normalize(functions.linear(data, weights["fc.0.weight"], weights["fc.0.bias"]), "fc.1")


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnsupportedModel, match="osnet_x1_0"):
        build_architecture("osnet_x9")


def test_weights_of_torchreid_and_fastreid_are_mapped() -> None:
    network = build_architecture("resnet50_bnneck_gem")
    fastreid = {}
    for name, value in network.state_dict().items():
        if name.startswith("bottleneck."):
            fastreid["heads.bottleneck.0." + name.removeprefix("bottleneck.")] = value + 1
        elif name.startswith("pool."):
            fastreid["heads.pool_layer." + name.removeprefix("pool.")] = value + 1
        else:
            fastreid["backbone." + name] = value + 1
    extra = {"heads.classifier.weight": torch.zeros(7, 2048), "pixel_mean": torch.zeros(1, 3, 1, 1)}
    load_weights(build_architecture("resnet50_bnneck_gem"), {**fastreid, **extra}, "x")
    assert set(mapped_names({**fastreid, **extra})) == set(network.state_dict())
    wrapped = {"module." + name: value for name, value in build_architecture("osnet_x0_25").state_dict().items()}
    load_weights(build_architecture("osnet_x0_25"), {**wrapped, "module.classifier.weight": torch.zeros(7, 512)}, "x")


def test_weights_that_do_not_fit_are_refused_by_name() -> None:
    network = build_architecture("osnet_x0_25")
    state = dict(network.state_dict())
    with pytest.raises(WeightsCorrupt, match=r"missing: conv1\.conv\.weight"):
        load_weights(network, {name: value for name, value in state.items() if name != "conv1.conv.weight"}, "x")
    with pytest.raises(WeightsCorrupt, match="unknown: surprise"):
        load_weights(network, {**state, "surprise": torch.zeros(1)}, "x")
    with pytest.raises(WeightsCorrupt, match=r"of another shape: conv1\.bn\.weight"):
        load_weights(network, {**state, "conv1.bn.weight": torch.zeros(3)}, "x")
    with pytest.raises(WeightsCorrupt, match="missing"):
        load_weights(network, {}, "x")


@pytest.mark.real
def test_osnet_with_real_weights_agrees_with_the_published_export(shared: Path, tmp_path: Path) -> None:
    """The ONNX export has its batch normalisation folded into the convolutions; unfold it into our network."""
    from biometric.entities.model_cards import IMAGENET
    from biometric.models.embedding_openvino import OpenVINOEmbedder, convert_to_ir
    from biometric.models.embedding_torch import TorchEmbedder

    onnx = shared / "models" / "osnet_x0_25_msmt17.onnx"
    network = build_architecture("osnet_x0_25")
    _fill_from_export(network, read_ir(convert_to_ir(onnx, tmp_path / "osnet.xml")))
    rng = np.random.default_rng(1)
    crops = [np.kron(rng.integers(0, 256, (8, 4, 3)), np.ones((20, 20, 1))).astype(np.uint8) for _ in range(4)]
    ours = TorchEmbedder(network, IMAGENET, "ours").embed(crops)
    theirs = OpenVINOEmbedder(onnx, IMAGENET, "theirs").embed(crops)
    assert (ours * theirs).sum(axis=1).min() > 0.9999


def _fill_from_export(network: torch.nn.Module, graph: Graph) -> None:
    state = network.state_dict()
    for number, node in enumerate(graph.nodes):
        if node.kind in ("Convolution", "GroupConvolution"):
            name = _module(node.name.split("/Conv")[0])
            if name not in {key.removesuffix(".weight") for key in state}:
                continue  # the gate is shared by four streams: fc1_1, fc1_2, …
            state[f"{name}.weight"] = _constant(graph, node.inputs[1][0]).reshape(state[f"{name}.weight"].shape)
            if node.name.endswith("WithoutBiases"):
                bias = _bias(graph, number)
                if f"{name}.bias" in state:
                    state[f"{name}.bias"] = bias
                else:
                    norm = name.rpartition(".")[0] + ".bn"
                    state[f"{norm}.bias"] = bias
                    state[f"{norm}.running_var"].fill_(1 - 1e-5)  # with the usual epsilon: divided by 1
        elif node.kind == "MatMul":
            state["fc.0.weight"] = _constant(graph, node.inputs[1][0])
        elif node.kind == "Const" and node.name == "fc.0.bias":
            state["fc.0.bias"] = torch.from_numpy(np.array(node.value))
        elif node.kind == "BatchNormInference":
            for source, name in zip(node.inputs[1:], ("weight", "bias", "running_mean", "running_var"), strict=True):
                state[f"fc.1.{name}"] = _constant(graph, source[0])
    network.load_state_dict(state)


def _module(path: str) -> str:
    """ "/conv2/conv2.0/conv1/conv" → "conv2.0.conv1.conv": members of a sequence repeat its name."""
    parts: list[str] = []
    for part in path.strip("/").split("/"):
        if parts and part.startswith(parts[-1] + "."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _constant(graph: Graph, number: int) -> torch.Tensor:
    """The constant behind reshapes and conversions."""
    while (value := graph.nodes[number].value) is None:
        number = graph.nodes[number].inputs[0][0]
    return torch.from_numpy(np.array(value))


def _bias(graph: Graph, number: int) -> torch.Tensor:
    add = next(node for node in graph.nodes if node.kind == "Add" and (number, 0) in node.inputs)
    return _constant(graph, next(source for source in add.inputs if source != (number, 0))[0]).flatten()
