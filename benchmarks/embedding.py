"""Measure detectors and embedders: milliseconds a frame and a crop by batch size, and agreement between devices.

    python -m benchmarks.embedding CLIP [--models FOLDER] [--device cpu|cuda]

Every embedder of the manifest whose files are there is measured on crops of the clip's people, as OpenVINO runs it
and as torch does. Times are the best of three runs, so that other work on the machine counts little.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from biometric.clips.video import PyAVReader
from biometric.entities import Frame, FrameRange, Image
from biometric.entities.model_cards import Card, Format, InputFormat, Role
from biometric.models.detection import UltralyticsDetector
from biometric.models.embedding import prepare_crops
from biometric.models.embedding_openvino import OpenVINOEmbedder, convert_to_ir
from biometric.models.embedding_torch import TorchEmbedder
from biometric.models.store import ModelStore
from biometric.models.weights import WeightStore
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


def crops_of(frames: list[Frame], detector: UltralyticsDetector) -> list[Image]:
    """Pictures of the people that the detector is sure of."""
    crops = []
    for frame, people in zip(frames, detector.detect(frames), strict=True):
        for person in people:
            x1, y1, x2, y2 = (round(edge) for edge in person.box)
            if person.confidence > 0.5 and x2 - x1 > 8 and y2 - y1 > 16:
                crops.append(frame.image[y1:y2, x1:x2])
    return crops


def measure(card: Card, path: Path, form: InputFormat, crops: list[Image], device: str, scratch: Path) -> None:
    """Print one embedder's times and agreement."""
    reference = OpenVINOEmbedder(path, form, card.id, card.dimension)
    ir = convert_to_ir(path, scratch / f"{path.stem}.xml") if card.format is Format.ONNX else path
    started = time.perf_counter()
    rebuilt = TorchEmbedder.from_ir(ir, form, card.id, device, card.dimension)
    load = time.perf_counter() - started
    sample = crops[:64]
    cosine = float((reference.embed(sample) * rebuilt.embed(sample)).sum(axis=1).min())
    print(f"{card.id}: preparing {best(lambda: prepare_crops(sample, form), len(sample)):.2f} ms a crop")
    for embedder in (reference, rebuilt):
        times = []
        for size in BATCHES:
            part = crops[:size]
            times.append(f"{size}: {best(lambda e=embedder, p=part: e.embed(p), len(part)):.1f}")  # type: ignore[misc]
        print(f"  {embedder.device}, ms a crop by number of crops — {', '.join(times)}")
    print(f"  least cosine between the two on {len(sample)} crops: {cosine:.7f} (torch built in {load:.2f} s)")


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    frames = read(arguments.clip, 48)
    settings = Settings.from_environment(models=arguments.models, device=arguments.device, offline=True)
    store = ModelStore(settings)
    detector = store.detector()
    assert isinstance(detector, UltralyticsDetector)
    milliseconds = best(lambda: detector.detect(frames), len(frames))
    print(f"{detector.name} on {detector.device}: {milliseconds:.1f} ms a frame of {frames[0].image.shape[1::-1]}")
    crops = crops_of(frames, detector)[: max(BATCHES)]
    weights = WeightStore.of_settings(settings)
    with tempfile.TemporaryDirectory() as scratch:
        for card in weights.cards:
            found = weights.choose(card.role, card.id) if card.role is Role.EMBEDDER else None
            if found is not None and found.present and card.input is not None and card.format is not Format.SAFETENSORS:
                weights.verify(found)
                measure(card, found.main, card.input, crops, arguments.device, Path(scratch))


if __name__ == "__main__":
    main()
