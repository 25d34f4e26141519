"""ByteTrack on numpy, without torch: links detections over time by boxes and motion alone.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022. The steps and numbers
are those of ultralytics' tracker, and so are the answers: `tests/models/test_byte_tracking.py` compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import lap
import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame
from biometric.models.detection import CONFIDENCE, STARTS_TRACK
from biometric.models.tracking import HIGH_CONFIDENCE, LOST_SECONDS, TrackEnds

_FIRST_LIMIT, _WEAK_LIMIT, _NEW_LIMIT = 0.8, 0.5, 0.7
"""Greatest cost (1 - IoU, with or without the confidence) at which a track takes a detection: of tracks and sure
detections, of tracks and weak detections, of tracks seen once and sure detections."""

_DUPLICATE = 0.15
"""A track and a lost one that differ by less (1 - IoU) are one person; the older one stays."""

_REMEMBERED = 1000
"""Ended tracks whose numbers are remembered."""

_POSITION, _VELOCITY = 1 / 20, 1 / 160
"""Standard deviations of place and speed a frame, as parts of the box's height."""

_MOTION = np.eye(8) + np.eye(8, k=4)
"""Moves a state (centre x, y, width by height, height, and their speeds) on by one frame."""

Rows = NDArray[np.float32]


class _State(Enum):
    FOLLOWED = "followed"
    LOST = "lost"
    REMOVED = "removed"


@dataclass(slots=True, eq=False)
class _Track:
    """One person on the way through the clip.

    Attributes:
        mean, covariance: (8,) and (8, 8) float64, what is known of the state in `_MOTION`.
        first, last: numbers of the frames in which it was seen first and last.
        detection: number of its last detection in that frame's list.
        confirmed: seen twice, or in the clip's first frame.
    """

    number: int
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    first: int
    last: int
    detection: int
    confirmed: bool
    state: _State = _State.FOLLOWED


@dataclass(frozen=True, slots=True)
class _Seen:
    """Detections of one frame: their numbers in its list, corners and measurements (N, 4), confidences (N,)."""

    numbers: NDArray[np.intp]
    corners: Rows
    measured: Rows
    confidences: Rows

    def __len__(self) -> int:
        return len(self.numbers)

    def where(self, chosen: "NDArray[np.bool_] | Sequence[int]") -> "_Seen":
        rows = np.asarray(chosen)
        rows = rows if rows.dtype == np.bool_ else rows.astype(np.intp)
        return _Seen(self.numbers[rows], self.corners[rows], self.measured[rows], self.confidences[rows])


class ByteTracker:
    """ports.Tracker. One instance follows one clip; nothing is shared between instances.

    Args:
        frame_rate: analysed frames per second of footage, > 0.
    """

    def __init__(self, frame_rate: float) -> None:
        self._lost_frames = max(2, round(frame_rate * LOST_SECONDS))
        self._frame = 0
        self._given = 0
        self._followed: list[_Track] = []
        self._lost: list[_Track] = []
        self._removed: list[int] = []
        self._ends = TrackEnds()

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""
        self._frame += 1
        seen = _seen(detections)
        sure = seen.where(seen.confidences >= HIGH_CONFIDENCE)
        weak = seen.where((seen.confidences > CONFIDENCE) & (seen.confidences < HIGH_CONFIDENCE))
        confirmed = [track for track in self._followed if track.confirmed]
        pool = _joined(confirmed, self._lost)
        once = [track for track in self._followed if not track.confirmed]
        _predict(pool)
        taken: list[_Track] = []
        found_again: list[_Track] = []
        left, rest = self._assign(pool, sure, _FIRST_LIMIT, taken, found_again, by_confidence=True)
        left = [track for track in left if track.state is _State.FOLLOWED]
        left, _ = self._assign(left, weak, _WEAK_LIMIT, taken, found_again, by_confidence=False)
        for track in left:
            track.state = _State.LOST
        removed, rest = self._assign(once, rest, _NEW_LIMIT, taken, found_again, by_confidence=True)
        taken += [self._begin(rest, row) for row in np.flatnonzero(rest.confidences >= STARTS_TRACK).tolist()]
        removed += [track for track in self._lost if self._frame - track.last > self._lost_frames]
        for track in removed:
            track.state = _State.REMOVED
        self._sort_out(taken, found_again, left, removed)
        self._ends.note({track.number for track in (*self._followed, *self._lost)})
        return [(track.number, detections[track.detection]) for track in self._followed if track.confirmed]

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""
        return self._ends.take()

    def _assign(
        self,
        tracks: list[_Track],
        seen: _Seen,
        limit: float,
        taken: list[_Track],
        found_again: list[_Track],
        by_confidence: bool,
    ) -> tuple[list[_Track], _Seen]:
        """Give detections to tracks at the least cost; return the tracks and the detections that are left.

        Args:
            taken, found_again: get the tracks that were followed, and those that were lost.
            by_confidence: weigh the overlap with the detection's confidence.
        """
        if not tracks or not len(seen):
            return tracks, seen
        overlaps = _overlaps(_corners(tracks), seen.corners)
        if by_confidence:
            overlaps = (1 - (1 - overlaps)) * seen.confidences  # rounded as ultralytics rounds it
        _, of_track, of_detection = lap.lapjv(1 - overlaps, extend_cost=True, cost_limit=limit)
        for track, row in zip(tracks, of_track.tolist(), strict=True):
            if row >= 0:
                (taken if track.state is _State.FOLLOWED else found_again).append(track)
                self._continue(track, seen, row)
        left = [track for track, row in zip(tracks, of_track.tolist(), strict=True) if row < 0]
        return left, seen.where(of_detection < 0)

    def _continue(self, track: _Track, seen: _Seen, row: int) -> None:
        track.mean, track.covariance = _corrected(track.mean, track.covariance, seen.measured[row])
        track.state, track.confirmed = _State.FOLLOWED, True
        track.last, track.detection = self._frame, int(seen.numbers[row])

    def _begin(self, seen: _Seen, row: int) -> _Track:
        self._given += 1
        measured = seen.measured[row].astype(np.float64)
        height = measured[3]
        place, speed = 2 * _POSITION * height, 10 * _VELOCITY * height
        deviations = np.array([place, place, 1e-2, place, speed, speed, 1e-5, speed])
        return _Track(
            self._given,
            np.concatenate([measured, np.zeros(4)]),
            np.diag(np.square(deviations)),
            first=self._frame,
            last=self._frame,
            detection=int(seen.numbers[row]),
            confirmed=self._frame == 1,
        )

    def _sort_out(
        self, taken: list[_Track], found_again: list[_Track], lost: list[_Track], removed: list[_Track]
    ) -> None:
        followed = [track for track in self._followed if track.state is _State.FOLLOWED]
        followed = _joined(_joined(followed, taken), found_again)
        still = {track.number for track in followed}
        waiting = [track for track in self._lost if track.number not in still] + lost
        # A track that is removed now still waits for one frame more: those of this frame are added afterwards.
        gone = set(self._removed)
        self._followed, self._lost = _without_duplicates(
            followed, [track for track in waiting if track.number not in gone]
        )
        self._removed = [*self._removed, *(track.number for track in removed)][-_REMEMBERED:]


def _seen(detections: Sequence[Detection]) -> _Seen:
    """Return the detections that have a size, as the rows that tracking works with."""
    boxes = np.array([detection.box for detection in detections], np.float32).reshape(-1, 4)
    sizes = boxes[:, 2:] - boxes[:, :2]
    has_size = (sizes > 0).all(axis=1)
    boxes, sizes = boxes[has_size], sizes[has_size]
    corner = ((boxes[:, :2] + sizes / 2).astype(np.float64) - sizes.astype(np.float64) / 2).astype(np.float32)
    measured = np.concatenate([corner + sizes / 2, sizes[:, :1] / sizes[:, 1:], sizes[:, 1:]], axis=1)
    confidences = np.array([detection.confidence for detection in detections], np.float32)[has_size]
    return _Seen(np.flatnonzero(has_size), np.concatenate([corner, sizes + corner], axis=1), measured, confidences)


def _predict(tracks: Sequence[_Track]) -> None:
    """Move all states on by one frame; nobody who is lost grows or shrinks."""
    if not tracks:
        return
    means = np.stack([track.mean for track in tracks])
    means[[track.state is not _State.FOLLOWED for track in tracks], 7] = 0
    heights = means[:, 3]
    place, speed = _POSITION * heights, _VELOCITY * heights
    ratio, ratio_speed = np.full_like(heights, 1e-2), np.full_like(heights, 1e-5)
    noise = np.square(np.stack([place, place, ratio, place, speed, speed, ratio_speed, speed], axis=1))
    covariances = np.matmul(np.matmul(_MOTION, np.stack([track.covariance for track in tracks])), _MOTION.T)
    covariances[:, range(8), range(8)] += noise
    for track, mean, covariance in zip(tracks, np.dot(means, _MOTION.T), covariances, strict=True):
        track.mean, track.covariance = mean, covariance


def _corrected(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], measured: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and covariance with what was measured, (4,) centre x, y, width by height, height."""
    place = _POSITION * mean[3]
    expected = covariance[:4, :4] + np.diag(np.square([place, place, 1e-1, place]))
    gain = np.linalg.solve(expected, covariance[:, :4].T).T
    return mean + np.dot(measured - mean[:4], gain.T), covariance - gain @ (expected @ gain.T)


def _corners(tracks: Sequence[_Track]) -> Rows:
    """Return (N, 4) corners of the tracks' boxes."""
    means = np.stack([track.mean for track in tracks])[:, :4]
    sizes = np.stack([means[:, 2] * means[:, 3], means[:, 3]], axis=1)
    corner = means[:, :2] - sizes / 2
    return np.concatenate([corner, sizes + corner], axis=1).astype(np.float32)


def _overlaps(ones: Rows, others: Rows) -> Rows:
    """Return (N, M) intersections over unions of (N, 4) and (M, 4) corners."""
    near, far = np.maximum(ones[:, None, :2], others[:, :2]), np.minimum(ones[:, None, 2:], others[:, 2:])
    common = (far - near).clip(0).prod(axis=2)
    areas, other_areas = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (ones, others))
    shared: Rows = common / (other_areas + areas[:, None] - common + np.float32(1e-7))
    return shared


def _joined(ones: list[_Track], others: Sequence[_Track]) -> list[_Track]:
    numbers = {track.number for track in ones}
    return ones + [track for track in others if track.number not in numbers]


def _without_duplicates(followed: list[_Track], lost: list[_Track]) -> tuple[list[_Track], list[_Track]]:
    """Leave out the younger one of a followed and a lost track that lie on each other."""
    if not followed or not lost:
        return followed, lost
    doubled, doubled_lost = set(), set()
    for one, other in np.argwhere(1 - _overlaps(_corners(followed), _corners(lost)) < _DUPLICATE).tolist():
        if followed[one].last - followed[one].first > lost[other].last - lost[other].first:
            doubled_lost.add(other)
        else:
            doubled.add(one)
    return (
        [track for index, track in enumerate(followed) if index not in doubled],
        [track for index, track in enumerate(lost) if index not in doubled_lost],
    )
