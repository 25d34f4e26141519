"""Tracks of one clip that are one person: from which scores, why, and when the person is in view."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from biometric.entities.footage import Tracklet

STRETCH_GAP = 1.0
"""Seconds out of view below which a person's next track continues the stretch."""


class LinkKind(StrEnum):
    """What holds a track to the others of its person. The values stand in JSON files and kept observations."""

    SCORE = "score"
    MOTION = "motion"
    DOUBLE = "double detection"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class LinkScores:
    """From which comparison scores tracks of one clip are one person.

    Attributes:
        same: they are one person.
        perhaps: they may be: told, and enough where the motion over a short gap agrees.

    Raises:
        ValueError: not -1 <= perhaps <= same <= 1.
    """

    same: float
    perhaps: float

    def __post_init__(self) -> None:
        if not -1 <= self.perhaps <= self.same <= 1:
            raise ValueError(f"expected -1 <= perhaps <= same <= 1, got {self.perhaps} and {self.same}")


@dataclass(frozen=True, slots=True)
class PerhapsSame:
    """Somebody of the same clip who may be the same person.

    Attributes:
        person: their number.
        score: mean comparison score of both people's tracks, below what makes them one.
    """

    person: int
    score: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time for which a person is in view: frames from 0, both inclusive, and when they are shown, in seconds."""

    first_frame: int
    last_frame: int
    first_seconds: float
    last_seconds: float

    def __post_init__(self) -> None:
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValueError(f"expected 0 <= first frame <= last, got {self.first_frame} and {self.last_frame}")

    @classmethod
    def of(cls, track: Tracklet) -> "Stretch":
        """Return the stretch of one track."""
        return cls(track.first_frame, track.last_frame, track.first_seconds, track.last_seconds)


def joined_stretches(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Return stretches in order, those that overlap or follow within `STRETCH_GAP` as one."""
    joined: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda item: (item.first_frame, item.last_frame)):
        before = joined[-1] if joined else None
        if before is None or (
            stretch.first_frame > before.last_frame and stretch.first_seconds - before.last_seconds > STRETCH_GAP
        ):
            joined.append(stretch)
        elif stretch.last_frame > before.last_frame:
            joined[-1] = Stretch(before.first_frame, stretch.last_frame, before.first_seconds, stretch.last_seconds)
    return tuple(joined)
