"""A part of a data set's people as the cohort from which an adaptation to cameras is learnt; the others are judged.

The names of the cohort's people serve only to keep them apart from those judged, and to pool what a camera saw of a
person into one template, as a track does. Clean pictures are learnt from, also where one side is degraded: a system in
use has learnt its cameras before.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import CameraMeans, learn_camera_means, score_against_cohort
from biometric.errors import DatasetInvalid, InvalidSetting
from biometric.evaluation.comparisons import Samples, Trial
from biometric.evaluation.datasets.dataset import Dataset
from biometric.evaluation.template_level import pool_samples

LEAST_PEOPLE = 2
"""Fewest people in a cohort, and to be judged: strangers need two."""


class Adaptation(StrEnum):
    """How scores are made comparable across cameras; methods are described in `domain.camera_adaptation`."""

    NONE = "none"
    CENTRE = "centre"
    SNORM = "snorm"


@dataclass(frozen=True, slots=True)
class CohortPlan:
    """Which adaptation is learnt, and from whom.

    Attributes:
        adaptation: NONE judges the same people without any.
        share: of the people, in the open interval (0, 1), who are set apart.
        most_people: only so many of them are learnt from, so that cohorts of several sizes judge the same people.

    Raises:
        InvalidSetting: a share or number that cannot be used.
    """

    adaptation: Adaptation
    share: float = 0.5
    most_people: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise InvalidSetting(
                f"The cohort's share of the people must be above 0 and below 1, got {self.share:g}. Use 0.5, for "
                "example."
            )
        if self.most_people is not None and self.most_people < LEAST_PEOPLE:
            raise InvalidSetting(f"A cohort needs {LEAST_PEOPLE} people or more, got {self.most_people}.")


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """What was learnt of the people set apart.

    Attributes:
        plan: as given.
        people: how many people were learnt from.
        templates: theirs, one a person and camera.
        judged: (J,) int64, identities of the people who are judged.
        cameras, learnt_cameras: of the people judged, and how many of these the cohort was seen by, too.
        means: of cameras, None where scores are not centred.
    """

    plan: CohortPlan
    people: int
    templates: Samples
    judged: NDArray[np.int64]
    cameras: int
    learnt_cameras: int
    means: CameraMeans | None

    def restrict(self, trial: Trial) -> Trial:
        """The part of a trial between the people judged; junk and distractors stay in it."""
        sides = [
            side.select((side.identities < 0) | np.isin(side.identities, self.judged))
            for side in (trial.probes, trial.references)
        ]
        return Trial(sides[0], sides[1], trial.symmetric)

    def adapt(self, trial: Trial) -> Trial:
        """The same trial with adapted vectors or scores."""
        probes = self._adapt(trial.probes)
        return Trial(probes, probes if trial.symmetric else self._adapt(trial.references), trial.symmetric)

    @property
    def is_applied(self) -> bool:
        """Whether anything is adapted: a cohort with fewer than `LEAST_COHORT` templates normalises no score."""
        if self.plan.adaptation is Adaptation.SNORM:
            return score_against_cohort(self.templates.vectors[:1], self.templates.vectors) is not None
        return self.means is not None

    def _adapt(self, side: Samples) -> Samples:
        vectors = side.vectors if self.means is None else self.means.centre(side.vectors, side.cameras)
        is_normalised = self.plan.adaptation is Adaptation.SNORM
        cohort = score_against_cohort(side.vectors, self.templates.vectors) if is_normalised else None
        return Samples(vectors, side.identities, side.cameras, cohort)


def learn_cohort(
    dataset: Dataset, vectors: NDArray[np.float32], plan: CohortPlan, template_size: int = 5, seed: int = 0
) -> Cohort:
    """Draw the cohort's people with the seed, and learn from their pictures' (N, D) unit vectors.

    Junk and distractors teach nothing. Of two cohorts drawn with one seed and share, the smaller is part of the larger.

    Raises:
        DatasetInvalid: one camera only, fewer than two people on either side, or a cohort that none of the cameras
            of the people judged has seen.
    """
    used = np.union1d(dataset.probes, dataset.references)
    everybody = Samples(vectors[used], dataset.identities[used], dataset.cameras[used])
    everybody = everybody.select(everybody.identities >= 0)
    _check_cameras(dataset, everybody)
    cohort, judged = _split(dataset, everybody.people, plan, seed)
    templates, _ = pool_samples(everybody.select(np.isin(everybody.identities, cohort)), template_size, seed)
    means = learn_camera_means(templates.vectors, templates.cameras)
    cameras = np.unique(everybody.cameras[np.isin(everybody.identities, judged)])
    learnt = int(means.knows(cameras).sum())
    if learnt == 0:
        raise DatasetInvalid(
            f"No camera of the people judged has seen any of the {len(cohort)} people of the cohort, so that nothing "
            "can be learnt. Use a data set whose cameras see many people; in a gallery each visit counts as a camera."
        )
    is_centred = plan.adaptation is Adaptation.CENTRE
    return Cohort(plan, len(cohort), templates, judged, len(cameras), learnt, means if is_centred else None)


def _check_cameras(dataset: Dataset, everybody: Samples) -> None:
    if len(np.unique(everybody.cameras)) < 2:
        raise DatasetInvalid(
            f"All people of {dataset.name} were seen by one camera; an adaptation needs two or more. Use another data "
            "set, or evaluate without an adaptation."
        )


def _split(
    dataset: Dataset, people: NDArray[np.int64], plan: CohortPlan, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Identities of the cohort and of the people judged."""
    drawn = np.random.default_rng(seed).permutation(people)
    count = round(plan.share * len(people))
    cohort, judged = drawn[:count], np.sort(drawn[count:])
    if min(len(cohort), len(judged)) < LEAST_PEOPLE:
        raise DatasetInvalid(
            f"A share of {plan.share:g} of the {len(people)} people of {dataset.name} makes a cohort of {len(cohort)} "
            f"and leaves {len(judged)} to judge; both need {LEAST_PEOPLE} or more. Use another share or more data."
        )
    return cohort[: plan.most_people], judged
