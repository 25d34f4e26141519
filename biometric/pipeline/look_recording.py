"""Takes down everybody whom the detector sees, also those whom tracking or choosing samples leaves out."""

from array import array
from collections.abc import Sequence

import numpy as np

from biometric.domain.hidden_regions import SeenPeople
from biometric.entities import Detection, DetectionList, Frame
from biometric.ports import Tracker, TrackerFactory


class LookRecorder:
    """Makes trackers that take down what they are given; of one pass over one clip.

    Args:
        new_tracker: makes the trackers that follow.
    """

    def __init__(self, new_tracker: TrackerFactory) -> None:
        self._new_tracker = new_tracker
        self._first = 0
        self._seconds, self._tracks = array("d"), array("q")
        self._detections = DetectionList()

    def new_tracker(self, frame_rate: float) -> Tracker:
        """Make a tracker (`ports.TrackerFactory`)."""
        return _RecordingTracker(self, self._new_tracker(frame_rate))

    def add(self, frame: Frame, detections: Sequence[Detection], tracked: Sequence[tuple[int, Detection]]) -> None:
        """Take down one frame; frames come in order, and none is left out.

        Raises:
            ValueError: one is left out.
        """
        if not self._seconds:
            self._first = frame.index
        if frame.index != self._first + len(self._seconds):
            raise ValueError(f"expected frame {self._first + len(self._seconds)}, got {frame.index}")
        self._seconds.append(frame.seconds)
        tracks = {detection.box_index: track for track, detection in tracked}
        for detection in detections:
            self._detections.append(detection)
            self._tracks.append(tracks.get(detection.box_index, -1))

    def seen(self) -> SeenPeople:
        """Everybody seen so far."""
        return SeenPeople(self._first, np.array(self._seconds), self._detections, np.array(self._tracks, np.int64))


class _RecordingTracker:
    def __init__(self, recorder: LookRecorder, tracker: Tracker) -> None:
        self._recorder, self._tracker = recorder, tracker

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        tracked = self._tracker.update(frame, detections)
        self._recorder.add(frame, detections, tracked)
        return tracked

    def ended(self) -> list[int]:
        return self._tracker.ended()
