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

from biometric.calibration.compared_people import (
    UNLABELLED,
    ComparedPeople,
    IdentitySummary,
    RowScores,
    best_scores,
    closest_first,
    compare_people,
)
from biometric.entities.calibration_footage import ClipSummary

SAME_VISIT, REPEATED = "same visit", "repeated references"


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


def collect(clips: Sequence[ClipSummary], identities: Sequence[IdentitySummary], bound: float) -> Collected:
    """Compare all pairs of people who certainly differ, and each person with themselves, by cosines."""
    return collect_scores(compare_people(clips, identities, bound))


def collect_scores(people: ComparedPeople, adapted: RowScores | None = None) -> Collected:
    """Return the scores of the comparisons, None: cosines of templates as they are."""
    rows, scores = people.rows, people.scores
    if adapted is not None:
        rows, scores = adapted, best_scores(people.identities, len(people.tracks), adapted)
    pairs, more_pairs = _pairs(scores, people.person, people.compared)
    against = people.compared[UNLABELLED]
    searches, more_searches = _searches(scores, people.person, against, len(people.identities))
    return Collected(
        pairs=pairs,
        searches=searches,
        genuine=_genuine(people, rows),
        sources={source: int(mask.sum()) for source, mask in people.compared.items() if mask.any()},
        doubtful=people.doubtful,
        people=len(np.unique(people.person)),
        more_pairs=more_pairs,
        more_searches=more_searches,
    )


def _pairs(
    scores: NDArray[np.float32], person: NDArray[np.int64], compared: dict[str, NDArray[np.bool_]]
) -> tuple[dict[tuple[int, int], float], list[tuple[tuple[int, int], float]]]:
    """The highest score of each pair of people, and all the other scores."""
    anyhow: NDArray[np.bool_] = np.logical_or.reduce(list(compared.values()))
    pairs: dict[tuple[int, int], float] = {}
    more = []
    for row, column in closest_first(scores, anyhow):
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


def _genuine(people: ComparedPeople, rows: RowScores) -> dict[str, list[tuple[int, float]]]:
    scores: dict[str, list[tuple[int, float]]] = {SAME_VISIT: [], REPEATED: []}
    start = 0
    for number, identity in enumerate(people.identities):
        stop = start + len(identity.vectors)
        own = rows.block(start, stop, slice(start, stop))
        for row, digest in enumerate(identity.digests):
            elsewhere = [column for column, other in enumerate(identity.digests) if other != digest]
            beside = [column for column, other in enumerate(identity.digests) if other == digest and column != row]
            kind, columns = (REPEATED, elsewhere) if elsewhere else (SAME_VISIT, beside)
            if columns:
                scores[kind].append((int(people.person[number]), float(own[row, columns].max())))
        start = stop
    for number in range(len(people.tracks)):
        halves = rows.halves(start + number)
        if halves is not None:
            scores[SAME_VISIT].append((int(people.person[len(people.identities) + number]), halves))
    return scores
