"""Re-identification networks in torch, written from their papers, with the parameter names of published weights.

OSNet: see osnet.py. EfficientNet-Lite: see efficientnet_lite.py.
ResNet-50: He et al., "Deep Residual Learning", CVPR 2016; with stride 1 in its last stage and a BNNeck from
Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification", CVPRW 2019 (arXiv 1903.07071).

`build` gives a module from (N, 3, H, W) float32 to (N, D); `load_weights` fills it. OSNet's names are torchreid's.
ResNet-50's are torchvision's, with `bottleneck` for the BNNeck; fast-reid's and other wrappers' are mapped onto them.
Classifiers serve only training and are left out.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.errors.phrases import Phrase, joined
from biometric.models.cards import canonical_architecture
from biometric.models.efficientnet_lite import LITE_SHAPES, EfficientNetLiteGDC
from biometric.models.osnet import OSNet, OSNetGDC, SpatialPooling


class _Bottleneck(nn.Module):
    """Residual block of 1×1, 3×3 and 1×1 convolutions; the stride sits in the 3×3, as in torchvision."""

    def __init__(self, inner: int, middle: int, stride: int) -> None:
        super().__init__()
        outer = middle * 4
        self.conv1, self.bn1 = nn.Conv2d(inner, middle, 1, bias=False), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False), nn.BatchNorm2d(middle)
        self.conv3, self.bn3 = nn.Conv2d(middle, outer, 1, bias=False), nn.BatchNorm2d(outer)
        changed = stride != 1 or inner != outer
        shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
        self.downsample = shortcut if changed else None

    def forward(self, data: Tensor) -> Tensor:
        shortcut = data if self.downsample is None else self.downsample(data)
        data = torch.relu(self.bn1(self.conv1(data)))
        data = torch.relu(self.bn2(self.conv2(data)))
        return torch.relu(self.bn3(self.conv3(data)) + shortcut)


class _GeneralisedMean(nn.Module):
    """Generalised mean pooling with a trainable exponent (Radenović et al., arXiv 1711.02512), as fast-reid uses it."""

    def __init__(self, exponent: float = 3.0, smallest: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([exponent]))
        self._smallest = smallest

    def forward(self, data: Tensor) -> Tensor:
        return data.clamp(min=self._smallest).pow(self.p).mean((2, 3)).pow(1.0 / self.p)


class ResNet50BNNeck(nn.Module):
    """ResNet-50 with last stride 1 and a BNNeck; the embedding is taken after the neck, for cosine comparison.

    Args:
        generalised_mean: pool by generalised mean instead of the mean.
    """

    def __init__(self, generalised_mean: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._stage(64, 64, 3, 1)
        self.layer2 = self._stage(256, 128, 4, 2)
        self.layer3 = self._stage(512, 256, 6, 2)
        self.layer4 = self._stage(1024, 512, 3, 1)
        self.pool = _GeneralisedMean() if generalised_mean else None
        self.bottleneck = nn.BatchNorm1d(2048)
        self.feature_dim = 2048

    @staticmethod
    def _stage(inner: int, middle: int, blocks: int, stride: int) -> nn.Sequential:
        further_blocks = (_Bottleneck(middle * 4, middle, 1) for _ in range(blocks - 1))
        return nn.Sequential(_Bottleneck(inner, middle, stride), *further_blocks)

    def feature(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 2048) before the neck, where training compares distances."""
        data = self.maxpool(torch.relu(self.bn1(self.conv1(batch))))
        data = self.layer4(self.layer3(self.layer2(self.layer1(data))))
        pooled: Tensor = data.mean((2, 3)) if self.pool is None else self.pool(data)
        return pooled

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 2048)."""
        embedding: Tensor = self.bottleneck(self.feature(batch))
        return embedding


class _Basic(nn.Module):
    """Residual block of two 3×3 convolutions."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer)
        self.conv2, self.bn2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False), nn.BatchNorm2d(outer)
        shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
        self.downsample = shortcut if stride != 1 or inner != outer else None

    def forward(self, data: Tensor) -> Tensor:
        shortcut = data if self.downsample is None else self.downsample(data)
        data = torch.relu(self.bn1(self.conv1(data)))
        return torch.relu(self.bn2(self.conv2(data)) + shortcut)


class ResNetGDC(nn.Module):
    """A small residual network of dense convolutions for students, with the pooling of `osnet.OSNetGDC`.

    Depthwise convolutions, as OSNet's, are limited by memory access on processors: with three stages (`resnet14_gdc`)
    this one has three times the parameters of `osnet_x0_5_gdc` and trains four times as fast (233 crops a second
    against 59, one core, bfloat16, 128×64).

    Args:
        channels: of the stages.
        wide: channels before the pooling.
        dimension: length of the embedding.
        grid: rows and columns of the pooling's weights.
    """

    def __init__(
        self, channels: Sequence[int], wide: int = 512, dimension: int = 256, grid: tuple[int, int] = (8, 4)
    ) -> None:
        super().__init__()
        self.enter = nn.InstanceNorm2d(3, affine=True)
        self.conv1 = nn.Conv2d(3, channels[0], 4, 4, bias=False)
        self.bn1 = nn.InstanceNorm2d(channels[0], affine=True)
        stages = []
        for number, (inner, outer) in enumerate(zip((channels[0], *channels), channels, strict=False)):
            stages.append(nn.Sequential(_Basic(inner, outer, 1 if number == 0 else 2), _Basic(outer, outer, 1)))
        self.stages = nn.Sequential(*stages)
        self.widen = nn.Sequential(nn.Conv2d(channels[-1], wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU())
        self.place = SpatialPooling(wide, grid)  # attribute names are those in weight files
        self.fc = nn.Sequential(nn.Linear(wide, dimension), nn.BatchNorm1d(dimension))
        self.feature_dim = dimension

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, D)."""
        data = torch.relu(self.bn1(self.conv1(self.enter(batch))))
        embedding: Tensor = self.fc(self.place(self.widen(self.stages(data))))
        return embedding


ARCHITECTURES: Mapping[str, Callable[[], nn.Module]] = {
    "osnet_x1_0": lambda: OSNet((64, 256, 384, 512)),
    "osnet_x0_75": lambda: OSNet((48, 192, 288, 384)),
    "osnet_x0_5": lambda: OSNet((32, 128, 192, 256)),
    "osnet_x0_25": lambda: OSNet((16, 64, 96, 128)),
    "osnet_x0_75_gdc": lambda: OSNetGDC((48, 192, 288, 384)),
    "osnet_x0_5_gdc": lambda: OSNetGDC((32, 128, 192, 256)),
    "osnet_x0_25_gdc": lambda: OSNetGDC((16, 64, 96, 128)),
    "resnet14_gdc": lambda: ResNetGDC((48, 96, 192)),
    "resnet18_gdc": lambda: ResNetGDC((64, 128, 192, 256), grid=(6, 3)),
    "efficientnet_lite0_gdc": lambda: EfficientNetLiteGDC(LITE_SHAPES[0]),
    "efficientnet_lite1_gdc": lambda: EfficientNetLiteGDC(LITE_SHAPES[1]),
    "efficientnet_lite2_gdc": lambda: EfficientNetLiteGDC(LITE_SHAPES[2]),
    "resnet50_bnneck": ResNet50BNNeck,
    "resnet50_bnneck_gem": lambda: ResNet50BNNeck(generalised_mean=True),
}
"""Every architecture by its name in cards; `cards.ARCHITECTURE_ALIASES` holds former names."""

_WRAPPERS = ("module.", "model.", "backbone.", "base.")
_RENAMED = {
    "heads.bottleneck.0.": "bottleneck.",  # fast-reid 1.x
    "heads.bnneck.": "bottleneck.",  # fast-reid before 1.0
    "heads.pool_layer.": "pool.",
}
_TRAINING_ONLY = ("classifier.", "heads.", "fc.weight", "fc.bias", "pixel_mean", "pixel_std")
"""Classifiers, and fast-reid's normalisation, which a card's mean and std tell."""


def build_architecture(architecture: str) -> nn.Module:
    """Return an untrained network. Raises `UnsupportedModel` for a name that is not in `ARCHITECTURES`."""
    architecture = canonical_architecture(architecture)
    if architecture not in ARCHITECTURES:
        raise UnsupportedModel(
            "The architecture {architecture!r} is not known. Known: {known}.",
            architecture=architecture,
            known=", ".join(sorted(ARCHITECTURES)),
        )
    return ARCHITECTURES[architecture]()


def mapped_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under our names, without wrappers' prefixes and classifiers, fast-reid's head renamed."""
    mapped: dict[str, Tensor] = {}
    for name, value in state.items():
        while prefix := next((prefix for prefix in _WRAPPERS if name.startswith(prefix)), ""):
            name = name.removeprefix(prefix)
        for theirs, ours in _RENAMED.items():
            if name.startswith(theirs):
                name = ours + name.removeprefix(theirs)
        if not name.startswith(_TRAINING_ONLY):
            mapped[name] = value
    return mapped


def load_weights(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Fill a network, every parameter of it and nothing left over.

    Args:
        source: file name, for the message.

    Raises:
        WeightsCorrupt: names or shapes do not fit the architecture; names the first ones.
    """
    mapped = mapped_names(state)
    own = network.state_dict()
    # Counters of batch normalisation matter to training only, and some exports drop them.
    absent = sorted(name for name in own.keys() - mapped.keys() if not name.endswith("num_batches_tracked"))
    surplus = sorted(mapped.keys() - own.keys())
    shapes = sorted(name for name in own.keys() & mapped.keys() if own[name].shape != mapped[name].shape)
    problems = [
        Phrase("{what}: {names}", what=what, names=f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}")
        for what, names in (
            (Phrase("missing"), absent),
            (Phrase("unknown"), surplus),
            (Phrase("of another shape"), shapes),
        )
        if names
    ]
    if problems:
        raise WeightsCorrupt(
            "The weights of {source} do not fit their architecture ({known}).",
            source=source,
            known=joined("; ", problems),
        )
    network.load_state_dict({**own, **mapped})
