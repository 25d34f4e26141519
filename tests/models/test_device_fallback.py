"""A graphics card that fails in the middle of a job: the processor goes on, and says so; or it is told what to do."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from biometric.entities import Detection, Frame, Image, NoticeCode
from biometric.entities.model_cards import Role
from biometric.errors import DeviceFailed, UnsupportedModel, WeightsCorrupt
from biometric.models.device_fallback import FallbackDetector, FallbackEmbedder
from biometric.models.device_notices import device_notices
from biometric.models.loading import load_detector, load_embedder
from biometric.models.weights import WeightStore
from biometric.settings import Settings

FRAMES = [Frame(number, np.zeros((40, 60, 3), np.uint8), number / 10) for number in range(3)]
CROPS = [np.zeros((20, 10, 3), np.uint8)] * 2


class Detecting:
    """Finds one person a frame until it fails."""

    name = "eye"

    def __init__(self, device: str, fails: BaseException | None = None) -> None:
        self.device, self.fails = device, fails
        self.calls = 0

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.calls += 1
        if self.fails is not None:
            raise self.fails
        return [[Detection(frame.index, (0, 0, 10, 20), 0.9)] for frame in frames]


class Starting(Detecting):
    """As a card does it; what fails is told when the people are waited for."""

    def start(self, frames: Sequence[Frame]) -> Callable[[], list[list[Detection]]]:
        return lambda: self.detect(frames)


class Embedding:
    model_id, dimension = "mind", 2

    def __init__(self, device: str, fails: BaseException | None = None) -> None:
        self.device, self.fails = device, fails

    def embed(self, crops: Sequence[Image]) -> np.ndarray:
        if self.fails is not None:
            raise self.fails
        return np.tile(np.array([[1, 0]], np.float32), (len(crops), 1))


FAILURES: list[Exception] = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    DeviceFailed("The device cuda stopped working."),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("kind", [Detecting, Starting])
def test_the_processor_finds_people_when_the_card_fails(kind: type[Detecting], failure: Exception) -> None:
    card, processor = kind("CUDA · fake"), Detecting("CPU · fake")
    detector = FallbackDetector(lambda: card, lambda: processor)
    assert [len(people) for people in detector.detect(FRAMES)] == [1, 1, 1]
    waits = [detector.start(FRAMES[:1]), detector.start(FRAMES[1:])]
    card.fails = failure
    if kind is Detecting:
        waits.append(detector.start(FRAMES))
    assert [len(people) for wait in waits for people in wait()] == [1] * (6 if kind is Detecting else 3)
    assert [len(people) for people in detector.detect(FRAMES)] == [1, 1, 1]
    assert (detector.device, detector.name) == ("CPU · fake", "eye")
    assert isinstance(detector.failure, DeviceFailed)
    card.calls = 0
    detector.start(FRAMES)()
    assert card.calls == 0  # it is not tried again


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_the_processor_embeds_when_the_card_fails(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    card = Embedding("CUDA · fake")
    embedder = FallbackEmbedder(lambda: card, lambda: Embedding("CPU · fake"))
    assert embedder.device == "CUDA · fake"
    card.fails = failure
    assert embedder.embed(CROPS).shape == (2, 2)
    assert (embedder.device, embedder.model_id, embedder.dimension) == ("CPU · fake", "mind", 2)
    assert "Work goes on by the processor" in caplog.text


def test_a_card_without_room_for_the_model_leaves_it_to_the_processor() -> None:
    def load() -> Embedding:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    embedder = FallbackEmbedder(load, lambda: Embedding("CPU · fake"))
    assert embedder.device == "CPU · fake"
    assert isinstance(embedder.failure, DeviceFailed)


def test_what_to_do_is_told_when_the_processor_cannot_take_over() -> None:
    def load() -> Embedding:
        raise WeightsCorrupt("w.bin is damaged.")

    embedder = FallbackEmbedder(lambda: Embedding("CUDA · fake", FAILURES[0]), load)
    with pytest.raises(DeviceFailed, match=r"w\.bin is damaged.*SIGHTLINE_DEVICE=cpu"):
        embedder.embed(CROPS)
    both = FallbackEmbedder(lambda: Embedding("CUDA · fake", FAILURES[0]), lambda: Embedding("CPU", FAILURES[3]))
    with pytest.raises(DeviceFailed, match="stopped working"):
        both.embed(CROPS)


@pytest.mark.parametrize("error", [UnsupportedModel("no direction"), RuntimeError("shapes cannot be multiplied")])
def test_other_errors_are_no_reason_to_change_the_device(error: Exception) -> None:
    embedder = FallbackEmbedder(lambda: Embedding("CUDA · fake", error), lambda: Embedding("CPU · fake"))
    with pytest.raises(type(error), match=str(error)):
        embedder.embed(CROPS)
    assert embedder.failure is None


def test_threads_that_meet_the_same_failure_load_the_processor_once() -> None:
    loads = []
    met = threading.Barrier(4)

    class Failing(Embedding):
        def embed(self, crops: Sequence[Image]) -> np.ndarray:
            met.wait(10)
            raise torch.OutOfMemoryError("CUDA out of memory.")

    def load() -> Embedding:
        loads.append(1)
        return Embedding("CPU · fake")

    embedder = FallbackEmbedder(lambda: Failing("CUDA · fake"), load)
    answers: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: answers.append(embedder.embed(CROPS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(answers), len(loads)) == (4, 1)


def test_people_are_told_of_the_failure_once() -> None:
    detector = FallbackDetector(lambda: Detecting("CUDA", FAILURES[0]), lambda: Detecting("CPU · fake"))
    embedder = FallbackEmbedder(lambda: Embedding("CUDA", FAILURES[0]), lambda: Embedding("CPU · fake"))
    assert device_notices(detector, embedder, "cuda") == []
    detector.detect(FRAMES)
    embedder.embed(CROPS)
    notices = device_notices(detector, embedder, "cuda")
    assert [notice.code for notice in notices] == [NoticeCode.DEVICE_FAILED]
    exported = device_notices(Detecting("CPU · fake"), None, "cuda:1")
    assert [notice.code for notice in exported] == [NoticeCode.DETECTOR_ON_CPU]
    assert device_notices(Detecting("CPU · fake"), None, "cpu") == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card that works")
def test_a_card_that_is_gone_leaves_the_starters_to_the_processor(tmp_path: Path) -> None:
    weights = WeightStore.of_settings(Settings(models=None, data=tmp_path, cache=tmp_path, offline=True))
    embedder = load_embedder(weights.starter(Role.EMBEDDER), "cuda", tmp_path)  # type: ignore[arg-type]
    assert isinstance(embedder, FallbackEmbedder)
    assert embedder.embed(CROPS).shape == (2, embedder.dimension)
    assert embedder.device.startswith("CPU")
    detector = load_detector(weights.starter(Role.DETECTOR), "cuda", tmp_path)  # type: ignore[arg-type]
    assert detector.detect(FRAMES) == [[], [], []]
    assert detector.device.startswith("CPU")
    for model in (embedder, detector):
        assert isinstance(model.failure, DeviceFailed)  # type: ignore[union-attr]
