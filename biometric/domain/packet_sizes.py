"""Whether the packets of a group of frames are larger than they are while nothing happens. Numpy only.

An encoder spends bytes on what moves. How many it spends on noise, leaves and flickering lamps is learnt from groups
in which nobody was; more than that is a reason to decode a group, and less than that is never enough of a reason not
to: pictures have to agree.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from biometric.entities.frame_groups import FrameGroup

WINDOWS = {0.4: 3.5, 1.0: 2.5}
"""Seconds over which sizes are added up, and how many standard deviations above the median are unusual: for somebody
who runs past, and for somebody who walks far away. Of quiet groups some are decoded for nothing, which costs little."""

POSITIONS = 5
"""Windows that begin in each second: somebody may come at any time."""

KNOWN_GROUPS, MOST_GROUPS = 10, 60
"""Groups that must be known before any is passed over, and latest ones that are remembered."""

LEAST_SHARE = 0.04
"""Share of the median that is no difference at all, whatever the deviations."""


class PacketSizes:
    """Remembers how large the packets of quiet groups are, by their place behind the key frame."""

    def __init__(self) -> None:
        self._known: deque[NDArray[np.float64]] = deque(maxlen=MOST_GROUPS)

    @property
    def knows_enough(self) -> bool:
        """Whether enough quiet groups are known to compare with."""
        return len(self._known) >= KNOWN_GROUPS

    def unusual(self, group: FrameGroup) -> bool:
        """Return whether packets are larger than in quiet groups; True where that cannot be told."""
        if not self.knows_enough:
            return True
        sums, limits = _sums(group)
        known = [row for row in self._known if len(row) == len(sums)]
        if len(known) < KNOWN_GROUPS:
            return True
        median = np.median(known, axis=0)
        deviation = 1.4826 * np.median(np.abs(known - median), axis=0)
        return bool((sums > median + np.maximum(limits * deviation, LEAST_SHARE * median)).any())

    def learn(self, group: FrameGroup) -> None:
        """Take a group in which nothing happened."""
        self._known.append(_sums(group)[0])


def _sums(group: FrameGroup) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean bytes of all windows of a group, and how many deviations are unusual for each.

    Without its key frame, whose size tells how fine the picture is.
    """
    sizes = group.sizes[1:]
    frames_a_second = len(sizes) / max(group.length, 1e-6)
    total = np.concatenate([[0.0], np.cumsum(sizes)])
    stride = max(1, round(frames_a_second / POSITIONS))
    means, limits = [np.zeros(0)], [np.zeros(0)]
    for seconds, limit in WINDOWS.items():
        width = max(1, min(len(sizes), round(seconds * frames_a_second)))
        begins = np.arange(0, len(total) - width, stride)
        means.append((total[begins + width] - total[begins]) / width)
        limits.append(np.full(len(begins), limit))
    return np.concatenate(means), np.concatenate(limits)
