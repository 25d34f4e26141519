"""How busy a graphics card is kept: decoding, detector and embedder against the bare networks, and a whole clip.

    python -m benchmarks.gpu                       on the first NVIDIA card, in under three minutes
    python -m benchmarks.gpu --device cpu --quick  the same steps on torch's CPU device, to see that all of it runs

Prints a table and, as the last line, the same as JSON (`--json FILE` also writes it). Exits with 3 where the device is
not there. Needs SIGHTLINE_SHARED (or ../shared, or shared) for clips and weights; OpenVINO, FAISS and matplotlib may be
missing. The boxes and embeddings are compared with those of torch on the processor.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biometric.bootstrap import build
from biometric.clips.hardware_decoding import HardwareDecoding
from biometric.clips.video import PyAVReader
from biometric.entities import Detection, Frame, FrameRange, Image
from biometric.entities.boxes import iou
from biometric.entities.model_cards import RAW_BGR
from biometric.entities.progress import finish
from biometric.models import embedding_torch
from biometric.models.crop_batches import CropBatches
from biometric.models.detection_torch import TorchDetector
from biometric.models.embedding import prepare_crops
from biometric.models.embedding_torch import TorchEmbedder, read_network
from biometric.models.ir_graph import read_ir
from biometric.models.ir_module import GraphModule
from biometric.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
PLACES = (os.environ.get("SIGHTLINE_SHARED") or PROJECT.parent / "shared", PROJECT / "shared")
SHARED = next((Path(place) for place in PLACES if (Path(place) / "clips").is_dir()), Path(PLACES[0]))
NO_DEVICE = 3
"""Exit status where the device is not there."""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        frames, crops: how many, at most.
        seconds: how long each measurement is repeated.
        clip_frames: of the whole clip; None: all.
    """

    frames: int
    crops: int
    seconds: float
    clip_frames: int | None


FULL, QUICK = Scale(96, 2048, 3.0, None), Scale(4, 4, 0.0, 10)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        rate: units a second.
        share: of what `of` names, or None.
        remark: what else is to be said.
    """

    what: str
    rate: float | None
    unit: str
    share: float | None = None
    of: str = ""
    remark: str = ""


@dataclass
class Report:
    """What was measured on which machine."""

    machine: dict[str, Any]
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, rate: float | None, unit: str, **more: Any) -> None:
        """Add a row and show it at once: a run that is cut off still says something."""
        self.rows.append(Row(what, rate, unit, **more))
        print(table_line(self.rows[-1]), flush=True)

    def rate(self, what: str) -> float:
        """The rate of a row that was added."""
        return next(row.rate or 0.0 for row in self.rows if row.what == what)


def table_line(row: Row) -> str:
    """A row as text."""
    rate = "         –" if row.rate is None else f"{row.rate:10,.0f}"
    share = "" if row.share is None else f"{row.share:6.0%} of {row.of}"
    return f"{row.what:<46}{rate} {row.unit:<9}  {share}{'  ' if share and row.remark else ''}{row.remark}".rstrip()


class Bench:
    """The measurements on one device."""

    def __init__(self, device: str, scale: Scale, folder: Path) -> None:
        self.device, self.scale, self.folder = torch.device(device), scale, folder
        self.on_card = self.device.type == "cuda"
        name = torch.cuda.get_device_name(self.device) if self.on_card else "the processor"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.report = Report(
            {"device": name, "cores": cores, "torch": torch.__version__, "python": sys.version.split()[0]}
        )
        self.clip = SHARED / "clips" / "street.mp4"
        self.frames = list(itertools.islice(PyAVReader().read(self.clip, FrameRange(0, scale.frames)), scale.frames))

    def run(self) -> Report:
        """Measure all of it."""
        facts = self.report.machine
        print(f"{facts['device']}, {facts['cores']} processor cores, torch {facts['torch']}\n")
        self.decoding()
        crops = self.detector()
        self.preparing(crops)
        self.embedder("starter", self.starter_network(), crops)
        path = SHARED / "models" / "person-reidentification-retail-0286.xml"
        if path.is_file():
            self.embedder("0286", GraphModule(read_ir(path)), crops)
        self.whole_clip()
        if self.on_card:
            peak = torch.cuda.max_memory_allocated(self.device) / 1e9
            facts["peak_gb"] = round(peak, 2)
            print(f"\nmost memory of the card in use: {peak:.1f} GB")
        return self.report

    def per_second(self, work: Callable[[], object], units: int) -> float:
        """Units a second: the best run of `seconds` after a first one; of the only one where they are 0."""
        if self.scale.seconds > 0:
            work()
        best, end = float("inf"), time.perf_counter() + self.scale.seconds
        while True:
            self.wait()
            started = time.perf_counter()
            work()
            self.wait()
            best = min(best, time.perf_counter() - started)
            if time.perf_counter() >= end:
                return units / best

    def wait(self) -> None:
        """Wait for what the card still does."""
        if self.on_card:
            torch.cuda.synchronize(self.device)

    def decoding(self) -> None:
        """Decode alone, pictures and all."""
        count = self.scale.clip_frames or PyAVReader().probe(self.clip).frame_count
        frames = FrameRange(0, count)
        for name, hardware in (("processor", None), ("card", HardwareDecoding())):
            what = f"decode by the {name}, pictures and all"
            if hardware is not None and not (self.on_card and hardware.available):
                self.report.add(what, None, "frames/s", remark="no hardware decoder here")
                continue
            reader = PyAVReader(hardware=hardware)
            started = time.perf_counter()
            read = sum(1 for _ in reader.read(self.clip, frames))
            self.report.add(what, read / (time.perf_counter() - started), "frames/s")

    def detector(self) -> list[Image]:
        """Measure the starter detector; return crops of the people that it finds."""
        path = PROJECT / "models" / "starter-detector.pt"
        card = TorchDetector(path, "starter", str(self.device), self.folder)
        batch = torch.rand((len(self.frames[:32]), 3, 256, 416), device=self.device)
        with torch.inference_mode():
            bare = self.per_second(lambda: card.network(batch), len(batch))
        self.report.add("detector, bare network", bare, "frames/s", remark="256×416, batches of 32")
        whole = self.per_second(lambda: card.detect(self.frames), len(self.frames))
        self.report.add("detector, frames to people", whole, "frames/s", share=whole / bare, of="bare")

        def overlapped() -> None:
            parts = [card.start(self.frames[first : first + 8]) for first in range(0, len(self.frames), 8)]
            for wait in parts:
                wait()

        ahead = self.per_second(overlapped, len(self.frames))
        self.report.add("detector, started 8 at a time", ahead, "frames/s", share=ahead / bare, of="bare")
        sample = self.frames[::8]
        processor = TorchDetector(path, "starter", "cpu", self.folder, 0.4).detect(sample)
        found = card.detect(sample)
        agreed, total = agreement(processor, found)
        self.report.add("detector, boxes as on the processor", None, "", remark=f"{agreed} of {total}")
        everybody = zip(self.frames, card.detect(self.frames), strict=True)
        return list(itertools.islice(itertools.cycle(crops_of(everybody)), self.scale.crops))

    def preparing(self, crops: list[Image]) -> None:
        """Measure preparing crops alone."""
        one_by_one = self.per_second(lambda: prepare_crops(crops[:64], RAW_BGR), len(crops[:64]))
        self.report.add("preparing crops, OpenCV on one core", one_by_one, "crops/s")
        batches = CropBatches(RAW_BGR, self.device, embedding_torch.CARD_PRECISION)

        def prepare() -> None:
            for first in range(0, len(crops), 256):
                batches.prepare(crops[first : first + 256])

        self.report.add("preparing crops, in batches on the device", self.per_second(prepare, len(crops)), "crops/s")

    def starter_network(self) -> torch.nn.Module:
        """The starter embedder's."""
        return read_network(PROJECT / "models" / "starter-embedder.safetensors", "resnet18_gdc")

    def embedder(self, name: str, network: torch.nn.Module, crops: list[Image]) -> None:
        """Measure an embedder against its bare network, and compare it with the processor's."""
        sample = crops[:: max(1, len(crops) // 64)][:64]
        exact = TorchEmbedder(network, RAW_BGR, name).embed(sample)
        card = TorchEmbedder(network, RAW_BGR, name, str(self.device), as_on_card=True)
        precision = getattr(torch, card.precision)
        batch = torch.rand((min(256, len(crops)), 3, 256, 128), device=self.device).mul_(255).to(precision)
        with torch.inference_mode():
            bare = self.per_second(lambda: card.running(batch), len(batch))
        self.report.add(f"embedder {name}, bare network", bare, "crops/s", remark=f"{card.precision}, batches of 256")
        rate = self.per_second(lambda: card.embed(crops), len(crops))
        cosine = float((exact * card.embed(sample)).sum(axis=1).min())
        self.report.add(
            f"embedder {name}, crops to vectors", rate, "crops/s", share=rate / bare, of="bare",
            remark=f"least cosine {cosine:.5f}",
        )  # fmt: skip

    def whole_clip(self) -> None:
        """Observe the clip as the application does."""
        alone = self.report.rate("decode by the processor, pictures and all")
        for thorough in (True, False):
            folder = self.folder
            settings = Settings(
                data=folder / "data",
                temp=folder / "temp",
                cache=folder / "cache",
                models=SHARED / "models",
                offline=True,
                device=str(self.device),
                detector="starter-detector",
                analysis_fps=0,
                thorough=thorough,
            )
            service = build(settings)
            frames = None if self.scale.clip_frames is None else FrameRange(0, self.scale.clip_frames)
            finish(service.observe(self.clip, FrameRange(0, min(16, self.scale.clip_frames or 16))))
            service.forget_observations()  # the models are loaded now
            started = time.perf_counter()
            observed = finish(service.observe(self.clip, frames))
            rate = len(observed.frames) / (time.perf_counter() - started)
            stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in observed.timings.items())
            what = f"street.mp4, {'every frame looked at' if thorough else 'as usual'}"
            self.report.add(what, rate, "frames/s", share=rate / alone, of="decoding alone", remark=stages)
            service.close()


def agreement(expected: list[list[Detection]], found: list[list[Detection]]) -> tuple[int, int]:
    """How many of the expected boxes were found (intersection over union above 0.9), and how many there are."""
    overlaps = [
        max((iou(person.box, other.box) for other in others), default=0.0)
        for people, others in zip(expected, found, strict=True)
        for person in people
    ]
    return sum(overlap > 0.9 for overlap in overlaps), len(overlaps)


def crops_of(frames: "Iterator[tuple[Frame, list[Detection]]]") -> list[Image]:
    """Pictures of the people; noise where nobody was found."""
    crops = []
    for frame, people in frames:
        for person in people:
            x1, y1, x2, y2 = (round(edge) for edge in person.box)
            if x2 - x1 > 8 and y2 - y1 > 16:
                crops.append(frame.image[y1:y2, x1:x2])
    return crops or [np.random.default_rng(0).integers(0, 256, (200, 80, 3), np.uint8)]


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, … or cpu")
    parser.add_argument("--quick", action="store_true", help="each step once, on little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("There is no NVIDIA card that torch can use here, so nothing was measured. To see that all steps run: "
              "python -m benchmarks.gpu --device cpu --quick")  # fmt: skip
        return NO_DEVICE
    if not (SHARED / "clips" / "street.mp4").is_file():
        parser.error(f"the clip street.mp4 is not in {SHARED / 'clips'}: set SIGHTLINE_SHARED")
    if options.device == "cpu":
        embedding_torch.CARD_PRECISION = torch.float32  # half precision takes minutes on a processor
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Bench(options.device, QUICK if options.quick else FULL, Path(folder)).run()
    report.machine["seconds"] = round(time.perf_counter() - started, 1)
    text = json.dumps(asdict(report))
    if options.json is not None:
        options.json.write_text(text + "\n", "utf-8")
    print(f"\n{report.machine['seconds']:.0f} s in all\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
