"""Runs as trainings leave them, made in a moment: real networks with random weights, real checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from biometric.training.checkpoints import save_state
from biometric.training.networks import average_model, build_network
from biometric.training.runs import RunFolder

ARCHITECTURE = "osnet_x0_25_gdc"
CARD = ["# A small network", "", "Data: drawn crops.", "", "## Measured", "", "- nothing worth telling", ""]
SIZES = {"height": 64, "width": 32}


def network(architecture: str = ARCHITECTURE, seed: int = 1) -> nn.Module:
    """A network whose normalisations have statistics, as after training; in evaluation mode."""
    torch.manual_seed(seed)
    made = build_network(architecture)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return made.eval()


def run(
    folder: Path,
    kind: str = "distill",
    settings: Mapping[str, Any] | None = None,
    modules: Mapping[str, nn.Module] | None = None,
    ended: bool = True,
) -> Path:
    """A run's folder with a checkpoint; the moving average holds `network()`, the network itself something else."""
    name = "student" if kind == "distill" else "architecture"
    settings = {name: ARCHITECTURE, **SIZES, "seed": 0, **(settings or {})}
    with RunFolder(folder, kind, settings) as made:
        kept = modules or {"network": network(seed=2), "average": average_model(network(), 0.9)}
        states = {name: module.state_dict() for name, module in kept.items()}
        save_state({"kind": kind, "epoch": 1, "modules": states, "optimizer": {}, "scaler": {}}, made.checkpoint)
        if ended:
            made.record({"epoch": 1, "loss": 0.5})
            made.finish({"cosine": 0.5}, CARD)
    return folder
