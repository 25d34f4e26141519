"""A probe on unlabelled crops during training: are the nearest neighbours of a crop of the same track?

Crops of one track show one person, so tracks are used instead of people. Each crop of a fixed sample is assigned to a
track by its nearest neighbours (leave-one-out, votes weighted as by Wu et al., arXiv 1805.01978); the accuracy is the
share that is assigned to its own track. It is a proxy only: crops of a track share camera, light and minute, which
re-identification cannot rely on; a person whose track broke counts as two; and the crops are ones that the network
trains on, though it never sees their tracks. Use it to compare epochs and runs on the same crops only.
"""

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.training.crops.crop_records import Crops

NEIGHBOURS = 5
_MIN_FRAMES_APART = 25
_CROPS_PER_TRACK = 4
_WEIGHT_TEMPERATURE = 0.07
_FRAME = re.compile(r"(\d+)_\d+\.")
_SEED = 104_729


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourSample:
    """Crops by number, (N,) int64, and the tracks that they belong to, (N,) int64 from 0."""

    crops: NDArray[np.int64]
    tracks: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """Accuracy of random guessing: the mean share of a crop's own track among the others."""
        same = np.bincount(self.tracks)[self.tracks] - 1
        return float(np.mean(same / (len(self.tracks) - 1)))


def choose_sample(crops: Crops, seed: int, tracks: int = 250) -> NeighbourSample | None:
    """Choose up to four crops of each of up to `tracks` tracks, 25 frames or more apart: closer ones are near copies.

    None where fewer than two tracks have two such crops, as in crops without tracks.
    """
    frames_by_track: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for index in range(len(crops)):
        track, frame = crops.track(index), _FRAME.match(crops.name(index))
        if track is not None and frame is not None:
            frames_by_track[crops.video(index), track].append((int(frame[1]), index))
    apart = [chosen for _, frames in sorted(frames_by_track.items()) if len(chosen := _apart(sorted(frames))) > 1]
    if len(apart) < 2:
        return None
    draw = np.random.default_rng((seed, _SEED))
    chosen_crops = [apart[number] for number in sorted(draw.permutation(len(apart))[:tracks])]
    return NeighbourSample(
        np.concatenate(chosen_crops),
        np.repeat(np.arange(len(chosen_crops)), [len(numbers) for numbers in chosen_crops]),
    )


def _apart(frames: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Numbers of up to four crops spread over a track, from (frame, number) in order."""
    far: list[tuple[int, int]] = []
    for frame, index in frames:
        if not far or frame - far[-1][0] >= _MIN_FRAMES_APART:
            far.append((frame, index))
    spread = np.unique(np.linspace(0, len(far) - 1, min(len(far), _CROPS_PER_TRACK)).round().astype(int))
    return np.array([far[number][1] for number in spread], np.int64)


def neighbour_accuracy(vectors: NDArray[np.float32], tracks: NDArray[np.int64], neighbours: int = NEIGHBOURS) -> float:
    """Share in [0, 1] of (N, D) unit vectors whose nearest others vote for their own track; N is 2 or more."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, : min(neighbours, len(vectors) - 1)]
    weights = np.exp(np.take_along_axis(scores, nearest, 1) / _WEIGHT_TEMPERATURE)
    votes = np.zeros((len(vectors), int(tracks.max()) + 1))
    np.add.at(votes, (np.arange(len(vectors))[:, None], tracks[nearest]), weights)
    return float(np.mean(votes.argmax(1) == tracks))
