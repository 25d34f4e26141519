"""What a calibration takes of footage, what comparisons of it support, and which calibrations a gallery holds."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from biometric.entities.calibration import Calibration, FitBasis
from biometric.entities.footage import Box, Vector

POSSIBLE: Final = "possible"
TargetRate = float | Literal["possible"]
"""An error rate in (0, 0.5], or "possible": the smallest one that the comparisons support."""

HIGHEST_TARGET = 0.5
DEFAULT_FMR = 0.001
"""Target of verification where none is given."""
DEFAULT_FPIR = 0.01
"""Target of identification where none is given; then data that cannot support it are no reason to refuse."""


def count_needed_trials(target: float) -> int:
    """Return how many independent trials without an error keep a target rate: 3 / target (rule of 3)."""
    return math.ceil(3.0 / target - 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationTrack:
    """The data of a usable track.

    Attributes:
        vector: its (D,) template.
        halves: score of its halves with each other, None where it is too short.
        boxes: by frame.
        half_vectors: the (D,) templates of its halves, where there is a score of them.
    """

    vector: Vector
    halves: float | None
    boxes: dict[int, Box]
    half_vectors: tuple[Vector, Vector] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClipSummary:
    """The data of a clip, without pictures.

    Attributes:
        digest: also of equal copies.
        model_id: the embedder of the templates.
        tracks: usable tracks.
        seconds: how much was analysed.
        comparisons: pairs of tracks that were seen side by side.
        unusable: tracks that were not seen well enough.
        damaged: only a part of the clip could be read.
        camera: by which it was recorded, "" for the unknown one.
    """

    digest: str
    model_id: str
    tracks: tuple[CalibrationTrack, ...]
    seconds: float
    comparisons: int = 0
    unusable: int = 0
    damaged: bool = False
    camera: str = ""


@dataclass(frozen=True, slots=True)
class SupportedRate:
    """The smallest error rate, 1 / `one_in`, that comparisons support with 95 % confidence.

    Attributes:
        one_in: at least 2.
        basis: which trials it rests on.
    """

    one_in: int
    basis: FitBasis

    def __post_init__(self) -> None:
        if self.one_in < 2:
            raise ValueError(f"expected at least 1 in 2, got 1 in {self.one_in}")

    @property
    def rate(self) -> float:
        """The rate, in (0, 0.5]."""
        return 1 / self.one_in


@dataclass(frozen=True, slots=True)
class FootageNeeded:
    """About how much more footage a target rate needs.

    Attributes:
        people: more people who are seen side by side with others, or who are searched in the gallery.
        clips: more clips like those there are, None where these give no comparison.
        strangers: it takes people who are not enrolled, and who need not be side by side.
    """

    people: int
    clips: int | None
    strangers: bool = False


@dataclass(frozen=True, slots=True)
class FootageEvidence:
    """What clips and a gallery support, before any threshold is fitted.

    Attributes:
        clips: how many different ones.
        people: people who were compared with somebody else.
        not_compared: people in the clips who were not.
        pairs, independent: pairs of different people, and how many independent comparisons they count for.
        seen, side_by_side: usable people of the clips, and comparisons of two of them who were seen side by side.
        strangers: people of the clips who were searched in the whole gallery.
        gallery_size: identities enrolled.
        verification: smallest supported false match rate, None where not even 1 in 2 is.
        identification: smallest supported false-positive identification rate of a search of the gallery, or None.
        separable: False where people who must be different score 1.00, so that no threshold can tell them apart.
    """

    clips: int
    people: int
    not_compared: int
    pairs: int
    independent: int
    seen: int
    side_by_side: int
    strangers: int
    gallery_size: int
    verification: SupportedRate | None
    identification: SupportedRate | None
    separable: bool = True

    def needed_for_verification(self, rate: float) -> FootageNeeded | None:
        """Return about how much more a false match rate in (0, 0.5] needs, None where there is enough."""
        if self.verification is not None and self.verification.rate <= rate:
            return None
        return self._more(count_needed_trials(rate), self.independent)

    def needed_for_identification(self, rate: float) -> FootageNeeded | None:
        """Return about how much more a false-positive identification rate in (0, 0.5] needs, or None.

        None also where nobody is enrolled, because that takes people, not footage.
        """
        if self.gallery_size == 0 or (self.identification is not None and self.identification.rate <= rate):
            return None
        single = -math.expm1(math.log1p(-rate) / self.gallery_size)
        by_pairs = self._more(count_needed_trials(single), self.independent)
        missing = max(1, count_needed_trials(rate) - self.strangers)
        clips = math.ceil(missing / (self.strangers / self.clips)) if self.strangers and self.clips else None
        return min(by_pairs, FootageNeeded(missing, clips, strangers=True), key=lambda needed: needed.people)

    def _more(self, needed: int, available: int) -> FootageNeeded:
        if not available or not self.people:
            return FootageNeeded(math.ceil((1 + math.sqrt(1 + 8 * needed)) / 2), None)
        missing = max(1, needed - available)
        if not self.side_by_side:  # everybody compared is of the gallery
            return FootageNeeded(math.ceil(missing * self.people / available), None)
        gained = min(self.side_by_side, available)  # by clips like these
        return FootageNeeded(math.ceil(missing * self.seen / gained), math.ceil(missing * self.clips / gained))


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """One line of a gallery's history of calibrations.

    Attributes:
        number: rises with each calibration; what `use_calibration` takes.
        created_at: ISO 8601, UTC.
        model_id: the embedder that it holds for.
        calibration: None where its record is damaged.
        since: since when it is in force, ISO 8601, UTC, or None where it is not.
    """

    number: int
    created_at: str
    model_id: str
    calibration: Calibration | None
    since: str | None

    @property
    def in_force(self) -> bool:
        """Whether templates of its model are decided by it."""
        return self.since is not None
