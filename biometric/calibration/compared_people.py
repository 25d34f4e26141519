"""Who is compared with whom in a calibration, and which comparisons are of one person. Numpy only.

The rules stand in `collection`. They rest on cosines of templates as they are, whatever the scores are made with that
are collected afterwards.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from biometric.domain.comparison import check_same_model, pool, score
from biometric.entities import BiometricReference, Box, Observation, ObservedClip, Template, camera_key
from biometric.entities.boxes import box_area, intersection_area, iou
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary

SAME_TIME, ENROLLED, UNLABELLED = "same time", "enrolled", "unlabelled"

COINCIDE = 0.5
"""Two boxes whose IoU is higher may be two boxes of one person."""
APART_OVERLAP = 0.5
"""Two boxes are clearly apart while at most this share of the smaller one lies within the other."""
APART_FRAMES = 3
"""In so many analysed frames two people must be clearly apart."""
HALF = 2
"""Fewest samples in each half of a track that is compared with itself."""
GROUPING = 0.65
"""Share of the bound (a score of FMR 1e-4) from which on two tracks count as one trial. With person-reidentification-
retail-0286 that is 0.37, where 1 of 100 different people and 92 of 100 equal ones of CUHK03 score (five images pooled,
across cameras: FMR 1e-2 at 0.369, FNMR 0.083)."""


@dataclass(frozen=True, slots=True, eq=False)
class IdentitySummary:
    """The data of an identity: the (R, D) templates of its references, and each one's clip and camera's key."""

    vectors: NDArray[np.float32]
    digests: tuple[str, ...]
    cameras: tuple[str, ...] = ()

    @property
    def seen_by(self) -> tuple[str, ...]:
        """(R,) keys of the cameras; "" for all where none is known."""
        return self.cameras or ("",) * len(self.vectors)


EVERYBODY = slice(None)
"""All columns of `RowScores`."""


class RowScores(Protocol):
    """Scores of templates (rows) with each other: all references of all identities, then all tracks."""

    def block(self, start: int, stop: int, columns: slice = EVERYBODY) -> NDArray[np.float32]:
        """Return scores in [-1, 1] of some rows, all of one person, with all M or with a part of them.

        The shape is (stop - start, columns).
        """

    def halves(self, row: int) -> float | None:
        """Return the score of a track's halves with each other, None where it is too short."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedPeople:
    """Who is compared with whom, whatever the scores are made with.

    Attributes:
        identities, tracks, digests, cameras: who there is, and each track's clip and camera's key.
        person: (E + T,) whose trials each identity and track shares.
        compared: (E + T, E + T) comparisons of each source, above the diagonal.
        doubtful: comparisons of tracks with names at or above the bound.
        rows, scores: cosines of their templates as they are; (E + T, E + T) the best of each two.
    """

    identities: tuple[IdentitySummary, ...]
    tracks: tuple[CalibrationTrack, ...]
    digests: tuple[str, ...]
    cameras: tuple[str, ...]
    person: NDArray[np.int64]
    compared: dict[str, NDArray[np.bool_]]
    doubtful: int
    rows: RowScores
    scores: NDArray[np.float32]


class UnadaptedScores:
    """Cosines of templates as they are."""

    def __init__(self, identities: Sequence[IdentitySummary], tracks: Sequence[CalibrationTrack]) -> None:
        self._vectors = stacked(identities, tracks)
        self._halves = [track.halves for track in tracks]

    def block(self, start: int, stop: int, columns: slice = EVERYBODY) -> NDArray[np.float32]:
        """Return the scores of some rows with all, or with some columns."""
        scores: NDArray[np.float32] = np.clip(self._vectors[start:stop] @ self._vectors[columns].T, -1.0, 1.0)
        return scores

    def halves(self, row: int) -> float | None:
        """Return the score of a track's halves."""
        return self._halves[row - (len(self._vectors) - len(self._halves))]


def summarize_clip(observed: ObservedClip) -> ClipSummary:
    """Reduce an observed clip to what a calibration needs, without the pictures."""
    seconds = observed.video.time_of(observed.frames.stop) - observed.video.time_of(observed.frames.start)
    tracks = tuple(
        _track(observation, observation.template)
        for observation in observed.observations
        if observation.template is not None
    )
    return ClipSummary(
        digest=observed.video.digest,
        model_id=observed.model_id,
        tracks=tracks,
        seconds=seconds,
        comparisons=int(np.triu(side_by_side(tracks), 1).sum()),
        unusable=len(observed.observations) - len(tracks),
        damaged=observed.video.damage is not None,
        camera=observed.camera,
    )


def summarize_identity(references: Sequence[BiometricReference], model_id: str) -> IdentitySummary:
    """Reduce an identity's references, at least one, to what a calibration needs.

    Raises:
        ModelMismatch: a reference is of another model.
    """
    for reference in references:
        check_same_model(model_id, reference.template.model_id)
    vectors = np.stack([reference.template.vector for reference in references])
    digests, cameras = zip(*((item.clip_digest, camera_key(item.camera)) for item in references), strict=True)
    return IdentitySummary(vectors, digests, cameras)


def compare_people(clips: Sequence[ClipSummary], identities: Sequence[IdentitySummary], bound: float) -> ComparedPeople:
    """Find out which people certainly differ, and who may be one person.

    Args:
        bound: cosine in [-1, 1] at or above which a track and a name may be one person.
    """
    distinct = list({clip.digest: clip for clip in clips}.values())
    tracks = [(clip, track) for clip in distinct for track in clip.tracks]
    rows = UnadaptedScores(identities, [track for _, track in tracks])
    scores = best_scores(identities, len(tracks), rows)
    apart = np.zeros(scores.shape, bool)
    start = len(identities)
    for clip in distinct:
        stop = start + len(clip.tracks)
        apart[start:stop, start:stop] = side_by_side(clip.tracks)
        start = stop
    digests = tuple(clip.digest for clip, _ in tracks)
    compared = _sources(identities, digests, apart)
    return ComparedPeople(
        identities=tuple(identities),
        tracks=tuple(track for _, track in tracks),
        digests=digests,
        cameras=tuple(camera_key(clip.camera) for clip, _ in tracks),
        person=_people(scores, apart, bound, len(identities)),
        compared=compared,
        doubtful=int((compared[UNLABELLED] & (scores >= bound)).sum()),
        rows=rows,
        scores=scores,
    )


def side_by_side(tracks: Sequence[CalibrationTrack]) -> NDArray[np.bool_]:
    """Return (T, T): whether two tracks of one clip were seen at the same time as two people (see the module)."""
    apart = np.zeros((len(tracks), len(tracks)), bool)
    for row in range(len(tracks)):
        for column in range(row):
            apart[row, column] = apart[column, row] = _two_people(tracks[row].boxes, tracks[column].boxes)
    return apart


def _two_people(first_boxes: dict[int, Box], second_boxes: dict[int, Box]) -> bool:
    clearly = 0
    for frame in first_boxes.keys() & second_boxes.keys():
        first, second = first_boxes[frame], second_boxes[frame]
        if iou(first, second) > COINCIDE:
            return False
        clearly += intersection_area(first, second) <= APART_OVERLAP * min(box_area(first), box_area(second))
    return clearly >= APART_FRAMES


def _track(observation: Observation, template: Template) -> CalibrationTrack:
    samples = [sample.embedding for sample in observation.kept if sample.embedding is not None]
    boxes = {detection.frame_index: detection.box for detection in observation.tracklet.detections}
    middle = len(samples) // 2
    if middle < HALF:
        return CalibrationTrack(template.vector, None, boxes)
    first, second = (pool(half, template.model_id) for half in (samples[:middle], samples[middle:]))
    return CalibrationTrack(template.vector, score(first, second), boxes, (first.vector, second.vector))


def stacked(identities: Sequence[IdentitySummary], tracks: Sequence[CalibrationTrack]) -> NDArray[np.float32]:
    """Return the (M, D) templates of all references, then of all tracks."""
    own = [identity.vectors for identity in identities] + [track.vector[np.newaxis] for track in tracks]
    return np.concatenate(own) if own else np.zeros((0, 1), np.float32)


def best_scores(identities: Sequence[IdentitySummary], tracks: int, rows: RowScores) -> NDArray[np.float32]:
    """Return (E + T, E + T) scores, identities first; an identity's is its best reference's."""
    sizes = [len(identity.vectors) for identity in identities] + [1] * tracks
    if not sizes:
        return np.zeros((0, 0), np.float32)
    starts = np.cumsum([0, *sizes])
    blocks = [rows.block(start, stop).max(axis=0) for start, stop in itertools.pairwise(starts.tolist())]
    best: NDArray[np.float32] = np.maximum.reduceat(np.stack(blocks), starts[:-1], axis=1)
    return best


def _people(scores: NDArray[np.float32], apart: NDArray[np.bool_], bound: float, names: int) -> NDArray[np.int64]:
    """Return (E + T,) the number of the person whose trials each one shares; the first `names` stay different people.

    Tracks are grouped first, closest first, then a group goes to the name it is closest to, from the bound on.
    """
    person = np.arange(len(scores))
    candidates = np.triu(scores >= min(bound, GROUPING * bound), 1) & ~apart
    candidates[:names] = False
    for row, column in closest_first(scores, candidates):
        first, second = (np.flatnonzero(person == person[item]) for item in (row, column))
        across = np.ix_(first, second)
        alike = person[row] != person[column] and scores[across].mean() >= min(bound, GROUPING * bound)
        if alike and not apart[across].any():
            person[second] = person[first] = min(person[row], person[column])
    named = np.triu(scores >= bound, 1)
    named[names:] = False
    for name, track in closest_first(scores, named):
        is_excluded = apart[np.ix_(person == name, person == person[track])].any()
        if person[track] >= names and not is_excluded:
            person[person == person[track]] = name
    return person


def closest_first(scores: NDArray[np.float32], candidates: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the rows and columns of (N, N) candidates, highest score first."""
    rows, columns = np.nonzero(candidates)
    order = np.argsort(-scores[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _sources(
    identities: Sequence[IdentitySummary], digests: Sequence[str], apart: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Return the (E + T, E + T) comparisons of each source, above the diagonal."""
    size, first = len(identities), np.zeros(apart.shape, bool)
    among, against = first.copy(), first.copy()
    among[:size, :size] = np.triu(np.ones((size, size), bool), 1)
    for row, identity in enumerate(identities):
        against[row, size:] = [digest not in identity.digests for digest in digests]
    return {SAME_TIME: np.triu(apart, 1), ENROLLED: among, UNLABELLED: against}
