"""Links detections over time with the trackers of ultralytics: BoT-SORT and OC-SORT (ByteTrack is in `byte_tracking`).

BoT-SORT: Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian Tracking", arXiv 2206.14651.
OC-SORT: Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", CVPR 2023.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame, Image
from biometric.errors import InvalidSetting
from biometric.errors.model_errors import INSTALL_TORCH
from biometric.models.detection import STARTS_TRACK
from biometric.models.ultralytics_setup import quiet_ultralytics, ultralytics_version
from biometric.ports import Embedder

LOST_SECONDS = 1.0
"""How long a person may be hidden and still be the same track; longer makes identity switches more likely."""

HIGH_CONFIDENCE = 0.25
"""From this confidence on a detection is linked before those that are less certain."""


class TrackEnds:
    """Notes which tracks of one clip can no longer be continued."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        self._ended: list[int] = []

    def note(self, alive: set[int]) -> None:
        """Take the ids of all tracks that can still be continued; of the former ones the others have ended."""
        self._ended.extend(sorted(self._alive - alive))
        self._alive = alive

    def take(self) -> list[int]:
        """Return the ids of tracks that have ended, each once."""
        ended, self._ended = self._ended, []
        return ended


class UltralyticsTracker:
    """ports.Tracker. One instance follows one clip; nothing is shared between instances.

    Args:
        make: makes the vendor's tracker of its options.
        frame_rate: analysed frames per second of footage, > 0.
        options: what the tracker needs beside the thresholds that all have.
    """

    def __init__(self, make: Callable[[SimpleNamespace], Any], frame_rate: float, **options: Any) -> None:
        shared: dict[str, Any] = {
            "track_high_thresh": HIGH_CONFIDENCE,
            "track_low_thresh": 0.1,
            "new_track_thresh": STARTS_TRACK,
            "track_buffer": max(2, round(frame_rate * LOST_SECONDS)),
            "match_thresh": 0.8,
            "fuse_score": True,
        }
        self._tracker = make(SimpleNamespace(**{**shared, **options}))
        self._ends = TrackEnds()

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""
        rows = self._tracker.update(_Rows.of(detections), frame.image)
        alive = {int(track.track_id) for track in (*self._tracker.tracked_stracks, *self._tracker.lost_stracks)}
        self._ends.note(alive)
        # The tracker smooths boxes and may push them over the border; the detector's own box is what was seen.
        return [(int(row[4]), detections[int(row[7])]) for row in rows]

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""
        return self._ends.take()


class OcSortTracker(UltralyticsTracker):
    """OC-SORT: boxes, and the way that somebody took before being lost.

    Args:
        frame_rate: analysed frames per second of footage, > 0.
        cache: folder for ultralytics' own settings.

    Raises:
        InvalidSetting: ultralytics is not installed.
    """

    def __init__(self, frame_rate: float, cache: Path) -> None:
        _prepare("ocsort", cache)
        from ultralytics.trackers.oc_sort import OCSORT

        super().__init__(OCSORT, frame_rate, delta_t=3, inertia=0.2, use_byte=True)


class BotSortTracker(UltralyticsTracker):
    """BoT-SORT: boxes, motion of people and camera, and appearance where an embedder is given.

    Args:
        frame_rate: analysed frames per second of footage, > 0.
        cache: folder for ultralytics' own settings.
        embedder: describes the crop of each detection of each frame, or None.
        least_score: comparison score in [-1, 1] from which two crops may be one person.

    Raises:
        InvalidSetting: ultralytics is not installed.
    """

    def __init__(
        self, frame_rate: float, cache: Path, embedder: Embedder | None = None, least_score: float = 0.6
    ) -> None:
        _prepare("botsort", cache)
        from ultralytics.trackers.bot_sort import BOTSORT

        super().__init__(
            BOTSORT,
            frame_rate,
            gmc_method="sparseOptFlow",
            proximity_thresh=0.5,
            appearance_thresh=(1 + least_score) / 2,  # ultralytics halves the cosine distance
            with_reid=False,
            model="ours",
        )
        if embedder is not None:
            self._tracker.args.with_reid = True
            self._tracker.encoder = partial(_describe, embedder)


def _prepare(kind: str, cache: Path) -> None:
    """Set what ultralytics reads at import. Raises `InvalidSetting` where it is not installed."""
    if ultralytics_version() is None:
        raise InvalidSetting(
            "The tracker {kind} needs torch and ultralytics, which are not installed. Install them with: {command}. Or "
            "leave out SIGHTLINE_TRACKER: bytetrack needs neither.",
            kind=kind,
            command=INSTALL_TORCH,
        )
    quiet_ultralytics(cache)


def _describe(embedder: Embedder, image: Image, boxes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return a vector for each of (N, 5) boxes: centre, size in pixels, and a number that is not used."""
    height, width = image.shape[:2]
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2], axis=1)
    edges = np.rint(corners).astype(int).clip(0, [width, height, width, height])
    crops = [image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)] for x1, y1, x2, y2 in edges.tolist()]
    return list(embedder.embed(crops))


class _Rows:
    """What the trackers read of a result: `conf`, `cls`, `xywh` (centre, pixels), `xyxy`, and row selection."""

    def __init__(self, conf: NDArray[np.float32], xywh: NDArray[np.float32]) -> None:
        self.conf = conf
        self.xywh = xywh
        self.cls = np.zeros(len(conf), dtype=np.float32)

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """Corners in pixels; the estimate of the camera's motion leaves people out."""
        half = self.xywh[:, 2:] / 2
        return np.concatenate([self.xywh[:, :2] - half, self.xywh[:, :2] + half], axis=1)

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
