"""Metric losses and miners of pytorch-metric-learning, by the library's names.

The default is the batch-hard triplet loss (Hermans et al., arXiv 1703.07737) with the margin 0.3 of "bag of tricks"
(Luo et al., arXiv 1903.07071).
"""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from biometric.errors import InvalidSetting, LibraryMissing

TRIPLET, BATCH_HARD, NO_MINER = "TripletMarginLoss", "BatchHardMiner", "none"
TRIPLET_MARGIN = 0.3

WITH_PROXIES = (
    "ArcFaceLoss",
    "CosFaceLoss",
    "NormalizedSoftmaxLoss",
    "ProxyAnchorLoss",
    "ProxyNCALoss",
    "SoftTripleLoss",
    "SubCenterArcFaceLoss",
)
"""Losses with trainable parameters for each person."""
LOSSES = (
    "AngularLoss",
    "CircleLoss",
    "ContrastiveLoss",
    "FastAPLoss",
    "GeneralizedLiftedStructureLoss",
    "InstanceLoss",
    "IntraPairVarianceLoss",
    "LiftedStructureLoss",
    "MarginLoss",
    "MultiSimilarityLoss",
    "NCALoss",
    "NPairsLoss",
    "NTXentLoss",
    "PNPLoss",
    "SignalToNoiseRatioContrastiveLoss",
    "SmoothAPLoss",
    "SupConLoss",
    "ThresholdConsistentMarginLoss",
    TRIPLET,
    "TupletMarginLoss",
    *WITH_PROXIES,
)
"""Losses that need embeddings and labels only. Left out are wrappers around other losses, those with state that a
checkpoint would not keep (DynamicSoftMarginLoss), and those that use deprecated parts of torch or numpy
(HistogramLoss, LargeMarginSoftmaxLoss, SphereFaceLoss)."""
MINERS = (
    "AngularMiner",
    "BatchEasyHardMiner",
    BATCH_HARD,
    "DistanceWeightedMiner",
    "HDCMiner",
    "MultiSimilarityMiner",
    "PairMarginMiner",
    "TripletMarginMiner",
    "UniformHistogramMiner",
)
_TAKE_DISTANCE = {"BatchEasyHardMiner", BATCH_HARD, "TripletMarginMiner"}
"""Miners that are given the distance of the triplet loss."""


@dataclass(frozen=True, slots=True)
class MetricLossConfig:
    """The metric loss and its miner, by the library's names.

    Attributes:
        miner: "none" for none; None: batch-hard for the triplet loss, none for others.
        margin: None: 0.3 for the triplet loss, the library's for others.
    """

    loss: str = TRIPLET
    miner: str | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InvalidSetting(f"There is no loss {self.loss!r}. Known: {', '.join(sorted(LOSSES))}.")
        if self.miner not in (None, NO_MINER, *MINERS):
            raise InvalidSetting(f"There is no miner {self.miner!r}. Known: {NO_MINER}, {', '.join(MINERS)}.")


class MetricLoss(nn.Module):
    """The loss of (N, D) float32 features with (N,) int64 labels; a module, as some losses learn parameters for people.

    Args:
        people: labels are in [0, people).
        normalised: compare directions by the triplet loss, not points (see `finetune.Finetuning`).

    Raises:
        InvalidSetting: the loss has no margin, or loss and miner cannot be combined.
        LibraryMissing: the library is not installed.
    """

    def __init__(self, metric: MetricLossConfig, people: int, dimension: int, normalised: bool) -> None:
        super().__init__()
        library = _library()
        distance = library.distances.LpDistance(normalize_embeddings=normalised)
        kind = getattr(library.losses, metric.loss)
        options: dict[str, Any] = {}
        if metric.loss in WITH_PROXIES:
            options |= {"num_classes": people, "embedding_size": dimension}
        if metric.loss == TRIPLET:
            options |= {"margin": TRIPLET_MARGIN, "distance": distance}
        if metric.margin is not None:
            if "margin" not in inspect.signature(kind.__init__).parameters:
                raise InvalidSetting(f"The loss {metric.loss} has no margin. Leave --margin out.")
            options["margin"] = metric.margin
        self.loss = kind(**options)
        self.miner = self._build_miner(library, metric, distance)
        self._check(metric, people, dimension)

    @staticmethod
    def _build_miner(library: Any, metric: MetricLossConfig, distance: Any) -> Any:
        name = metric.miner
        if name is None:
            name = BATCH_HARD if metric.loss == TRIPLET else NO_MINER
        if name == NO_MINER:
            return None
        takes_distance = metric.loss == TRIPLET and name in _TAKE_DISTANCE
        return getattr(library.miners, name)(**({"distance": distance} if takes_distance else {}))

    def _check(self, metric: MetricLossConfig, people: int, dimension: int) -> None:
        """Check before the training whether the loss accepts what the miner gives."""
        labels = torch.arange(min(people, 4)).repeat_interleave(2)
        features = torch.randn(len(labels), dimension, generator=torch.Generator().manual_seed(0))
        try:
            self(features, labels)
        except (ValueError, TypeError, RuntimeError, AssertionError, IndexError) as error:
            raise InvalidSetting(
                f"The loss {metric.loss} cannot be used with the miner {metric.miner}: {error}. Use --miner none."
            ) from error

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar."""
        picked = () if self.miner is None else (self.miner(features, labels),)
        loss: Tensor = self.loss(features, labels, *picked)
        return loss


def seed_library(seed: int, epoch: int) -> None:
    """Seed the library's random numbers of an epoch, so that a resumed run draws the same."""
    from pytorch_metric_learning.utils import common_functions

    common_functions.NUMPY_RANDOM = np.random.RandomState([seed, epoch])


def _library() -> Any:
    try:
        import pytorch_metric_learning
        from pytorch_metric_learning import distances, losses, miners  # noqa: F401 (become attributes of the package)
    except ImportError as error:
        raise LibraryMissing(
            "Fine-tuning needs the library pytorch-metric-learning: python -m pip install -r requirements-train.txt"
        ) from error
    return pytorch_metric_learning
