"""Fine-tuning: an embedder learns from labelled pictures who is the same person, by two losses at once.

A metric loss compares the features of a batch (P people, K pictures of each); a classifier of the training side's
people looks at the same features after a batch normalisation, the BNNeck, with softened labels (Luo et al., "Bag of
Tricks and a Strong Baseline for Deep Person Re-identification", CVPRW 2019, arXiv 1903.07071). The classifier, and a
neck that the network does not have itself, serve training only. What is judged and kept is a moving average of the
network's weights.
"""

import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from biometric.entities import Image, Progress
from biometric.entities.progress import finish
from biometric.errors import InvalidSetting, LossNotFinite, UnsupportedModel
from biometric.evaluation import protocols
from biometric.evaluation import run as evaluation
from biometric.evaluation.datasets import Source
from biometric.evaluation.pictures import Pictures
from biometric.models.cards import InputFormat
from biometric.models.embedding_torch import TorchEmbedder
from biometric.training import images
from biometric.training.images import Augmentation
from biometric.training.losses import Metric, MetricLoss, seed_draws
from biometric.training.networks import averaged
from biometric.training.people import Sides
from biometric.training.sampling import Groups

JUDGED_FMR = evaluation.ROBUSTNESS_FMR
"""False match rate at which misses are counted after an epoch."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is fine-tuned.

    Attributes:
        people, each: P people and K pictures of each in a batch.
        smoothing: share of each label that is spread over all people, in [0, 1) (arXiv 1512.00567, section 7).
        identity, distance: weights of the classifier's loss and of the metric loss, 0 or more.
        average: decay of the moving average a step, in [0, 1).
        epochs, every: of how many epochs each which one is judged; the last one always is.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    people: int = 16
    each: int = 4
    metric: Metric = field(default_factory=Metric)
    smoothing: float = 0.1
    identity: float = 1.0
    distance: float = 1.0
    average: float = 0.998
    epochs: int = 60
    every: int = 5
    seed: int = 0
    workers: int = 0
    strength: Augmentation = images.MILD

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1 or not 0 <= self.average < 1:
            raise InvalidSetting("Label smoothing and the decay of the moving average are in [0, 1).")
        if min(self.identity, self.distance) < 0 or self.identity + self.distance == 0:
            raise InvalidSetting("The weights of the two losses are 0 or more, and one of them is above 0.")
        if self.every < 1:
            raise InvalidSetting("--evaluate-every must be 1 or more.")
        if self.seed < 0 or self.workers < 0:
            raise InvalidSetting("--seed and --workers must be 0 or more.")


class Head(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """What only training needs: a BNNeck where the network has none, and a classifier of the people.

    Both are as in "bag of tricks": the neck learns no offset and the classifier has none, so that directions decide.
    """

    def __init__(self, network: nn.Module, people: int) -> None:
        super().__init__()
        self.neck = nn.Identity() if has_neck(network) else nn.BatchNorm1d(network.feature_dim)
        neck = network.bottleneck if has_neck(network) else self.neck
        neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(network.feature_dim, people, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, network: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) → (N, D) features before the neck, (N, people) logits after it, float32."""
        if has_neck(network):
            feature = network.feature(pixels)
            necked = network.bottleneck(feature)
        else:
            feature = network(pixels)
            necked = self.neck(feature)
        return feature.float(), self.classifier(necked).float()


def has_neck(network: nn.Module) -> bool:
    """Whether the network's embedding is taken after a BNNeck of its own."""
    return hasattr(network, "bottleneck")


class Finetuning:
    """loop.Task of fine-tuning.

    Args:
        network: (N, 3, H, W) float32 → (N, D), with `feature_dim`.

    Raises:
        DataTooSmall: fewer people than a batch takes.
        InvalidSetting: the losses cannot be used so.
        LibraryMissing: pytorch-metric-learning is not installed.
    """

    def __init__(self, network: nn.Module, sides: Sides, recipe: Recipe) -> None:
        learnt = sides.learnt
        self._groups = Groups(learnt.identities, recipe.people, recipe.each)
        self.network = network.to(memory_format=torch.channels_last)
        self.head = Head(network, len(learnt.people))
        # Where the embedding itself is compared by its direction (cosine), so is it here; before a neck, "bag of
        # tricks" compares points, and the neck makes directions of them.
        normalised = not has_neck(network)
        self.metric = MetricLoss(recipe.metric, len(learnt.people), network.feature_dim, normalised)
        self.average = averaged(self.network, recipe.average)
        self._sides, self._recipe = sides, recipe
        self._pictures = _OpenedHere(learnt.sources)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network and its moving average, and what serves training only."""
        return {"network": self.network, "average": self.average, "head": self.head, "metric": self.metric}

    def steps(self) -> int:
        """Batches an epoch."""
        return self._groups.steps

    def batches(self, epoch: int) -> Iterable[Any]:
        """(input, person) of each batch."""
        recipe = self._recipe
        for module in (self.network, self.head, self.metric):
            module.train()
        seed_draws(recipe.seed, epoch)
        chosen = np.concatenate(self._groups.batches(recipe.seed, epoch))

        def make(place: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
            return self._sample(int(chosen[place]), draw)

        samples = images.Samples(make, len(chosen), recipe.seed, epoch)
        places = np.arange(len(chosen)).reshape(self.steps(), -1).tolist()
        return images.loader(samples, places, recipe.workers)

    def _sample(self, picture: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        form, strength = self._recipe.form, self._recipe.strength
        image = images.geometry(self._pictures.load(picture), strength, draw, (form.height, form.width))
        image = images.appearance(image, strength, draw)
        return images.network_input(image, form), torch.tensor(int(self._sides.learnt.identities[picture]))

    def loss(self, batch: Any) -> Tensor:
        """The classifier's cross-entropy and the metric loss, weighted; in float32 also under mixed precision."""
        recipe, device = self._recipe, self._device()
        pixels, person = (part.to(device, non_blocking=True) for part in batch)
        feature, logits = self.head(self.network, pixels.contiguous(memory_format=torch.channels_last))
        with torch.autocast(device.type, enabled=False):
            named = functional.cross_entropy(logits, person, label_smoothing=recipe.smoothing)
            return recipe.identity * named + recipe.distance * self.metric(feature, person)

    def stepped(self, epoch: int) -> None:
        """Move the average."""
        self.average.update_parameters(self.network)

    def judge(self, epoch: int) -> Mapping[str, float]:
        """Rank-1, mAP and FNMR at FMR 1e-2 of the average, every few epochs and at the end.

        Raises:
            LossNotFinite: the network gives no usable embeddings any more.
        """
        if (epoch + 1) % self._recipe.every and epoch + 1 < self._recipe.epochs:
            return {}
        dataset, seed = self._sides.judged, self._recipe.seed
        try:
            vectors = finish(evaluation.embed(dataset, self.embedder(), None, seed))
        except UnsupportedModel as error:
            raise LossNotFinite(
                "The network gives embeddings that are zero or no numbers, though its loss is finite. The state after "
                "the last whole epoch is kept. Train again with a lower --rate or a longer --warmup."
            ) from error
        trial = evaluation.make_trial(dataset, vectors, vectors)
        ranking = protocols.ranked(trial, seed, dataset.single_shot)
        misses = protocols.verify(trial, {}, seed).at(JUDGED_FMR).fnmr
        return {
            "rank1": ranking.ranks[1].value,
            "mAP": ranking.mean_average_precision.value,
            f"FNMR at FMR {JUDGED_FMR:g}": misses.value,
        }

    def evaluate(self) -> Generator[Progress, None, evaluation.Evaluation]:
        """Measure the average on the judging side, with intervals, as `python -m biometric evaluate` does."""
        plan = evaluation.Plan(self._sides.judged, {}, seed=self._recipe.seed)
        return evaluation.evaluate(plan, self.embedder())

    def embedder(self) -> TorchEmbedder:
        """The average as the app runs networks."""
        return TorchEmbedder(self.average.module, self._recipe.form, "the trained network", str(self._device()))

    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device


class _OpenedHere:
    """Opens pictures; each process keeps files of its own, as HDF5's must not be shared by processes."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._process, self._pictures = os.getpid(), Pictures()

    def load(self, index: int) -> Image:
        """Picture `index`, (h, w, 3) uint8 BGR."""
        if self._process != os.getpid():
            self._process, self._pictures = os.getpid(), Pictures()
        return self._pictures.load(self._sources[index])
