"""The Protocols that adapters meet. The service knows these, never the adapters.

They are apart from `service.py` so that each adapter's test can be checked against one short file.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from biometric.entities import (
    BiometricReference,
    Calibration,
    Candidate,
    Detection,
    Frame,
    FrameRange,
    Identity,
    Image,
    ImportReport,
    NewReference,
    Notice,
    Progress,
    Purpose,
    Template,
    Threshold,
    VideoInfo,
)
from biometric.entities.drawing import Bar, Mark
from biometric.entities.model_cards import Card
from biometric.entities.model_reports import ModelCheck, ModelStatus


class VideoReader(Protocol):
    """Reads clips (adapter: `video.py`)."""

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip. Raises the `ClipError` family."""

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order, streaming; closing the iterator releases the clip.

        Raises:
            DamagedClip: the clip ended before the range did (after yielding what could be read).
        """

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        """Return single frames by number, in one pass; numbers beyond the end are left out."""


class VideoWriter(Protocol):
    """Writes browser-playable H.264 MP4 (adapter: `video_writing.py`)."""

    def write(self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0) -> None:
        """Encode `frames` (images of one size), each at its own time since the first one; atomic.

        `longest_gap` is the most seconds between two frames; others may be shortened.
        """

    def writing(
        self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0
    ) -> Generator[int, None, None]:
        """Do what `write` does, yielding the number of frames written so far; closing it removes the partial file."""

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        """Transcode a clip that browsers cannot play into a small one, frame for frame."""


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


class Tracker(Protocol):
    """Links detections over time (adapter: `tracking.py`). One instance a clip: state is never shared."""

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""


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


class Gallery(Protocol):
    """The store of identities and references (adapter: `gallery/repository.py`); the database is authoritative."""

    @property
    def folder(self) -> Path:
        """The gallery's folder."""

    def is_empty(self) -> bool:
        """Whether nobody is enrolled."""

    def size(self) -> int:
        """Number of identities."""

    def reference_count(self) -> int:
        """Number of biometric references of all identities."""

    def identities(self) -> list[Identity]:
        """All identities, by name (case-insensitive)."""

    def find(self, name: str) -> Identity:
        """The identity of that name, compared by `name_key`. Raises `UnknownIdentity`, naming close ones."""

    def references(self, identity_id: str) -> list[BiometricReference]:
        """All references of an identity, oldest first. Raises `UnknownIdentity`."""

    def enroll(self, name: str, reference: NewReference) -> tuple[Identity, BiometricReference, bool]:
        """Store a reference under a name, in one transaction with its files; True when the identity existed.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """

    def rename(self, identity_id: str, name: str) -> Identity:
        """Give an identity another name. Raises `NameTaken`."""

    def merge(self, source_id: str, target_id: str) -> Identity:
        """Move all references of `source` to `target` and remove `source`."""

    def remove(self, identity_id: str) -> None:
        """Remove an identity with all references, rows first, then files."""

    def search(self, template: Template, count: int) -> list[Candidate]:
        """The `count` best identities, exact, highest score first; [] when empty.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """

    def scores(self, template: Template, identity_id: str) -> list[tuple[str, float]]:
        """(reference id, comparison score) of one identity's references, best first. Raises `ModelMismatch`."""

    def export(self, destination: Path) -> Path:
        """Write the whole gallery as one file, from one consistent snapshot, atomically."""

    def import_(self, archive: Path) -> ImportReport:
        """Add an export's identities and references; all or nothing. Raises `ArchiveInvalid`, `ModelMismatch`."""

    def check_model(self, model_id: str) -> None:
        """Raise `ModelMismatch`, naming both models and what to do, unless empty or of that model."""

    def calibration(self, model_id: str) -> Calibration | None:
        """The latest calibration made with that model, or None."""

    def save_calibration(self, calibration: Calibration) -> None:
        """Store a calibration; it takes the place of earlier ones of its model. Raises `ModelMismatch`."""

    def close(self) -> None:
        """Release the database."""


class CropStore(Protocol):
    """Keeps crops as files (adapter: `crops.py`)."""

    def save(self, crop: Image, destination: Path) -> None:
        """Write a crop as JPEG, atomically, owner-readable only. Raises `StorageFull`."""

    def load(self, path: Path) -> Image:
        """Read a crop back as (h, w, 3) uint8 BGR."""

    def thumbnail(self, path: Path, height: int) -> bytes:
        """Return a small JPEG of a stored picture, for display."""


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

    def card_threshold(self, purpose: Purpose) -> Threshold:
        """The embedder's card's threshold for "verification" or "identification", never the settings'."""

    def notices(self) -> tuple[Notice, ...]:
        """What people should know about replaced weights or devices."""

    def status(self) -> list[ModelStatus]:
        """The model of each role, without loading anything."""

    def threshold(self, purpose: Purpose) -> Threshold:
        """The default threshold for "verification" or "identification", of the embedder that is or would be used."""


class ModelAdministration(Models, Protocol):
    """Models with what `models list | fetch | check`, evaluation and training need besides (made by `bootstrap`)."""

    def cards(self) -> tuple[Card, ...]:
        """All cards that are known."""

    def fetch(self, role: str | None = None) -> Generator[Progress, None, None]:
        """Download and verify the weights that a role (None: each) uses. Raises the `ModelError` family."""

    def check(self) -> list[ModelCheck]:
        """Verify checksums, load each model and run it once; problems are reported, not raised."""

    def close(self) -> None:
        """Release the models; the next use loads them again."""


TrackerFactory = Callable[[float], Tracker]
"""Makes a tracker with fresh state for analysed frames coming at so many per second."""


class Annotator(Protocol):
    """Draws results (adapter: `annotation.py`)."""

    def draw(self, image: Image, marks: Sequence[Mark]) -> Image:
        """Return a copy of a frame with the marks on it, at most `answer_files.ANNOTATED_WIDTH` pixels wide."""

    def timeline(self, bars: Sequence[Bar], start: float, stop: float, destination: Path) -> None:
        """Write a PNG of the times at which each person was seen, atomically."""


SharpnessOf = Callable[[Image], float]
"""Measures sharpness of a crop (variance of the Laplacian at a fixed size); higher is sharper."""
