"""Scores of a calibration as an adaptation makes them of people whom it has not seen. Numpy only.

Thresholds must not be fitted to scores of the very people whom the means were learnt from: their own templates are
part of these means, which lowers their scores with strangers (with ten people by about 0.07), and a threshold would
come out too low for everybody else. So people are put into `FOLDS` groups, and the score of two templates is made with
the means learnt from the people of all other groups than theirs.
"""

import hashlib
import itertools
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.calibration.compared_people import EVERYBODY, ComparedPeople, stacked
from biometric.domain.camera_adaptation import CohortScores
from biometric.domain.camera_means import centre_by_camera, learn_cameras
from biometric.domain.stranger_scores import (
    PEOPLE_NEEDED,
    describe_by_strangers,
    gather_strangers,
    most_seen,
    normalised,
)
from biometric.entities import LearntCameras, StrangerCohort

FOLDS = 10
"""Groups of people. With more, means rest on more of the people, and each takes longer."""


@dataclass(frozen=True, slots=True)
class CohortTerms:
    """Under which terms templates of strangers may be kept.

    Attributes:
        same_person, expires: as of `StrangerCohort`.
        needed: fewest people of a camera.
    """

    same_person: float
    expires: str
    needed: int = PEOPLE_NEEDED


class PeopleByCamera:
    """All templates of a calibration, with the camera and the person of each.

    Attributes:
        vectors: (M, D) unit float32: all references, then all tracks.
        cameras: (M,) keys of cameras.
        people: (M,) whom they show.
        is_stranger: (M,) whether that is nobody who is enrolled.
    """

    def __init__(self, compared: ComparedPeople) -> None:
        sizes = [len(identity.vectors) for identity in compared.identities] + [1] * len(compared.tracks)
        self.vectors = stacked(compared.identities, compared.tracks)
        self.people: NDArray[np.int64] = np.repeat(compared.person, sizes)
        self.is_stranger: NDArray[np.bool_] = self.people >= len(compared.identities)
        of_references = [camera for identity in compared.identities for camera in identity.seen_by]
        self.cameras: tuple[str, ...] = (*of_references, *compared.cameras)

    def learn(self, without: NDArray[np.bool_] | None = None) -> LearntCameras | None:
        """Learn from all, or from all but some of the (M,) templates; None where there are too few people."""
        rows = np.arange(len(self.vectors)) if without is None else np.flatnonzero(~without)
        cameras = [self.cameras[row] for row in rows]
        return learn_cameras(self.vectors[rows], cameras, self.people[rows].tolist())

    def gather(
        self, terms: CohortTerms, without: NDArray[np.bool_] | None = None, cameras: Collection[str] | None = None
    ) -> StrangerCohort | None:
        """Return a cohort of all strangers, or of all but some of the (M,) templates; None for too few.

        Args:
            cameras: keys of those whose strangers are taken, however few; None: those with as many as are needed.
        """
        taken = self.is_stranger if without is None else self.is_stranger & ~without
        rows = [row for row in np.flatnonzero(taken).tolist() if cameras is None or self.cameras[row] in cameras]
        seen_by, people = [self.cameras[row] for row in rows], self.people[rows].tolist()
        needed = terms.needed if cameras is None else 1
        return gather_strangers(self.vectors[rows], seen_by, people, terms.same_person, terms.expires, needed)

    def most_strangers(self) -> int:
        """Return how many strangers the camera saw that saw the most of them."""
        rows = np.flatnonzero(self.is_stranger).tolist()
        return most_seen([self.cameras[row] for row in rows], self.people[rows].tolist())

    def folds(self) -> NDArray[np.int64]:
        """Return (M,) the group of each template's person; whatever the order in which people came."""
        keys: dict[int, bytes] = {}
        for person, vector in zip(self.people.tolist(), self.vectors, strict=True):
            digest = hashlib.sha256(np.ascontiguousarray(vector, "<f4").tobytes()).digest()
            keys[person] = min(digest, keys.get(person, digest))
        ranks = {person: rank for rank, person in enumerate(sorted(keys, key=lambda item: keys[item]))}
        return np.array([ranks[person] % FOLDS for person in self.people.tolist()], np.int64)


class CrossCentredScores:
    """Cosines of templates centred by the means of other people's groups; a `RowScores`.

    Raises:
        ValueError: too few people to learn means without two of the groups.
    """

    def __init__(self, compared: ComparedPeople, seen: PeopleByCamera) -> None:
        self._folds = seen.folds()
        self._first_track = len(seen.vectors) - len(compared.tracks)
        self._centred: dict[int, NDArray[np.float32]] = {
            fold: np.zeros_like(seen.vectors) for fold in np.unique(self._folds).tolist()
        }
        """By group, (M, D): each template by the means that know neither its own group nor that one."""
        self._halves: list[float | None] = [None] * len(compared.tracks)
        for first, second in itertools.combinations_with_replacement(self._centred, 2):
            learnt = seen.learn(np.isin(self._folds, (first, second)))
            if learnt is None:
                raise ValueError("expected people in more groups")
            for own, other in {(first, second), (second, first)}:
                rows = np.flatnonzero(self._folds == own)
                cameras = [seen.cameras[row] for row in rows]
                self._centred[other][rows] = centre_by_camera(learnt, seen.vectors[rows], cameras)
            if first == second:
                self._score_halves(compared, learnt, first)

    def block(self, start: int, stop: int, columns: slice = EVERYBODY) -> NDArray[np.float32]:
        """Return the scores of some rows of one person with all, or with some columns."""
        [own] = np.unique(self._folds[start:stop]).tolist()
        folds, others = self._folds[columns], self._centred[own][columns]
        scores = np.zeros((stop - start, len(folds)), np.float32)
        for fold in np.unique(folds).tolist():
            chosen = folds == fold
            scores[:, chosen] = self._centred[fold][start:stop] @ others[chosen].T
        return np.clip(scores, -1.0, 1.0)

    def halves(self, row: int) -> float | None:
        """Return the score of a track's halves."""
        return self._halves[row - self._first_track]

    def _score_halves(self, compared: ComparedPeople, learnt: LearntCameras, fold: int) -> None:
        for number, track in enumerate(compared.tracks):
            if track.half_vectors is not None and self._folds[self._first_track + number] == fold:
                pair = centre_by_camera(learnt, np.stack(track.half_vectors), [compared.cameras[number]] * 2)
                self._halves[number] = float(np.clip(pair[0] @ pair[1], -1.0, 1.0))


class CrossNormalisedScores:
    """Scores of templates normalised with strangers of other people's groups; a `RowScores`.

    Args:
        cohort: the one of all strangers; those of the groups hold people of its cameras.

    Raises:
        ValueError: too few people for a cohort without two of the groups.
    """

    def __init__(
        self, compared: ComparedPeople, seen: PeopleByCamera, terms: CohortTerms, cohort: StrangerCohort
    ) -> None:
        self._folds, self._vectors = seen.folds(), seen.vectors
        self._first_track = len(seen.vectors) - len(compared.tracks)
        nothing = np.zeros(len(self._folds), np.float32)
        self._described = {
            fold: CohortScores(nothing.copy(), nothing.copy()) for fold in np.unique(self._folds).tolist()
        }
        """By group: each template by the strangers of neither its own group nor that one."""
        self._halves: list[float | None] = [None] * len(compared.tracks)
        for first, second in itertools.combinations_with_replacement(self._described, 2):
            others = seen.gather(terms, np.isin(self._folds, (first, second)), cohort.counts)
            if others is None:
                raise ValueError("expected strangers in more groups")
            for own, other in {(first, second), (second, first)}:
                rows = np.flatnonzero(self._folds == own)
                described = describe_by_strangers(others, seen.vectors[rows])
                self._described[other].means[rows] = described.means
                self._described[other].deviations[rows] = described.deviations
            if first == second:
                self._score_halves(compared, others, first)

    def block(self, start: int, stop: int, columns: slice = EVERYBODY) -> NDArray[np.float32]:
        """Return the scores of some rows of one person with all, or with some columns."""
        [own] = np.unique(self._folds[start:stop]).tolist()
        folds, others = self._folds[columns], self._described[own].select(columns)
        scores: NDArray[np.float32] = np.clip(self._vectors[start:stop] @ self._vectors[columns].T, -1.0, 1.0)
        for fold in np.unique(folds).tolist():
            chosen = folds == fold
            probes = self._described[fold].select(slice(start, stop))
            scores[:, chosen] = normalised(scores[:, chosen], probes, others.select(chosen))
        return scores

    def halves(self, row: int) -> float | None:
        """Return the score of a track's halves."""
        return self._halves[row - self._first_track]

    def _score_halves(self, compared: ComparedPeople, others: StrangerCohort, fold: int) -> None:
        for number, track in enumerate(compared.tracks):
            if track.half_vectors is not None and self._folds[self._first_track + number] == fold:
                pair = np.stack(track.half_vectors)
                described = describe_by_strangers(others, pair)
                cosine = np.clip(pair[:1] @ pair[1:].T, -1.0, 1.0)
                score = normalised(cosine, described.select(slice(0, 1)), described.select(slice(1, 2)))
                self._halves[number] = float(score[0, 0])
