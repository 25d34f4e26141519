"""Momentum contrast: two views of a crop should look alike to a network, and unlike all crops before.

MoCo v1: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020, arXiv 1911.05722.
MoCo v2: Chen et al., "Improved Baselines with Momentum Contrastive Learning", arXiv 2003.04297 (projection head, more
augmentation, cosine schedule). The parts are lightly's; nothing of it that is used here opens a connection.
"""

import copy
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from biometric.errors import InvalidSetting, LibraryMissing


@dataclass(frozen=True, slots=True)
class Contrast:
    """How views are compared.

    Attributes:
        queue: keys of former crops that a query is told from; a whole multiple of the batch. The paper's 65,536 are
            for a million pictures and more.
        temperature: of the InfoNCE loss. 0.1 serves people better than MoCo v2's 0.2 (Fu et al., "Unsupervised
            Pre-training for Person Re-identification", CVPR 2021, arXiv 2012.03753).
        momentum: share of its former self that the key encoder keeps each step, in [0, 1).
        dimension: of queries and keys.
        groups: into how many parts the batch is split, over all processes, each normalised by statistics of its own.
    """

    queue: int = 4096
    temperature: float = 0.1
    momentum: float = 0.999
    dimension: int = 128
    groups: int = 8

    def __post_init__(self) -> None:
        if self.queue < 1 or self.dimension < 1 or self.groups < 1:
            raise InvalidSetting("Queue, dimension and groups of momentum contrast must be 1 or more.")
        if not 1e-3 <= self.temperature <= 10 or not 0 <= self.momentum < 1:
            raise InvalidSetting("The temperature must be in [0.001, 10], the momentum in [0, 1).")


class MomentumContrast(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """The network that learns, its slow twin that makes the keys, and the queue of keys.

    Batch normalisation could give away which key belongs to which query, as both would be normalised by the same
    crops. So keys are made from a shuffled batch, and the batch is normalised in groups ("shuffling BN", section 3.3
    of v1): over processes, and within each.

    Args:
        network: (N, 3, H, W) float32 → (N, D), with `feature_dim`.
        world: processes that train together; they share the groups.

    Raises:
        LibraryMissing: lightly is not installed.
    """

    def __init__(self, network: nn.Module, contrast: Contrast, world: int = 1) -> None:
        super().__init__()
        parts = lightly()
        self.network = network
        self.head = parts.MoCoProjectionHead(network.feature_dim, network.feature_dim, contrast.dimension)
        self.key_network, self.key_head = copy.deepcopy(self.network), copy.deepcopy(self.head)
        for module in (self.key_network, self.key_head):
            module.requires_grad_(False)
        self.loss = parts.NTXentLoss(contrast.temperature, (contrast.queue, contrast.dimension), world > 1)
        bank = self.loss.memory_bank
        for name in ("bank", "bank_ptr"):  # lightly leaves the queue out of checkpoints; a resumed run needs it
            bank.register_buffer(name, getattr(bank, name), persistent=True)
        self._parts, self._momentum, self._distributed = parts, contrast.momentum, world > 1
        self._groups = max(1, contrast.groups // world)

    @property
    def states(self) -> dict[str, nn.Module]:
        """All that a checkpoint keeps, by name; "network" is what is wanted in the end."""
        return {
            "network": self.network,
            "head": self.head,
            "key_network": self.key_network,
            "key_head": self.key_head,
            "queue": self.loss,
        }

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The InfoNCE loss of two views of the same crops, each (N, 3, H, W) float32; keys enter the queue."""
        queries = self._encoded(self.network, self.head, first)
        with torch.no_grad():
            mixed, order = self._parts.batch_shuffle(second, self._distributed)
            keys = self._encoded(self.key_network, self.key_head, mixed)
            keys = self._parts.batch_unshuffle(keys, order, self._distributed)
        with torch.autocast(queries.device.type, enabled=False):  # exponentials of tenfold cosines need all digits
            return self.loss(queries.float(), keys.float())

    def _encoded(self, network: nn.Module, head: nn.Module, pixels: Tensor) -> Tensor:
        parts = (part.contiguous(memory_format=torch.channels_last) for part in pixels.chunk(self._groups))
        return torch.cat([head(network(part)) for part in parts])

    def follow(self) -> None:
        """Move the key encoder a little towards the network (equation 2 of v1)."""
        self._parts.update_momentum(self.network, self.key_network, self._momentum)
        self._parts.update_momentum(self.head, self.key_head, self._momentum)


def lightly() -> SimpleNamespace:
    """The parts of lightly that are used here.

    Raises:
        LibraryMissing: it is not installed.
    """
    try:
        from lightly.loss import NTXentLoss
        from lightly.models.modules.heads import MoCoProjectionHead
        from lightly.models.utils import batch_shuffle, batch_unshuffle, update_momentum
    except ImportError as error:
        raise LibraryMissing(
            "Pre-training needs the library lightly: python -m pip install -r requirements-train.txt"
        ) from error
    return SimpleNamespace(
        NTXentLoss=NTXentLoss,
        MoCoProjectionHead=MoCoProjectionHead,
        batch_shuffle=batch_shuffle,
        batch_unshuffle=batch_unshuffle,
        update_momentum=update_momentum,
    )
