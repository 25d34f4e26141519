"""Crops of drawn people who walk through made-up videos: a crop store without files, or in a folder of pictures."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from biometric.entities import Image
from biometric.entities.model_cards import IMAGENET
from biometric.training.crops.crop_folders import FolderWriter
from biometric.training.crops.crop_records import NewCrop, VideoRecord
from biometric.training.moco import ContrastConfig
from biometric.training.pretraining import PretrainingConfig
from tests.training.made_people import picture

TINY = replace(IMAGENET, height=32, width=16)


class Walkers:
    """store.Crops: `each` crops of each person, who is a track of one video; frames are 30 apart."""

    def __init__(self, people: int = 12, each: int = 4, tracked: bool = True) -> None:
        self._people, self._each, self._tracked = people, each, tracked

    def __len__(self) -> int:
        return self._people * self._each

    def name(self, index: int) -> str:
        return f"{index % self._each * 30:08d}_00.jpg"

    def video(self, index: int) -> str:
        return f"video{index // self._each % 2}"

    def track(self, index: int) -> int | None:
        return index // self._each + 1 if self._tracked else None

    def load(self, index: int) -> Image:
        return picture(index // self._each, 1, index % self._each)


class Small(nn.Module):
    """A network that is trained within a second, with normalisation."""

    feature_dim = 32

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.norm = nn.Conv2d(3, 16, 3, 2, padding=1), nn.BatchNorm2d(16)
        self.last = nn.Linear(16 * 4, 32)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        data = torch.relu(self.norm(self.first(batch)))
        return self.last(torch.nn.functional.adaptive_avg_pool2d(data, (4, 1)).flatten(1))


def config(**changes: object) -> PretrainingConfig:
    """Batches of 8 in 2 groups, a queue of 16 keys."""
    contrast = ContrastConfig(queue=16, temperature=0.2, momentum=0.9, dimension=16, groups=2)
    return PretrainingConfig(
        **{"form": TINY, "contrast": contrast, "batch": 8, "epochs": 3, "probe_every": 2, **changes}
    )  # type: ignore[arg-type]


def store(folder: Path, crops: Walkers) -> Path:
    """A set in folders, as `train crops` writes it."""
    folder.mkdir()
    writer = FolderWriter(folder)
    try:
        for video in sorted({crops.video(index) for index in range(len(crops))}):
            own = [index for index in range(len(crops)) if crops.video(index) == video]
            cuts = [
                NewCrop(int(crops.name(index)[:8]), crops.track(index) or 0, crops.track(index), crops.load(index))
                for index in own
            ]
            writer.begin(video)
            for cut in cuts:
                writer.add(cut)
            places = tuple(sorted((cut.frame, cut.box, cut.track) for cut in cuts))
            writer.finish(VideoRecord(video, f"{video}.mp4", 1, "drawn", 120, len(own), 0.1, {}, places))
        return writer.complete()
    finally:
        writer.close()
