"""Fine-tuning: an embedder is trained on labelled pictures with two losses.

A metric loss compares the features of a batch (P people, K pictures of each); a classifier of the training
people takes the same features after a batch normalisation, the BNNeck, with smoothed labels (Luo et al., "Bag of
Tricks and a Strong Baseline for Deep Person Re-identification", CVPRW 2019, arXiv 1903.07071). The classifier, and the
neck where the network has none itself, serve training only. A moving average of the network's weights is evaluated
and exported.
"""

import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from biometric.bootstrap import build_network_embedder
from biometric.entities import Image, Progress
from biometric.entities.model_cards import InputFormat
from biometric.entities.progress import finish
from biometric.errors import InvalidSetting, LossNotFinite, UnsupportedModel
from biometric.evaluation import evaluating as evaluation
from biometric.evaluation import protocols
from biometric.evaluation.dataset_images import DatasetImages
from biometric.evaluation.datasets import Source
from biometric.ports import Embedder
from biometric.training import augmentation
from biometric.training.augmentation_ranges import MILD, Augmentation
from biometric.training.data_splits import DataSplits
from biometric.training.identity_batches import IdentityBatches
from biometric.training.losses import MetricLoss, MetricLossConfig, seed_library
from biometric.training.networks import average_model, embedding_length

EVALUATION_FMR = evaluation.ROBUSTNESS_FMR
"""False match rate at which misses are counted after an epoch."""


@dataclass(frozen=True, slots=True)
class FinetuningConfig:
    """How a network is fine-tuned.

    Attributes:
        people, pictures_per_person: P people and K pictures of each in a batch.
        smoothing: share of each label that is spread over all people, in [0, 1) (arXiv 1512.00567, section 7).
        identity, distance: weights of the classifier's loss and of the metric loss, 0 or more.
        average: decay of the moving average a step, in [0, 1).
        epochs: number of epochs.
        evaluate_every: epochs between evaluations; the last epoch is always evaluated.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    people: int = 16
    pictures_per_person: int = 4
    metric: MetricLossConfig = field(default_factory=MetricLossConfig)
    smoothing: float = 0.1
    identity: float = 1.0
    distance: float = 1.0
    average: float = 0.998
    epochs: int = 60
    evaluate_every: int = 5
    seed: int = 0
    workers: int = 0
    strength: Augmentation = MILD

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1 or not 0 <= self.average < 1:
            raise InvalidSetting("Label smoothing and the decay of the moving average are in [0, 1).")
        if min(self.identity, self.distance) < 0 or self.identity + self.distance == 0:
            raise InvalidSetting("The weights of the two losses are 0 or more, and one of them is above 0.")
        if self.evaluate_every < 1:
            raise InvalidSetting("--evaluate-every must be 1 or more.")
        if self.seed < 0 or self.workers < 0:
            raise InvalidSetting("--seed and --workers must be 0 or more.")


class FinetuningHead(nn.Module):
    """Modules that only training needs: a BNNeck where the network has none, and a classifier of the people.

    Both are as in "bag of tricks": neither the neck nor the classifier learns an offset, so that only directions count.
    """

    def __init__(self, network: nn.Module, people: int) -> None:
        super().__init__()
        length = embedding_length(network)
        self.neck = nn.Identity() if has_neck(network) else nn.BatchNorm1d(length)
        neck = network.bottleneck if has_neck(network) else self.neck
        neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(length, people, bias=False)
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


class _WithNeck(Protocol):
    """What a network with a BNNeck of its own offers besides `forward`, as `architectures.ResNet50BNNeck` does."""

    bottleneck: nn.BatchNorm1d

    def feature(self, batch: Tensor) -> Tensor: ...


def has_neck(network: nn.Module) -> TypeGuard[_WithNeck]:
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

    def __init__(self, network: nn.Module, splits: DataSplits, config: FinetuningConfig) -> None:
        training = splits.training
        self._identity_batches = IdentityBatches(training.identities, config.people, config.pictures_per_person)
        self.network = network.to(memory_format=torch.channels_last)
        self.head = FinetuningHead(network, len(training.people))
        # An embedding without a neck is compared by cosine later, so the loss compares directions, too. Before a neck,
        # "bag of tricks" compares points by their distance.
        normalised = not has_neck(network)
        self.metric = MetricLoss(config.metric, len(training.people), embedding_length(network), normalised)
        self.average = average_model(self.network, config.average)
        self._splits, self._config = splits, config
        self._pictures = _ProcessPictures(training.sources)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network and its moving average, and the modules that serve training only."""
        return {"network": self.network, "average": self.average, "head": self.head, "metric": self.metric}

    def steps(self) -> int:
        """Batches an epoch."""
        return self._identity_batches.steps

    def batches(self, epoch: int, first: int = 0) -> Iterable[Any]:
        """(input, person) of each batch from number `first` on."""
        config = self._config
        for module in (self.network, self.head, self.metric):
            module.train()
        seed_library(config.seed, epoch)
        chosen = np.concatenate(self._identity_batches.batches(config.seed, epoch))

        def make(number: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
            return self._sample(int(chosen[number]), draw)

        samples = augmentation.EpochSamples(make, len(chosen), config.seed, epoch)
        batches = np.arange(len(chosen)).reshape(self.steps(), -1).tolist()
        return augmentation.load_batches(samples, batches[first:], config.workers)

    def _sample(self, picture: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        form, strength = self._config.form, self._config.strength
        image = augmentation.change_geometry(self._pictures.load(picture), strength, draw, (form.height, form.width))
        image = augmentation.change_appearance(image, strength, draw)
        return augmentation.network_input(image, form), torch.tensor(int(self._splits.training.identities[picture]))

    def loss(self, batch: Any) -> Tensor:
        """The classifier's cross-entropy and the metric loss, weighted; in float32 also under mixed precision."""
        config, device = self._config, self._device()
        pixels, person = (tensor.to(device, non_blocking=True) for tensor in batch)
        feature, logits = self.head(self.network, pixels.contiguous(memory_format=torch.channels_last))
        with torch.autocast(device.type, enabled=False):
            identity_loss = functional.cross_entropy(logits, person, label_smoothing=config.smoothing)
            loss: Tensor = config.identity * identity_loss + config.distance * self.metric(feature, person)
            return loss

    def on_step_end(self, epoch: int) -> None:
        """Update the moving average."""
        self.average.update_parameters(self.network)

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        """Rank-1, mAP and FNMR at FMR 1e-2 of the average, every few epochs and at the end.

        Raises:
            LossNotFinite: the network no longer gives usable embeddings.
        """
        if (epoch + 1) % self._config.evaluate_every and epoch + 1 < self._config.epochs:
            return {}
        dataset, seed = self._splits.test, self._config.seed
        try:
            vectors = finish(evaluation.embed_pictures(dataset, self.embedder(), None, seed))
        except UnsupportedModel as error:
            raise LossNotFinite(
                "The network gives embeddings that are zero or not finite, although its loss is finite. The "
                "state after "
                "the last whole epoch is kept. Train again with a lower --rate or a longer --warmup."
            ) from error
        trial = evaluation.make_trial(dataset, vectors, vectors)
        ranking = protocols.measure_ranking(trial, seed, dataset.single_shot)
        misses = protocols.measure_verification(trial, {}, seed).at(EVALUATION_FMR).fnmr
        return {
            "rank1": ranking.ranks[1].value,
            "mAP": ranking.mean_average_precision.value,
            f"FNMR at FMR {EVALUATION_FMR:g}": misses.value,
        }

    def measure(self) -> Generator[Progress, None, evaluation.Evaluation]:
        """Measure the average on the test people, with intervals, as `python -m biometric evaluate` does."""
        plan = evaluation.Plan(self._splits.test, {}, seed=self._config.seed)
        return evaluation.evaluate(plan, self.embedder())

    def embedder(self) -> Embedder:
        """The average, run as the application runs networks."""
        return build_network_embedder(
            self.average.module, self._config.form, "the trained network", str(self._device())
        )

    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device


class _ProcessPictures:
    """Opens pictures; every process opens its own files, as HDF5 files must not be shared by processes."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._process, self._pictures = os.getpid(), DatasetImages()

    def load(self, index: int) -> Image:
        """Picture `index`, (h, w, 3) uint8 BGR."""
        if self._process != os.getpid():
            self._process, self._pictures = os.getpid(), DatasetImages()
        return self._pictures.load(self._sources[index])
