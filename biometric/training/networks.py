"""The networks that are trained: the app's own architectures, any timm backbone, and where their weights begin."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from biometric.errors import InvalidSetting, UnsupportedModel, WeightsMissing
from biometric.models.architectures import ARCHITECTURES, build, load_weights, mapped_names
from biometric.training.loop import load_state

_TIMM = "timm:"


class TimmBackbone(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """A timm network without its classifier: (N, 3, H, W) float32 → (N, D). Exported as ONNX only.

    Raises:
        InvalidSetting: timm knows no such network.
        WeightsMissing: `pretrained` weights could not be had.
    """

    def __init__(self, name: str, pretrained: bool = False) -> None:
        super().__init__()
        import timm

        if name not in timm.list_models(name):
            raise InvalidSetting(
                f"timm knows no network {name!r}. List them with: python -c 'import timm; print(timm.list_models())'."
            )
        try:
            self.network = timm.create_model(name, pretrained=pretrained, num_classes=0)
        except (OSError, RuntimeError) as error:
            raise WeightsMissing(
                f"The ImageNet weights of {name} could not be fetched ({type(error).__name__}). "
                "Begin without them, or where there is a network."
            ) from error
        self.feature_dim: int = self.network.num_features

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, D)."""
        return self.network(batch)


def backbone(architecture: str) -> nn.Module:
    """Return an untrained network, of `architectures.ARCHITECTURES` or `timm:NAME`; it has `feature_dim`.

    Raises:
        InvalidSetting, UnsupportedModel: no such network.
    """
    if architecture.startswith(_TIMM):
        return TimmBackbone(architecture.removeprefix(_TIMM))
    return build(architecture)


def begin_from(network: nn.Module, architecture: str, source: str) -> str:
    """Fill a network from "scratch", "imagenet", a run's folder, a checkpoint or a `.safetensors`; say what it was.

    A head whose shape differs (other dimension, other classes) is left as it is.

    Raises:
        InvalidSetting: no such file.
        UnsupportedModel: the weights are of another architecture.
        WeightsMissing: ImageNet's weights could not be fetched.
        RunConflict: the checkpoint cannot be read.
    """
    if source == "scratch":
        return "random weights"
    if source == "imagenet":
        _fill(network, _imagenet(architecture), "ImageNet's weights")
        return "ImageNet weights of timm"
    path = Path(source).expanduser()
    if path.is_dir():
        path = path / "checkpoint.pt"
    if not path.is_file():
        raise InvalidSetting(
            f"--from names {source}, which is no file or run. Name a run, a .safetensors, imagenet or scratch."
        )
    _fill(network, trained_weights(path), path.name)
    return f"the weights of {path.parent.name}/{path.name}"


def trained_weights(path: Path) -> dict[str, Tensor]:
    """Weights of the network in a `.safetensors` or in a run's checkpoint, the moving average where there is one.

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
        raise UnsupportedModel(f"{path} holds no network of an embedder.")
    state: Mapping[str, Tensor] = modules[name]
    # An averaged model (torch.optim.swa_utils) keeps the network under "module." and counts its updates.
    return {key.removeprefix("module."): value for key, value in state.items() if key != "n_averaged"}


def _fill(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load what fits; refuse when less than nine tenths of the network's numbers would come from the file."""
    own = network.state_dict()
    mapped = {**mapped_names(state), **{name: value for name, value in state.items() if name in own}}
    fitting = {name: value for name, value in mapped.items() if name in own and own[name].shape == value.shape}
    body = [name for name in own if not name.startswith(("fc.", "bottleneck.")) and own[name].is_floating_point()]
    if sum(name in fitting for name in body) < 0.9 * len(body):
        raise UnsupportedModel(f"{source} are weights of another architecture. Name the one they belong to.")
    network.load_state_dict({**own, **fitting})


def _imagenet(architecture: str) -> dict[str, Tensor]:
    if architecture.startswith(_TIMM):
        network = TimmBackbone(architecture.removeprefix(_TIMM), pretrained=True)
    elif architecture.startswith("resnet50"):
        network = TimmBackbone("resnet50.tv_in1k", pretrained=True).network  # torchvision's, whose names are ours
    else:
        raise InvalidSetting(
            f"There are no ImageNet weights of {architecture} to begin from. Use a .safetensors or scratch."
        )
    return dict(network.state_dict())


def averaged(network: nn.Module, decay: float) -> torch.optim.swa_utils.AveragedModel:
    """An exponential moving average of a network's weights and statistics."""
    made = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=True
    )
    return made.requires_grad_(False)


def is_timm(architecture: str) -> bool:
    """Whether the network is timm's, so that the app can use it as ONNX only."""
    return architecture not in ARCHITECTURES


def exact(network: nn.Module, path: Path) -> None:
    """Fill a network with a run's or file's weights, every one. Raises `WeightsCorrupt`, `UnsupportedModel`."""
    state = trained_weights(path)
    if isinstance(network, TimmBackbone):
        network.load_state_dict(state)
    else:
        load_weights(network, state, path.name)
