"""Frozen value types that check themselves on construction.

Conventions, everywhere in the package:
    frames   are numbered from 0 in decoding order; `FrameRange` is half-open inside the code and
             inclusive ("frames 63-130") in words meant for people.
    boxes    are (x1, y1, x2, y2) in pixels of the displayed (rotation applied) frame, x2 > x1, y2 > y1.
    images   are (H, W, 3) uint8 in BGR order.
    vectors  are (D,) float32 of unit length; comparison scores are cosines in [-1, 1], higher is closer.
    people   are numbered from 1 within one observed range.
"""

import itertools
import math
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biometric.errors import InvalidFrameRange, InvalidName, InvalidThreshold

Image = NDArray[np.uint8]
Vector = NDArray[np.float32]
Box = tuple[float, float, float, float]

NAME_LIMIT = 100
"""Longest name of an identity, in characters after normalisation."""


def clean_name(text: str) -> str:
    """Return the one spelling under which a name is stored: NFC, inner white space folded, ends stripped.

    Raises:
        InvalidName: empty, longer than `NAME_LIMIT`, or with control or invisible format characters.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InvalidName("The name is empty. Type the name of the person to enroll.")
    if len(name) > NAME_LIMIT:
        raise InvalidName(f"The name has {len(name)} characters; at most {NAME_LIMIT} are allowed.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} for character in name):
        raise InvalidName("The name contains control or invisible characters. Type it again without them.")
    return name


def name_key(text: str) -> str:
    """Return the key by which two spellings are one person: cleaned, then case-folded (NFC/NFD twins agree)."""
    return unicodedata.normalize("NFC", clean_name(text).casefold())


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `start`, `start + step`, … below `stop` (0-based, half-open).

    Raises:
        InvalidFrameRange: negative start, nothing between start and stop, or step below 1.
    """

    start: int
    stop: int
    step: int = 1

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InvalidFrameRange(f"From frame must be 0 or more, got {self.start}.")
        if self.stop <= self.start:
            raise InvalidFrameRange(
                f"From frame {self.start} comes after To frame {self.stop - 1}. Choose a To frame at or after it."
            )
        if self.step < 1:
            raise InvalidFrameRange(f"The step between frames must be 1 or more, got {self.step}.")

    @classmethod
    def inclusive(cls, first: int, last: int, step: int = 1) -> "FrameRange":
        """Build from what people say: "From frame `first` To frame `last`", both included."""
        return cls(first, last + 1, step)

    @property
    def first(self) -> int:
        """First frame, 0-based."""
        return self.start

    @property
    def last(self) -> int:
        """Last frame of the range as people say it (inclusive)."""
        return self.stop - 1

    def __len__(self) -> int:
        """Number of frames in the range, whatever the step."""
        return self.stop - self.start

    def __contains__(self, frame_index: object) -> bool:
        return isinstance(frame_index, int) and self.start <= frame_index < self.stop

    def __str__(self) -> str:
        return f"frames {self.first}–{self.last}"


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a clip.

    Attributes:
        width, height: pixels of the displayed frame (rotation applied).
        fps: average frames per second, > 0.
        frame_count: number of frames, at least 1; `frame_count_source` says how it is known.
        frame_count_source: "decoded" (every frame was decoded once) or "claimed" (the file says so).
        duration: seconds.
        rotation: clockwise degrees by which stored frames are turned for display: 0, 90, 180 or 270.
        codec: FFmpeg's name of the video codec, such as "h264".
        container: FFmpeg's name of the container, such as "mov,mp4,m4a,3gp,3g2,mj2".
        digest: SHA-256 of the file, hexadecimal.
        claimed_frames: what the file claims where it claims anything.
        damage: a sentence for people when the clip cannot be read to its claimed end, otherwise None.
        browser_playable: whether browsers play the file as it is.
    """

    width: int
    height: int
    fps: float
    frame_count: int
    frame_count_source: Literal["decoded", "claimed"]
    duration: float
    rotation: int
    codec: str
    container: str
    digest: str
    claimed_frames: int | None = None
    damage: str | None = None
    browser_playable: bool = True

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"expected a frame of at least 1×1 pixels, got {self.width}×{self.height}")
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"expected fps > 0, got {self.fps}")
        if self.frame_count < 1:
            raise ValueError(f"expected at least 1 frame, got {self.frame_count}")
        if self.rotation not in (0, 90, 180, 270):
            raise ValueError(f"expected rotation 0, 90, 180 or 270, got {self.rotation}")

    def seconds(self, frame_index: int) -> float:
        """Return the nominal time of a frame in seconds (exact for constant frame rate)."""
        return frame_index / self.fps


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame: `image` is (H, W, 3) uint8 BGR, rotation applied; `seconds` its presentation time."""

    index: int
    image: Image
    seconds: float


@dataclass(frozen=True, slots=True)
class Detection:
    """A person's box in one frame.

    Attributes:
        frame_index: 0-based frame number.
        box: (x1, y1, x2, y2) in pixels, inside the frame.
        confidence: detector's confidence in [0, 1].
        box_index: number of the box within its frame, from 0 (the BB of `NumFrame_BB.jpg`).
    """

    frame_index: int
    box: Box
    confidence: float
    box_index: int = 0

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.box
        if not (x2 > x1 and y2 > y1):
            raise ValueError(f"expected a box with x2 > x1 and y2 > y1, got {self.box}")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {self.confidence}")

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.width * self.height

    @property
    def crop_name(self) -> str:
        """File name of the crop, `NumFrame_BB.jpg`: eight digits of frame, two of box."""
        return f"{self.frame_index:08d}_{self.box_index:02d}.jpg"


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One person followed through a clip: detections in strictly rising frame order, at least one."""

    track_id: int
    detections: tuple[Detection, ...]

    def __post_init__(self) -> None:
        frames = [detection.frame_index for detection in self.detections]
        if not frames:
            raise ValueError("expected a tracklet with at least one detection, got none")
        if any(later <= earlier for earlier, later in itertools.pairwise(frames)):
            raise ValueError("expected detections in strictly rising frame order")

    @property
    def first_frame(self) -> int:
        """Frame in which the person is first seen."""
        return self.detections[0].frame_index

    @property
    def last_frame(self) -> int:
        """Frame in which the person is last seen."""
        return self.detections[-1].frame_index


@dataclass(frozen=True, slots=True)
class Sample:
    """One crop of a person: kept (then it has an embedding) or refused (then it says why).

    Attributes:
        detection: where it was cut from.
        quality: in [0, 1], higher is better.
        refusal: a reason a person can read, or None when the sample was kept.
        crop: the saved `NumFrame_BB.jpg`, or None when it was not saved.
        embedding: (D,) unit float32, or None when refused.
    """

    detection: Detection
    quality: float
    refusal: str | None = None
    crop: Path | None = None
    embedding: Vector | None = field(default=None, compare=False, repr=False)

    @property
    def kept(self) -> bool:
        """Whether the sample counts for the template."""
        return self.refusal is None and self.embedding is not None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A pooled embedding: `vector` is (D,) float32 of unit length and read-only.

    Raises:
        ValueError: the vector is not finite, not one-dimensional or not of unit length (±1e-3).
    """

    vector: Vector
    model_id: str
    sample_count: int

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype=np.float32)
        if vector.ndim != 1 or vector.size == 0:
            raise ValueError(f"expected a template of shape (D,), got {vector.shape}")
        length = float(np.linalg.norm(vector))
        if not (math.isfinite(length) and abs(length - 1.0) < 1e-3):
            raise ValueError(f"expected a template of unit length, got length {length}")
        if self.sample_count < 1:
            raise ValueError(f"expected a template of at least one sample, got {self.sample_count}")
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)


@dataclass(frozen=True, slots=True)
class Observation:
    """One person of an observed range: the tracklet, its samples, and the template pooled from the kept ones.

    Attributes:
        person: number from 1, in order of first appearance.
        samples: all samples considered, in frame order; refused ones carry their reason.
        template: None when every sample was refused.
    """

    person: int
    tracklet: Tracklet
    samples: tuple[Sample, ...]
    template: Template | None

    @property
    def kept(self) -> tuple[Sample, ...]:
        """Samples that count for the template."""
        return tuple(sample for sample in self.samples if sample.kept)

    @property
    def refused(self) -> tuple[Sample, ...]:
        """Samples that do not count, each with a reason."""
        return tuple(sample for sample in self.samples if not sample.kept)

    @property
    def best(self) -> Sample | None:
        """The sample to show for this person: the best kept one, else the best saved one."""
        shown = self.kept or tuple(sample for sample in self.samples if sample.crop is not None)
        return max(shown, key=lambda sample: sample.quality, default=None)

    @property
    def prominence(self) -> float:
        """How much of the footage is this person's: summed box area (square pixels) over its detections."""
        return sum(detection.area for detection in self.tracklet.detections)


@dataclass(frozen=True, slots=True)
class ObservedClip:
    """Everything that was learnt from one frame range of one clip; all later work is arithmetic on it.

    Attributes:
        path: the clip.
        label: the clip's name for people.
        folder: where the crops lie (`query/<clip>/`).
        analysed_frames: how many frames the detector saw.
        warnings: sentences for people (damage, replaced weights, …).
        timings: seconds by stage: decode, detect, track, select, embed.
    """

    path: Path
    label: str
    video: VideoInfo
    frames: FrameRange
    observations: tuple[Observation, ...]
    model_id: str
    folder: Path
    analysed_frames: int
    warnings: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def usable(self) -> tuple[Observation, ...]:
        """The people with a template."""
        return tuple(observation for observation in self.observations if observation.template is not None)

    @property
    def most_prominent(self) -> Observation | None:
        """The usable person who takes most of the footage."""
        return max(self.usable, key=lambda observation: observation.prominence, default=None)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody enrolled.

    Attributes:
        id: opaque, 32 hexadecimal digits; also the name of the folder that holds the crops.
        name: as shown to people, NFC.
        reference_count: number of biometric references.
        sample_count: number of samples over all references.
        created_at, updated_at: ISO 8601, UTC.
        thumbnail: the best crop on disk, or None.
    """

    id: str
    name: str
    reference_count: int
    sample_count: int
    created_at: str
    updated_at: str
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class BiometricReference:
    """A stored template with where it came from. `crops` are the kept samples' files, in frame order."""

    id: str
    identity_id: str
    template: Template
    clip_digest: str
    clip_name: str
    first_frame: int
    last_frame: int
    created_at: str
    crops: tuple[Path, ...]
    best_crop: Path | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity as an answer to a probe: its score is its best reference's. `rank` counts from 1."""

    identity: Identity
    score: float
    rank: int
    reference_id: str


class ThresholdSource(StrEnum):
    """Where a threshold came from, in words for people."""

    MODEL_CARD = "model card"
    USER = "set by you"
    SETTING = "setting"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison threshold with its origin.

    Attributes:
        value: in [-1, 1]; a score at or above it is a match.
        evidence: a sentence on what the number rests on ("" when nothing is known).
        fmr: false match rate that the evidence supports at exactly this value, or None.
    """

    value: float
    source: ThresholdSource
    evidence: str = ""
    fmr: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and -1.0 <= self.value <= 1.0):
            raise InvalidThreshold(f"The threshold must be a number from -1 to 1, got {self.value}.")


class Decision(StrEnum):
    """Outcome of a comparison, in the words shown to people."""

    MATCH = "match"
    NO_MATCH = "no match"
    NO_DECISION = "no decision"
    IDENTIFIED = "identified"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verification:
    """Answer to "is this person who they claim to be?".

    Attributes:
        decision: MATCH, NO_MATCH or NO_DECISION.
        score: comparison score against the claimed identity's best reference; None without decision material.
        margin: score minus the best other identity's; None when there is nobody else.
        reason: why, in words.
    """

    decision: Decision
    identity: Identity
    score: float | None
    threshold: Threshold
    margin: float | None
    best_other: Candidate | None
    reference_id: str | None
    observation: Observation
    people: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Identification:
    """Answer to "who is this?" for one person of the range.

    Attributes:
        decision: IDENTIFIED or UNKNOWN.
        candidates: best identities first, at most five, whatever the threshold.
        identity: the first candidate's when identified, else None.
        score: the first candidate's score; None when nothing could be compared.
        margin: score minus the second candidate's; None when there is nobody else.
        reason: why, in words.
    """

    observation: Observation
    decision: Decision
    identity: Identity | None
    score: float | None
    threshold: Threshold
    margin: float | None
    candidates: tuple[Candidate, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrollment stored. `added` says that the identity existed and got another reference."""

    identity: Identity
    reference: BiometricReference
    observation: Observation
    people: int
    added: bool
    lookalikes: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a long job stands. `done` of `total` units (`unit` such as "frame"); `seconds_left` None if unknown."""

    stage: str
    done: int
    total: int
    people: int = 0
    seconds_left: float | None = None

    def __str__(self) -> str:
        text = f"{self.stage} {self.done} of {self.total}"
        if self.people:
            text += f" · {self.people} {'person' if self.people == 1 else 'people'} so far"
        if self.seconds_left is not None:
            text += f" · about {max(1, round(self.seconds_left))} s left"
        return text
