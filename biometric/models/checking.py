"""Runs a loaded model once on a made-up picture, to see that it works and how fast."""

import time
from collections.abc import Callable

import numpy as np

from biometric.entities import Frame, Image
from biometric.entities.model_cards import Role
from biometric.entities.model_reports import ModelCheck
from biometric.ports import Detector, Embedder


def check_detector(card: str, detector: Detector) -> ModelCheck:
    """Run a detector on a frame of 1280×720 pixels. Raises `ModelError`."""
    frame = Frame(0, _picture(720, 1280), 0.0)
    milliseconds = _milliseconds(lambda: detector.detect([frame]))
    return ModelCheck(Role.DETECTOR, card, _device(detector), milliseconds)


def check_embedder(card: str, embedder: Embedder) -> ModelCheck:
    """Run an embedder on a crop of 128×256 pixels. Raises `ModelError`."""
    crop = _picture(256, 128)
    milliseconds = _milliseconds(lambda: embedder.embed([crop]))
    return ModelCheck(Role.EMBEDDER, card, _device(embedder), milliseconds)


def _device(model: Detector | Embedder) -> str:
    """What it runs on and, where there was a choice, in which precision, which was measured to be faster."""
    precision = getattr(model, "computes_in", None)
    return f"{model.device} · {precision}" if precision else model.device


def _picture(height: int, width: int) -> Image:
    """A made-up (height, width, 3) uint8 picture with structure: gradients and a checkerboard."""
    rows, columns = np.mgrid[0:height, 0:width]
    board = ((rows // 16 + columns // 16) % 2) * 60
    channels = (rows * 255 // height, columns * 255 // width, board + 90)
    return np.stack(channels, axis=-1).astype(np.uint8)


def _milliseconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(4):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times[1:]) * 1000  # the first run compiles and allocates
