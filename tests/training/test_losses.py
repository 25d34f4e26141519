"""Losses and miners by the library's names: each one runs, learns, and mistakes are told before training."""

import inspect

import pytest
import torch
from pytorch_metric_learning import losses as library_losses
from pytorch_metric_learning import miners as library_miners

from biometric.errors import InvalidSetting, LibraryMissing
from biometric.training.losses import LOSSES, MINERS, MetricLoss, MetricLossConfig, seed_library

LABELS = torch.arange(4).repeat_interleave(3)


def features(seed: int = 0) -> torch.Tensor:
    return torch.randn(12, 16, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_can_be_learnt_from(name: str) -> None:
    made = MetricLoss(MetricLossConfig(name), people=4, dimension=16, normalised=True)
    found = features()
    value = made(found, LABELS)
    value.backward()
    assert torch.isfinite(value)
    assert value.ndim == 0
    assert found.grad is not None
    assert torch.isfinite(found.grad).all()
    assert found.grad.abs().sum() > 0


@pytest.mark.parametrize("name", [*MINERS, "none"])
def test_each_miner_serves_the_triplet_loss(name: str) -> None:
    torch.manual_seed(0)
    seed_library(0, 0)
    made = MetricLoss(MetricLossConfig(miner=name), people=4, dimension=16, normalised=False)
    assert torch.isfinite(made(features(), LABELS))


def test_the_names_are_the_librarys() -> None:
    assert all(inspect.isclass(getattr(library_losses, name)) for name in LOSSES)
    assert all(inspect.isclass(getattr(library_miners, name)) for name in MINERS)


@pytest.mark.parametrize("normalised", [True, False])
def test_the_default_is_the_batch_hard_triplet_loss(normalised: bool) -> None:
    found = features()
    points = torch.nn.functional.normalize(found) if normalised else found
    distance = torch.cdist(points, points)
    same = LABELS[:, None] == LABELS
    hardest = distance.where(same, torch.tensor(-1.0)).amax(1) - distance.where(~same, torch.tensor(1e9)).amin(1)
    violations = torch.relu(hardest + 0.3)
    expected = violations[violations > 0].mean()
    made = MetricLoss(MetricLossConfig(), people=4, dimension=16, normalised=normalised)
    assert float(made(found, LABELS).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_the_margin_is_the_losss() -> None:
    assert MetricLoss(MetricLossConfig(margin=0.7), 4, 16, True).loss.margin == 0.7
    assert MetricLoss(MetricLossConfig("ContrastiveLoss"), 4, 16, True).loss.pos_margin == 0
    with pytest.raises(InvalidSetting, match="NTXentLoss has no margin"):
        MetricLoss(MetricLossConfig("NTXentLoss", margin=0.1), 4, 16, True)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match=r"no loss 'Triplet'.*TripletMarginLoss"):
        MetricLossConfig("Triplet")
    with pytest.raises(InvalidSetting, match=r"no miner 'hard'.*BatchHardMiner"):
        MetricLossConfig(miner="hard")


def test_a_loss_that_takes_no_miner_says_so_before_training() -> None:
    with pytest.raises(InvalidSetting, match="PNPLoss cannot be used with the miner BatchHardMiner"):
        MetricLoss(MetricLossConfig("PNPLoss", "BatchHardMiner"), 4, 16, True)


def test_proxies_are_learnt_too() -> None:
    made = MetricLoss(MetricLossConfig("ProxyAnchorLoss"), people=4, dimension=16, normalised=True)
    assert [tuple(value.shape) for value in made.parameters()] == [(4, 16)]


def test_draws_of_the_library_follow_seed_and_epoch() -> None:
    from pytorch_metric_learning.utils import common_functions

    def drawn(seed: int, epoch: int) -> list[int]:
        seed_library(seed, epoch)
        return list(common_functions.safe_random_choice(list(range(100)), 20))

    assert drawn(3, 1) == drawn(3, 1)
    assert drawn(3, 1) != drawn(3, 2)
    assert drawn(3, 1) != drawn(4, 1)


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(LibraryMissing, match=r"requirements-train\.txt"):
        MetricLoss(MetricLossConfig(), 4, 16, True)
