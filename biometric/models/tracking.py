"""Links detections over time with ultralytics' ByteTrack.

ByteTrack: Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame
from biometric.models.detection import STARTS_TRACK
from biometric.models.ultralytics_setup import quiet_ultralytics

LOST_SECONDS = 1.0
"""How long a person may be hidden and still be the same track; longer makes identity switches more likely."""


class ByteTracker:
    """ports.Tracker. One instance follows one clip; nothing is shared between instances.

    Args:
        frame_rate: analysed frames per second of footage, > 0.
        cache: folder for ultralytics' own settings.
    """

    def __init__(self, frame_rate: float, cache: Path) -> None:
        quiet_ultralytics(cache)  # before ultralytics is imported, which reads it
        from ultralytics.trackers.byte_tracker import BYTETracker

        self._tracker = BYTETracker(
            SimpleNamespace(
                track_high_thresh=0.25,
                track_low_thresh=0.1,
                new_track_thresh=STARTS_TRACK,
                track_buffer=max(2, round(frame_rate * LOST_SECONDS)),
                match_thresh=0.8,
                fuse_score=True,
            )
        )
        self._alive: set[int] = set()
        self._ended: list[int] = []

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""
        rows = self._tracker.update(_Rows.of(detections), frame.image)
        alive = {int(track.track_id) for track in (*self._tracker.tracked_stracks, *self._tracker.lost_stracks)}
        self._ended.extend(sorted(self._alive - alive))
        self._alive = alive
        # The tracker smooths boxes and may push them over the border; the detector's own box is what was seen.
        return [(int(row[4]), detections[int(row[7])]) for row in rows]

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""
        ended, self._ended = self._ended, []
        return ended


class _Rows:
    """What ByteTrack reads of a detection result: `conf`, `cls`, `xywh` (centre, pixels), and row selection."""

    def __init__(self, conf: NDArray[np.float32], xywh: NDArray[np.float32]) -> None:
        self.conf = conf
        self.xywh = xywh
        self.cls = np.zeros(len(conf), dtype=np.float32)

    @classmethod
    def of(cls, detections: Sequence[Detection]) -> "_Rows":
        boxes = np.array([detection.box for detection in detections], dtype=np.float32).reshape(-1, 4)
        conf = np.array([detection.confidence for detection in detections], dtype=np.float32)
        sizes = boxes[:, 2:] - boxes[:, :2]
        return cls(conf, np.concatenate([boxes[:, :2] + sizes / 2, sizes], axis=1))

    def __getitem__(self, rows: Any) -> "_Rows":
        return _Rows(self.conf[rows], self.xywh[rows])

    def __len__(self) -> int:
        return len(self.conf)
