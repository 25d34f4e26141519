"""Run by torchrun: pre-train in this process of several, and leave what it learnt as `RUN/rank.pt`."""

import sys
from pathlib import Path

import torch

from biometric.entities.progress import finish
from biometric.training import distributed
from biometric.training.checkpoints import save_state
from biometric.training.loop import fit_network
from biometric.training.pretraining import Pretraining
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan
from tests.training.made_crops import Small, Walkers, config


def learn(folder: Path) -> None:
    """Two epochs with batches that all processes share."""
    torch.set_num_threads(1)
    rank = distributed.process_rank()
    with distributed.process_group(rank, "cpu"):
        made = Pretraining(Small(), Walkers(), config(), rank)
        with RunFolder(folder, "pretrain", {}, quiet=not rank.first) as run:
            finish(fit_network(made, run, TrainingPlan(epochs=2, rate=0.05, optimizer="sgd")))
        state = {name: module.state_dict() for name, module in made.modules.items()}
        save_state({"modules": state}, folder / f"{rank.rank}.pt")


if __name__ == "__main__":
    learn(Path(sys.argv[1]))
