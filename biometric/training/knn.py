"""A look at unlabelled crops during training: do crops of one track find each other among all others?

Crops of one track are of one person, so tracks can stand in for people. Each crop of a fixed sample is named after
its nearest neighbours (leave-one-out, votes weighted as by Wu et al., arXiv 1805.01978); the accuracy is the share
that is named after its own track. It is a proxy only: crops of a track share camera, light and minute, which
re-identification has to do without; a person whose track broke counts as two; and the crops are ones that the network
trains on, though it never sees their tracks. Compare it between epochs and runs on the same crops, with nothing else.
"""

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.training.crops.store import Crops

NEIGHBOURS = 5
_GAP = 25
_EACH = 4
_WEIGHT_TEMPERATURE = 0.07
_FRAME = re.compile(r"(\d+)_\d+\.")
_SEED = 104_729


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Crops by number, (N,) int64, and the tracks that they belong to, (N,) int64 from 0."""

    crops: NDArray[np.int64]
    tracks: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """Accuracy of guessing: the mean share of a crop's own track among the others."""
        same = np.bincount(self.tracks)[self.tracks] - 1
        return float(np.mean(same / (len(self.tracks) - 1)))


def choose(crops: Crops, seed: int, tracks: int = 250) -> Sample | None:
    """Choose up to four crops of each of up to `tracks` tracks, 25 frames or more apart: closer ones are near copies.

    None where fewer than two tracks have two such crops, as in crops without tracks.
    """
    found: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for index in range(len(crops)):
        track, frame = crops.track(index), _FRAME.match(crops.name(index))
        if track is not None and frame is not None:
            found[crops.video(index), track].append((int(frame[1]), index))
    apart = [chosen for key in sorted(found) if len(chosen := _apart(sorted(found[key]))) > 1]
    if len(apart) < 2:
        return None
    draw = np.random.default_rng((seed, _SEED))
    kept = [apart[number] for number in sorted(draw.permutation(len(apart))[:tracks])]
    return Sample(np.concatenate(kept), np.repeat(np.arange(len(kept)), [len(each) for each in kept]))


def _apart(places: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Numbers of up to four crops spread over a track, from (frame, number) in order."""
    far: list[tuple[int, int]] = []
    for frame, index in places:
        if not far or frame - far[-1][0] >= _GAP:
            far.append((frame, index))
    spread = np.unique(np.linspace(0, len(far) - 1, min(len(far), _EACH)).round().astype(int))
    return np.array([far[place][1] for place in spread], np.int64)


def accuracy(vectors: NDArray[np.float32], tracks: NDArray[np.int64], neighbours: int = NEIGHBOURS) -> float:
    """Share in [0, 1] of (N, D) unit vectors whose nearest others vote for their own track; N is 2 or more."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, : min(neighbours, len(vectors) - 1)]
    weights = np.exp(np.take_along_axis(scores, nearest, 1) / _WEIGHT_TEMPERATURE)
    votes = np.zeros((len(vectors), int(tracks.max()) + 1))
    np.add.at(votes, (np.arange(len(vectors))[:, None], tracks[nearest]), weights)
    return float(np.mean(votes.argmax(1) == tracks))
