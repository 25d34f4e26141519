"""Pre-training on unlabelled crops by momentum contrast (see `moco`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from biometric.errors import DataTooSmall, InvalidSetting, LossNotFinite
from biometric.models.cards import InputFormat
from biometric.training import images, knn
from biometric.training.crops.store import Crops
from biometric.training.distill import embed
from biometric.training.distributed import Place, parallel
from biometric.training.images import Augmentation
from biometric.training.moco import Contrast, MomentumContrast

PEOPLE = Augmentation(crop=0.3, aspect=1.25, shrink=0.3, blur=0.5, colour=0.1, grey=0.2, erase=0.5)
"""Two views of one person that a network must tell from others without their clothes becoming others'.

No rotation: people stand. A part of 30 % at most is cut off a side, where MoCo leaves down to a fifth of the area: two
such parts of a standing person, head and shoes, have nothing in common. Little change of colours and much erasing:
arXiv 2012.03753 found that strong colour changes harm people's features (clothes are what they are known by) and
erasing helps. Blur and grey as in MoCo v2."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is pre-trained.

    Attributes:
        batch: crops a step, over all processes.
        epochs, every: of how many epochs each which one is probed; the last one always is.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    contrast: Contrast = field(default_factory=Contrast)
    batch: int = 256
    epochs: int = 200
    every: int = 5
    seed: int = 0
    workers: int = 0
    strength: Augmentation = PEOPLE

    def __post_init__(self) -> None:
        queue = self.contrast.queue
        if self.batch < 2 or queue % self.batch:
            raise InvalidSetting(
                f"The queue of {queue:,} keys must be a whole multiple of the batch, which is {self.batch:,}: "
                "whole batches enter and leave it. Change --queue or --batch."
            )
        if self.every < 1:
            raise InvalidSetting("--probe-every must be 1 or more.")
        if self.seed < 0 or self.workers < 0:
            raise InvalidSetting("--seed and --workers must be 0 or more.")


class Pretraining:
    """loop.Task of pre-training.

    Args:
        network: (N, 3, H, W) float32 → (N, D), with `feature_dim`.
        where: which of the processes that train together this is.

    Raises:
        DataTooSmall: crops would meet their own keys in the queue.
        InvalidSetting: the batch cannot be shared out to processes and groups.
        LibraryMissing: lightly is not installed.
    """

    def __init__(self, network: nn.Module, crops: Crops, recipe: Recipe, where: Place | None = None) -> None:
        self._where = where or Place()
        _check(len(crops), recipe, self._where.world)
        neck = getattr(network, "bottleneck", None)
        if neck is not None:  # as fine-tuning wants it: directions decide
            neck.bias.requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)
        self.moco = MomentumContrast(self.network, recipe.contrast, self._where.world)
        self.sample = knn.choose(crops, recipe.seed)
        self.crops = len(crops)
        self._crops, self._recipe = crops, recipe
        self._parallel: nn.Module | None = None

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network, its twin, their heads, and the queue."""
        return self.moco.states

    def steps(self) -> int:
        """Whole batches an epoch."""
        return len(self._crops) // self._recipe.batch

    def batches(self, epoch: int) -> Iterable[Any]:
        """Two views of this process's share of each batch."""
        self.moco.train()
        recipe, where = self._recipe, self._where
        order = images.shuffled(
            len(self._crops), recipe.batch // where.world, recipe.seed, epoch, where.rank, where.world
        )
        samples = images.Samples(self._views, len(self._crops), recipe.seed, epoch)
        pinned = self._device().type == "cuda"
        return images.loader(samples, [batch.tolist() for batch in order], recipe.workers, pinned)

    def _views(self, index: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        crop = self._crops.load(index)
        form, strength = self._recipe.form, self._recipe.strength
        cuts = (images.geometry(crop, strength, draw, (form.height, form.width)) for _ in range(2))
        first, second = (images.network_input(images.appearance(cut, strength, draw), form) for cut in cuts)
        return first, second

    def loss(self, batch: Any) -> Tensor:
        """InfoNCE of this process's share."""
        if self._parallel is None:  # only now are the weights where they will stay
            self._parallel = parallel(self.moco, self._where)
        first, second = (part.to(self._device(), non_blocking=True) for part in batch)
        return self._parallel(first, second)

    def stepped(self, epoch: int) -> None:
        """Move the key encoder."""
        self.moco.follow()

    def judge(self, epoch: int) -> Mapping[str, float]:
        """Accuracy of nearest neighbours (see `knn`) every few epochs, in the first process, where there are tracks.

        Raises:
            LossNotFinite: the network gives no usable embeddings any more.
        """
        recipe = self._recipe
        if not self._where.first or ((epoch + 1) % recipe.every and epoch + 1 < recipe.epochs):
            return {}
        return self.probe()

    def probe(self) -> dict[str, float]:
        """`{"knn": accuracy}` now; {} where the crops have no tracks. Raises `LossNotFinite`."""
        if self.sample is None:
            return {}
        pictures = [self._crops.load(int(index)) for index in self.sample.crops]
        vectors = embed(self.network, pictures, self._recipe.form)
        if not np.isfinite(vectors).all():
            raise LossNotFinite(
                "The network gives embeddings that are no numbers, though its loss is finite. The state after the last "
                "whole epoch is kept. Train again with a lower --rate or a longer --warmup."
            )
        return {"knn": knn.accuracy(vectors, self.sample.tracks)}

    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device


def _check(count: int, recipe: Recipe, world: int) -> None:
    """Refuse what cannot be learnt from or shared out."""
    batch, queue, groups = recipe.batch, recipe.contrast.queue, recipe.contrast.groups
    parts = max(groups, world)
    if parts % world:
        raise InvalidSetting(f"{groups} groups cannot be shared out to {world} processes. Change --groups.")
    if batch % parts or batch // parts < 2:
        raise InvalidSetting(
            f"A batch of {batch} cannot be split into {parts} equal parts of 2 crops or more. "
            "Change --batch or --groups."
        )
    if count < queue + batch:
        raise DataTooSmall(
            f"There are {count:,} crops. A batch of {batch:,} and a queue of {queue:,} keys need {queue + batch:,} "
            "or more, or crops would be told from themselves. Lower --queue or --batch, or add crops."
        )
