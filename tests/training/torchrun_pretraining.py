"""Run by torchrun: pre-train in this process of several, and leave what it learnt as `RUN/rank.pt`."""

import sys
from pathlib import Path

import torch

from biometric.entities.progress import finish
from biometric.training import distributed
from biometric.training.loop import fit, save_state
from biometric.training.pretraining import Pretraining
from biometric.training.runs import RunFolder
from biometric.training.schedule import Plan
from tests.training.made_crops import Small, Walkers, recipe


def learn(folder: Path) -> None:
    """Two epochs with batches that all processes share."""
    torch.set_num_threads(1)
    where = distributed.place()
    with distributed.joined(where, "cpu"):
        made = Pretraining(Small(), Walkers(), recipe(), where)
        with RunFolder(folder, "pretrain", {}, quiet=not where.first) as run:
            finish(fit(made, run, Plan(epochs=2, rate=0.05, optimizer="sgd")))
        state = {name: module.state_dict() for name, module in made.modules.items()}
        save_state({"modules": state}, folder / f"{where.rank}.pt")


if __name__ == "__main__":
    learn(Path(sys.argv[1]))
