"""Pre-training on unlabelled crops by momentum contrast (see `moco`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from biometric.entities.model_cards import InputFormat
from biometric.errors import DataTooSmall, InvalidSetting, LossNotFinite
from biometric.training import augmentation
from biometric.training.augmentation_ranges import Augmentation
from biometric.training.crops.crop_records import Crops
from biometric.training.distillation import embed_with_network
from biometric.training.distributed import ProcessRank, parallelize
from biometric.training.moco import ContrastConfig, MomentumContrast
from biometric.training.nearest_neighbours import choose_sample, neighbour_accuracy

VIEWS = Augmentation(crop=0.3, aspect=1.25, shrink=0.3, blur=0.5, colour=0.1, grey=0.2, erase=0.5)
"""How a crop is changed into two views, by which a network must recognise a person without losing the clothes' colours.

No rotation: people stand. At most 30 % is cut off a side, where MoCo leaves down to a fifth of the area: two such
parts of a standing person, head and shoes, have nothing in common. Small changes of colour and frequent erasing:
arXiv 2012.03753 found that strong colour changes harm the features of people, which depend on clothes, and that
erasing helps. Blur and grey as in MoCo v2."""


@dataclass(frozen=True, slots=True)
class PretrainingConfig:
    """How a network is pre-trained.

    Attributes:
        batch: crops a step, over all processes.
        epochs: number of epochs.
        probe_every: epochs between probes; the last epoch is always probed.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    contrast: ContrastConfig = field(default_factory=ContrastConfig)
    batch: int = 256
    epochs: int = 200
    probe_every: int = 5
    seed: int = 0
    workers: int = 0
    strength: Augmentation = VIEWS

    def __post_init__(self) -> None:
        queue = self.contrast.queue
        if self.batch < 2 or queue % self.batch:
            raise InvalidSetting(
                f"The queue of {queue:,} keys must be a whole multiple of the batch, which is {self.batch:,}: "
                "whole batches enter and leave it. Change --queue or --batch."
            )
        if self.probe_every < 1:
            raise InvalidSetting("--probe-every must be 1 or more.")
        if self.seed < 0 or self.workers < 0:
            raise InvalidSetting("--seed and --workers must be 0 or more.")


class Pretraining:
    """loop.Task of pre-training.

    Args:
        network: (N, 3, H, W) float32 → (N, D), with `feature_dim`.
        rank: which of the processes that train together this is.

    Raises:
        DataTooSmall: crops would be compared with their own keys in the queue.
        InvalidSetting: the batch cannot be divided among processes and groups.
        LibraryMissing: lightly is not installed.
    """

    def __init__(
        self, network: nn.Module, crops: Crops, config: PretrainingConfig, rank: ProcessRank | None = None
    ) -> None:
        self._rank = rank if rank is not None else ProcessRank()
        _check(len(crops), config, self._rank.world)
        neck = getattr(network, "bottleneck", None)
        if neck is not None:  # as in fine-tuning: only directions count
            neck.bias.requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)
        self.moco = MomentumContrast(self.network, config.contrast, self._rank.world)
        self.sample = choose_sample(crops, config.seed)
        self.crops = len(crops)
        self._crops, self._config = crops, config
        self._parallel: nn.Module | None = None

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network, its twin, their heads, and the queue."""
        return self.moco.states

    def steps(self) -> int:
        """Whole batches an epoch."""
        return len(self._crops) // self._config.batch

    def batches(self, epoch: int, first: int = 0) -> Iterable[Any]:
        """Two views of each crop of this process's share of each batch, from batch `first` on."""
        self.moco.train()
        config, rank = self._config, self._rank
        order = augmentation.shuffled_batches(
            len(self._crops), config.batch // rank.world, config.seed, epoch, rank.rank, rank.world
        )
        samples = augmentation.EpochSamples(self.make_views, len(self._crops), config.seed, epoch)
        pinned = self._device().type == "cuda"
        return augmentation.load_batches(samples, [batch.tolist() for batch in order[first:]], config.workers, pinned)

    def make_views(self, index: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Two views of crop `index`, each (3, H, W) float32; may be called in worker processes."""
        crop = self._crops.load(index)
        form, strength = self._config.form, self._config.strength
        cuts = (augmentation.change_geometry(crop, strength, draw, (form.height, form.width)) for _ in range(2))
        first, second = (
            augmentation.network_input(augmentation.change_appearance(cut, strength, draw), form) for cut in cuts
        )
        return first, second

    def loss(self, batch: Any) -> Tensor:
        """InfoNCE of this process's share."""
        if self._parallel is None:  # not earlier: only now are the weights on their device
            self._parallel = parallelize(self.moco, self._rank)
        first, second = (views.to(self._device(), non_blocking=True) for views in batch)
        loss: Tensor = self._parallel(first, second)
        return loss

    def on_step_end(self, epoch: int) -> None:
        """Update the key encoder."""
        self.moco.update_key_encoder()

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        """Accuracy of `nearest_neighbours` every few epochs, in the first process, where there are tracks.

        Raises:
            LossNotFinite: the network no longer gives usable embeddings.
        """
        config = self._config
        if not self._rank.first or ((epoch + 1) % config.probe_every and epoch + 1 < config.epochs):
            return {}
        return self.probe()

    def probe(self) -> dict[str, float]:
        """`{"knn": accuracy}` now; {} where the crops have no tracks. Raises `LossNotFinite`."""
        if self.sample is None:
            return {}
        pictures = [self._crops.load(int(index)) for index in self.sample.crops]
        vectors = embed_with_network(self.network, pictures, self._config.form)
        if not np.isfinite(vectors).all():
            raise LossNotFinite(
                "The network gives embeddings that are not finite, although its loss is. The state after the last "
                "whole epoch is kept. Train again with a lower --rate or a longer --warmup."
            )
        return {"knn": neighbour_accuracy(vectors, self.sample.tracks)}

    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device


def _check(count: int, config: PretrainingConfig, world: int) -> None:
    """Refuse data that are too few, and batches that cannot be divided."""
    batch, queue, groups = config.batch, config.contrast.queue, config.contrast.groups
    part_count = max(groups, world)
    if part_count % world:
        raise InvalidSetting(f"{groups} groups cannot be divided among {world} processes. Change --groups.")
    if batch % part_count or batch // part_count < 2:
        raise InvalidSetting(
            f"A batch of {batch} cannot be split into {part_count} equal parts of 2 crops or more. "
            "Change --batch or --groups."
        )
    if count < queue + batch:
        raise DataTooSmall(
            f"There are {count:,} crops. A batch of {batch:,} and a queue of {queue:,} keys need {queue + batch:,} "
            "or more, or crops would be compared with themselves. Lower --queue or --batch, or add crops."
        )
