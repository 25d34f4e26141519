"""Distillation: a small network learns to give the embeddings of a large one (the teacher) on unlabelled crops.

It is asked for the teacher's embedding of each picture, and for the teacher's comparison scores between the pictures
of a batch (Park et al., "Relational Knowledge Distillation", CVPR 2019, arXiv 1904.05068, with cosines in place of
distances). What it is shown is in `lessons`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from biometric.entities import Image
from biometric.errors import DataTooSmall, InvalidSetting
from biometric.models.cards import InputFormat
from biometric.statistics.intervals import Interval, bootstrap_mean
from biometric.training import images
from biometric.training.crops.store import Crops
from biometric.training.lessons import Lessons, Recipe, Vectors
from biometric.training.networks import averaged


class Distillation:
    """loop.Task of a student.

    Args:
        network: (N, 3, H, W) float32 → (N, D) with the teacher's D.
        count: number of crops to learn from.
        lessons: what is shown of them, and the answers.
        held_back: crops that the student never learns from, and the teacher's (M, D) of them.

    Raises:
        DataTooSmall: fewer crops than a batch.
        InvalidSetting: student and teacher give embeddings of different length.
    """

    def __init__(
        self, network: nn.Module, count: int, lessons: Lessons, held_back: tuple[Crops, Vectors], recipe: Recipe
    ) -> None:
        if count < recipe.batch:
            raise DataTooSmall(f"{count} crops do not fill one batch of {recipe.batch}. Lower --batch or add crops.")
        if network.feature_dim != lessons.dimension:
            raise InvalidSetting(
                f"The student gives {network.feature_dim} numbers a crop, the teacher {lessons.dimension}. "
                "Choose a student of the teacher's dimension."
            )
        self.network = network.to(memory_format=torch.channels_last)
        self.average = averaged(self.network, recipe.average)
        self._count, self._lessons, self._recipe = count, lessons, recipe
        self._held_crops, self._held_targets = held_back

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The student and its moving average."""
        return {"network": self.network, "average": self.average}

    def steps(self) -> int:
        """Whole batches an epoch."""
        return self._count * self._recipe.passes // self._recipe.batch

    def batches(self, epoch: int) -> Iterable[Any]:
        """Samples of each batch."""
        self.network.train()
        recipe, shown = self._recipe, self._count * self._recipe.passes
        order = images.shuffled(shown, recipe.batch, recipe.seed, epoch)
        samples = images.Samples(self._sample, shown, recipe.seed, epoch)
        return images.loader(samples, [batch.tolist() for batch in order], recipe.workers)

    def _sample(self, number: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        return self._lessons.sample(number % self._count, draw)

    def loss(self, batch: Any) -> Tensor:
        """1 - cosine to the teacher, plus the squared error of the cosines between all pairs of the batch."""
        pixels, target = self._lessons.asked(batch, _device(self.network))
        found = self.network(pixels.contiguous(memory_format=torch.channels_last)).float()
        found, target = functional.normalize(found), functional.normalize(target)
        likeness = (found * target).sum(1)
        relation = (found @ found.T - target @ target.T).square().mean()
        return (1 - likeness).mean() + self._recipe.relation * relation

    def stepped(self, epoch: int) -> None:
        """Move the average."""
        self.average.update_parameters(self.network)

    def judge(self, epoch: int) -> Mapping[str, float]:
        """Mean cosine to the teacher on the held-back crops, and how far its comparison scores are followed."""
        found = self.embed_held_back()
        return {"cosine": float(self.cosines(found).mean()), "scores": _score_agreement(found, self._held_targets)}

    def embed_held_back(self) -> Vectors:
        """(M, D) unit float32 of the held-back crops by the average."""
        return embed(self.average.module, self._held_crops, self._recipe.form)

    def cosines(self, found: Vectors) -> Vectors:
        """(M,) cosine of the student's embeddings to the teacher's."""
        return np.asarray((found * self._held_targets).sum(1), np.float32)

    def interval(self, cosines: Vectors) -> Interval | None:
        """95 % interval of their mean, drawing whole pictures or videos: crops of one are not independent.

        None where all come from one.
        """
        names = [self._held_crops.video(index) for index in range(len(self._held_crops))]
        sources = np.unique(names, return_inverse=True)[1]
        return bootstrap_mean(cosines.astype(np.float64), sources) if len(set(names)) > 1 else None


def embed(network: nn.Module, crops: Crops | Sequence[Image], form: InputFormat, batch: int = 64) -> Vectors:
    """(N, D) unit float32 of crops (or of BGR pictures) by a network, as the app would make them."""
    device, rows = _device(network), []
    network.eval()
    with torch.no_grad():
        for start in range(0, len(crops), batch):
            numbers = range(start, min(len(crops), start + batch))
            pictures = [crops[number] if isinstance(crops, Sequence) else crops.load(number) for number in numbers]
            pixels = torch.stack([images.network_input(picture, form) for picture in pictures]).to(device)
            rows.append(functional.normalize(network(pixels).float()).cpu().numpy())
    return np.concatenate(rows)


def _device(network: nn.Module) -> torch.device:
    device: torch.device = next(network.parameters()).device
    return device


def _score_agreement(found: Vectors, target: Vectors) -> float:
    """Pearson correlation of the comparison scores of all pairs, student against teacher; 0 for fewer than 3 crops."""
    if len(found) < 3:
        return 0.0
    above = np.triu_indices(len(found), 1)
    return float(np.corrcoef((found @ found.T)[above], (target @ target.T)[above])[0, 1])
