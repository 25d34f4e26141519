"""Momentum contrast: a network learns to give similar features for two views of a crop, unlike those of other crops.

MoCo v1: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020, arXiv 1911.05722.
MoCo v2: Chen et al., "Improved Baselines with Momentum Contrastive Learning", arXiv 2003.04297 (projection head, more
augmentation, cosine schedule). The modules are lightly's; those used here open no network connection.
"""

import copy
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from biometric.errors import InvalidSetting, LibraryMissing


@dataclass(frozen=True, slots=True)
class ContrastConfig:
    """How views are compared.

    Attributes:
        queue: keys of earlier crops that a query is compared with; a whole multiple of the batch. The paper's 65,536
            are
            for a million pictures and more.
        temperature: of the InfoNCE loss. 0.1 is better for people than MoCo v2's 0.2 (Fu et al., "Unsupervised
            Pre-training for Person Re-identification", CVPR 2021, arXiv 2012.03753).
        momentum: decay of the key encoder's moving average a step, in [0, 1).
        dimension: of queries and keys.
        groups: number of groups that the batch is split into, over all processes; each is normalised by its own
            statistics.
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


class MomentumContrast(nn.Module):
    """The trained network, its moving average that computes the keys, and the queue of keys.

    Batch normalisation could reveal which key belongs to which query, as both would be normalised by the same
    crops. So keys are computed from a shuffled batch, and the batch is normalised in groups ("shuffling BN",
    section 3.3
    of v1): over processes, and within each.

    Args:
        network: (N, 3, H, W) float32 → (N, D), with `feature_dim`.
        world: number of processes that train together; they share the groups.

    Raises:
        LibraryMissing: lightly is not installed.
    """

    def __init__(self, network: nn.Module, contrast: ContrastConfig, world: int = 1) -> None:
        super().__init__()
        library = load_lightly()
        self.network = network
        self.head = library.MoCoProjectionHead(network.feature_dim, network.feature_dim, contrast.dimension)
        self.key_network, self.key_head = copy.deepcopy(self.network), copy.deepcopy(self.head)
        for module in (self.key_network, self.key_head):
            module.requires_grad_(False)
        self.loss = library.NTXentLoss(contrast.temperature, (contrast.queue, contrast.dimension), world > 1)
        bank = self.loss.memory_bank
        for name in ("bank", "bank_ptr"):  # lightly leaves the queue out of checkpoints; a resumed run needs it
            bank.register_buffer(name, getattr(bank, name), persistent=True)
        self._library, self._momentum, self._distributed = library, contrast.momentum, world > 1
        self._groups = max(1, contrast.groups // world)

    @property
    def states(self) -> dict[str, nn.Module]:
        """All that a checkpoint keeps, by name; "network" is the result."""
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
            shuffled, order = self._library.batch_shuffle(second, self._distributed)
            keys = self._encoded(self.key_network, self.key_head, shuffled)
            keys = self._library.batch_unshuffle(keys, order, self._distributed)
        with torch.autocast(queries.device.type, enabled=False):  # exponentials of cosines divided by 0.1 need float32
            loss: Tensor = self.loss(queries.float(), keys.float())
            return loss

    def _encoded(self, network: nn.Module, head: nn.Module, pixels: Tensor) -> Tensor:
        groups = (group.contiguous(memory_format=torch.channels_last) for group in pixels.chunk(self._groups))
        return torch.cat([head(network(group)) for group in groups])

    def update_key_encoder(self) -> None:
        """Update the key encoder's moving average (equation 2 of v1)."""
        self._library.update_momentum(self.network, self.key_network, self._momentum)
        self._library.update_momentum(self.head, self.key_head, self._momentum)


def load_lightly() -> SimpleNamespace:
    """The classes and functions of lightly that are used here.

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
