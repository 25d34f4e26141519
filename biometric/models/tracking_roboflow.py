"""Links detections over time with the package `trackers` of Roboflow: ByteTrack, BoT-SORT and OC-SORT once more."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from biometric.entities import Detection, Frame
from biometric.errors import InvalidSetting
from biometric.models.detection import STARTS_TRACK
from biometric.models.tracking import HIGH_CONFIDENCE, LOST_SECONDS, TrackEnds

_FRAMES_PER_SECOND = 30.0
"""The package counts how long somebody may be lost in frames of this rate, whatever the clip's."""


class RoboflowTracker:
    """ports.Tracker. One instance follows one clip; nothing is shared between instances.

    Args:
        kind: "bytetrack", "botsort" or "ocsort".
        frame_rate: analysed frames per second of footage, > 0.

    Raises:
        InvalidSetting: the package is not installed.
    """

    def __init__(self, kind: str, frame_rate: float) -> None:
        try:
            import supervision
            import trackers
        except ImportError as error:
            raise InvalidSetting(
                "The tracker roboflow-{kind} needs the package trackers, which is not installed. Install it with: pip "
                "install trackers, or choose another one with SIGHTLINE_TRACKER.",
                kind=kind,
            ) from error
        rate = {"frame_rate": frame_rate, "lost_track_buffer": round(LOST_SECONDS * _FRAMES_PER_SECOND)}
        starts = {"track_activation_threshold": STARTS_TRACK, "high_conf_det_threshold": HIGH_CONFIDENCE}
        self._detections = supervision.Detections
        self._tracker: Any
        self._sees_frames = kind == "botsort"  # the others warn of a picture, for which they have no use
        if kind == "bytetrack":
            self._tracker = trackers.ByteTrackTracker(**rate, **starts)
        elif kind == "botsort":
            self._tracker = trackers.BoTSORTTracker(**rate, **starts)
        else:
            # Each detection above its one threshold starts somebody.
            self._tracker = trackers.OCSORTTracker(**rate, high_conf_det_threshold=STARTS_TRACK)
        self._ends = TrackEnds()

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Take the next frame's detections; return (track id, detection) for those that belong to a track."""
        given = self._detections(
            xyxy=np.array([detection.box for detection in detections], np.float32).reshape(-1, 4),
            confidence=np.array([detection.confidence for detection in detections], np.float32),
            class_id=np.zeros(len(detections), int),
            data={"number": np.arange(len(detections))},
        )
        tracked = self._tracker.update(given, frame.image if self._sees_frames else None)
        numbers = tracked.data.get("number", ())  # of nobody the package makes a result without it
        rows = [(int(track), int(number)) for track, number in zip(tracked.tracker_id, numbers, strict=True)]
        alive = {int(track.tracker_id) for track in self._tracker.tracks} - {-1}
        self._ends.note(alive)
        return sorted((track, detections[number]) for track, number in rows if track != -1)

    def ended(self) -> list[int]:
        """Return the ids of tracks that can no longer be continued, each once."""
        return self._ends.take()
