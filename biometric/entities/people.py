"""Samples, templates and observed people."""

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from biometric.entities.footage import Detection, FrameRange, Tracklet, Vector, VideoInfo
from biometric.entities.links import LinkKind, PerhapsSame, Stretch, joined_stretches
from biometric.entities.notices import Notice, NoticeCode

EDIT_CODES = (NoticeCode.JOINED_BY_HAND, NoticeCode.SPLIT_BY_HAND, NoticeCode.TRACKS_SPLIT_BY_HAND)
"""Notices that tell how the people of an observation were joined or split by hand."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One crop of a person: kept (then it has an embedding) or refused (then it has the reason).

    Attributes:
        detection: where it was cut from.
        quality: in [0, 1], higher is better.
        refusal: why it was refused (one of `REFUSALS`), or None when the sample was kept.
        crop: the saved `NumFrame_BB.jpg`, or None when it was not saved.
        embedding: (D,) unit float32, or None when refused.
    """

    detection: Detection
    quality: float
    refusal: Notice | None = None
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
class LinkedTrack:
    """A track that was put together with others into one person, as it was before.

    Attributes:
        observation: of the track alone.
        kind: what holds it to the person's other tracks.
        score: its best comparison score with one of them; None where there was nothing to compare.
    """

    observation: "Observation"
    kind: LinkKind
    score: float | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One person of an observed range: what is seen, the samples, and the template pooled from the kept ones.

    Attributes:
        person: number from 1, in order of first appearance.
        tracklet: all detections; of several tracks in one where the person has several.
        samples: the kept ones and, of those refused, the first ones and some spread over time, in frame order.
        template: None when every sample was refused.
        refusals: how many samples were refused in all, by reason; counted from `samples` where it is not given.
        linked: the tracks that the person is made of, in order of first appearance; empty where it is one.
        perhaps: who else may be the same person, the best score first.

    Example:
        >>> person = observed.most_prominent
        >>> person.person, person.tracklet.first_frame < person.tracklet.last_frame, person.best in person.kept
        (1, True, True)
    """

    person: int
    tracklet: Tracklet
    samples: tuple[Sample, ...]
    template: Template | None
    refusals: Counter[NoticeCode] = field(default_factory=Counter)
    linked: tuple[LinkedTrack, ...] = ()
    perhaps: tuple[PerhapsSame, ...] = ()

    def __post_init__(self) -> None:
        if len(self.linked) == 1:
            raise ValueError("expected no or several linked tracks, got 1")
        if not self.refusals:
            codes = Counter(sample.refusal.code for sample in self.samples if sample.refusal is not None)
            object.__setattr__(self, "refusals", codes)

    @property
    def kept(self) -> tuple[Sample, ...]:
        """Samples that count for the template."""
        return tuple(sample for sample in self.samples if sample.kept)

    @property
    def refused(self) -> tuple[Sample, ...]:
        """Samples that do not count, each with a reason; `refused_count` says how many there were in all."""
        return tuple(sample for sample in self.samples if not sample.kept)

    @property
    def refused_count(self) -> int:
        """How many samples were refused in all."""
        return self.refusals.total()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """When the person is in view, in order; tracks that overlap or follow within `STRETCH_GAP` are one stretch."""
        tracks = [linked.observation.tracklet for linked in self.linked] or [self.tracklet]
        return joined_stretches(Stretch.of(track) for track in tracks)

    @property
    def link_score(self) -> float | None:
        """How sure it is that the tracks are one person: the least of their scores; None where none was compared."""
        return min((linked.score for linked in self.linked if linked.score is not None), default=None)

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
class LookCounts:
    """How many analysed frames the detector saw, and why it did not see the others.

    Attributes:
        looked: the detector saw them.
        unchanged: they show what the last frame looked at shows.
        bridged: between two looks at people who walked on as predicted.
        moved: of those looked at, in how many much of the picture had changed, as when the camera moves.
        undecoded: of those unchanged, how many were not decoded.
        all_decoded: why from some frame on, or from the first, all were decoded: "sizes" (packets tell nothing of what
            happens), or what kept the file from being read in groups of frames; "" where that is not so.
    """

    looked: int
    unchanged: int = 0
    bridged: int = 0
    moved: int = 0
    undecoded: int = 0
    all_decoded: str = ""

    @property
    def analysed(self) -> int:
        """All analysed frames."""
        return self.looked + self.unchanged + self.bridged


@dataclass(frozen=True, slots=True)
class ObservedClip:
    """The people and samples of one frame range of one clip; all later work is arithmetic on it.

    Attributes:
        path: the clip.
        label: the clip's name for people.
        folder: where the crops lie while the observation is kept.
        analysed_frames: how many frames were decoded and followed.
        looks: how many of these the detector saw, and why not the others; None: it saw each.
        warnings: what people should know beside any answer (damage, replaced weights, …).
        timings: seconds by stage: decode, detect, track, select, embed.
        damage_accepted: whether the person said to use the clip although it is damaged.
        camera: its name as somebody gave it, else as the library or the file does; "" for the unknown one.
        camera_given: whether somebody gave it for this observation.

    Example:
        >>> observed = service.observe("demo/visit-1-beige-coat.mp4")
        >>> observed.label, len(observed.observations)
        ('visit-1-beige-coat.mp4', 1)
    """

    path: Path
    label: str
    video: VideoInfo
    frames: FrameRange
    observations: tuple[Observation, ...]
    model_id: str
    folder: Path
    analysed_frames: int
    warnings: tuple[Notice, ...] = ()
    timings: dict[str, float] = field(default_factory=dict, compare=False)
    damage_accepted: bool = False
    camera: str = ""
    camera_given: bool = False
    looks: LookCounts | None = None

    @property
    def edited(self) -> bool:
        """Whether people were joined or split by hand; reading the frames again does not give these people."""
        return any(notice.code in EDIT_CODES for notice in self.warnings)

    @property
    def usable(self) -> tuple[Observation, ...]:
        """The people with a template."""
        return tuple(observation for observation in self.observations if observation.template is not None)

    @property
    def most_prominent(self) -> Observation | None:
        """The usable person who takes most of the footage."""
        return max(self.usable, key=lambda observation: observation.prominence, default=None)
