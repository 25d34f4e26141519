"""Measure detectors and embedders: milliseconds a frame and a crop by batch size, and agreement between devices.

    python -m benchmarks.embedding CLIP [--models FOLDER] [--device cpu|cuda] [--first]

Every embedder of the manifest whose files are there is measured on crops of the clip's people, as the app runs it on
the CPU (OpenVINO) and as torch does. Ways of running that are compared take turns, and the best of nine turns counts,
so that other work on the machine counts little: compare the ratios. `--first` also measures how long the first crop
takes in a new process: in torch, through OpenVINO with an empty cache (a `.safetensors` is converted), and with a full
one.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from biometric.clips.video import PyAVReader
from biometric.entities import Frame, FrameRange, Image
from biometric.entities.model_cards import Card, Format, Role
from biometric.models.embedding import prepare_crops
from biometric.models.loading import load_embedder, load_in_torch
from biometric.models.store import ModelStore
from biometric.models.weights import Weights, WeightStore
from biometric.ports import Detector, Embedder
from biometric.settings import Settings

BATCHES = (1, 8, 16, 64)


def best(run: Callable[[], object], units: int) -> float:
    """Milliseconds a unit, best of three after a first run."""
    times = []
    for _ in range(4):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times[1:]) / units * 1000


def read(clip: Path, count: int) -> list[Frame]:
    """The clip's first frames."""
    return list(itertools.islice(PyAVReader().read(clip, FrameRange(0, count)), count))


def crops_of(frames: list[Frame], detector: Detector) -> list[Image]:
    """Pictures of the people that the detector is sure of."""
    crops = []
    for frame, people in zip(frames, detector.detect(frames), strict=True):
        for person in people:
            x1, y1, x2, y2 = (round(edge) for edge in person.box)
            if person.confidence > 0.5 and x2 - x1 > 8 and y2 - y1 > 16:
                crops.append(frame.image[y1:y2, x1:x2])
    return crops


def in_turns(runs: Sequence[Callable[[], object]], units: int) -> list[float]:
    """Milliseconds a unit of each run, best of nine turns after a first one."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(10):
        for run, own in zip(runs, times, strict=True):
            started = time.perf_counter()
            run()
            own.append(time.perf_counter() - started)
    return [min(own[1:]) / units * 1000 for own in times]


def measure(weights: Weights, crops: list[Image], device: str, cache: Path) -> Embedder:
    """Print one embedder's times and agreement; return it as the app runs it on the CPU."""
    card = weights.card
    assert card.input is not None
    reference = load_embedder(weights, "cpu", cache)
    started = time.perf_counter()
    rebuilt = load_in_torch(weights, device, cache)
    load = time.perf_counter() - started
    sample, form = crops[:64], card.input
    cosine = float((reference.embed(sample) * rebuilt.embed(sample)).sum(axis=1).min())
    print(f"{card.id}: preparing {best(lambda: prepare_crops(sample, form), len(sample)):.2f} ms a crop")
    times = {
        size: in_turns([partial(embedder.embed, crops[:size]) for embedder in (reference, rebuilt)], len(crops[:size]))
        for size in BATCHES
    }
    for number, embedder in enumerate((reference, rebuilt)):
        cells = ", ".join(f"{size}: {own[number]:.1f}" for size, own in times.items())
        print(f"  {embedder.device}, ms a crop by number of crops — {cells}")
    ratios = ", ".join(f"{size}: {own[0] / own[1]:.2f}" for size, own in times.items())
    print(f"  {reference.device} over {rebuilt.device}, ratio of times — {ratios}")
    print(f"  least cosine between the two on {len(sample)} crops: {cosine:.7f} (torch built in {load:.2f} s)")
    return reference


_FIRST = """
import sys, time
started = time.perf_counter()
from pathlib import Path
import numpy as np
from biometric.entities.model_cards import Role
from biometric.models import loading
from biometric.models.weights import WeightStore
from biometric.settings import Settings
name, way, models, cache = sys.argv[1:]
store = WeightStore.of_settings(Settings(models=Path(models) if models else None, offline=True))
chosen = store.choose(Role.EMBEDDER, name)
load = loading.load_in_torch if way == "torch" else loading.load_embedder
load(chosen, "cpu", Path(cache)).embed([np.full((200, 80, 3), 90, np.uint8)])
print(time.perf_counter() - started)
"""


def measure_first(card: Card, models: Path | None, scratch: Path) -> None:
    """Print the seconds to the first crop of a new process, imports and all, best of three."""
    ways = {"torch": [], "OpenVINO, empty cache": [], "OpenVINO, full cache": []}  # type: dict[str, list[float]]
    for turn in range(3):
        for way, times in ways.items():
            command = [sys.executable, "-c", _FIRST, card.id, way, str(models or ""), str(scratch / f"first-{turn}")]
            times.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    print(f"{card.id}, s to the first crop — " + ", ".join(f"{way}: {min(times):.1f}" for way, times in ways.items()))


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--first", action="store_true", help="also the first crop of a new process")
    arguments = parser.parse_args()
    frames = read(arguments.clip, 48)
    settings = Settings.from_environment(models=arguments.models, device=arguments.device, offline=True)
    store = ModelStore(settings)
    detector = store.detector()
    milliseconds = best(lambda: detector.detect(frames), len(frames))
    print(f"{detector.name} on {detector.device}: {milliseconds:.1f} ms a frame of {frames[0].image.shape[1::-1]}")
    crops = crops_of(frames, detector)[: max(BATCHES)]
    weights = WeightStore.of_settings(settings)
    with tempfile.TemporaryDirectory() as scratch:
        measured: dict[str, Embedder] = {}
        for card in weights.cards:
            found = weights.choose(card.role, card.id) if card.role is Role.EMBEDDER else None
            if found is not None and found.present and found.card is card:
                weights.verify(found)
                measured[card.id] = measure(found, crops, arguments.device, Path(scratch))
                if arguments.first and card.format is Format.SAFETENSORS:
                    measure_first(card, arguments.models, Path(scratch))
        recommended = measured.get(weights.recommended(Role.EMBEDDER).id)
        for name, embedder in measured.items() if recommended is not None else ():
            own, other = in_turns([partial(each.embed, crops) for each in (embedder, recommended)], len(crops))
            print(f"{name} over {recommended.model_id}, both through OpenVINO: {own / other:.2f} ({own:.1f} ms a crop)")


if __name__ == "__main__":
    main()
