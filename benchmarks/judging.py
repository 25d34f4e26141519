"""What models are judged on: the real clips and photographs of the shared folder, and where people are in them."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.bootstrap import build
from biometric.entities import Detection, Frame, FrameRange, ObservedClip
from biometric.entities.progress import finish
from biometric.models.detection import CONFIDENCE
from biometric.models.store import ModelStore
from biometric.ports import Detector, Embedder
from biometric.service import Sightline
from biometric.settings import Settings

SHARED = Path(os.environ.get("SIGHTLINE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
ONE_BY_ONE, STREET = SHARED / "clips" / "one-by-one.mp4", SHARED / "clips" / "street.mp4"
PHOTOGRAPHS = SHARED / "data" / "people"

STAYS = {"A": (63, 190), "B": (231, 447), "C": (507, 696)}
"""First and last frame in which each person of `ONE_BY_ONE` is in view."""
FRAMES = 740
MARGIN = 15
"""Frames around entering and leaving that count neither as occupied nor as empty: people are cut off in them."""

OCCUPIED = [frame for first, last in STAYS.values() for frame in range(first + MARGIN, last - MARGIN + 1)]
EMPTY = [
    frame
    for frame in range(FRAMES)
    if not any(first - MARGIN <= frame <= last + MARGIN for first, last in STAYS.values())
]


class Remembering:
    """ports.Detector of one clip: runs on each frame once, hands on what the app would see of it."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.seen: dict[int, list[Detection]] = {}

    @property
    def name(self) -> str:
        """Of the detector behind."""
        return self._detector.name

    @property
    def device(self) -> str:
        """Of the detector behind."""
        return self._detector.device

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Each frame's people from the app's least confidence on."""
        new = [frame for frame in frames if frame.index not in self.seen]
        for frame, found in zip(new, self._detector.detect(new), strict=True):
            self.seen[frame.index] = [each for each in found if each.confidence >= CONFIDENCE]
        return [self.seen[frame.index] for frame in frames]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and on what is measured: a folder for temporary files, a device."""

    folder: Path
    device: str

    def settings(self, detector: str | None = None, embedder: str | None = None) -> Settings:
        """The app's settings, offline, with models by card or path."""
        return Settings(
            gallery=self.folder / "gallery",
            query=self.folder / "query",
            library=self.folder / "library",
            temp=self.folder / "temp",
            models=SHARED / "models",
            offline=True,
            device=self.device,
            detector=detector,
            embedder=embedder,
        )

    def service(self, detector: Detector, embedder: Embedder, name: str) -> Sightline:
        """The app with a detector and an embedder (card or path `name`) that are loaded already."""
        settings = self.settings(embedder=name)
        service = build(settings)
        service.models = ModelStore(
            settings,
            load_detector=lambda weights, device, cache: detector,
            load_embedder=lambda weights, device, cache: embedder,
        )
        return service


def observe(service: Sightline, clip: Path, first: int | None = None, last: int | None = None) -> ObservedClip:
    """Observe a clip, or its frames `first` to `last`, to the end."""
    frames = None if first is None or last is None else FrameRange.inclusive(first, last)
    return finish(service.observe(clip, frames))


def quickest(work: Callable[[], object], units: int) -> float:
    """Milliseconds a unit, best of four after a first run, so that other work on the machine counts little."""
    work()
    times = []
    for _ in range(4):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times) / units * 1000
