"""A clip observed with both models on a card, which fails in the middle. Nothing here needs OpenVINO.

The card is torch's CPU device here, in the code that a card runs; the last test needs one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from biometric.clips.crops import JpegCropStore, sharpness
from biometric.clips.footage_reading import FootageReader
from biometric.domain.selection import Rules
from biometric.entities import FrameRange, Image, NoticeCode, ObservedClip
from biometric.entities.model_cards import RAW_BGR
from biometric.entities.progress import finish
from biometric.models.byte_tracking import ByteTracker
from biometric.models.detection_torch import TorchDetector
from biometric.models.device_fallback import FallbackDetector, FallbackEmbedder
from biometric.models.embedding_torch import TorchEmbedder, read_network
from biometric.models.store import ModelStore
from biometric.pipeline.clip_observer import ClipObserver
from biometric.pipeline.streaming import FrameSource
from biometric.settings import Settings
from tests.conftest import PROJECT
from tests.gpu.card import needed_card

WEIGHTS = PROJECT / "models"

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore"),  # torch warns of deprecated functions that ultralytics uses
]


def detector_on(device: str, cache: Path) -> TorchDetector:
    return TorchDetector(WEIGHTS / "starter-detector.pt", "starter", device, cache)


def embedder_on(device: str) -> TorchEmbedder:
    network = read_network(WEIGHTS / "starter-embedder.safetensors", "resnet18_gdc")
    return TorchEmbedder(network, RAW_BGR, "starter-embedder-2", device)


class FailingEmbedder:
    """A card that embeds a few times, and then does not answer any more."""

    model_id, device = "starter-embedder-2", "CUDA · fake"

    def __init__(self, after: int) -> None:
        self._left, self._embedder = after, embedder_on("cpu")
        self.dimension = self._embedder.dimension

    def embed(self, crops: Sequence[Image]) -> np.ndarray:
        self._left -= 1
        if self._left < 0:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        return self._embedder.embed(crops)


def observe(
    clip: Path, tmp_path: Path, detector: Any, embedder: Any, frames: FrameRange
) -> tuple[ObservedClip, list[NoticeCode]]:
    settings = Settings(models=tmp_path, cache=tmp_path / "cache", offline=True, device="cuda")
    models = ModelStore(
        settings, load_detector=lambda *_: detector, load_embedder=lambda *_: embedder, cuda_devices=lambda: 1
    )
    observer = ClipObserver(
        JpegCropStore(),
        ByteTracker,
        sharpness,
        None,
        tmp_path / "crops",
        Rules(),
    )
    reader = FootageReader()
    footage = FrameSource(reader, clip, reader.probe(clip), frames)
    observed = finish(observer.observe(footage, clip.name, models))
    return observed, [notice.code for notice in models.notices()]


def templates(observed: ObservedClip) -> list[np.ndarray]:
    return [person.template.vector for person in observed.observations if person.template is not None]


def test_a_card_that_fails_in_the_middle_changes_no_answer(shared: Path, tmp_path: Path) -> None:
    clip, frames = shared / "clips" / "street.mp4", FrameRange(0, 60, 3)
    cache = tmp_path / "cache"
    detector, embedder = detector_on("cpu", cache), embedder_on("cpu")
    expected, said = observe(clip, tmp_path / "a", detector, embedder, frames)
    assert NoticeCode.DEVICE_FAILED not in said
    observed, said = observe(
        clip,
        tmp_path / "b",
        FallbackDetector(lambda: detector, lambda: detector),
        FallbackEmbedder(lambda: FailingEmbedder(1), lambda: embedder),
        frames,
    )
    assert said.count(NoticeCode.DEVICE_FAILED) == 1  # the service adds it to the answer's warnings
    assert len(templates(observed)) == len(templates(expected)) > 5
    for mine, theirs in zip(templates(observed), templates(expected), strict=True):
        assert float(mine @ theirs) > 0.999


@pytest.mark.gpu
def test_a_clip_is_observed_on_a_card_as_on_the_processor(shared: Path, tmp_path: Path) -> None:
    clip, frames, device = shared / "clips" / "street.mp4", FrameRange(0, 60, 3), needed_card()
    cache = tmp_path / "cache"
    expected, _ = observe(clip, tmp_path / "a", detector_on("cpu", cache), embedder_on("cpu"), frames)
    observed, _ = observe(clip, tmp_path / "b", detector_on(device, cache), embedder_on(device), frames)
    mine, theirs = np.stack(templates(observed)), np.stack(templates(expected))
    assert abs(len(mine) - len(theirs)) <= 1
    assert np.sort((theirs @ mine.T).max(axis=1))[1:].min() > 0.99  # all but one, whose samples may be others
