"""Fine-tuning learns people apart whom it was never shown, goes on exactly where it was killed, and stops in words."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from biometric.entities.progress import finish
from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting, LossNotFinite, RunConflict
from biometric.models.architectures import build_architecture
from biometric.training.checkpoints import load_state
from biometric.training.data_splits import DataSplits, read_splits
from biometric.training.finetuning import Finetuning, FinetuningConfig, FinetuningHead
from biometric.training.loop import fit_network, seed_all
from biometric.training.losses import MetricLossConfig
from biometric.training.networks import load_initial_weights
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan
from tests.evaluation.made_datasets import cuhk03
from tests.training.made_people import SMALL, tree

RECIPE = FinetuningConfig(SMALL, people=3, pictures_per_person=2, epochs=3, evaluate_every=1, average=0.9, seed=4)
PLAN = TrainingPlan(epochs=3, rate=2e-3, warmup=0.5, seed=4)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    """Six people to learn from, four to evaluate by, four pictures of each."""
    return read_splits("tree", tree(tmp_path_factory.mktemp("people"), 10, 2), None, 0.4, 1)


class Small(nn.Module):
    """Two convolutions: quick where it does not matter what is learnt."""

    feature_dim = 16

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.fc = nn.Linear(16, 16)

    def forward(self, batch: Tensor) -> Tensor:
        return self.fc(self.layers(batch).mean((2, 3)))


def task(sides: DataSplits, config: FinetuningConfig = RECIPE, architecture: str | None = None) -> Finetuning:
    seed_all(config.seed)
    return Finetuning(Small() if architecture is None else build_architecture(architecture), sides, config)


def trained(
    sides: DataSplits,
    folder: Path,
    config: FinetuningConfig = RECIPE,
    plan: TrainingPlan = PLAN,
    architecture: str | None = None,
) -> tuple[Finetuning, RunFolder]:
    made, run = task(sides, config, architecture), RunFolder(folder, "finetune", {"seed": config.seed})
    finish(fit_network(made, run, plan))
    run.close()
    return made, run


@pytest.mark.parametrize(
    ("architecture", "epochs", "rate"),
    [(None, 10, 1e-2), pytest.param("osnet_x0_25", 20, 2e-3, marks=pytest.mark.slow)],
)
def test_people_never_shown_are_told_apart_better(
    tmp_path: Path, architecture: str | None, epochs: int, rate: float
) -> None:
    grown = read_splits("tree", tree(tmp_path / "people", 16, 3), None, 0.4, 3)
    config = replace(RECIPE, people=5, pictures_per_person=3, epochs=epochs, evaluate_every=epochs)
    before = task(grown, config, architecture).evaluate(epochs - 1)
    _, run = trained(grown, tmp_path / "run", config, replace(PLAN, epochs=epochs, rate=rate), architecture)
    losses = [row["loss"] for row in run.rows]
    assert losses[-1] < 0.8 * losses[0]
    after = run.rows[-1]
    print(before, after)
    assert after["rank1"] > before["rank1"] + 0.2
    assert after["mAP"] > before["mAP"] + 0.1
    assert [row["epoch"] for row in run.rows if "rank1" in row] == [epochs]


@pytest.mark.parametrize("metric", [MetricLossConfig(), MetricLossConfig("ProxyAnchorLoss", "DistanceWeightedMiner")])
def test_a_killed_run_gives_the_numbers_of_an_unbroken_one(
    sides: DataSplits, tmp_path: Path, metric: MetricLossConfig
) -> None:
    config = replace(RECIPE, metric=metric, evaluate_every=2)
    _, whole = trained(sides, tmp_path / "whole", config)
    first = RunFolder(tmp_path / "broken", "finetune", {"seed": 4})
    for progress in (work := fit_network(task(sides, config), first, PLAN)):
        if str(progress).startswith("Epoch 3"):
            break
    work.close()
    first.close()
    assert load_state(first.checkpoint)["epoch"] == 2
    torch.manual_seed(99)  # whatever happened in between
    np.random.seed(99)
    second = RunFolder(tmp_path / "broken", "finetune", {"seed": 4}, resume=True)
    finish(fit_network(task(sides, config), second, PLAN))
    one, other = load_state(whole.checkpoint), load_state(second.checkpoint)
    assert set(one["modules"]) == {"network", "average", "head", "metric"}
    for name, state in one["modules"].items():
        for key, value in state.items():
            assert torch.equal(value, other["modules"][name][key]), (name, key)
    for key, state in one["optimizer"]["state"].items():
        assert torch.equal(state["exp_avg"], other["optimizer"]["state"][key]["exp_avg"])
    second.close()
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in whole.rows]
    assert rows == [{name: value for name, value in row.items() if name != "seconds"} for row in second.rows]


def test_a_run_of_other_settings_is_not_gone_on_with(sides: DataSplits, tmp_path: Path) -> None:
    trained(sides, tmp_path / "run")
    with pytest.raises(RunConflict, match=r"other settings \(seed\)"):
        RunFolder(tmp_path / "run", "finetune", {"seed": 5}, resume=True)
    run = RunFolder(tmp_path / "run", "finetune", {"seed": 4}, resume=True)
    with pytest.raises(RunConflict, match="another kind of run"):
        finish(fit_network(task(sides, replace(RECIPE, metric=MetricLossConfig("ProxyAnchorLoss"))), run, PLAN))
    run.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_p_people_with_k_pictures(sides: DataSplits, workers: int) -> None:
    made = task(sides, replace(RECIPE, workers=workers))
    batches = list(made.batches(0))
    assert len(batches) == made.steps() == 4
    for pixels, person in batches:
        assert (tuple(pixels.shape), pixels.dtype) == ((6, 3, 64, 32), torch.float32)
        assert (person.dtype, len(set(person.tolist()))) == (torch.int64, 3)
        assert len({row.numpy().tobytes() for row in pixels}) == 6
    again = list(task(sides).batches(0))
    assert all(torch.equal(one[0], other[0]) for one, other in zip(batches, again, strict=True))
    assert not torch.equal(batches[0][0], next(iter(made.batches(1)))[0])


def test_pictures_inside_a_mat_file_reach_workers(tmp_path: Path) -> None:
    found = read_splits("cuhk03", cuhk03(tmp_path), "classic-labeled", None, 0)
    assert (len(found.training.people), len(found.test.people)) == (3, 3)
    both = [list(task(found, replace(RECIPE, workers=workers)).batches(0)) for workers in (0, 1)]
    assert all(torch.equal(one[0], other[0]) for one, other in zip(*both, strict=True))


@pytest.mark.parametrize("architecture", ["osnet_x0_25", "resnet50_bnneck"])
def test_the_loss_is_the_sum_of_its_parts(sides: DataSplits, architecture: str) -> None:
    made = task(sides, replace(RECIPE, identity=0.5, distance=2.0), architecture)
    batch = next(iter(made.batches(0)))
    seed_all(0)
    total = made.loss(batch)
    seed_all(0)
    feature, logits = made.head(made.network, batch[0].contiguous(memory_format=torch.channels_last))
    smooth = 0.9 * torch.nn.functional.one_hot(batch[1], 6) + 0.1 / 6
    named = -(smooth * logits.log_softmax(1)).sum(1).mean()
    assert float(total.detach()) == pytest.approx(
        float((0.5 * named + 2.0 * made.metric(feature, batch[1])).detach()), rel=1e-3
    )
    total.backward()
    assert made.head.classifier.weight.grad is not None


def test_a_neck_is_added_where_the_network_has_none() -> None:
    pixels = torch.rand(4, 3, 64, 32)
    osnet = build_architecture("osnet_x0_25").eval()
    head = FinetuningHead(osnet, 5).eval()
    feature, logits = head(osnet, pixels)
    assert torch.equal(feature, osnet(pixels))  # what the app takes is what distances are compared of
    assert logits.shape == (4, 5)
    assert not head.neck.bias.requires_grad
    resnet = build_architecture("resnet50_bnneck").eval()
    resnet.bottleneck.running_mean.fill_(0.5)
    head = FinetuningHead(resnet, 5).eval()
    feature, logits = head(resnet, pixels)
    assert torch.equal(resnet.bottleneck(feature), resnet(pixels))
    assert torch.equal(logits, head.classifier(resnet(pixels)))
    assert not list(head.neck.parameters())
    assert not resnet.bottleneck.bias.requires_grad


def test_what_is_kept_is_the_average_without_the_classifier(sides: DataSplits, tmp_path: Path) -> None:
    made, run = trained(sides, tmp_path / "run", plan=replace(PLAN, epochs=1))
    network = Small().eval()
    load_initial_weights(network, "small", str(run.folder))
    average, last = made.average.module.state_dict(), made.network.state_dict()
    assert all(torch.equal(value, average[name]) for name, value in network.state_dict().items())
    assert not torch.equal(network.fc.weight, last["fc.weight"])


def test_bfloat16_trains_too(sides: DataSplits, tmp_path: Path) -> None:
    _, run = trained(sides, tmp_path / "run", replace(RECIPE, epochs=1), replace(PLAN, epochs=1, half=True))
    assert np.isfinite(run.rows[0]["loss"])


def test_judged_every_few_epochs_and_at_the_end(sides: DataSplits) -> None:
    made = task(sides, replace(RECIPE, epochs=5, evaluate_every=2))
    assert [bool(made.evaluate(epoch)) for epoch in range(5)] == [False, True, False, True, True]
    assert set(made.evaluate(4)) == {"rank1", "mAP", "FNMR at FMR 0.01"}


class Poisoned(Finetuning):
    """Loses its mind in the second epoch."""

    epoch = 0

    def on_step_end(self, epoch: int) -> None:
        super().on_step_end(epoch)
        self.epoch = epoch

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        return super().loss(batch) * (float("nan") if self.epoch == 1 else 1.0)


def test_a_loss_that_is_no_number_keeps_the_last_good_state(sides: DataSplits, tmp_path: Path) -> None:
    made, run = Poisoned(Small(), sides, RECIPE), RunFolder(tmp_path / "run", "finetune", {})
    with pytest.raises(LossNotFinite, match="is kept in"):
        finish(fit_network(made, run, PLAN))
    run.close()
    state = load_state(run.checkpoint)
    assert state["epoch"] == 1
    assert all(value.isfinite().all() for value in state["modules"]["network"].values())


def test_embeddings_that_have_no_direction_end_the_training(sides: DataSplits) -> None:
    made = task(sides)
    with torch.no_grad():
        for value in made.average.module.fc.parameters():
            value.zero_()
    with pytest.raises(LossNotFinite, match="zero or not finite"):
        made.evaluate(0)


def test_too_few_people_for_a_batch(sides: DataSplits) -> None:
    with pytest.raises(DataTooSmall, match=r"P = 7, K = 2\), and there are 6 people .* 24 pictures"):
        task(sides, replace(RECIPE, people=7))


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    found = read_splits("tree", tree(tmp_path, 6, 2), None, None, 0)
    found.training.sources[3].path.write_bytes(b"no picture")
    for workers in (0, 1):
        with pytest.raises(DatasetInvalid) as caught:
            list(task(found, replace(RECIPE, workers=workers)).batches(0))
        assert str(caught.value).startswith(f"{found.training.sources[3].path} is damaged")


def test_pictures_of_any_size_are_learnt_from(tmp_path: Path) -> None:
    found = read_splits("tree", tree(tmp_path, 6, 2), None, None, 0)
    cv2.imwrite(str(found.training.sources[0].path), np.zeros((1, 1, 3), np.uint8))
    cv2.imwrite(str(found.training.sources[1].path), np.zeros((500, 900), np.uint8))
    assert len(list(task(found).batches(0))) == task(found).steps()


@pytest.mark.parametrize(
    "wrong",
    [
        {"smoothing": 1.0},
        {"average": 1.0},
        {"identity": -1.0},
        {"identity": 0.0, "distance": 0.0},
        {"evaluate_every": 0},
        {"seed": -1},
        {"workers": -1},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSetting):
        replace(RECIPE, **wrong)
