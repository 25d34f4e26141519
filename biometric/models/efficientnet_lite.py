"""EfficientNet-Lite in torch, for students that begin with ImageNet's weights.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019 (arXiv 1905.11946),
without squeeze-and-excitation and with ReLU6, as its authors published the Lite variants. Classifier and last widening
are left out; in their place stand instance normalisation of the crop and the head of `architectures.ResNetGDC`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from biometric.models.osnet import SpatialPooling

_STEM = 32
_KERNELS, _STRIDES = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
_EPSILON, _MOMENTUM = 1e-3, 0.01
"""Of batch normalisation, as in the published weights."""


@dataclass(frozen=True, slots=True)
class LiteShape:
    """Channels and number of blocks of each of the seven stages."""

    channels: tuple[int, ...]
    repeats: tuple[int, ...]


LITE_SHAPES: Mapping[int, LiteShape] = {
    0: LiteShape((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    1: LiteShape((16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1)),
    2: LiteShape((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
}
"""By the number in the variant's name."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


class _SameConv(nn.Conv2d):
    """Convolution whose output has its input's size divided by the stride, rounded up, padded as TensorFlow does."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(inner, outer, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups, bias=False)
        self._padded = stride != 1

    def forward(self, data: Tensor) -> Tensor:
        if self._padded:
            height, width = (
                max(0, (-(-int(size) // stride) - 1) * stride + kernel - int(size))
                for size, stride, kernel in zip(data.shape[2:], self.stride, self.kernel_size, strict=True)
            )
            data = functional.pad(data, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(data)


class _InvertedBlock(nn.Module):
    """Widening 1×1, depthwise and narrowing 1×1 convolution, with a shortcut where the shape stays."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, factor: int) -> None:
        super().__init__()
        wide = inner * factor
        self.expand = nn.Sequential(nn.Conv2d(inner, wide, 1, bias=False), _norm(wide)) if factor > 1 else None
        self.depthwise = nn.Sequential(_SameConv(wide, wide, kernel, stride, wide), _norm(wide))
        self.project = nn.Sequential(nn.Conv2d(wide, outer, 1, bias=False), _norm(outer))
        self._shortcut = stride == 1 and inner == outer

    def forward(self, data: Tensor) -> Tensor:
        wide = data if self.expand is None else functional.relu6(self.expand(data))
        narrow: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return data + narrow if self._shortcut else narrow


class LiteBody(nn.Module):
    """The stem and the blocks: (N, 3, H, W), RGB of mean 0 → (N, C, H / 32, W / 32)."""

    def __init__(self, shape: LiteShape) -> None:
        super().__init__()
        self.stem = nn.Sequential(_SameConv(3, _STEM, 3, 2), _norm(_STEM))
        blocks, inner = [], _STEM
        for stage, (channels, repeats) in enumerate(zip(shape.channels, shape.repeats, strict=True)):
            for number in range(repeats):
                stride, factor = _STRIDES[stage] if number == 0 else 1, 1 if stage == 0 else 6
                blocks.append(_InvertedBlock(inner, channels, _KERNELS[stage], stride, factor))
                inner = channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, batch: Tensor) -> Tensor:
        """The last block's map."""
        maps: Tensor = self.blocks(functional.relu6(self.stem(batch)))
        return maps


class EfficientNetLiteGDC(nn.Module):
    """EfficientNet-Lite whose crops are normalised one by one, and whose map is pooled by weights for each position.

    Args:
        shape: one of `LITE_SHAPES`.
        wide: channels before the pooling.
        dimension: length of the embedding.
        grid: rows and columns of the pooling's weights.
    """

    def __init__(self, shape: LiteShape, wide: int = 512, dimension: int = 256, grid: tuple[int, int] = (6, 3)) -> None:
        super().__init__()
        self.enter = nn.InstanceNorm2d(3, affine=True)
        self.body = LiteBody(shape)
        self.widen = nn.Sequential(nn.Conv2d(shape.channels[-1], wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU())
        self.place = SpatialPooling(wide, grid)  # attribute names are those in weight files
        self.fc = nn.Sequential(nn.Linear(wide, dimension), nn.BatchNorm1d(dimension))
        self.feature_dim = dimension

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, D)."""
        embedding: Tensor = self.fc(self.place(self.widen(self.body(self.enter(batch)))))
        return embedding
