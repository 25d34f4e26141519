"""The networks that are trained: the application's architectures, any timm backbone, and their initial weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from biometric.bootstrap import fetch_embedder_weights
from biometric.entities.model_cards import Card, Format, Role
from biometric.errors import InvalidSetting, LibraryMissing, UnsupportedModel, WeightsMissing
from biometric.models.architectures import ARCHITECTURES, build_architecture, load_weights, mapped_names
from biometric.models.cards import canonical_architecture, read_manifests
from biometric.settings import Settings
from biometric.training.checkpoints import load_state
from biometric.training.imagenet_weights import lite_number, lite_weights
from biometric.training.runs import BEST_WEIGHTS

_TIMM = "timm:"
_NOT_TRAINABLE = (
    "--from names {}, whose format (OpenVINO, ONNX) is made for running a network, not for training it. "
    "Start from a .safetensors, or distil it into a new network: python -m biometric train distill."
)


class TimmBackbone(nn.Module):
    """A timm network without its classifier: (N, 3, H, W) float32 → (N, D). Exported as ONNX only.

    Raises:
        LibraryMissing: timm is not installed.
        InvalidSetting: timm knows no such network.
        WeightsMissing: `pretrained` weights could not be fetched.
    """

    def __init__(self, name: str, pretrained: bool = False) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise LibraryMissing(
                f"The network {_TIMM}{name} and ImageNet's weights need the library timm: "
                "python -m pip install -r requirements-train.txt"
            ) from error

        if not timm.is_model(name):
            raise InvalidSetting(
                f"timm knows no network {name!r}. List them with: python -c 'import timm; print(timm.list_models())'."
            )
        try:
            self.network = timm.create_model(name, pretrained=pretrained, num_classes=0)
        except (OSError, RuntimeError) as error:
            raise WeightsMissing(
                f"The ImageNet weights of {name} could not be fetched ({type(error).__name__}). "
                "Start without them, or repeat the command with an internet connection."
            ) from error
        length: Any = self.network.num_features
        self.feature_dim = int(length)

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, D)."""
        embedding: Tensor = self.network(batch)
        return embedding


def build_network(architecture: str) -> nn.Module:
    """Return an untrained network, of `architectures.ARCHITECTURES` or `timm:NAME`; it has `feature_dim`.

    Raises:
        InvalidSetting, UnsupportedModel: no such network.
    """
    if architecture.startswith(_TIMM):
        return TimmBackbone(architecture.removeprefix(_TIMM))
    return build_architecture(architecture)


def embedding_length(network: nn.Module) -> int:
    """Return D of a network's (N, D) output: its `feature_dim`, which torch's annotations do not know."""
    length: Any = network.feature_dim
    return int(length)


def load_initial_weights(network: nn.Module, architecture: str, source: str) -> str:
    """Fill a network from "scratch", "imagenet", a run, a checkpoint, a `.safetensors` or a card; return which.

    A head of another shape (dimension, classes) keeps its random weights.

    Raises:
        InvalidSetting: no such file or card.
        UnsupportedModel: the weights are of another architecture.
        WeightsMissing: ImageNet's weights could not be fetched.
        LibraryMissing: the package that holds them is not installed.
        RunConflict: the checkpoint cannot be read.
    """
    if source == "scratch":
        return "random weights"
    if source == "imagenet":
        number = lite_number(architecture)
        if number is not None:
            _fill(network, lite_weights(number), "ImageNet's weights")
            return f"ImageNet weights of EfficientNet-Lite{number}"
        _fill(network, _imagenet(architecture), "ImageNet's weights")
        return "ImageNet weights of timm"
    path = Path(source).expanduser()
    if path.is_dir():
        path = run_weights(path)
    if not path.exists() and (card := embedder_card(source)) is not None:
        _fill(network, read_weights(_card_file(card, architecture)), card.id)
        return f"the weights of the card {card.id}"
    if not path.is_file():
        raise InvalidSetting(
            f"--from names {source}, which is not a file, a run or a card. Name a run, a .safetensors, a card of "
            "`python -m biometric models list`, imagenet or scratch."
        )
    if path.suffix in (".xml", ".onnx"):
        raise UnsupportedModel(_NOT_TRAINABLE.format(path.name))
    _fill(network, read_weights(path), path.name)
    return f"the weights of {path.parent.name}/{path.name}"


def run_weights(run: Path) -> Path:
    """The file of a run whose weights are used: the best where they were kept, else the last checkpoint."""
    best = run / BEST_WEIGHTS
    return best if best.is_file() else run / "checkpoint.pt"


def embedder_card(name: str) -> Card | None:
    """Return the embedder's card of this id, None where there is none."""
    cards = read_manifests(Settings.from_environment().manifests)
    return next((card for card in cards if card.id == name and card.role is Role.EMBEDDER), None)


def _card_file(card: Card, architecture: str) -> Path:
    """The weights of a card, fetched where they are not here, with every byte checked."""
    if card.format is not Format.SAFETENSORS:
        raise UnsupportedModel(_NOT_TRAINABLE.format(f"the card {card.id}"))
    if canonical_architecture(card.architecture) != canonical_architecture(architecture):
        raise UnsupportedModel(
            f"The card {card.id} has the architecture {card.architecture}, not {architecture}. Choose "
            f"{card.architecture}."
        )
    return fetch_embedder_weights(Settings.from_environment(None), card.id)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the network's weights from a `.safetensors` or a run's checkpoint, the moving average where there is one.

    Raises:
        UnsupportedModel: not such a file.
        RunConflict: the checkpoint cannot be read.
    """
    if path.suffix == ".safetensors":
        try:
            return dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
            raise UnsupportedModel(f"{path.name} is not a .safetensors file or is damaged: {error}") from error
    modules = load_state(path)["modules"]
    name = next((name for name in ("average", "network") if name in modules), None)
    if name is None:
        raise UnsupportedModel(f"{path} does not hold an embedder's network.")
    state: Mapping[str, Tensor] = modules[name]
    # An averaged model (torch.optim.swa_utils) keeps the network under "module." and counts its updates.
    return {key.removeprefix("module."): value for key, value in state.items() if key != "n_averaged"}


def _fill(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load the weights that fit; refuse where fewer than nine tenths of the network's tensors would come from the
    file."""
    own = network.state_dict()
    mapped = {**mapped_names(state), **{name: value for name, value in state.items() if name in own}}
    fitting = {name: value for name, value in mapped.items() if name in own and own[name].shape == value.shape}
    body = [name for name in own if not name.startswith(("fc.", "bottleneck.")) and own[name].is_floating_point()]
    if sum(name in fitting for name in body) < 0.9 * len(body):
        raise UnsupportedModel(
            f"{source} are weights of another architecture. Choose the architecture that they belong to."
        )
    network.load_state_dict({**own, **fitting})


def _imagenet(architecture: str) -> dict[str, Tensor]:
    network: nn.Module
    if architecture.startswith(_TIMM):
        network = TimmBackbone(architecture.removeprefix(_TIMM), pretrained=True)
    elif architecture.startswith("resnet50"):
        network = TimmBackbone(
            "resnet50.tv_in1k", pretrained=True
        ).network  # torchvision's, with the same parameter names
    else:
        raise InvalidSetting(
            f"There are no ImageNet weights for {architecture}. Start from a .safetensors or from scratch."
        )
    return dict(network.state_dict())


def average_model(network: nn.Module, decay: float) -> torch.optim.swa_utils.AveragedModel:
    """An exponential moving average of a network's weights and statistics, without gradients.

    The decay rises to `decay` with the number of steps, (1 + n) / (10 + n), so that the first,
    untrained weights lose their influence quickly.
    """

    def update(means: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        share = 1 - min(decay, (1 + int(steps)) / (10 + int(steps)))
        pairs = list(zip(means, current, strict=True))
        fractions = [pair for pair in pairs if pair[0].is_floating_point()]
        # All at once: on a GPU, starting hundreds of small operations takes longer than computing them.
        if fractions:  # torch calls once for each type of number
            torch._foreach_lerp_([mean for mean, _ in fractions], [value for _, value in fractions], share)
        for mean, value in pairs:
            if not mean.is_floating_point():
                mean.copy_(value)

    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=update, use_buffers=True)
    return average.requires_grad_(False)


def is_timm(architecture: str) -> bool:
    """Whether the network is timm's, so that the application can use it as ONNX only."""
    return canonical_architecture(architecture) not in ARCHITECTURES


def load_exact_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with all weights of a run or file. Raises `WeightsCorrupt`, `UnsupportedModel`."""
    state = read_weights(path)
    if isinstance(network, TimmBackbone):
        network.load_state_dict(state)
    else:
        load_weights(network, state, path.name)
