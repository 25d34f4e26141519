"""Finding, following and describing people, and choosing the models that do."""

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from biometric.entities import (
    Detection,
    Frame,
    Image,
    LinkScores,
    Notice,
    Progress,
    Purpose,
    Threshold,
)
from biometric.entities.model_cards import Card
from biometric.entities.model_reports import ModelCheck, ModelStatus
from biometric.entities.robustness import RobustnessTable


class Detector(Protocol):
    """Finds people (adapter: `detection.py`)."""

    @property
    def name(self) -> str:
        """Card name or file name, for people."""

    @property
    def device(self) -> str:
        """What it runs on, for people, such as "CPU · OpenVINO"."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people, highest confidence first, boxes clipped to the frame, numbered from 0."""


@runtime_checkable
class StartableDetector(Detector, Protocol):
    """A detector on a device that works beside its caller (adapter: `detection_torch.py`)."""

    def start(self, frames: Sequence[Frame]) -> Callable[[], list[list[Detection]]]:
        """Begin with frames; what is returned waits for the people in them, as `detect` returns them.

        Frames may be started before earlier ones are waited for, and be waited for in another thread.
        """


@runtime_checkable
class CoarseDetector(Detector, Protocol):
    """A detector that can look at smaller pictures, which takes less time (adapter: `detection_openvino.py`)."""

    def detect_coarsely(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return each frame's people as `detect` does; boxes are less exact, and whoever is small is missed."""


class Tracker(Protocol):
    """Links detections over time (adapter: `tracking.py`). One instance a clip: state is never shared."""

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""


TrackerFactory = Callable[[float], Tracker]
"""Makes a tracker with fresh state for analysed frames coming at so many per second."""


class Embedder(Protocol):
    """Turns crops into vectors (adapters: `embedding_*.py`)."""

    @property
    def model_id(self) -> str:
        """Identifies the network and its weights; templates of different ids are never compared."""

    @property
    def dimension(self) -> int:
        """D of the (N, D) result."""

    @property
    def device(self) -> str:
        """What it runs on, for people."""

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, D) unit float32 for N crops (each (h, w, 3) uint8 BGR, any size); (0, D) for none."""


class Models(Protocol):
    """Chooses, fetches and loads models on first use (made by `bootstrap`)."""

    def detector(self) -> Detector:
        """The detector, loaded. Raises the `ModelError` family."""

    def embedder(self) -> Embedder:
        """The embedder, loaded. Raises the `ModelError` family."""

    def resolve_embedder(self) -> None:
        """Decide which embedder is used where only an attempted download can decide. Raises as `embedder`.

        Before it (and before the first use) `embedder_id` and the thresholds may be of a model that cannot be
        fetched; from then on they stay the same.
        """

    def embedder_id(self) -> str:
        """The `model_id` of the embedder that is or would be used, without loading it. Raises as `embedder`."""

    def min_track_similarity(self) -> float:
        """Comparison score that two segments of one person's track at least have: the card's, never the settings'."""

    def link_scores(self) -> LinkScores:
        """Comparison scores from which tracks of one clip are one person: the card's, never the settings'."""

    def card_threshold(self, purpose: Purpose) -> Threshold:
        """The embedder's card's threshold for "verification" or "identification", never the settings'."""

    def robustness(self) -> RobustnessTable | None:
        """What pixels and blur cost the embedder that is or would be used; None where that was not measured."""

    def notices(self) -> tuple[Notice, ...]:
        """What people should know about replaced weights or devices."""

    def status(self) -> list[ModelStatus]:
        """The model of each role, without loading anything."""

    def threshold(self, purpose: Purpose) -> Threshold:
        """The default threshold for "verification" or "identification", of the embedder that is or would be used."""

    def fetch(self, role: str | None = None) -> Generator[Progress, None, None]:
        """Download and verify the weights that a role (None: each) uses. Raises the `ModelError` family."""

    def close(self) -> None:
        """Release the models; the next use loads them again."""


class ModelAdministration(Models, Protocol):
    """Models with what `models list | fetch | check`, evaluation and training need besides (made by `bootstrap`)."""

    def cards(self) -> tuple[Card, ...]:
        """All cards that are known."""

    def check(self) -> list[ModelCheck]:
        """Verify checksums, load each model and run it once; problems are reported, not raised."""
