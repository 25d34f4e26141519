"""Collects impostor and genuine scores from the operator's own footage. Numpy only.

Impostor comparisons, by source:
    same time    two tracks of a clip seen side by side cannot be one person. Detectors sometimes draw two boxes around
                 one person, and trackers swap people who cover each other, so a pair whose boxes ever coincide (IoU >
                 0.5) is not counted, and a pair must be clearly apart in at least three analysed frames.
    enrolled     two identities of the gallery, assumed to be two people.
    unlabelled   a track of a clip against an identity none of whose references is of that clip.

Comparisons are never left out because of a high score: a threshold has to separate people who look alike. Two cases are
uncertain:

    doubtful comparisons   A track that scores at or above the `bound` against a name may be that person, seen in an
                           unlabelled clip, or a stranger in the same uniform. Its scores count as errors of every
                           threshold up to them, but the search does not count as a trial.
    seen again             Tracks that were not seen side by side and score `GROUPING` of the bound or more with each
                           other on average may be one person whom the tracker lost. Together they are one trial, but
                           the score of each of them counts as a possible error.

So uncertainty only ever raises a threshold or refuses it. Two names are two people, whatever they score.

Genuine comparisons are counted by kind, because the first kind gives rates that are too low:
    same visit            the two halves of a track, in time order; references of one identity from one clip.
    repeated references   an identity's reference against its references from other clips.

The score of a pair of people is the highest of all their comparisons, as the app takes the best reference's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biometric.domain.comparison import check_same_model, pool, score
from biometric.entities import BiometricReference, Box, Observation, ObservedClip, Template
from biometric.entities.boxes import box_area, intersection_area, iou
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary

SAME_TIME, ENROLLED, UNLABELLED = "same time", "enrolled", "unlabelled"
SAME_VISIT, REPEATED = "same visit", "repeated references"

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
    """The data of an identity: the (R, D) templates of its references and the digest of each one's clip."""

    vectors: NDArray[np.float32]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """All scores, ready to fit.

    Attributes:
        pairs: impostor score by pair of people (numbers of people, the lower one first), highest of the pair.
        searches: for each stranger of other clips than the enrollments', the best score over the whole gallery.
        genuine: by kind, (person, score).
        sources: impostor comparisons by source.
        doubtful: comparisons of tracks with names at or above the bound; their scores are among the others.
        people: number of different people.
        more_pairs, more_searches: scores that may be errors, too, but are no trials of their own (see the module).
    """

    pairs: dict[tuple[int, int], float] = field(default_factory=dict)
    searches: dict[int, float] = field(default_factory=dict)
    genuine: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    doubtful: int = 0
    people: int = 0
    more_pairs: list[tuple[tuple[int, int], float]] = field(default_factory=list)
    more_searches: list[tuple[int, float]] = field(default_factory=list)


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
    )


def summarize_identity(references: Sequence[BiometricReference], model_id: str) -> IdentitySummary:
    """Reduce an identity's references, at least one, to what a calibration needs.

    Raises:
        ModelMismatch: a reference is of another model.
    """
    for reference in references:
        check_same_model(model_id, reference.template.model_id)
    vectors = np.stack([reference.template.vector for reference in references])
    return IdentitySummary(vectors, tuple(reference.clip_digest for reference in references))


def collect(clips: Sequence[ClipSummary], identities: Sequence[IdentitySummary], bound: float) -> Collected:
    """Compare all pairs of people who certainly differ, and each person with themselves.

    Args:
        bound: score in [-1, 1] at or above which a track and a name may be one person.
    """
    distinct = list({clip.digest: clip for clip in clips}.values())
    tracks = [(clip.digest, track) for clip in distinct for track in clip.tracks]
    scores = _scores(identities, [track for _, track in tracks])
    apart = np.zeros(scores.shape, bool)
    start = len(identities)
    for clip in distinct:
        stop = start + len(clip.tracks)
        apart[start:stop, start:stop] = side_by_side(clip.tracks)
        start = stop
    person = _people(scores, apart, bound, len(identities))
    compared = _sources(identities, [digest for digest, _ in tracks], apart)
    pairs, more_pairs = _pairs(scores, person, compared)
    searches, more_searches = _searches(scores, person, compared[UNLABELLED], len(identities))
    return Collected(
        pairs=pairs,
        searches=searches,
        genuine=_genuine(identities, [track for _, track in tracks], person),
        sources={source: int(mask.sum()) for source, mask in compared.items() if mask.any()},
        doubtful=int((compared[UNLABELLED] & (scores >= bound)).sum()),
        people=len(np.unique(person)),
        more_pairs=more_pairs,
        more_searches=more_searches,
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
    middle, halves = len(samples) // 2, None
    if middle >= HALF:
        first, second = (pool(half, template.model_id) for half in (samples[:middle], samples[middle:]))
        halves = score(first, second)
    boxes = {detection.frame_index: detection.box for detection in observation.tracklet.detections}
    return CalibrationTrack(template.vector, halves, boxes)


def _scores(identities: Sequence[IdentitySummary], tracks: Sequence[CalibrationTrack]) -> NDArray[np.float32]:
    """Return (E + T, E + T) scores, identities first; an identity's is its best reference's."""
    own = [identity.vectors for identity in identities] + [track.vector[np.newaxis] for track in tracks]
    if not own:
        return np.zeros((0, 0), np.float32)
    stacked = np.concatenate(own)
    starts = np.cumsum([0] + [len(vectors) for vectors in own[:-1]])
    rows = np.stack([(vectors @ stacked.T).max(axis=0) for vectors in own])
    best: NDArray[np.float32] = np.maximum.reduceat(rows, starts, axis=1)
    return np.clip(best, -1.0, 1.0)


def _people(scores: NDArray[np.float32], apart: NDArray[np.bool_], bound: float, names: int) -> NDArray[np.int64]:
    """Return (E + T,) the number of the person whose trials each one shares; the first `names` stay different people.

    Tracks are grouped first, closest first, then a group goes to the name it is closest to, from the bound on.
    """
    person = np.arange(len(scores))
    candidates = np.triu(scores >= min(bound, GROUPING * bound), 1) & ~apart
    candidates[:names] = False
    for row, column in _closest_first(scores, candidates):
        first, second = (np.flatnonzero(person == person[item]) for item in (row, column))
        across = np.ix_(first, second)
        alike = person[row] != person[column] and scores[across].mean() >= min(bound, GROUPING * bound)
        if alike and not apart[across].any():
            person[second] = person[first] = min(person[row], person[column])
    named = np.triu(scores >= bound, 1)
    named[names:] = False
    for name, track in _closest_first(scores, named):
        is_excluded = apart[np.ix_(person == name, person == person[track])].any()
        if person[track] >= names and not is_excluded:
            person[person == person[track]] = name
    return person


def _closest_first(scores: NDArray[np.float32], candidates: NDArray[np.bool_]) -> list[tuple[int, int]]:
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


def _pairs(
    scores: NDArray[np.float32], person: NDArray[np.int64], compared: dict[str, NDArray[np.bool_]]
) -> tuple[dict[tuple[int, int], float], list[tuple[tuple[int, int], float]]]:
    """The highest score of each pair of people, and all the other scores."""
    anyhow: NDArray[np.bool_] = np.logical_or.reduce(list(compared.values()))
    pairs: dict[tuple[int, int], float] = {}
    more = []
    for row, column in _closest_first(scores, anyhow):
        pair = (int(min(person[row], person[column])), int(max(person[row], person[column])))
        if pair[0] == pair[1] or pair in pairs:
            more.append((pair, float(scores[row, column])))
        else:
            pairs[pair] = float(scores[row, column])
    return pairs, more


def _searches(
    scores: NDArray[np.float32], person: NDArray[np.int64], against: NDArray[np.bool_], size: int
) -> tuple[dict[int, float], list[tuple[int, float]]]:
    """Best score over all identities of each stranger whose clip gave no reference, and all the other tracks' best."""
    best_by_stranger: dict[int, float] = {}
    more: list[tuple[int, float]] = []
    if size == 0:
        return best_by_stranger, more
    tracks = [track for track in range(size, len(scores)) if against[:size, track].all()]
    best = {track: float(scores[:size, track].max()) for track in tracks}
    for track in sorted(tracks, key=lambda item: -best[item]):
        stranger = int(person[track])
        if stranger < size or stranger in best_by_stranger:
            more.append((stranger, best[track]))
        else:
            best_by_stranger[stranger] = best[track]
    return best_by_stranger, more


def _genuine(
    identities: Sequence[IdentitySummary], tracks: Sequence[CalibrationTrack], person: NDArray[np.int64]
) -> dict[str, list[tuple[int, float]]]:
    scores: dict[str, list[tuple[int, float]]] = {SAME_VISIT: [], REPEATED: []}
    for number, identity in enumerate(identities):
        own = np.clip(identity.vectors @ identity.vectors.T, -1.0, 1.0)
        for row, digest in enumerate(identity.digests):
            elsewhere = [column for column, other in enumerate(identity.digests) if other != digest]
            beside = [column for column, other in enumerate(identity.digests) if other == digest and column != row]
            kind, columns = (REPEATED, elsewhere) if elsewhere else (SAME_VISIT, beside)
            if columns:
                scores[kind].append((int(person[number]), float(own[row, columns].max())))
    for number, track in enumerate(tracks, start=len(identities)):
        if track.halves is not None:
            scores[SAME_VISIT].append((int(person[number]), track.halves))
    return scores
