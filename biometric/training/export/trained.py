"""Reads what a run left behind: which network, with which weights, for which input, and pictures to try it on."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from biometric.entities import Image
from biometric.errors import BiometricError, InvalidSetting, RunConflict, WeightsCorrupt
from biometric.models.cards import IMAGENET, InputFormat
from biometric.models.embedding import resize
from biometric.training.networks import backbone, exact

EMBEDDERS = ("distill", "finetune", "pretrain")
DETECTORS = ("detector",)
BEST = Path("yolo") / "weights" / "best.pt"
"""Where a detector's run keeps the checkpoint of its best epoch."""

_PICTURES = 24


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """A run as its folder tells it.

    Attributes:
        settings: what was asked, by option.
        card: lines of the run's card; () while the run has not ended.
        command: what made it.
    """

    folder: Path
    kind: str
    settings: Mapping[str, Any]
    card: tuple[str, ...]
    command: str

    @property
    def ended(self) -> bool:
        """Whether the run came to its end; before, its state after the last whole epoch is exported."""
        return bool(self.card)

    @property
    def architecture(self) -> str:
        """The network's name. Raises `RunConflict` where the settings do not say it."""
        found = self.settings.get("student", self.settings.get("architecture"))
        if not isinstance(found, str):
            raise RunConflict(f"{self.folder / 'config.json'} does not say which network was trained. Train it again.")
        return found


def read_run(folder: Path) -> TrainedRun:
    """Read a run of a network.

    Raises:
        RunConflict: no run is there, or its config cannot be read, or nothing was trained yet.
        InvalidSetting: a run of another kind, such as of crops.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise RunConflict(f"{folder} holds no run. Name the folder that `train distill`, `finetune`, … was given.")
    try:
        config = json.loads(file.read_text("utf-8"))
        kind, settings = str(config["kind"]), dict(config["settings"])
        command = str(config.get("command", ""))
        card_file = folder / "card.md"
        card = tuple(card_file.read_text("utf-8").splitlines()) if card_file.is_file() else ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunConflict(f"The run in {folder} cannot be read: {error}. Restore it, or train again.") from error
    if kind not in EMBEDDERS + DETECTORS:
        known = ", ".join(EMBEDDERS + DETECTORS)
        raise InvalidSetting(f"{folder} holds a run of the kind {kind}, which trains nothing. Exported are: {known}.")
    weights = BEST if kind in DETECTORS else Path("checkpoint.pt")
    if not (folder / weights).is_file():
        raise RunConflict(
            f"{folder} has no {weights} yet: no epoch was finished. Go on with the run by --resume, then export it."
        )
    return TrainedRun(folder, kind, settings, card, command)


def trained_network(run: TrainedRun) -> nn.Module:
    """The network of an embedder's run with its weights, the moving average where there is one; in evaluation mode.

    Raises:
        RunConflict: the checkpoint cannot be read.
        WeightsCorrupt, UnsupportedModel: it holds no network, or another one than the settings say.
    """
    network = backbone(run.architecture)
    path = run.folder / "checkpoint.pt"
    try:
        exact(network, path)
    except RuntimeError as error:  # what torch says of weights that do not fit a network of timm
        raise WeightsCorrupt(f"The weights of {path} do not fit {run.architecture}. Train it again.") from error
    network.eval().requires_grad_(False)
    return network


def input_of(run: TrainedRun) -> InputFormat:
    """How crops were prepared: the sizes of the run's settings, ImageNet's colours. Raises `RunConflict`."""
    try:
        return replace(IMAGENET, height=int(run.settings["height"]), width=int(run.settings["width"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunConflict(
            f"{run.folder / 'config.json'} does not say which size of crops the network learnt from. Train again."
        ) from error


def trial_pictures(run: TrainedRun) -> tuple[list[Image], str]:
    """Pictures, (h, w, 3) uint8 BGR, and words on them: some of the run's data if they are still there, else drawn."""
    found: list[Image] = []
    with suppress(BiometricError, OSError, KeyError, TypeError):
        found = _own_pictures(run)
    if found:
        return found, f"{len(found)} pictures of the run's data"
    drawn = drawn_pictures()
    return drawn, f"{len(drawn)} drawn pictures (the run's data are not here)"


def _own_pictures(run: TrainedRun) -> list[Image]:
    settings = run.settings
    if run.kind == "detector":
        from biometric.training.crops.pictures import read

        paths = sorted(path for path in (_path(settings["data"]) / "images" / "val").rglob("*") if path.is_file())
        return [read(paths[index]) for index in _spread(len(paths), _PICTURES // 3)]
    if run.kind == "finetune":
        return _labelled(settings)
    from biometric.training.crops.store import open_crops

    named = settings.get("held_back") or settings["crops"]
    crops = open_crops(_path(named[0] if isinstance(named, list) else named))
    return [crops.load(index) for index in _spread(len(crops), _PICTURES)]


def _labelled(settings: Mapping[str, Any]) -> list[Image]:
    from biometric.evaluation.datasets import read
    from biometric.evaluation.pictures import Pictures

    sources = read(settings["dataset"], _path(settings["folder"]), settings.get("protocol")).sources
    with Pictures() as pictures:
        return [pictures.load(sources[index]) for index in _spread(len(sources), _PICTURES)]


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` numbers below `count`, evenly spread."""
    return sorted(set(np.linspace(0, count - 1, wanted).astype(int).tolist())) if count else []


def drawn_pictures(count: int = 12, height: int = 256, width: int = 128) -> list[Image]:
    """Pictures with contrast in the large and in the small: patches of colour under noise, the same ones always."""
    pictures = []
    for number in range(count):
        draw = np.random.default_rng((count, number))
        patches = resize(draw.integers(0, 256, (2 + number, 2 + number // 2, 3), dtype=np.uint8), height, width)
        noise = draw.integers(-60, 61, (height, width, 3))
        pictures.append(np.clip(patches.astype(int) + noise, 0, 255).astype(np.uint8))
    return pictures
