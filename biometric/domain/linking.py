"""Which tracks of one clip show one person: agglomerative clustering of their templates under hard constraints.

A tracker loses people who are hidden or leave the picture; whoever comes back begins a new track. Two tracks that are
seen in one frame are two people, whatever their score, unless their boxes cover each other for most of the frames that
they share: then one person was detected twice. What remains is decided by the comparison scores of the templates, and
over a short gap by where the person was going.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain.seen_together import seen_together
from biometric.entities import Detection, LinkKind, LinkScores, Observation
from biometric.entities.boxes import iou

SHORT_GAP_SECONDS = 2.0
"""Longest gap over which a person's way is predicted."""

ARRIVAL_OVERLAP = 0.3
"""Least overlap of a predicted box with the one that a later track begins with."""

WAY_DETECTIONS = 8
"""Detections at a track's end from which its speed is taken."""

BLIND_GAP_SECONDS = 1.0
BLIND_OVERLAP = 0.5
"""Longest gap and least overlap where one of two tracks has no template, so that only motion links them."""

DOUBLE_FRAMES = 3
"""Least common frames of a double detection where no score says whether both boxes show one person."""

CLEAR_FRAMES = 3
"""In so many frames two tracks must be clearly apart, and never cover each other, to show how alike strangers look."""

_NEVER = 1e6
"""Distance of two tracks that are certainly not one person: no mean over a cluster that holds it is ever near."""

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Links:
    """The tracks of a clip put together into people.

    Attributes:
        people: indices of the tracks of each person, rising; people in order of their first track.
        kinds: for each track, what holds it to the others of its person; None where it is the only one.
        scores: for each track, the best score with another track of its person that is no double detection of it, or
            with one that is; None where there is none to compare.
        perhaps: pairs of people (their positions in `people`) who may be one, with their score, best first.
    """

    people: tuple[tuple[int, ...], ...]
    kinds: tuple[LinkKind | None, ...]
    scores: tuple[float | None, ...]
    perhaps: tuple[tuple[int, int, float], ...]


def link(tracks: Sequence[Observation], limits: LinkScores) -> Links:
    """Put tracks together into people.

    The score from which two tracks are one person is raised above every score of two tracks that are certainly two
    people in this clip: where people in view look alike (uniforms, no colour), likeness says less. Pairs that only
    this keeps apart are reported as perhaps the same.
    """
    if not tracks:
        return Links((), (), (), ())
    scores = _scores(tracks)
    doubles, apart, strangers = _constraints(tracks, scores, limits.perhaps)
    lookalikes = float(np.max(scores[strangers & ~np.isnan(scores)], initial=-1.0))
    same = max(limits.same, lookalikes)
    perhaps = min(max(limits.perhaps, lookalikes), limits.same)
    continued = _continued(tracks, scores, max(limits.perhaps, lookalikes))
    units = _certain(doubles | continued, apart)
    between, forbidden = _between(units, scores, apart)
    members = [
        sorted(index for unit in group for index in units[unit])
        for group in _clusters(between, forbidden, same if same < 1.0 else np.inf)
    ]
    people = sorted(members, key=lambda group: group[0])
    held = [_held(index, group, scores, doubles, same) for group in people for index in group]
    kinds, best = zip(*(fact for _, fact in sorted(held)), strict=True)
    return Links(tuple(map(tuple, people)), kinds, best, tuple(_perhaps(people, scores, apart, perhaps)))


def _scores(tracks: Sequence[Observation]) -> Scores:
    """(N, N) comparison scores; NaN on the diagonal and for tracks without a template."""
    rows = [None if track.template is None else track.template.vector for track in tracks]
    width = next((len(row) for row in rows if row is not None), 1)
    matrix = np.stack([np.full(width, np.nan) if row is None else row.astype(np.float64) for row in rows])
    scores: Scores = np.clip(matrix @ matrix.T, -1.0, 1.0)
    np.fill_diagonal(scores, np.nan)
    return scores


def _constraints(tracks: Sequence[Observation], scores: Scores, perhaps: float) -> tuple[Mask, Mask, Mask]:
    """Return pairs that are double detections, that are certainly two people, and that show how alike strangers look.

    Somebody who stands behind another is covered for long, too, but looks different.
    """
    together = seen_together([track.tracklet.detections for track in tracks])
    doubles = 2 * together.covering > together.shared
    doubles &= np.where(np.isnan(scores), together.shared >= DOUBLE_FRAMES, scores >= perhaps)
    apart = (together.shared > 0) & ~doubles
    return doubles, apart, (together.covering == 0) & (together.clear >= CLEAR_FRAMES)


def _certain(certain: Mask, apart: Mask) -> list[list[int]]:
    """Return groups of tracks, those of `certain` pairs together; nobody in a group is certainly another."""
    groups = [[index] for index in range(len(certain))]
    for first, second in np.argwhere(np.triu(certain)).tolist():
        one, other = (next(group for group in groups if index in group) for index in (first, second))
        if one is not other and not apart[np.ix_(one, other)].any():
            groups.remove(other)
            one.extend(other)
    return groups


def _between(groups: Sequence[Sequence[int]], scores: Scores, apart: Mask) -> tuple[Scores, Mask]:
    """Return for G groups of tracks (G, G) the mean of the scores that are known, NaN where none is, and who differ."""
    order = np.concatenate([np.array(group, np.intp) for group in groups])
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])

    def summed(matrix: Scores) -> Scores:
        return np.add.reduceat(np.add.reduceat(matrix[np.ix_(order, order)], starts, axis=0), starts, axis=1)

    known = ~np.isnan(scores)
    sums, counts = summed(np.where(known, scores, 0.0)), summed(known.astype(float))
    means: Scores = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means, summed(apart.astype(float)) > 0


def _clusters(scores: Scores, forbidden: Mask, same: float) -> list[list[int]]:
    """Average-linkage clusters of (G, G) scores, of which none is joined below `same`."""
    count = len(scores)
    if count < 2:
        return [[index] for index in range(count)]
    from scipy.cluster.hierarchy import fcluster, linkage  # a third of a second, which only observing needs

    distances = np.where(forbidden | np.isnan(scores), _NEVER, 1.0 - scores)
    tree = linkage(distances[np.triu_indices(count, 1)], "average")
    labels = fcluster(tree, 1.0 - same + 1e-9, "distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _continued(tracks: Sequence[Observation], scores: Scores, least: float) -> Mask:
    """Return (N, N), symmetric: pairs of which one begins where the other's way leads; each track goes on as one only.

    Both look alike (`least`); or one has no template, and nobody else begins or ends there at that time.
    """
    first = np.array([track.tracklet.first_seconds for track in tracks])
    last = np.array([track.tracklet.last_seconds for track in tracks])
    gaps = first[np.newaxis, :] - last[:, np.newaxis]
    unknown = np.isnan(scores) & (gaps <= BLIND_GAP_SECONDS)
    pairs, unseen = [], []
    for earlier, later in np.argwhere(
        (gaps > 0) & (gaps <= SHORT_GAP_SECONDS) & (unknown | (scores >= least))
    ).tolist():
        overlap = _arrival(tracks[earlier].tracklet.detections, tracks[later].tracklet.detections[0])
        if unknown[earlier, later]:
            unseen += [(earlier, later)] if overlap >= BLIND_OVERLAP else []
        elif overlap >= ARRIVAL_OVERLAP:
            pairs.append((float(scores[earlier, later]), earlier, later))
    continued = np.zeros(scores.shape, bool)
    ended, begun = set[int](), set[int]()
    for _, earlier, later in sorted(pairs, reverse=True):
        if earlier not in ended and later not in begun:
            continued[earlier, later] = continued[later, earlier] = True
            ended.add(earlier)
            begun.add(later)
    for earlier, later in unseen:
        rivals = [pair for pair in unseen if pair != (earlier, later) and (pair[0] == earlier or pair[1] == later)]
        if not rivals and earlier not in ended and later not in begun:
            continued[earlier, later] = continued[later, earlier] = True
    return continued


def _arrival(earlier: Sequence[Detection], found: Detection) -> float:
    """Overlap (IoU) of the box at the end of a track, moved on at its speed, with the first box of another."""
    before, last = earlier[max(0, len(earlier) - WAY_DETECTIONS)], earlier[-1]
    seconds = last.seconds - before.seconds
    speed = (np.array(last.box) - np.array(before.box)) / seconds if seconds > 0 else np.zeros(4)
    x1, y1, x2, y2 = (np.array(last.box) + speed * (found.seconds - last.seconds)).tolist()
    return iou((x1, y1, x2, y2), found.box)


def _held(
    index: int, group: Sequence[int], scores: Scores, doubles: Mask, same: float
) -> tuple[int, tuple[LinkKind | None, float | None]]:
    """Return a track with what holds it to the others of its person, and the score."""
    others = [other for other in group if other != index]
    if not others:
        return index, (None, None)
    single = [float(scores[index, other]) for other in others if not doubles[index, other]]
    known = [score for score in single if not np.isnan(score)]
    if known:
        return index, (LinkKind.SCORE if max(known) >= same else LinkKind.MOTION, max(known))
    if not doubles[index, others].any():
        return index, (LinkKind.MOTION, None)
    doubled = [float(scores[index, other]) for other in others if not np.isnan(scores[index, other])]
    return index, (LinkKind.DOUBLE, max(doubled, default=None))


def _perhaps(
    people: Sequence[Sequence[int]], scores: Scores, apart: Mask, least: float
) -> list[tuple[int, int, float]]:
    """Return who may be one person: for each, the one of the others who scores best, where that is `least` or more."""
    between, forbidden = _between(people, scores, apart)
    between[forbidden | np.eye(len(people), dtype=bool) | ~(between >= least)] = -np.inf
    best = between == between.max(axis=1, keepdims=True)
    pairs = np.argwhere(np.triu((best | best.T) & (between > -np.inf))).tolist()
    return sorted(
        ((first, second, float(between[first, second])) for first, second in pairs), key=lambda pair: -pair[2]
    )
