"""How comparison scores were made comparable across cameras, what was learnt of cameras for it, and what it gained."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities.footage import Vector
from biometric.entities.names import comparable_text

LEAST_SEEN = 5
"""A camera has a mean of its own from so many people on: of fewer it gains nothing, and would tell their templates."""


class AdaptationKind(StrEnum):
    """How scores are adapted to cameras. The values stand in JSON files and in stored calibrations."""

    NONE = "none"
    CENTRING = "centring"
    NORMALISATION = "normalisation"


@dataclass(frozen=True, slots=True)
class ScoreAdaptation:
    """Says of a score, or of a threshold for scores, which adaptation it was made with.

    Only scores with equal marks can be compared, with each other or with a threshold.

    Attributes:
        kind: the method.
        id: the first 16 hexadecimal digits of the SHA-256 of what was learnt; "" for no adaptation.

    Raises:
        ValueError: an id that does not fit the kind.
    """

    kind: AdaptationKind = AdaptationKind.NONE
    id: str = ""

    def __post_init__(self) -> None:
        if (self.kind is AdaptationKind.NONE) != (self.id == ""):
            raise ValueError(f"expected an id for an adaptation and none without, got {self.kind} and {self.id!r}")

    def __str__(self) -> str:
        """Return the stored form, "" for no adaptation."""
        return "" if self.kind is AdaptationKind.NONE else f"{self.kind} {self.id}"

    @classmethod
    def read(cls, text: str) -> "ScoreAdaptation":
        """Return the mark of a stored form. Raises `ValueError`: it is none."""
        kind, _, digest = text.partition(" ")
        return cls() if not text else cls(AdaptationKind(kind), digest)

    def as_dict(self) -> dict[str, str | None]:
        """Return the JSON-ready form."""
        return {"kind": str(self.kind), "id": self.id or None}


UNADAPTED = ScoreAdaptation()
"""Scores as the embedder gives them."""


@dataclass(frozen=True, slots=True)
class Adapting:
    """How a probe is compared.

    Attributes:
        adaptation: which scores are made.
        camera: the one that the probe was seen by, "" for the unknown one.
    """

    adaptation: ScoreAdaptation = UNADAPTED
    camera: str = ""


AS_THEY_ARE = Adapting()
"""Templates are compared without an adaptation."""


def camera_key(camera: str) -> str:
    """Return the form by which cameras are compared: as names are, so "Door" and "door" are one camera."""
    return comparable_text(camera)


@dataclass(frozen=True, slots=True, eq=False)
class LearntCameras:
    """What a calibration learnt of cameras: means of people's templates, but nobody's template.

    Attributes:
        cameras: (C,) keys (`camera_key`) of cameras that `LEAST_SEEN` people or more were seen by; distinct, ascending.
        counts: (C,) int64, people seen by each.
        means: (C, D) float32, shrunken means of what each saw.
        everywhere: (D,) float32, shrunken mean over all cameras, for those that are not among them.

    Raises:
        ValueError: shapes or values that do not fit.
    """

    cameras: tuple[str, ...]
    counts: NDArray[np.int64]
    means: NDArray[np.float32]
    everywhere: Vector
    id: str = field(init=False)

    def __post_init__(self) -> None:
        number = len(self.cameras)
        if self.everywhere.ndim != 1 or self.counts.shape != (number,):
            raise ValueError(f"expected (C,) counts and a (D,) mean, got {self.counts.shape}, {self.everywhere.shape}")
        if self.means.shape != (number, len(self.everywhere)):
            raise ValueError(f"expected means of shape {(number, len(self.everywhere))}, got {self.means.shape}")
        lengths = np.linalg.norm(np.concatenate([self.means, self.everywhere[None]]), axis=1)
        if not (lengths < 1.0).all():  # false for NaN
            raise ValueError("expected finite means that are shorter than 1")
        if list(self.cameras) != sorted(set(self.cameras)) or not all(self.cameras):
            raise ValueError("expected distinct keys of cameras in ascending order")
        if (self.counts < LEAST_SEEN).any():
            raise ValueError(f"expected cameras that {LEAST_SEEN} people or more were seen by")
        object.__setattr__(self, "id", self._digest())

    @property
    def mark(self) -> ScoreAdaptation:
        """What says of scores that they were centred by these means."""
        return ScoreAdaptation(AdaptationKind.CENTRING, self.id)

    def knows(self, camera: str) -> bool:
        """Whether a camera has a mean of its own."""
        return camera_key(camera) in self.cameras

    def _digest(self) -> str:
        digest = hashlib.sha256(np.ascontiguousarray(self.everywhere, "<f4").tobytes())
        for key, mean in zip(self.cameras, self.means, strict=True):
            digest.update(key.encode() + b"\0" + np.ascontiguousarray(mean, "<f4").tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class AdaptationGain:
    """What an adaptation changes, by cross-validation: nobody was judged by means that they are part of.

    Attributes:
        kind: the adaptation.
        fmr: the false match rate at which both are judged, in (0, 1).
        before, after: FNMR without and with it, in [0, 1].
        low, high: 95 % interval of `before` - `after`, from a bootstrap over people.
        people, comparisons: how many people were compared with themselves, and how often.
        other_visits: whether these are comparisons of different visits, else of one visit each, which say less.
        over: the adaptation that it is compared with; `before` is with that one.
    """

    kind: AdaptationKind
    fmr: float
    before: float
    after: float
    low: float
    high: float
    people: int
    comparisons: int
    other_visits: bool
    over: AdaptationKind = AdaptationKind.NONE

    def __post_init__(self) -> None:
        if not all(0.0 <= rate <= 1.0 for rate in (self.fmr, self.before, self.after)):
            raise ValueError(f"expected rates in [0, 1], got {self.fmr}, {self.before} and {self.after}")
        if not -1.0 <= self.low <= self.high <= 1.0:
            raise ValueError(f"expected an interval within [-1, 1], got {self.low} and {self.high}")

    @property
    def is_certain(self) -> bool:
        """Whether the interval is above zero."""
        return self.low > 0.0


@dataclass(frozen=True, slots=True)
class AdaptationReport:
    """Which adaptation a calibration chose, and why.

    Attributes:
        chosen: what scores are made with; no adaptation where none has a certain gain.
        cameras: how many have a mean of their own.
        people: how many it was learnt from.
        tried: what each adaptation that was tried gains; empty where the footage did not suffice to try one.
        expires: until when its cohort is kept, ISO 8601; None for one that needs none.
    """

    chosen: ScoreAdaptation
    cameras: int
    people: int
    tried: tuple[AdaptationGain, ...] = ()
    expires: str | None = None

    def __post_init__(self) -> None:
        if self.cameras < 0 or self.people < 0:
            raise ValueError(f"expected counts of at least 0, got {self.cameras} and {self.people}")

    @property
    def gain(self) -> AdaptationGain | None:
        """The gain of the adaptation chosen over none, None where none was."""
        return next((item for item in self.tried if item.kind is self.chosen.kind), None)

    @classmethod
    def from_dict(cls, data: Any) -> "AdaptationReport":
        """Read the stored form. Raises `KeyError`, `TypeError`, `ValueError`: it is none."""
        tried = tuple(
            AdaptationGain(
                **{**item, "kind": AdaptationKind(item["kind"]), "over": AdaptationKind(item.get("over", "none"))}
            )
            for item in data["tried"]
        )
        chosen = ScoreAdaptation(AdaptationKind(data["chosen"]["kind"]), data["chosen"]["id"])
        return cls(chosen, data["cameras"], data["people"], tried, data.get("expires"))
