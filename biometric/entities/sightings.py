"""Sightings: who was seen in kept footage, where and when, and what was decided about them.

A sighting is one person of one analysed clip. What a machine decided stands in it as it was decided. Who it is counts
as follows: somebody enrolled from it, else somebody whom a person confirmed, else whom the machine identified unless a
person said that it is wrong.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from biometric.entities.decisions import Decision, Threshold
from biometric.entities.footage import FrameRange
from biometric.entities.life_cycle import BasisRecord
from biometric.entities.links import Stretch
from biometric.entities.people import Template
from biometric.entities.picture_detail import PictureDetail
from biometric.entities.verdicts import ProbeRecord


class TimeSource(StrEnum):
    """Where the time of a clip is from. The values stand in databases and JSON."""

    GIVEN = "given"
    FILE = "file metadata"
    NAME = "file name"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ClipTime:
    """When the first frame of a clip was recorded.

    Attributes:
        begins_at: with its zone; None where nothing is known.
        source: where that is from.
        zone_assumed: the source names no zone, so that of the settings was taken.

    Raises:
        ValueError: a time without a zone, or a source that does not fit.
    """

    begins_at: datetime | None = None
    source: TimeSource = TimeSource.UNKNOWN
    zone_assumed: bool = False

    def __post_init__(self) -> None:
        if self.begins_at is not None and self.begins_at.utcoffset() is None:
            raise ValueError(f"expected a time with its zone, got {self.begins_at}")
        if (self.begins_at is None) != (self.source is TimeSource.UNKNOWN):
            raise ValueError(f"expected a time exactly where its source is known, got {self}")

    def at(self, seconds: float) -> datetime | None:
        """Return when something that many seconds after the first frame was recorded, in the same zone."""
        return None if self.begins_at is None else self.begins_at + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class SightingDecision:
    """What the machine decided about a sighting.

    Attributes:
        identity_id: whom it was identified as; None where nobody was found.
        candidate_id: who compared best, whatever the threshold; None without a comparison.
        score, margin: comparison score in [-1, 1] of the candidate, and its lead; None without a comparison.
        threshold: what was decided by, with where it is from and the error rate that it keeps.
    """

    decision: Decision
    identity_id: str | None
    candidate_id: str | None
    score: float | None
    margin: float | None
    threshold: Threshold


class Naming(StrEnum):
    """By what a sighting has its name. The values stand in JSON."""

    ENROLLED = "enrolled"
    """Somebody was enrolled from it."""
    CONFIRMED = "confirmed"
    """A person confirmed it."""
    IDENTIFIED = "identified"
    """The machine identified somebody, which nobody has judged: a proposal."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, eq=False)
class NewSighting:
    """One analysed person who is to be kept.

    Attributes:
        probe: boxes of some frames, and the template.
        stretches: when the person is in view, in order; at least one.
        decision: None where nobody was asked for.
        detail: pixels and sharpness of the samples; None: nobody has looked.
        crop_name, crop: `NumFrame_BB.jpg` of the best sample, and its JPEG; "" and b"" where there is none.
        seen_at_once: numbers of people of the same clip who were in view in the same frame, clearly apart.
    """

    probe: ProbeRecord
    stretches: tuple[Stretch, ...]
    decision: SightingDecision | None = None
    detail: PictureDetail | None = None
    crop_name: str = ""
    crop: bytes = field(default=b"", repr=False)
    seen_at_once: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.stretches:
            raise ValueError("expected at least one stretch, got none")
        if bool(self.crop_name) != bool(self.crop):
            raise ValueError("expected a crop exactly where it has a name")

    @property
    def person(self) -> int:
        """The person's number within the analysed range, from 1."""
        return self.probe.person


@dataclass(frozen=True, slots=True, eq=False)
class NewAnalysis:
    """An analysed frame range of a clip whose people are to be kept.

    Attributes:
        clip_digest: SHA-256 of the file.
        clip_name: its name for people.
        clip_id: of the library of footage; "" where it is not kept there.
        camera: "" for the unknown one.
        frames: the analysed range.
        model_id: of the templates.
        made_with: what else decided who was seen: detector, tracker, samples.
        people: those with a template.
    """

    clip_digest: str
    clip_name: str
    clip_id: str
    camera: str
    time: ClipTime
    frames: FrameRange
    model_id: str
    made_with: str
    people: tuple[NewSighting, ...]

    def __post_init__(self) -> None:
        for person in self.people:
            if person.probe.clip_digest != self.clip_digest or person.probe.template.model_id != self.model_id:
                raise ValueError("expected people of this clip and of one model")


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One person seen in one clip, as it is kept.

    Attributes:
        id: opaque, 32 hexadecimal digits.
        clip_digest, clip_name, clip_id, camera, time: of the clip; see `NewAnalysis`.
        stretches: when the person is in view, in order.
        probe: boxes of some frames, and the template.
        crop: the best sample's picture, or None.
        decision: what the machine decided; None where nobody was asked for.
        identity_id: who it is, by `naming`; None for unknown people, and while somebody is in the trash.
        not_people: ids of the identities that a person said it is not.
        seen_at_once: ids of sightings of the same clip in view at once: other people.
        kept_at, keep_until: ISO 8601, UTC; None for the second: a legal hold keeps it.
        basis: on which basis it is kept.
    """

    id: str
    clip_digest: str
    clip_name: str
    clip_id: str
    camera: str
    time: ClipTime
    stretches: tuple[Stretch, ...]
    probe: ProbeRecord
    crop: Path | None
    decision: SightingDecision | None
    detail: PictureDetail | None
    identity_id: str | None
    naming: Naming
    not_people: frozenset[str]
    seen_at_once: tuple[str, ...]
    kept_at: str
    keep_until: str
    basis: BasisRecord

    @property
    def template(self) -> Template:
        """The template that was pooled from the kept samples."""
        return self.probe.template

    @property
    def person(self) -> int:
        """The person's number within the analysed range, from 1."""
        return self.probe.person

    @property
    def first_frame(self) -> int:
        """Frame in which the person is first seen."""
        return self.stretches[0].first_frame

    @property
    def last_frame(self) -> int:
        """Frame in which the person is last seen."""
        return self.stretches[-1].last_frame

    @property
    def first_seconds(self) -> float:
        """When the person is first seen, in seconds since the clip's first frame."""
        return self.stretches[0].first_seconds

    @property
    def last_seconds(self) -> float:
        """When the person is last seen, in seconds since the clip's first frame."""
        return self.stretches[-1].last_seconds

    @property
    def begins_at(self) -> datetime | None:
        """When the person is first seen, on the clock of the clip; None where that is unknown."""
        return self.time.at(self.first_seconds)

    @property
    def ends_at(self) -> datetime | None:
        """When the person is last seen, on the clock of the clip."""
        return self.time.at(self.last_seconds)

    @property
    def is_proposal(self) -> bool:
        """Whether it has its name from the machine alone."""
        return self.naming is Naming.IDENTIFIED
