"""Finds people on a graphics card with a `.pt` of ultralytics: frames go there as they are, and are prepared there.

Frames are sent through page-locked memory while the card computes, resized and padded there as ultralytics does it, and
run in half precision. Only the few boxes of people come back. `start` returns before all that is done, so that whoever
calls it can decode and start further frames meanwhile.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biometric.entities import Detection, Frame
from biometric.errors import UnsupportedModel
from biometric.models.crop_batches import interpolate
from biometric.models.detection import (
    BATCH,
    CONFIDENCE,
    load_for_ultralytics,
    person_class,
    prepare_ultralytics,
    require_detection,
    to_detections,
)
from biometric.models.device_failures import device_failures, free_memory, is_out_of_memory
from biometric.models.device_transfer import Uploader
from biometric.models.exported_detectors import PADDING, ExportedDetector, Letterbox, people_in
from biometric.models.ultralytics_setup import first_line, ultralytics_missing, ultralytics_version, vendor_errors

BATCH_BYTES = 128_000_000
"""Most bytes of frames that are sent at once."""

_HEADS = ("Detect", "v10Detect")
"""Last layers whose answers are understood; ultralytics itself runs networks with others."""

_CANDIDATES = 2000
"""Most boxes of a frame that come back from the card for non-maximum suppression; those of most confidence."""


@dataclass(slots=True)
class _Batch:
    """Frames whose answers are on their way."""

    frames: Sequence[Frame]
    letterbox: Letterbox
    answers: Tensor
    ready: torch.cuda.Event | None


class TorchDetector:
    """ports.Detector, and ports.StartableDetector.

    Args:
        path: a `.pt` of ultralytics.
        name: card name or file name, for people.
        device: "cuda", "cuda:1", …; "cpu" in tests, in full precision.
        cache: folder for ultralytics' own settings.
        confidence: least confidence to report, in [0, 1].

    Raises:
        WeightsCorrupt: the file does not load, or holds anything but a model (pickled code is never run).
        UnsupportedModel: not a detection model, one without a class of people, or of a kind that only ultralytics runs.
        ModelLibraryMissing: ultralytics is not installed.
        DeviceFailed: the device has too little memory, or does not work.
    """

    def __init__(self, path: Path, name: str, device: str, cache: Path, confidence: float = CONFIDENCE) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {confidence}")
        self._name = name
        self._confidence = confidence
        self._lock = threading.Lock()
        self._device = torch.device(device)
        self._on_card = self._device.type == "cuda"
        if ultralytics_version() is None:
            raise ultralytics_missing(path.name)
        prepare_ultralytics(cache)
        model = load_for_ultralytics(path)
        require_detection(path.name, model.task)
        if type(model).__name__ != "YOLO" or type(model.model.model[-1]).__name__ not in _HEADS:
            raise UnsupportedModel("{model} is no network that is run here directly.", model=path.name)
        self._precision = torch.float16 if self._on_card else torch.float32
        size = model.overrides.get("imgsz", 640)
        size = int(max(size)) if isinstance(size, list | tuple) else int(size)
        with device_failures(device):
            self._network = _backend(model.model, self._device, self._on_card, path.name)
            self._export = ExportedDetector(
                person=person_class(model.names, path.name),
                classes=len(model.names),
                size=(size, size),
                stride=int(self._network.stride),
                end_to_end=bool(getattr(self._network, "end2end", False)),
            )
            self._uploader = Uploader(self._device)
        self._most = BATCH[self._device.type]
        self.detect([Frame(0, np.zeros((360, 640, 3), np.uint8), 0.0)])

    @property
    def name(self) -> str:
        """Card name or file name, for people."""
        return self._name

    @property
    def device(self) -> str:
        """For people, such as "CUDA · NVIDIA H200" or "CPU · torch"."""
        return f"CUDA · {torch.cuda.get_device_name(self._device)}" if self._on_card else "CPU · torch"

    @property
    def network(self) -> Any:
        """(N, 3, H, W) RGB from 0 to 1, H and W multiples of the stride → the network's answer."""
        return self._network

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, highest confidence first, numbered from 0; [] for no frames.

        Boxes are clipped to the frame and at least one pixel wide and high.

        Raises:
            DeviceFailed: the device stopped working, or has not the memory for a single frame.
        """
        return self.start(frames)()

    def start(self, frames: Sequence[Frame]) -> Callable[[], list[list[Detection]]]:
        """Begin with frames; what is returned waits for the people in them, as `detect` returns them.

        Frames may be started before earlier ones are waited for, and be waited for in another thread. Both calls raise
        as `detect`.
        """
        with self._lock, device_failures(str(self._device)):
            batches = [batch for run in self._runs(frames) for batch in self._started(run)]

        def wait() -> list[list[Detection]]:
            with device_failures(str(self._device)):
                return [people for batch in batches for people in self._people(batch)]

        return wait

    def _runs(self, frames: Sequence[Frame]) -> Iterator[list[Frame]]:
        """Frames that follow each other and are of one size."""
        for _, group in groupby(frames, key=lambda frame: frame.image.shape):
            yield list(group)

    def _started(self, frames: list[Frame]) -> Iterator[_Batch]:
        start = 0
        while start < len(frames):
            most = max(1, min(self._most, BATCH_BYTES // frames[0].image.nbytes))
            batch = frames[start : start + most]
            try:
                yield self._launched(batch)
            except RuntimeError as error:
                if len(batch) == 1 or not is_out_of_memory(error):
                    raise
                self._most = len(batch) // 2
            else:
                start += len(batch)
                continue
            free_memory(self._device)  # behind the block: the error holds what was computed

    def _launched(self, frames: Sequence[Frame]) -> _Batch:
        height, width = frames[0].image.shape[:2]
        letterbox = Letterbox.of(height, width, self._export.size, self._export.stride)

        def fill(array: NDArray[np.uint8]) -> None:
            for place, frame in zip(array, frames, strict=True):
                place[...] = frame.image

        with torch.inference_mode():
            pictures = self._placed(self._uploader.send((len(frames), height, width, 3), fill), letterbox)
            try:
                answers = self._network(pictures)
            except vendor_errors() as error:
                if isinstance(error, RuntimeError):
                    raise  # perhaps the device's
                raise UnsupportedModel(
                    "The detector {model} cannot be run: {error}.", model=self._name, error=first_line(error)
                ) from error
            answers = people_candidates(answers[0] if isinstance(answers, list | tuple) else answers, self._export)
            ready = None
            if self._on_card:
                on_host = torch.empty(answers.shape, dtype=answers.dtype, pin_memory=True)
                answers = on_host.copy_(answers, non_blocking=True)
                ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
                ready.record(torch.cuda.current_stream(self._device))
        return _Batch(frames, letterbox, answers, ready)

    def _placed(self, pixels: Tensor, letterbox: Letterbox) -> Tensor:
        """Return (N, 3, height, width) RGB from 0 to 1 of (N, h, w, 3) uint8 BGR."""
        if pixels.shape[1:3] != letterbox.inner:
            heights, widths = (torch.full((len(pixels),), side, device=self._device) for side in pixels.shape[1:3])
            pixels = interpolate(pixels, heights, widths, letterbox.inner)
        shape = (len(pixels), 3, letterbox.height, letterbox.width)
        pictures = torch.full(shape, PADDING, dtype=self._precision, device=self._device)
        rows, columns = letterbox.inner
        place = pictures[:, :, letterbox.top : letterbox.top + rows, letterbox.left : letterbox.left + columns]
        place.copy_(pixels.permute(0, 3, 1, 2).flip(1))
        return pictures.div_(255)

    def _people(self, batch: _Batch) -> Iterator[list[Detection]]:
        if batch.ready is not None:
            batch.ready.synchronize()
        export = self._export
        if not export.end_to_end:
            export = ExportedDetector(0, 1, export.size, export.stride, end_to_end=False)
        for frame, answer in zip(batch.frames, batch.answers.numpy(), strict=True):
            height, width = frame.image.shape[:2]
            rows = batch.letterbox.in_frame(people_in(answer, export, self._confidence), height, width)
            yield to_detections(rows, frame.index, width, height, frame.seconds)


def people_candidates(answers: Tensor, export: ExportedDetector) -> Tensor:
    """Leave what `people_in` needs of a network's answer, so that little has to travel back from the card.

    Args:
        answers: (N, M, 6) where the network is end-to-end, else (N, 4 + classes, M); see `people_in`.

    Returns:
        float32: the same where the network is end-to-end, else (N, 5, ≤2000), as of a network that knows people alone.
    """
    if export.end_to_end:
        return answers.float()
    scores = answers[:, 4 : 4 + export.classes].float()
    of_people = scores[:, export.person]
    of_people = torch.where(of_people >= scores.amax(dim=1), of_people, 0)
    confidence, places = of_people.topk(min(_CANDIDATES, of_people.shape[1]), dim=1)
    boxes = answers[:, :4].float().gather(2, places[:, None].expand(-1, 4, -1))
    return torch.cat([boxes, confidence[:, None]], dim=1)


def _backend(network: Any, device: torch.device, half: bool, name: str) -> Any:
    """Return the network as ultralytics runs it: layers fused, in half precision on a card.

    Of networks with two heads it takes the one whose boxes need non-maximum suppression, as its exports do.
    """
    from ultralytics.nn.autobackend import AutoBackend

    try:
        return AutoBackend(model=network, device=device, fp16=half, fuse=True, verbose=False, end2end=False).eval()
    except vendor_errors() as error:
        if isinstance(error, RuntimeError):
            raise
        raise UnsupportedModel(
            "The detector {model} cannot be run: {error}.", model=name, error=first_line(error)
        ) from error
