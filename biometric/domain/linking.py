"""Which tracks of one clip show one person: agglomerative clustering of their templates under hard constraints.

A tracker loses people who are hidden or leave the picture; whoever comes back begins a new track. Two tracks that are
seen in one frame are two people, whatever their score, unless their boxes cover each other for most of the frames that
they share: then one person was detected twice. What remains is decided by the comparison scores of the templates.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import DetectionList, Vector
from biometric.entities.boxes import iou

DOUBLE_OVERLAP = 0.5
"""Boxes of one frame that overlap more than this, in most of the frames that two tracks share, are one person's."""

SHORT_GAP_SECONDS = 2.0
"""Longest gap over which a person's way is predicted."""

ARRIVAL_OVERLAP = 0.3
"""Least overlap of a predicted box with the one that a later track begins with."""

WAY_DETECTIONS = 8
"""Detections at a track's end from which its speed is taken."""

_NEVER = 1e6
"""Distance of two tracks that are certainly not one person: no mean over a cluster that holds it is ever near."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackSummary:
    """What linking knows of one track.

    Attributes:
        detections: boxes in frame order, at least one.
        template: (D,) unit float32, or None where no sample was good enough; such a track is linked as a double
            detection only.
    """

    detections: DetectionList
    template: Vector | None


@dataclass(frozen=True, slots=True)
class LinkRules:
    """From which scores tracks are one person.

    Attributes:
        same: comparison score from which two tracks are one person.
        perhaps: score from which they may be: reported; enough where the motion over a short gap agrees.
        fps: frames per second of the clip.
    """

    same: float
    perhaps: float
    fps: float

    def __post_init__(self) -> None:
        if not -1 <= self.perhaps <= self.same <= 1:
            raise ValueError(f"expected -1 <= perhaps <= same <= 1, got {self.perhaps} and {self.same}")
        if not self.fps > 0:
            raise ValueError(f"expected frames per second above 0, got {self.fps}")


@dataclass(frozen=True, slots=True)
class Links:
    """The tracks of a clip put together into people.

    Attributes:
        people: indices of the tracks of each person, rising; people in order of their first track.
        sureness: least mean score at which tracks of a person were put together, None for a person of one track and
            where only a double detection joined them; one for each person.
        perhaps: pairs of people (their positions in `people`) who may be one, with their score, best first.
    """

    people: tuple[tuple[int, ...], ...]
    sureness: tuple[float | None, ...]
    perhaps: tuple[tuple[int, int, float], ...]


def link(tracks: Sequence[TrackSummary], rules: LinkRules) -> Links:
    """Put tracks together into people.

    The score from which two tracks are one person is raised above every score of two tracks that are certainly two
    people in this clip: where people in view look alike (uniforms, no colour), likeness says less.
    """
    if not tracks:
        return Links((), (), ())
    scores = _scores(tracks)
    doubles, apart = _seen_together(tracks)
    hidden_behind = doubles & (scores < rules.perhaps)  # somebody who stands behind another is covered for long, too
    doubles, apart = doubles & ~hidden_behind, apart | hidden_behind
    strangers = scores[apart]
    lookalikes = float(np.nanmax(strangers, initial=-1.0))
    same, perhaps = max(rules.same, lookalikes), max(rules.perhaps, lookalikes)
    if same >= 1.0:
        same = np.inf
    distances = 1.0 - np.nan_to_num(scores, nan=-_NEVER)
    for earlier, later in _continued(tracks, scores, perhaps, rules.fps):
        distances[earlier, later] = distances[later, earlier] = min(distances[earlier, later], 1.0 - same)
    distances[doubles] = 0.0
    distances[apart] = _NEVER
    members = _clusters(distances, 1.0 - same)
    people = sorted(members, key=lambda group: group[0])
    return Links(
        tuple(map(tuple, people)),
        tuple(_sureness(group, scores, doubles) for group in people),
        tuple(_perhaps(people, scores, apart, perhaps)),
    )


def _clusters(distances: NDArray[np.float64], most: float) -> list[list[int]]:
    """Average-linkage clusters of (N, N) distances, of which none is joined beyond `most`."""
    count = len(distances)
    if count < 2:
        return [[index] for index in range(count)]
    from scipy.cluster.hierarchy import fcluster, linkage  # a third of a second, which only observing needs

    condensed = distances[np.triu_indices(count, 1)]
    labels = fcluster(linkage(condensed, "average"), most, "distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _scores(tracks: Sequence[TrackSummary]) -> NDArray[np.float64]:
    """(N, N) comparison scores; NaN on the diagonal and for tracks without a template."""
    rows = [track.template for track in tracks]
    width = next((len(row) for row in rows if row is not None), 1)
    matrix = np.stack([np.full(width, np.nan) if row is None else row.astype(np.float64) for row in rows])
    scores = matrix @ matrix.T
    np.fill_diagonal(scores, np.nan)
    return scores


def _seen_together(tracks: Sequence[TrackSummary]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, N): pairs that are double detections of one person, and pairs that are certainly two people."""
    doubles = np.zeros((len(tracks), len(tracks)), dtype=bool)
    apart = doubles.copy()
    numbered = [{frame: index for index, frame in enumerate(track.detections.frames)} for track in tracks]
    for first, second in itertools.combinations(range(len(tracks)), 2):
        shared = numbered[first].keys() & numbered[second].keys()
        if not shared:
            continue
        boxes = [
            [tracks[index].detections[numbered[index][frame]].box for frame in sorted(shared)]
            for index in (first, second)
        ]
        covering = sum(iou(one, other) > DOUBLE_OVERLAP for one, other in zip(*boxes, strict=True))
        pairs = doubles if 2 * covering > len(shared) else apart
        pairs[first, second] = pairs[second, first] = True
    return doubles, apart


def _continued(
    tracks: Sequence[TrackSummary], scores: NDArray[np.float64], least: float, fps: float
) -> Iterator[tuple[int, int]]:
    """Pairs of tracks that may be one person by score, of which one begins where the other's way leads."""
    for earlier, later in itertools.permutations(range(len(tracks)), 2):
        before, after = tracks[earlier].detections, tracks[later].detections
        gap_seconds = (after.frames[0] - before.frames[-1]) / fps
        if 0 < gap_seconds <= SHORT_GAP_SECONDS and scores[earlier, later] >= least and _arrives(before, after):
            yield earlier, later


def _arrives(earlier: DetectionList, later: DetectionList) -> bool:
    """Whether the box at the end of a track, moved on at its speed, overlaps the first box of another."""
    start = max(0, len(earlier) - WAY_DETECTIONS)
    first, last, found = earlier[start], earlier[-1], later[0]
    steps = last.frame_index - first.frame_index
    speed = (np.array(last.box) - np.array(first.box)) / steps if steps else np.zeros(4)
    predicted = np.array(last.box) + speed * (found.frame_index - last.frame_index)
    x1, y1, x2, y2 = (float(value) for value in predicted)
    return iou((x1, y1, x2, y2), found.box) >= ARRIVAL_OVERLAP


def _sureness(group: Sequence[int], scores: NDArray[np.float64], doubles: NDArray[np.bool_]) -> float | None:
    """Least of the best scores with which each track of a person holds on to another one of it."""
    best = []
    for index in group:
        others = [scores[index, other] for other in group if other != index and not doubles[index, other]]
        best += [max(known)] if (known := [float(score) for score in others if not np.isnan(score)]) else []
    return min(best, default=None)


def _perhaps(
    people: Sequence[Sequence[int]], scores: NDArray[np.float64], apart: NDArray[np.bool_], least: float
) -> list[tuple[int, int, float]]:
    pairs = []
    for first, second in itertools.combinations(range(len(people)), 2):
        block = np.ix_(people[first], people[second])
        if apart[block].any():
            continue
        known = scores[block][~np.isnan(scores[block])]
        if len(known) and float(known.mean()) >= least:
            pairs.append((first, second, float(known.mean())))
    return sorted(pairs, key=lambda pair: -pair[2])
