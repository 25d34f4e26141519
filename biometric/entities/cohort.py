"""Templates of strangers with which comparison scores are normalised, kept for a time that the operator allows."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from biometric.entities.adaptation import AdaptationKind, LearntCameras, ScoreAdaptation, camera_key
from biometric.errors import InvalidInput

LEAST_COHORT = 20
"""Templates below which the mean and deviation of their scores are mostly chance: nothing is normalised."""
MOST_DAYS = 365
"""Longest time for which a cohort may be kept."""


@dataclass(frozen=True, slots=True, eq=False)
class StrangerCohort:
    """Nameless templates of people who were seen by cameras; scores are normalised with them.

    Attributes:
        cameras: (C,) key (`camera_key`) of the camera that each was seen by, "" for the unknown one.
        vectors: (C, D) unit float32, one a person and camera, in an order that tells nothing.
        same_person: cosine in (-1, 1] from which on a template of the cohort may show the very person that is
            compared, who is no stranger; it then does not count.
        expires: ISO 8601 with its zone: until when it is kept.

    Raises:
        ValueError: shapes or values that do not fit, or fewer than `LEAST_COHORT` templates.
    """

    cameras: tuple[str, ...]
    vectors: NDArray[np.float32]
    same_person: float
    expires: str
    id: str = field(init=False)

    def __post_init__(self) -> None:
        number = len(self.cameras)
        if number < LEAST_COHORT:
            raise ValueError(f"expected {LEAST_COHORT} templates or more in a cohort, got {number}")
        if self.vectors.ndim != 2 or len(self.vectors) != number:
            raise ValueError(f"expected a camera for each of (C, D) vectors, got {number}, {self.vectors.shape}")
        if not (np.abs(np.linalg.norm(self.vectors, axis=1) - 1.0) < 1e-3).all():  # false for NaN
            raise ValueError("expected unit vectors")
        if not -1.0 < self.same_person <= 1.0:
            raise ValueError(f"expected a cosine in (-1, 1], got {self.same_person}")
        if datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"expected a time with its zone, got {self.expires}")
        object.__setattr__(self, "id", self._digest())

    @property
    def mark(self) -> ScoreAdaptation:
        """What says of scores that they were normalised with this cohort."""
        return ScoreAdaptation(AdaptationKind.NORMALISATION, self.id)

    @property
    def counts(self) -> dict[str, int]:
        """How many people each camera saw, by its key, in order."""
        return dict(sorted(Counter(self.cameras).items()))

    def knows(self, camera: str) -> bool:
        """Whether people of a camera are among them."""
        return camera_key(camera) in set(self.cameras)

    def _digest(self) -> str:
        digest = hashlib.sha256(np.float64(self.same_person).astype("<f8").tobytes())
        for camera, vector in zip(self.cameras, self.vectors, strict=True):
            digest.update(camera.encode() + b"\0" + np.ascontiguousarray(vector, "<f4").tobytes())
        return digest.hexdigest()[:16]


LearntAdaptation = LearntCameras | StrangerCohort
"""What an adaptation of scores needs: means of cameras, or a cohort of strangers."""


@dataclass(frozen=True, slots=True)
class KeptCohort:
    """A cohort that a gallery keeps.

    Attributes:
        adaptation: the mark of scores that are normalised with it.
        model_id: the embedder of its templates.
        people: how many each camera saw, by the camera's key.
        expires: until when it is kept, ISO 8601, UTC.
    """

    adaptation: ScoreAdaptation
    model_id: str
    people: Mapping[str, int]
    expires: str

    @property
    def templates(self) -> int:
        """How many templates are kept."""
        return sum(self.people.values())


def check_cohort_days(days: object) -> int:
    """Return for how many days a cohort is to be kept. Raises `InvalidInput`."""
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            "A cohort is kept for 1 to {most} days, got {days}. Choose for example 30.", most=MOST_DAYS, days=str(days)
        )
    return days
