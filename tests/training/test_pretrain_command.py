"""`train pretrain` from crops to a card, in one process and in two."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from biometric.cli import main
from biometric.training.networks import read_weights
from tests.conftest import PROJECT
from tests.training.made_crops import Walkers, store

ARCHITECTURE = "osnet_x0_25"


def words(crops: Path, run: Path, *more: str) -> list[str]:
    sizes = ["--height", "32", "--width", "16", "--epochs", "2", "--batch", "8", "--queue", "16", "--groups", "2"]
    how = [
        "--architecture",
        ARCHITECTURE,
        "--momentum",
        "0.9",
        "--dimension",
        "16",
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    return ["train", "pretrain", str(crops), "--run", str(run), *sizes, *how, "--licence", "our own", *more]


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("pretrain") / "crops", Walkers(people=8))


def test_from_crops_to_a_card(crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(words(crops, run)) == 0
    said = capsys.readouterr().out
    assert "of random guessing: 2.833" in said  # ln 17
    assert f"train finetune … --from {run}" in said

    result = json.loads((run / "result.json").read_text())
    assert result["architecture"] == ARCHITECTURE
    assert result["crops"] == 32
    assert result["nearest_neighbours"]["tracks"] == 8
    assert 0 <= result["nearest_neighbours"]["accuracy"] <= 1
    rows = json.loads((run / "metrics.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    card = (run / "card.md").read_text()
    assert "32 unlabelled crops" in card
    assert "licence of the data: our own" in card
    assert "Must not be used" in card
    assert json.loads((run / "config.json").read_text())["settings"]["processes"] == 1

    assert main(words(crops, run)) == 2  # a run is there
    assert main(words(crops, run, "--temperature", "0.3", "--resume")) == 2
    assert "temperature" in capsys.readouterr().err
    before = read_weights(run / "checkpoint.pt")
    assert main(words(crops, run, "--resume", "--json")) == 0  # nothing is left to do
    assert json.loads(capsys.readouterr().out)["loss"] == pytest.approx(result["loss"])
    assert all(torch.equal(value, before[name]) for name, value in read_weights(run / "checkpoint.pt").items())
    assert main(words(crops, tmp_path / "next", "--from", str(run), "--epochs", "1")) == 0


def test_what_cannot_work_leaves_no_folder(crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    for wrong, said in (
        (("--queue", "4096"), "There are 32 crops"),
        (("--queue", "20"), "whole multiple"),
        (("--architecture", "nothing"), "nothing"),
        (("--height", "0"), "--height"),
        (("--from", "nowhere.pt"), "nowhere.pt"),
    ):
        assert main(words(crops, run, *wrong)) == 2
        assert said in capsys.readouterr().err
        assert not run.exists()
    assert main(words(tmp_path / "no-crops", run)) == 2


def test_several_processes_do_not_end_by_the_clock(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert main(words(crops, tmp_path / "run", "--minutes", "1")) == 2
    assert "--minutes works with one process" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_huge_rate_ends_with_the_last_checkpoint(
    crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(crops, tmp_path / "run", "--rate", "1e30", "--warmup", "0")) == 2
    assert "The loss became nan" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_write_one_run(crops: Path, tmp_path: Path) -> None:
    # "--" keeps torchrun from taking --run for one of its own options.
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    run = tmp_path / "run"
    done = subprocess.run(
        [*torchrun, "biometric", *words(crops, run)],
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Loss of the last epoch") == 1  # one of them writes and prints
    assert json.loads((run / "config.json").read_text())["settings"]["processes"] == 2
    assert len(json.loads((run / "metrics.json").read_text())) == 2
    assert main(words(crops, run, "--resume")) == 2  # one process would learn something else
