"""Models on a graphics card that go on by the processor when the card fails in the middle of a job.

Embeddings agree between devices, so what was embedded before stays valid.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame, Image
from biometric.errors import DeviceFailed, ModelError, StorageFull
from biometric.models.device_failures import device_failures
from biometric.ports import Detector, Embedder, StartableDetector

logger = logging.getLogger(__name__)

Adapter = TypeVar("Adapter", Detector, Embedder)
Answer = TypeVar("Answer")


class _Replaceable(Generic[Adapter]):
    """A model on a card, and the same model on the processor once the card has failed; may be shared by threads.

    Args:
        load_on_card: loads the model on the card.
        load_on_processor: loads it on the processor, when that is needed.

    Raises:
        DeviceFailed: the card has no room for the model, and the processor cannot run it.
        ModelError: as `load_on_card` does.
    """

    def __init__(self, load_on_card: Callable[[], Adapter], load_on_processor: Callable[[], Adapter]) -> None:
        self._load_on_processor: Callable[[], Adapter] = load_on_processor
        self._lock = threading.Lock()
        self._failure: DeviceFailed | None = None
        self._current: Adapter | None = None
        try:
            with device_failures("cuda"):
                self._current = load_on_card()
        except DeviceFailed as error:
            self.replace(None, error)

    @property
    def current(self) -> Adapter:
        """The model that serves now."""
        return cast(Adapter, self._current)

    @property
    def failure(self) -> DeviceFailed | None:
        """Why the processor serves; None while the card does."""
        return self._failure

    def run(self, work: Callable[[Adapter], Answer]) -> Answer:
        """Do the work on the card; where the card fails, do it again, and all later work, on the processor."""
        current = self.current
        try:
            with device_failures(current.device):
                return work(current)
        except DeviceFailed as error:
            return work(self.replace(current, error))

    def replace(self, failed: Adapter | None, error: DeviceFailed) -> Adapter:
        """Return the model on the processor, in place of one that failed (None: it could not even be loaded).

        Raises:
            DeviceFailed: the processor's own failed, or cannot be loaded.
        """
        with self._lock:
            if self._current is not failed:
                return self.current  # another thread has met the same failure
            if self._failure is not None:
                raise error
            logger.warning("%s Work goes on by the processor.", error)
            try:
                self._current = self._load_on_processor()
            except (ModelError, StorageFull, ImportError) as problem:
                raise DeviceFailed(
                    "The graphics card stopped working, and the processor cannot take over: {problem} Start Sightline "
                    "again; if the card fails again, set SIGHTLINE_DEVICE=cpu.",
                    problem=str(problem).rstrip(".") + ".",
                ) from error
            self._failure = error
            return self.current


class _Fallback(Generic[Adapter]):
    """What both adapters below tell of the model that serves."""

    def __init__(self, load_on_card: Callable[[], Adapter], load_on_processor: Callable[[], Adapter]) -> None:
        self._models: _Replaceable[Adapter] = _Replaceable(load_on_card, load_on_processor)

    @property
    def device(self) -> str:
        """What it runs on now, for people."""
        return self._models.current.device

    @property
    def failure(self) -> DeviceFailed | None:
        """Why the processor serves; None while the card does."""
        return self._models.failure


class FallbackDetector(_Fallback[Detector]):
    """ports.StartableDetector. Takes and raises what `_Replaceable` does."""

    @property
    def name(self) -> str:
        """Card name or file name, for people."""
        return self._models.current.name

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people. Raises `DeviceFailed`: the card failed, and the processor cannot take over."""
        return self._models.run(lambda detector: detector.detect(frames))

    def start(self, frames: Sequence[Frame]) -> Callable[[], list[list[Detection]]]:
        """Begin with frames; what is returned waits for the people in them. Both raise as `detect`."""
        detector = self._models.current
        if not isinstance(detector, StartableDetector):
            people = self.detect(frames)
            return lambda: people
        try:
            with device_failures(detector.device):
                wait = detector.start(frames)
        except DeviceFailed as error:
            people = self._models.replace(detector, error).detect(frames)
            return lambda: people

        def wait_or_replace() -> list[list[Detection]]:
            try:
                with device_failures(detector.device):
                    return wait()
            except DeviceFailed as error:
                return self._models.replace(detector, error).detect(frames)

        return wait_or_replace


class FallbackEmbedder(_Fallback[Embedder]):
    """ports.Embedder. Takes and raises what `_Replaceable` does."""

    @property
    def model_id(self) -> str:
        """The card's id, the same on every device."""
        return self._models.current.model_id

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._models.current.dimension

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, D) unit float32. Raises `DeviceFailed`: the card failed, and the processor cannot take over."""
        return self._models.run(lambda embedder: embedder.embed(crops))
