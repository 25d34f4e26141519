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
    GalleryChange,
    Identity,
    Image,
    ImportReport,
    NewReference,
    Notice,
    Progress,
    Purpose,
    StoredEnrollment,
    Template,
    Threshold,
    TrashItem,
    VideoInfo,
)
from biometric.entities.drawing import Bar, Mark
from biometric.entities.model_cards import Card
from biometric.entities.model_reports import ModelCheck, ModelStatus

ANY_OWNER = "*"
"""For `Gallery.enroll`: whoever has the name gets the reference, without asking. No identity has this id."""


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

    def revision(self) -> str:
        """An opaque text that differs after any change, also by another process or a restored backup; cheap.

        "" when there is no gallery yet. For pages that ask every few seconds whether they show the present state.
        """

    # Changes. Each is one transaction and one line of the history. What it takes away goes to the trash for
    # `SIGHTLINE_TRASH_DAYS` and is neither searched nor counted, listed, exported or calibrated with meanwhile.

    def enroll(self, name: str, reference: NewReference, *, owner: str | None = ANY_OWNER) -> StoredEnrollment:
        """Store a reference under a name, in one transaction with its files.

        Args:
            owner: id of the identity that has the name, None where nobody has it; checked in the transaction.

        Raises:
            NameTaken: somebody else than `owner` has the name.
            UnknownIdentity: nobody has the name any more.
            ModelMismatch: the gallery holds templates of another model.
        """

    def rename(self, identity_id: str, name: str) -> GalleryChange:
        """Give an identity another name. Raises `UnknownIdentity`, `NameTaken`."""

    def merge(self, source_id: str, target_id: str) -> GalleryChange:
        """Move all references of `source` to `target`; `source` goes to the trash. Raises `UnknownIdentity`."""

    def remove(self, identity_id: str) -> GalleryChange:
        """Put an identity with all references into the trash. Raises `UnknownIdentity`."""

    def remove_reference(self, reference_id: str) -> GalleryChange:
        """Put one reference into the trash, and its identity where that was the last one. Raises `UnknownReference`."""

    def remove_sample(self, reference_id: str, sample: str) -> GalleryChange:
        """Put one sample (its `NumFrame_BB.jpg`) into the trash; the template is pooled anew from those that remain.

        With its last sample the reference goes, too, and with its last reference the identity.

        Raises:
            UnknownReference: there is no such reference or sample.
        """

    def move_reference(
        self, reference_id: str, identity_id: str | None = None, *, new_name: str | None = None
    ) -> GalleryChange:
        """Give a reference to another identity: one that is there, or a new one of the name `new_name`.

        An identity that loses its last reference goes to the trash.

        Raises:
            UnknownReference, UnknownIdentity: one of them is not there.
            NameTaken: somebody is called `new_name` already.
            InvalidInput: not exactly one of both is given, or the reference is theirs already.
        """

    def set_cover(self, identity_id: str, reference_id: str, sample: str) -> GalleryChange:
        """Let a sample's crop stand for an identity: its `Identity.thumbnail`. Without it, that is the best one.

        Raises:
            UnknownIdentity, UnknownReference: there is no such identity, or no such sample of it.
        """

    def undo(self, change_id: int | None = None) -> GalleryChange:
        """Take a change back: everything is as before it. None: the latest that can be taken back.

        Undoing an enrollment puts it into the trash. The result is of kind `undone`, and undoing that one makes the
        change again (kind `redone`).

        Raises:
            UndoRefused: there is no such change, it is undone, expired or no kind that can be undone, or a later
                change of the same people still stands (`blocked_by`).
            NameTaken: somebody else has the name that would come back.
            ModelMismatch: meanwhile the gallery holds templates of another model.
        """

    def changes(self, limit: int = 100) -> list[GalleryChange]:
        """The history, newest first, each with whether it can still be undone."""

    def trash(self) -> list[TrashItem]:
        """What is in the trash, by the change that put it there, newest first."""

    def find_in_trash(self, name: str) -> list[str]:
        """The ids of people of that name in the trash, compared by `name_key`, the latest first; for `erase`."""

    def empty_trash(self) -> GalleryChange:
        """Delete everything in the trash now, rows and crops; what needs it can no longer be undone."""

    def erase(self, identity_id: str) -> GalleryChange:
        """Delete an identity, enrolled or in the trash, at once and for good.

        With it go its references, samples and crops, those of it in the trash, and its names in the history.

        Raises:
            UnknownIdentity: nobody here or in the trash has that id.
        """

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

    def save(self, image: Image, destination: Path) -> None:
        """Write an annotated photograph as JPEG, atomically, without metadata. Raises `StorageFull`."""

    def timeline(self, bars: Sequence[Bar], start: float, stop: float, destination: Path) -> None:
        """Write a PNG of the times at which each person was seen, atomically."""


SharpnessOf = Callable[[Image], float]
"""Measures sharpness of a crop (variance of the Laplacian at a fixed size); higher is sharper."""
