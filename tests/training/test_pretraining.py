"""Momentum contrast on drawn people: it learns to tell them apart, goes on after a restart, and says what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from biometric.entities.progress import finish
from biometric.errors import DataTooSmall, InvalidSetting, LibraryMissing
from biometric.training import augmentation, distributed, moco, pretraining
from biometric.training.augmentation_ranges import STRONG
from biometric.training.checkpoints import load_state
from biometric.training.distributed import ProcessRank
from biometric.training.loop import fit_network
from biometric.training.moco import ContrastConfig
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan
from tests.conftest import PROJECT
from tests.training import torchrun_pretraining
from tests.training.made_crops import TINY, Small, Walkers, config

PLAN = TrainingPlan(epochs=3, rate=0.05, optimizer="sgd")


def task(crops: Walkers | None = None, **changes: object) -> pretraining.Pretraining:
    return pretraining.Pretraining(Small(), crops or Walkers(), config(**changes))


def same(one: Path, other: Path) -> bool:
    first, second = (load_state(path)["modules"] for path in (one, other))
    assert first.keys() == second.keys() == {"network", "head", "key_network", "key_head", "queue"}
    return all(torch.equal(first[name][key], second[name][key]) for name in first for key in first[name])


def separation(made: pretraining.Pretraining) -> float:
    """How many standard deviations of all scores between views a crop's own two views stand above their mean."""
    made.moco.eval()
    views = [made.make_views(index, np.random.default_rng((9, index))) for index in range(made.crops)]
    with torch.no_grad():
        first, second = (
            torch.nn.functional.normalize(made.network(torch.stack([each[number] for each in views])))
            for number in (0, 1)
        )
    scores = first @ second.T
    return float((scores.diagonal().mean() - scores.mean()) / scores.std())


def test_it_learns_to_tell_people_apart(tmp_path: Path) -> None:
    contrast = ContrastConfig(queue=64, momentum=0.97, dimension=16, groups=2)
    made = task(Walkers(people=160, each=1), contrast=contrast, batch=32, epochs=10)
    before = separation(made)
    with RunFolder(tmp_path, "pretrain", {}) as run:
        finish(fit_network(made, run, TrainingPlan(epochs=10, rate=0.06, optimizer="sgd")))
        assert run.rows[-1]["loss"] < run.rows[1]["loss"] - 0.5  # the queue begins at random, so the second epoch
    assert separation(made) > before + 0.3


def test_it_looks_at_neighbours_now_and_then_and_at_last(tmp_path: Path) -> None:
    made = task()
    with RunFolder(tmp_path, "pretrain", {}) as run:
        finish(fit_network(made, run, PLAN))
        assert ["knn" in row for row in run.rows] == [False, True, True]
        assert run.rows[2]["knn"] == made.probe()["knn"]
    assert made.sample is not None
    assert made.probe()["knn"] > 5 * made.sample.chance  # colours tell drawn people apart from the start


def test_a_killed_run_gives_the_same_weights_as_an_unbroken_one(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "unbroken", "pretrain", {}) as run:
        finish(fit_network(task(), run, PLAN))

    with RunFolder(tmp_path / "killed", "pretrain", {}) as run:
        work = fit_network(task(), run, PLAN)
        for progress in work:
            if progress.stage.startswith("Epoch 3") and progress.done == 2:
                break
        work.close()
    with RunFolder(tmp_path / "killed", "pretrain", {}, resume=True) as run:
        finish(fit_network(task(workers=1), run, PLAN))
        assert [row["epoch"] for row in run.rows] == [1, 2, 3]

    assert same(tmp_path / "unbroken" / "checkpoint.pt", tmp_path / "killed" / "checkpoint.pt")


def test_two_processes_learn_alike_and_what_one_learns(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", torchrun_pretraining.__name__, str(tmp_path / "two")],
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    torchrun_pretraining.learn(tmp_path / "one")

    alone, first, second = (load_state(tmp_path / path)["modules"] for path in ("one/0.pt", "two/0.pt", "two/1.pt"))
    for module, state in alone.items():
        # Statistics of normalisations are each process's own until the next step, which begins with the first's.
        for name in (name for name in state if "running" not in name and "num_batches" not in name):
            assert torch.equal(first[module][name], second[module][name]), name
            # The same crops in the same groups against the same queue; only sums are taken in another order.
            torch.testing.assert_close(first[module][name], state[name], rtol=1e-3, atol=1e-5)


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    for seed in (0, 1):
        with RunFolder(tmp_path / str(seed), "pretrain", {}) as run:
            finish(fit_network(task(seed=seed), run, TrainingPlan(epochs=1, rate=0.05, optimizer="sgd", seed=seed)))
    assert not same(tmp_path / "0" / "checkpoint.pt", tmp_path / "1" / "checkpoint.pt")


def test_keys_wait_in_the_queue_in_order() -> None:
    made = task()
    queue, learning = made.modules["queue"], made.moco
    pixels = torch.randn(24, 3, 32, 16, generator=torch.Generator().manual_seed(2))
    for start in (0, 8):
        learning(pixels[start : start + 8], pixels[start : start + 8])
    assert queue.state_dict()["memory_bank.bank_ptr"].item() == 0  # 16 keys are in: the next batch replaces the first
    before = queue.state_dict()["memory_bank.bank"].clone()
    learning(pixels[16:], pixels[16:])
    after = queue.state_dict()["memory_bank.bank"]
    assert torch.equal(after[8:], before[8:])
    assert not (after[:8] == before[:8]).all(1).any()
    torch.testing.assert_close(after.norm(dim=1), torch.ones(16))


def test_the_key_encoder_follows_slowly_and_learns_nothing_itself() -> None:
    learning = task().moco
    assert not any(value.requires_grad for value in learning.key_network.parameters())
    with torch.no_grad():
        learning.network.last.bias += 1.0
    before = learning.key_network.last.bias.clone()
    learning.update_key_encoder()
    torch.testing.assert_close(learning.key_network.last.bias, before + 0.1)  # momentum 0.9


def test_the_loss_is_the_cross_entropy_of_the_own_key_among_the_queue() -> None:
    learning = task().moco.eval()
    pixels = torch.randn(8, 3, 32, 16, generator=torch.Generator().manual_seed(2))
    queue = learning.states["queue"].state_dict()["memory_bank.bank"].clone()
    with torch.no_grad():
        query = torch.nn.functional.normalize(learning.head(learning.network(pixels)))
        key = torch.nn.functional.normalize(learning.key_head(learning.key_network(pixels)))
        logits = torch.cat([(query * key).sum(1, keepdim=True), query @ queue.T], 1) / 0.2
        expected = torch.nn.functional.cross_entropy(logits, torch.zeros(8, dtype=torch.long))
        torch.testing.assert_close(learning(pixels, pixels), expected)


def test_two_views_of_a_crop_differ_and_are_repeatable() -> None:
    made = task()
    views = [made.make_views(3, np.random.default_rng((0, 0, 3))) for _ in range(2)]
    assert views[0][0].shape == (3, 32, 16)
    assert not torch.equal(*views[0])
    assert torch.equal(views[0][0], views[1][0])
    assert torch.equal(views[0][1], views[1][1])


def test_mixed_precision_learns_as_well(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "pretrain", {}) as run:
        finish(fit_network(task(), run, TrainingPlan(epochs=3, rate=0.05, optimizer="sgd", half=True)))
        assert run.rows[-1]["loss"] < run.rows[0]["loss"] + 0.5
        assert np.isfinite(run.rows[-1]["loss"])


def test_crops_without_tracks_are_learnt_from_without_a_probe(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "pretrain", {}) as run:
        finish(
            fit_network(task(Walkers(tracked=False), epochs=1), run, TrainingPlan(epochs=1, rate=0.05, optimizer="sgd"))
        )
        assert "knn" not in run.rows[0]


def test_too_few_crops_are_told_in_numbers() -> None:
    with pytest.raises(DataTooSmall, match=r"There are 20 crops\. A batch of 8 and a queue of 16 keys need 24 or more"):
        task(Walkers(people=5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 6}, "queue of 16 keys must be a whole multiple of the batch"),
        ({"probe_every": 0}, "--probe-every"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_recipes_that_cannot_work_are_told(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        config(**changes)


def test_batches_that_cannot_be_split_are_told() -> None:
    with pytest.raises(InvalidSetting, match="cannot be split into 8 equal parts"):
        task(contrast=ContrastConfig(queue=16, groups=8))
    uneven = config(contrast=ContrastConfig(queue=24, groups=3), batch=12)
    with pytest.raises(InvalidSetting, match="3 groups cannot be divided among 2 processes"):
        pretraining.Pretraining(Small(), Walkers(), uneven, ProcessRank(0, 2))
    for wrong in ({"queue": 0}, {"temperature": 0.0}, {"momentum": 1.0}, {"groups": 0}):
        with pytest.raises(InvalidSetting):
            ContrastConfig(**wrong)  # type: ignore[arg-type]


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightly.loss", None)
    with pytest.raises(LibraryMissing, match=r"requirements-train\.txt"):
        moco.load_lightly()


def test_lightly_opens_no_connection() -> None:
    """In a process of its own, as it is imported here already."""
    guarded = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'urllib.Request'): raise SystemExit(event)\n"
        "sys.addaudithook(watch)\n"
        "from biometric.training import moco\n"
        "parts = moco.load_lightly()\n"
        "parts.NTXentLoss(0.1, (8, 4)), parts.MoCoProjectionHead(4, 4, 4)\n"
        "print('silent')\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", guarded], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "silent", done.stderr


def test_the_place_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert distributed.process_rank() == ProcessRank(0, 1, 0)
    for name, value in (("RANK", "3"), ("WORLD_SIZE", "4"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    rank = distributed.process_rank()
    assert rank == ProcessRank(3, 4, 1)
    assert not rank.first
    assert distributed.device_of_rank(rank, "cuda") == "cuda:1"
    assert distributed.device_of_rank(rank, "cpu") == "cpu"
    assert distributed.device_of_rank(ProcessRank(), "cuda") == "cuda"
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(InvalidSetting, match="contradict each other"):
        distributed.process_rank()
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(InvalidSetting, match="RANK=first"):
        distributed.process_rank()


def test_people_stay_whole_and_keep_their_colours() -> None:
    crop = Walkers().load(0)
    for number in range(20):
        view = augmentation.change_geometry(
            crop, pretraining.VIEWS, np.random.default_rng(number), (TINY.height, TINY.width)
        )
        assert view.shape == (32, 16, 3)
    assert pretraining.VIEWS.crop <= 0.3
    assert pretraining.VIEWS.colour < STRONG.colour
