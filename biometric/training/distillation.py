"""Distillation: a small network (the student) learns the embeddings of a large one (the teacher) on unlabelled crops.

The loss compares its embedding of each picture with the teacher's, and the comparison scores within a batch with the
teacher's (Park et al., "Relational Knowledge Distillation", CVPR 2019, arXiv 1904.05068, with cosines in place of
distances). Inputs and targets come from `distillation_targets` and
`live_targets`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import DataTooSmall, InvalidSetting
from biometric.statistics.intervals import Interval, bootstrap_mean
from biometric.training import augmentation
from biometric.training.crops.crop_records import Crops
from biometric.training.crops.prepared_crops import prepared_crops
from biometric.training.distillation_targets import DistillationConfig, DistillationTargets, Vectors
from biometric.training.networks import average_model


def check_count(count: int, config: DistillationConfig) -> None:
    """Refuse too few crops to train on. Raises `DataTooSmall`."""
    if count < config.batch:
        raise DataTooSmall(f"{count} crops do not fill one batch of {config.batch}. Lower --batch or add crops.")


class Distillation:
    """loop.Task of a student.

    Args:
        network: (N, 3, H, W) float32 → (N, D) with the teacher's D.
        count: number of crops to train on.
        targets: inputs made of them, and the teacher's embeddings of those.
        held_back: crops that the student is not trained on, and the teacher's (M, D) embeddings of them.

    Raises:
        DataTooSmall: fewer crops than a batch.
        InvalidSetting: student and teacher give embeddings of different length.
    """

    def __init__(
        self,
        network: nn.Module,
        count: int,
        targets: DistillationTargets,
        held_back: tuple[Crops, Vectors],
        config: DistillationConfig,
    ) -> None:
        check_count(count, config)
        if network.feature_dim != targets.dimension:
            raise InvalidSetting(
                f"The student gives {network.feature_dim} numbers a crop, the teacher {targets.dimension}. "
                "Choose a student of the teacher's dimension."
            )
        self.network = network.to(memory_format=torch.channels_last)
        self.average = average_model(self.network, config.average)
        self._count, self._targets, self._config = count, targets, config
        self._views, self._began = 0, 0.0
        self._held_crops, self._held_targets = prepared_crops(held_back[0], config.form), held_back[1]

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The student and its moving average."""
        return {"network": self.network, "average": self.average}

    def steps(self) -> int:
        """Whole batches an epoch."""
        return self._count * self._config.passes // self._config.batch

    def batches(self, epoch: int, first: int = 0) -> Iterable[Any]:
        """Batches of the epoch from number `first` on, as the targets make them."""
        self.network.train()
        self._views, self._began = 0, time.monotonic()
        config, sample_count = self._config, self._count * self._config.passes
        order = augmentation.shuffled_batches(sample_count, config.batch, config.seed, epoch)
        return self._targets.load([batch.tolist() for batch in order[first:]], epoch)

    def loss(self, batch: Any) -> Tensor:
        """1 - cosine to the teacher, plus the squared error of the cosines between all pairs of the batch."""
        pixels, target = self._targets.get_batch(batch, _device(self.network))
        embedding = self.network(pixels.contiguous(memory_format=torch.channels_last)).float()
        embedding, target = functional.normalize(embedding), functional.normalize(target)
        cosine = (embedding * target).sum(1)
        relation = (embedding @ embedding.T - target @ target.T).square().mean()
        return (1 - cosine).mean() + self._config.relation * relation

    def on_step_end(self, epoch: int) -> None:
        """Update the moving average."""
        self.average.update_parameters(self.network)
        self._views += self._config.batch

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        """Mean cosine to the teacher on the held-back crops, correlation of comparison scores, views a second."""
        speed = {"views_per_second": self._views / (time.monotonic() - self._began)} if self._views else {}
        embeddings = self.embed_held_back()
        return {"cosine": float(self.cosines(embeddings).mean()), "scores": self.score_agreement(embeddings), **speed}

    def embed_held_back(self) -> Vectors:
        """(M, D) unit float32 of the held-back crops by the average."""
        return embed_with_network(self.average.module, self._held_crops, self._config.form)

    def cosines(self, embeddings: Vectors) -> Vectors:
        """(M,) cosine of the student's embeddings to the teacher's."""
        return np.asarray((embeddings * self._held_targets).sum(1), np.float32)

    def score_agreement(self, embeddings: Vectors) -> float:
        """Correlation of the comparison scores of all pairs of held-back crops with the teacher's."""
        return _score_agreement(embeddings, self._held_targets)

    def interval(self, cosines: Vectors) -> Interval | None:
        """95 % interval of their mean by resampling pictures or videos: crops of the same one are not independent.

        None where all crops come from the same one.
        """
        names = [self._held_crops.video(index) for index in range(len(self._held_crops))]
        sources = np.unique(names, return_inverse=True)[1]
        return bootstrap_mean(cosines.astype(np.float64), sources) if len(set(names)) > 1 else None


def embed_with_network(
    network: nn.Module, crops: Crops | Sequence[Image], form: InputFormat, batch: int = 64
) -> Vectors:
    """(N, D) unit float32 of crops (or of BGR pictures) by a network, prepared as the application does."""
    device, rows = _device(network), []
    network.eval()
    with torch.no_grad():
        for start in range(0, len(crops), batch):
            numbers = range(start, min(len(crops), start + batch))
            pictures = [crops[number] if isinstance(crops, Sequence) else crops.load(number) for number in numbers]
            pixels = torch.stack([augmentation.network_input(picture, form) for picture in pictures]).to(device)
            rows.append(functional.normalize(network(pixels).float()).cpu().numpy())
    return np.concatenate(rows)


def _device(network: nn.Module) -> torch.device:
    device: torch.device = next(network.parameters()).device
    return device


def _score_agreement(embeddings: Vectors, target: Vectors) -> float:
    """Pearson correlation of the comparison scores of all pairs, student against teacher; 0 for fewer than 3 crops."""
    if len(embeddings) < 3:
        return 0.0
    above = np.triu_indices(len(embeddings), 1)
    return float(np.corrcoef((embeddings @ embeddings.T)[above], (target @ target.T)[above])[0, 1])
