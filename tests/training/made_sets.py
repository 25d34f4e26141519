"""Crops without models: two people walk through made-up clips, and stores are filled from them."""

from pathlib import Path

import numpy as np

from biometric.domain.selection import Rules
from biometric.entities import Image
from biometric.entities.progress import finish
from biometric.training.crops.crop_folders import FolderWriter
from biometric.training.crops.crop_lmdb import LmdbWriter
from biometric.training.crops.crop_records import Crops, CropWriter, read_picture
from biometric.training.crops.crop_sources import CropSource
from biometric.training.crops.cutting import CropTools, Wanted
from biometric.training.crops.making import Job, Summary, make
from tests.fakes import ColumnTracker, FakeDetector, FakeReader, video_info

FRAMES = 30
LEFT, RIGHT = (110.0, 100.0, 190.0, 300.0), (410.0, 100.0, 490.0, 300.0)
SCRIPT = {index: [(LEFT, 0.9), (RIGHT, 0.8)] for index in range(FRAMES)}
WANTED = Wanted(Rules(), min_sharpness=0.0, every=5)
WRITERS = {"folders": FolderWriter, "lmdb": LmdbWriter}


def tools(
    script: dict[int, list[tuple[tuple[float, float, float, float], float]]] | None = None, **clip: object
) -> CropTools:
    """Adapters for clips of 30 frames in which two people stand, or as told."""
    detector = FakeDetector(SCRIPT if script is None else script)
    info = video_info(**{"frame_count": FRAMES, **clip})
    return CropTools(FakeReader(info), lambda: detector, ColumnTracker, lambda image: float(image.mean()), read_picture)


def clips(folder: Path, count: int = 3) -> list[CropSource]:
    """Files that the fake reader takes for clips."""
    folder.mkdir(exist_ok=True)
    found = []
    for number in range(count):
        path = folder / f"clip{number}.mp4"
        path.write_bytes(b"clip" * (number + 1))
        found.append(CropSource(f"clip{number}", path))
    return found


def writer(store: str, run: Path) -> CropWriter:
    """A store of either kind in a run's folder."""
    run.mkdir(exist_ok=True)
    return WRITERS[store](run)


def fill(
    store: str, run: Path, sources: list[CropSource], using: CropTools | None = None, wanted: Wanted = WANTED
) -> Summary:
    """NewCrop all sources into a store and complete it."""
    made = writer(store, run)
    try:
        summary = finish(make(Job(sources, wanted), using or tools(), made))
        made.complete()
    finally:
        made.close()
    return summary


def listing(crops: Crops) -> list[tuple[str, str, int | None, tuple[int, ...], int]]:
    """All that a set says of its crops: video, name, track, shape, mean grey level."""
    found = []
    for index in range(len(crops)):
        image = crops.load(index)
        found.append(
            (crops.video(index), crops.name(index), crops.track(index), image.shape, round(float(image.mean())))
        )
    return found


def picture(seed: int, height: int = 128, width: int = 64) -> Image:
    """Blocks of random colours, (height, width, 3) uint8 BGR: JPEG blurs neighbouring pixels, blocks stay."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((16, 16, 1), np.uint8))
