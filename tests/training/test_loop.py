"""The shared loop on a line that is fitted to points: schedule, checkpoints, restarts, and what can go wrong."""

import errno
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from biometric.entities.progress import finish
from biometric.errors import InvalidSetting, LossNotFinite, OutOfMemory, RunConflict, StorageFull
from biometric.training import loop, schedule
from biometric.training.checkpoints import load_best, load_state, save_state
from biometric.training.loop import fit_network
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan


class Line:
    """A task: y = 3x + 1, in 4 batches of 8; dropout and noise draw from the loop's generator."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.network = nn.Sequential(nn.Linear(1, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
        self.moves = 0
        self.spoil: Any = None

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"network": self.network}

    def steps(self) -> int:
        return 4

    def batches(self, epoch: int, first: int = 0) -> Iterable[Tensor]:
        self.network.train()
        return iter(torch.rand(4, 8, 1, generator=torch.Generator().manual_seed(epoch))[first:])

    def loss(self, batch: Tensor) -> Tensor:
        if self.spoil is not None:
            return self.spoil(self.moves)  # type: ignore[no-any-return]
        return (self.network(batch) - 3 * batch - 1 + 0.01 * torch.randn(8, 1)).square().mean()

    def on_step_end(self, epoch: int) -> None:
        self.moves += 1

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        assert not torch.is_grad_enabled()
        return {"halves": epoch / 2} if epoch % 2 else {}


def plan(**changes: Any) -> TrainingPlan:
    return TrainingPlan(**{"epochs": 4, "rate": 0.01, **changes})


def trained(folder: Path, **changes: Any) -> dict[str, Tensor]:
    with RunFolder(folder, "line", {}, resume=True) as run:
        finish(fit_network(Line(), run, plan(**changes)))
    weights: dict[str, Tensor] = load_state(folder / "checkpoint.pt")["modules"]["network"]
    return weights


def equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_goes_on_where_half_precision_needs_a_scaled_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Line()
    task.evaluate = lambda epoch: {}  # type: ignore[method-assign]
    with RunFolder(tmp_path, "line", {}) as run:
        work = fit_network(task, run, plan(half=True))
        while not next(work).stage.startswith("Epoch 3"):
            pass
        work.close()
    monkeypatch.setattr(loop, "_half", lambda device: torch.float16)
    with RunFolder(tmp_path, "line", {}, resume=True) as run:
        finish(fit_network(task, run, plan(half=True)))
    assert [row["epoch"] for row in run.rows] == [1, 2, 3, 4]
    assert load_state(tmp_path / "checkpoint.pt")["scaler"]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_loss_falls_and_every_epoch_leaves_a_row(tmp_path: Path, optimizer: str) -> None:
    task = Line()
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(task, run, plan(epochs=12, optimizer=optimizer, clip=5.0)))
    assert run.rows[-1]["loss"] < run.rows[0]["loss"] / 2
    assert task.moves == 48
    assert [row["epoch"] for row in run.rows] == list(range(1, 13))
    assert "halves" not in run.rows[0]
    assert run.rows[1]["halves"] == 0.5
    assert all(row["seconds"] >= 0 for row in run.rows)


def test_progress_counts_steps_and_the_time_left(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "line", {}) as run:
        seen = list(fit_network(Line(), run, plan(epochs=2)))
    assert [(each.done, each.total) for each in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)] * 2
    assert seen[0].stage.startswith("Epoch 1 of 2")
    assert seen[-1].seconds_left == pytest.approx(0, abs=1e-6)


class SecondsOfSteps(Line):
    """A line whose every step takes a second of a clock of its own: `monotonic` stands in for `time.monotonic`."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def on_step_end(self, epoch: int) -> None:
        super().on_step_end(epoch)
        self.seconds += 1


def test_a_run_ends_when_its_time_is_up_and_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = SecondsOfSteps()
    for module in (loop, schedule):
        monkeypatch.setattr(module, "time", task)
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(task, run, plan(epochs=100_000, minutes=0.5)))
    assert task.moves == 30  # seven epochs of four steps, and half of the eighth
    assert [row["seconds"] for row in run.rows] == [4.0] * 7 + [2.0]
    assert run.rows[-1]["rate"] < 0.01 * 0.1  # the rate fell with the time
    assert load_state(tmp_path / "checkpoint.pt")["epoch"] == 8
    with RunFolder(tmp_path, "line", {}, resume=True) as run:
        finish(fit_network(task, run, plan(epochs=100_000, minutes=0.5)))
        assert len(run.rows) == 8  # its time is up
    with RunFolder(tmp_path, "line", {}, resume=True) as run:
        finish(fit_network(task, run, plan(epochs=100_000, minutes=0.6)))
        assert len(run.rows) == 10  # six seconds more


@pytest.mark.parametrize("killed_in", [1, 2, 3, 4])
def test_a_killed_run_ends_like_an_unbroken_one(tmp_path: Path, killed_in: int) -> None:
    unbroken = trained(tmp_path / "unbroken")
    with RunFolder(tmp_path / "killed", "line", {}) as run:
        work = fit_network(Line(), run, plan())
        for progress in work:
            if progress.stage.startswith(f"Epoch {killed_in}") and progress.done == 3:
                break
        work.close()
        assert run.checkpoint.is_file() == (killed_in > 1)
    assert equal(trained(tmp_path / "killed"), unbroken)
    with RunFolder(tmp_path / "killed", "line", {}, resume=True) as run:
        assert [row["epoch"] for row in run.rows] == [1, 2, 3, 4]


@pytest.mark.parametrize("stop_at", [(1, 1), (1, 3), (2, 4), (3, 2)])
def test_a_run_killed_within_an_epoch_goes_on_from_there(tmp_path: Path, stop_at: tuple[int, int]) -> None:
    unbroken = trained(tmp_path / "unbroken", keep_every=1e-9)
    rows = RunFolder(tmp_path / "unbroken", "line", {}, resume=True).rows
    with RunFolder(tmp_path / "killed", "line", {}) as run:
        work = fit_network(Line(), run, plan(keep_every=1e-9))
        for progress in work:
            if progress.stage.startswith(f"Epoch {stop_at[0]}") and progress.done == stop_at[1]:
                break
        work.close()
        if stop_at[1] > 1:
            position = load_state(run.checkpoint)  # of the step before: this one was not yet written
            assert (position["epoch"], position["step"]) == (stop_at[0] - 1, stop_at[1] - 1)
    with RunFolder(tmp_path / "killed", "line", {}, resume=True) as run:
        seen = list(fit_network(Line(), run, plan(keep_every=1e-9)))
        assert seen[0].done == max(1, stop_at[1])
        assert [row["loss"] for row in run.rows] == [row["loss"] for row in rows]
    assert equal(load_state(tmp_path / "killed" / "checkpoint.pt")["modules"]["network"], unbroken)


def test_a_checkpoint_within_an_epoch_is_written_after_its_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = SecondsOfSteps()
    for module in (loop, schedule):
        monkeypatch.setattr(module, "time", task)
    positions = []
    with RunFolder(tmp_path, "line", {}) as run:
        for _ in fit_network(task, run, plan(epochs=2, keep_every=2.0)):
            state = load_state(run.checkpoint) if run.checkpoint.is_file() else {}
            positions.append((state.get("epoch"), state.get("step"), state.get("seconds")))
    assert positions == [(None,) * 3, (None,) * 3, (0, 2, 2.0), (0, 2, 2.0), *[(1, 0, 0.0)] * 2, *[(1, 2, 2.0)] * 2]
    assert [row["seconds"] for row in run.rows] == [4.0, 4.0]


class Measured(Line):
    """A line that is said to be as good as a list says: before the first epoch, and after each one."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = list(values)

    def evaluate(self, epoch: int) -> Mapping[str, float]:
        return {"quality": self.values.pop(0)}


@pytest.mark.parametrize(
    ("values", "best"), [((0.1, 0.2, 0.5, 0.3, 0.4), 2), ((0.9, 0.2, 0.5, 0.3, 0.4), 0), ((0.0, 0.1, 0.2, 0.3, 0.4), 4)]
)
def test_the_best_weights_are_kept(tmp_path: Path, values: tuple[float, ...], best: int) -> None:
    task = Measured(*values)
    with RunFolder(tmp_path, "line", {}) as run:
        states = []
        for _ in fit_network(task, run, plan(best_by="quality")):
            states.append(load_state(run.best))
        assert [row["epoch"] for row in run.rows] == [0, 1, 2, 3, 4]
        assert "loss" not in run.rows[0]
        assert load_best(run, task.modules) == best
    kept = load_state(run.best)
    assert (kept["epoch"], kept["value"]) == (best, values[best])
    assert equal(kept["modules"]["network"], task.network.state_dict())
    assert states[0]["epoch"] == 0


def test_the_best_weights_stay_after_a_restart(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(Measured(0.1, 0.9, 0.2), run, plan(epochs=2, best_by="quality")))
    with RunFolder(tmp_path, "line", {}, resume=True) as run:
        finish(fit_network(Measured(0.3, 0.4), run, plan(epochs=4, best_by="quality")))
        assert [row["epoch"] for row in run.rows] == [0, 1, 2, 3, 4]
        assert load_best(run, Measured().modules) == 1


def test_no_best_weights_where_none_are_asked_for(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(Line(), run, plan(epochs=1)))
        assert not run.best.exists()
        assert load_best(run, Line().modules) is None


def test_the_last_measurement_fits_into_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(SecondsOfSteps):
        def evaluate(self, epoch: int) -> Mapping[str, float]:
            self.seconds += 5
            return {"quality": 1.0}

    task = Slow()
    for module in (loop, schedule):
        monkeypatch.setattr(module, "time", task)
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(task, run, plan(epochs=100_000, minutes=1.0, best_by="quality"), started=-7.0))
    assert 45 <= task.seconds + 7 <= 60 - 2 * 5  # the result is measured once more, perhaps more slowly


def test_pretrained_parameters_learn_more_slowly() -> None:
    task = Line()
    groups = loop.build_optimizer(task, plan(slow=("network.0.",), slow_share=0.25)).param_groups
    assert [(group["share"], len(group["params"])) for group in groups] == [(1.0, 1), (1.0, 3), (0.25, 1), (0.25, 1)]
    assert groups[2]["params"][0] is task.network[0].weight


def test_slow_parameters_follow_their_share_of_the_rate(tmp_path: Path) -> None:
    def moved(**changes: Any) -> Tensor:
        task = Line()
        before = task.network[0].weight.detach().clone()
        with RunFolder(tmp_path / str(len(changes)), "line", {}) as run:
            finish(fit_network(task, run, plan(epochs=1, warmup=0, optimizer="sgd", **changes)))
        return (task.network[0].weight.detach() - before).abs().mean()

    assert moved(slow=("network.0.",), slow_share=0.1) < 0.5 * moved()


def test_a_row_without_its_checkpoint_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(Line(), run, plan(epochs=2)))
        run.record({"epoch": 3, "loss": 9.0})  # killed between this row and the checkpoint
    trained(tmp_path)
    with RunFolder(tmp_path, "line", {}, resume=True) as run:
        assert [row["epoch"] for row in run.rows] == [1, 2, 3, 4]
        assert run.rows[2]["loss"] != 9.0


def test_the_seed_decides(tmp_path: Path) -> None:
    one, same, other = (trained(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert equal(one, same)
    assert not equal(one, other)


def test_the_rate_rises_then_follows_a_half_cosine() -> None:
    made = plan(epochs=12, rate=1.0, warmup=2, final=0.1)
    assert made.rate_at(0) == pytest.approx(0.0005)
    assert made.rate_at(1) == pytest.approx(0.5, abs=1e-3)
    assert made.rate_at(2) == 1.0
    assert made.rate_at(7) == pytest.approx(0.1 + 0.9 / 2)
    assert made.rate_at(12) == made.rate_at(99) == pytest.approx(0.1)
    assert plan(warmup=0).rate_at(0) == 0.01
    rates = [made.rate_at(epoch / 10) for epoch in range(20, 121)]
    assert rates == sorted(rates, reverse=True)


def test_weight_decay_pulls_on_weights_only() -> None:
    task = Line()
    weights, others = loop.build_optimizer(task, plan(decay=0.3)).param_groups
    assert (weights["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
    assert {value.ndim for value in weights["params"]} == {2}
    assert {value.ndim for value in others["params"]} == {1}
    task.network[0].requires_grad_(False)
    assert len(loop.build_optimizer(task, plan()).param_groups[0]["params"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"rate": 0.0}, {"rate": math.nan}, {"rate": math.inf}, {"warmup": -1}, {"decay": -1.0}],
)
def test_plans_that_cannot_work_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match="1 or more epochs"):
        plan(**wrong)


def test_an_unknown_optimizer_is_told() -> None:
    with pytest.raises(InvalidSetting, match="'adam'"):
        plan(optimizer="adam")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_keeps_the_last_checkpoint(tmp_path: Path, value: float) -> None:
    task = Line()
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(task, run, plan(epochs=2)))
        before = run.checkpoint.read_bytes()
        task.spoil = lambda moves: torch.tensor(value, requires_grad=True)
        with pytest.raises(LossNotFinite, match=r"is kept in .*checkpoint\.pt"):
            finish(fit_network(task, run, plan(epochs=4)))
        assert run.checkpoint.read_bytes() == before
    assert trained(tmp_path)  # a run with a better batch goes on from there


def test_a_huge_rate_is_told_and_leaves_nothing_that_is_no_number(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path, "line", {}) as run,
        pytest.raises(LossNotFinite, match="No epoch was finished, so nothing is kept"),
    ):
        finish(fit_network(Line(), run, plan(rate=1e30, warmup=0, optimizer="sgd")))
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried …"),
        MemoryError(),
    ],
)
def test_full_memory_names_the_setting(tmp_path: Path, error: Exception) -> None:
    task = Line()

    def full(moves: int) -> Tensor:
        raise error

    task.spoil = full
    with RunFolder(tmp_path, "line", {}) as run, pytest.raises(OutOfMemory, match="Lower --people, choose") as told:
        finish(fit_network(task, run, plan(), "--people"))
    assert told.value.__cause__ is error


def test_full_memory_in_judging_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Line, epoch: int) -> Mapping[str, float]:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Line, "evaluate", full)
    with RunFolder(tmp_path, "line", {}) as run, pytest.raises(OutOfMemory, match="memory of cpu is full"):
        finish(fit_network(Line(), run, plan()))


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    task = Line()

    def wrong(moves: int) -> Tensor:
        raise RuntimeError("shapes do not fit")

    task.spoil = wrong
    with RunFolder(tmp_path, "line", {}) as run, pytest.raises(RuntimeError, match="shapes do not fit"):
        finish(fit_network(task, run, plan()))


def test_half_precision_on_the_cpu(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "line", {}) as run:
        finish(fit_network(Line(), run, plan(epochs=12, half=True)))
        assert run.rows[-1]["loss"] < run.rows[0]["loss"]


def test_a_quiet_process_learns_but_writes_nothing(tmp_path: Path) -> None:
    finish(fit_network(Line(), RunFolder(tmp_path, "line", {}, quiet=True), plan()))
    assert not list(tmp_path.iterdir())


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    trained(tmp_path)
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"no checkpoint"):
        (tmp_path / "checkpoint.pt").write_bytes(damaged)
        with pytest.raises(RunConflict, match="cannot be used"):
            trained(tmp_path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "harmed",)

    torch.save({"modules": {"network": Harm()}}, tmp_path / "checkpoint.pt")
    with pytest.raises(RunConflict, match="cannot be used"):
        trained(tmp_path)
    assert not (tmp_path / "harmed").exists()


def test_a_checkpoint_of_another_network_is_told(tmp_path: Path) -> None:
    trained(tmp_path)

    class Longer(Line):
        @property
        def modules(self) -> Mapping[str, nn.Module]:
            return {"network": self.network, "twin": nn.Linear(1, 1)}

    with (
        RunFolder(tmp_path, "line", {}, resume=True) as run,
        pytest.raises(RunConflict, match="belongs to another kind of run"),
    ):
        finish(fit_network(Longer(), run, plan()))


def test_a_full_disk_is_told_and_the_former_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    save_state({"modules": {}, "epoch": 1}, path)

    def full(state: Any, stream: Any) -> None:
        stream.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageFull, match="the disk is full"):
        save_state({"modules": {}, "epoch": 2}, path)
    monkeypatch.undo()
    assert load_state(path)["epoch"] == 1
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is always full is not here")
def test_torchs_own_error_of_a_full_disk_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = torch.save

    def save_to_full_device(state: object, _: object) -> None:
        with Path("/dev/full").open("wb", buffering=0) as stream:
            save(state, stream)

    monkeypatch.setattr(torch, "save", save_to_full_device)
    with pytest.raises(StorageFull, match="cannot be written"):
        save_state({"modules": {"network": torch.zeros(1_000_000)}}, tmp_path / "checkpoint.pt")
