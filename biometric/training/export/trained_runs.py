"""Reads a run's folder: the network, its weights, its input, and pictures to compare exported files on."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from biometric.entities import Image
from biometric.entities.model_cards import IMAGENET, RAW_BGR, InputFormat
from biometric.errors import BiometricError, InvalidSetting, RunConflict, WeightsCorrupt
from biometric.models.cards import canonical_architecture
from biometric.models.embedding import resize
from biometric.training.networks import build_network, load_exact_weights, run_weights

EMBEDDERS = ("distill", "finetune", "pretrain")
DETECTORS = ("detector",)
BEST = Path("yolo") / "weights" / "best.pt"
"""Where a detector's run keeps the checkpoint of its best epoch."""

COLOURS = {"imagenet": IMAGENET, "raw": RAW_BGR}
"""How pixels are prepared, by the name in a run's settings: RGB of ImageNet's mean and deviation, or BGR of 0…255."""

_PICTURES = 24


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """A run as its folder describes it.

    Attributes:
        settings: the options of the run, by name.
        card: lines of the run's card; () while the run has not ended.
        command: the command that started it.
    """

    folder: Path
    kind: str
    settings: Mapping[str, Any]
    card: tuple[str, ...]
    command: str

    @property
    def ended(self) -> bool:
        """Whether the run has ended; before, its latest state or the best so far is exported."""
        return bool(self.card)

    @property
    def architecture(self) -> str:
        """The network's name. Raises `RunConflict` where the settings do not say it."""
        name = self.settings.get("student", self.settings.get("architecture"))
        if not isinstance(name, str):
            raise RunConflict(f"{self.folder / 'config.json'} does not say which network was trained. Train it again.")
        return canonical_architecture(name)


def read_run(folder: Path) -> TrainedRun:
    """Read a run of a network.

    Raises:
        RunConflict: there is no run, or its config cannot be read, or no epoch was finished.
        InvalidSetting: a run of another kind, such as of crops.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise RunConflict(
            f"{folder} does not hold a run. Name the folder that `train distill`, `finetune`, … was given."
        )
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
        raise InvalidSetting(
            f"{folder} holds a run of the kind {kind}, which cannot be exported. Kinds that can: {known}."
        )
    weights = BEST if kind in DETECTORS else run_weights(folder).relative_to(folder)
    if not (folder / weights).is_file():
        raise RunConflict(
            f"{folder} has no {weights} yet: nothing was saved. Continue the run with --resume, then export it."
        )
    return TrainedRun(folder, kind, settings, card, command)


def trained_network(run: TrainedRun) -> nn.Module:
    """The network of an embedder's run with its weights, the moving average where there is one; in evaluation mode.

    Raises:
        RunConflict: the checkpoint cannot be read.
        WeightsCorrupt, UnsupportedModel: it holds no network, or another one than the settings say.
    """
    network = build_network(run.architecture)
    path = run_weights(run.folder)
    try:
        load_exact_weights(network, path)
    except RuntimeError as error:  # torch's error for weights that do not fit a network of timm
        raise WeightsCorrupt(f"The weights of {path} do not fit {run.architecture}. Train it again.") from error
    network.eval().requires_grad_(False)
    return network


def input_of(run: TrainedRun) -> InputFormat:
    """How crops were prepared: size and colours of the run's settings. Raises `RunConflict`."""
    settings = run.settings
    try:
        return replace(
            COLOURS[settings.get("colours", "imagenet")], height=int(settings["height"]), width=int(settings["width"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunConflict(
            f"{run.folder / 'config.json'} does not say which size of crops the network was trained with. Train again."
        ) from error


def trial_pictures(run: TrainedRun) -> tuple[list[Image], str]:
    """Pictures, (h, w, 3) uint8 BGR, and which they are: some of the run's data if they still exist, else drawn
    ones."""
    pictures: list[Image] = []
    with suppress(BiometricError, OSError, KeyError, TypeError):
        pictures = _own_pictures(run)
    if pictures:
        return pictures, f"{len(pictures)} pictures of the run's data"
    drawn = drawn_pictures()
    return drawn, f"{len(drawn)} drawn pictures (the run's data were not found)"


def _own_pictures(run: TrainedRun) -> list[Image]:
    settings = run.settings
    if run.kind == "detector":
        from biometric.training.crops.crop_records import read_picture

        paths = sorted(path for path in (_path(settings["data"]) / "images" / "val").rglob("*") if path.is_file())
        return [read_picture(paths[index]) for index in _evenly_spread(len(paths), _PICTURES // 3)]
    if run.kind == "finetune":
        return _labelled(settings)
    from biometric.training.crops.crop_sets import open_crops

    named = settings.get("held_back") or settings["crops"]
    crops = open_crops(_path(named[0] if isinstance(named, list) else named))
    return [crops.load(index) for index in _evenly_spread(len(crops), _PICTURES)]


def _labelled(settings: Mapping[str, Any]) -> list[Image]:
    from biometric.evaluation.dataset_images import DatasetImages
    from biometric.evaluation.datasets import read

    sources = read(settings["dataset"], _path(settings["folder"]), settings.get("protocol")).sources
    with DatasetImages() as pictures:
        return [pictures.load(sources[index]) for index in _evenly_spread(len(sources), _PICTURES)]


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _evenly_spread(count: int, limit: int) -> list[int]:
    """At most `limit` numbers below `count`, evenly spread."""
    return sorted(set(np.linspace(0, count - 1, limit).astype(int).tolist())) if count else []


def drawn_pictures(count: int = 12, height: int = 256, width: int = 128) -> list[Image]:
    """Pictures with coarse and fine contrast: patches of colour under noise; always the same ones."""
    pictures = []
    for number in range(count):
        draw = np.random.default_rng((count, number))
        patches = resize(draw.integers(0, 256, (2 + number, 2 + number // 2, 3), dtype=np.uint8), height, width)
        noise = draw.integers(-60, 61, (height, width, 3))
        pictures.append(np.clip(patches.astype(int) + noise, 0, 255).astype(np.uint8))
    return pictures
