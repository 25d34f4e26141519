"""Embeds the moments of many tracks together: in rounds, because what is worth embedding depends on what is known."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.domain.moment_choice import MomentStretch
from biometric.entities import Image
from biometric.pipeline.following import FollowedTrack

Waiting = tuple[FollowedTrack, MomentStretch]
"""A stretch of a track's moments that is complete."""


def embed_stretches(
    waiting: Sequence[Waiting], embed: Callable[[Sequence[Image]], NDArray[np.float32]], at_once: int
) -> None:
    """Embed what is worth it of each stretch and give it back to its track.

    What is embedded, and in which runs, follows from the stretches alone, so that the answer is always the same.

    Args:
        waiting: in the order in which the stretches were completed.
        embed: crops, (h, w, 3) uint8 BGR, at most `at_once` → (N, D) unit float32.
    """
    left = list(waiting)
    while left:
        earliest: dict[FollowedTrack, MomentStretch] = {}
        for track, stretch in left:
            earliest.setdefault(track, stretch)
        wanted = []
        for track, stretch in earliest.items():
            places = stretch.wanted()
            wanted += [(stretch, place) for place in places]
            if not places:
                track.add(stretch)
                left.remove((track, stretch))
        for first in range(0, len(wanted), at_once):
            run = wanted[first : first + at_once]
            rows = embed([stretch[place].image for stretch, place in run])
            for (stretch, place), row in zip(run, rows, strict=True):
                stretch.give(place, row)
