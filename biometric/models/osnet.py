"""OSNet in torch, written from its paper, with torchreid's parameter names; and a form of it for students.

OSNet: Zhou et al., "Omni-Scale Feature Learning for Person Re-Identification", ICCV 2019 (arXiv 1905.00953).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

_REDUCTION = 16
"""Squeeze of the unified aggregation gate (section 3.2 of the OSNet paper)."""


class _ConvNorm(nn.Module):
    """Convolution, batch normalisation and, unless `linear`, ReLU."""

    def __init__(self, inner: int, outer: int, kernel: int = 1, stride: int = 1, linear: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outer)
        self.act = nn.Identity() if linear else nn.ReLU(inplace=True)

    def forward(self, data: Tensor) -> Tensor:
        activated: Tensor = self.act(self.bn(self.conv(data)))
        return activated


class _LiteConv(nn.Module):
    """Lite 3×3: a pointwise, then a depthwise convolution (figure 3b of the OSNet paper)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, data: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv2(self.conv1(data))))


class _Gate(nn.Module):
    """Unified aggregation gate: channel weights from the channel means, shared by the four streams."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // _REDUCTION, channels, 1)

    def forward(self, data: Tensor) -> Tensor:
        return data * torch.sigmoid(self.fc2(torch.relu(self.fc1(data.mean((2, 3), keepdim=True)))))


class _OmniScale(nn.Module):
    """Omni-scale residual block: streams of one to four lite convolutions, gated and summed (figure 4)."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        middle = outer // 4
        self.conv1 = _ConvNorm(inner, middle)
        self.conv2a = _LiteConv(middle)
        self.conv2b = nn.Sequential(*(_LiteConv(middle) for _ in range(2)))
        self.conv2c = nn.Sequential(*(_LiteConv(middle) for _ in range(3)))
        self.conv2d = nn.Sequential(*(_LiteConv(middle) for _ in range(4)))
        self.gate = _Gate(middle)
        self.conv3 = _ConvNorm(middle, outer, linear=True)
        self.downsample = None if inner == outer else _ConvNorm(inner, outer, linear=True)

    def forward(self, data: Tensor) -> Tensor:
        squeezed = self.conv1(data)
        streams = (self.conv2a, self.conv2b, self.conv2c, self.conv2d)
        mixed = torch.stack([self.gate(stream(squeezed)) for stream in streams]).sum(0)
        shortcut = data if self.downsample is None else self.downsample(data)
        return torch.relu(self.conv3(mixed) + shortcut)


class OSNet(nn.Module):
    """OSNet of a width (table 1 of the paper); `channels` of the stem and the three stages.

    Args:
        channels: four numbers.
        dimension: length of the embedding.
        signed: without the last ReLU, so that numbers of the embedding can be negative, as those of other networks'
            embeddings are: for a student of such a network.
    """

    def __init__(self, channels: Sequence[int], dimension: int = 512, signed: bool = False) -> None:
        super().__init__()
        stem, first, second, third = channels
        self.conv1 = _ConvNorm(3, stem, 7, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = nn.Sequential(_OmniScale(stem, first), _OmniScale(first, first), self._halve(first))
        self.conv3 = nn.Sequential(_OmniScale(first, second), _OmniScale(second, second), self._halve(second))
        self.conv4 = nn.Sequential(_OmniScale(second, third), _OmniScale(third, third))
        self.conv5 = _ConvNorm(third, third)
        last = nn.Identity() if signed else nn.ReLU(inplace=True)
        self.fc = nn.Sequential(nn.Linear(third, dimension), nn.BatchNorm1d(dimension), last)
        self.feature_dim = dimension

    @staticmethod
    def _halve(channels: int) -> nn.Sequential:
        return nn.Sequential(_ConvNorm(channels, channels), nn.AvgPool2d(2, 2))

    def maps(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, C, H / 16, W / 16), before pooling."""
        maps: Tensor = self.conv5(self.conv4(self.conv3(self.conv2(self.maxpool(self.conv1(batch))))))
        return maps

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, D)."""
        embedding: Tensor = self.fc(self.maps(batch).mean((2, 3)))
        return embedding


class SpatialPooling(nn.Module):
    """Pools a map by a trainable weight for each channel and position (global depthwise convolution).

    After Chen et al., "MobileFaceNets", CCBR 2018 (arXiv 1804.07573). For maps of another size than `grid` the weights
    are interpolated, not the map: they are constants in an exported network.
    """

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid
        self.weight = nn.Parameter(torch.full((channels, *grid), 1 / (grid[0] * grid[1])))

    def forward(self, data: Tensor) -> Tensor:
        """(N, C, h, w) → (N, C)."""
        size = (int(data.shape[2]), int(data.shape[3]))
        weight: Tensor = self.weight
        if size != self._grid:
            rows, columns = (_interpolation(*sizes).to(weight) for sizes in zip(size, self._grid, strict=True))
            weight = rows @ weight @ columns.T
        return (data * weight).sum((2, 3))


def _interpolation(size: int, known: int) -> Tensor:
    """(size, known) float32: bilinear interpolation between centres, scaled such that the sum of the weights is kept.

    As a product of constants, which every exported network can hold; torch's own becomes an operation of its own.
    """
    position = np.clip((np.arange(size) + 0.5) * known / size - 0.5, 0, known - 1)
    share = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(known)))
    return torch.from_numpy((share * known / size).astype(np.float32))


class OSNetGDC(OSNet):
    """OSNet with instance normalisation and global depthwise convolution (GDC) instead of average pooling: for
    students.

    Both make it more similar to Open Model Zoo's 0286 and its relatives, the teachers. Crops and the stem's maps are
    normalised one by one (instance normalisation, as in Zhou et al., "Learning Generalisable
    Omni-Scale Representations", TPAMI 2021, arXiv 1910.06827). And
    positions are weighted for each channel instead of averaged, in the grid that the map of a crop of 256×128 has. The
    embedding is signed. Attribute names are those in weight files.
    """

    def __init__(self, channels: Sequence[int], dimension: int = 256) -> None:
        super().__init__(channels, dimension, signed=True)
        self.enter = nn.InstanceNorm2d(3, affine=True)
        self.conv1.bn = nn.InstanceNorm2d(channels[0], affine=True)
        self.place = SpatialPooling(channels[-1], (16, 8))

    def forward(self, batch: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, D)."""
        embedding: Tensor = self.fc(self.place(self.maps(self.enter(batch))))
        return embedding
