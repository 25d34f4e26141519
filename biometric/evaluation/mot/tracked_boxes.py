"""What a tracker says of a clip before tracks are cut, put together and named: for comparing trackers."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.entities import FrameRange, Progress, VideoInfo
from biometric.evaluation.mot.box_tracks import BoxTracks
from biometric.pipeline.frame_ranges import checked_range
from biometric.pipeline.streaming import FrameSource, Stopwatch, in_each_frame, tracked_frames
from biometric.ports import Detector, TrackerFactory, VideoReader


def footage_of(
    reader: VideoReader, clip: Path, video: VideoInfo, wanted: FrameRange, analysis_fps: float
) -> FrameSource:
    """Return the frames of a range that are analysed. Raises `InvalidFrameRange`, `DamagedClip` as `checked_range`."""
    frames, _ = checked_range(video, wanted, False, analysis_fps)
    return FrameSource(reader, clip, video, frames)


def tracked_boxes(
    footage: FrameSource, detector: Detector, new_tracker: TrackerFactory
) -> Generator[Progress, None, tuple[BoxTracks, NDArray[np.int64]]]:
    """Follow people through footage; the return value is their boxes and the frames that were analysed.

    Raises:
        ClipError: the clip cannot be read over the whole range.
    """
    rows: list[tuple[int, int, tuple[float, ...]]] = []
    analysed: list[int] = []
    chunks = tracked_frames(footage, in_each_frame(detector), new_tracker(footage.analysed_fps), Stopwatch())
    try:
        for chunk in chunks:
            for tracked in chunk:
                analysed.append(tracked.frame.index)
                rows += [(tracked.frame.index, track_id, detection.box) for track_id, detection in tracked.tracked]
            yield Progress("Reading frame", analysed[-1] - footage.frames.start + 1, len(footage.frames))
    finally:
        chunks.close()
    return BoxTracks.of_rows(rows), np.array(analysed, np.int64)


def analysed_frames(reader: VideoReader, clip: Path, frames: FrameRange) -> NDArray[np.int64]:
    """Return the numbers of the frames that are analysed, (F,); where they are chosen by time, by reading them again.

    Raises:
        ClipError: the clip cannot be read over the whole range.
    """
    if frames.spacing == 0:
        return np.arange(frames.start, frames.stop, frames.step, dtype=np.int64)
    return np.array([frame.index for frame in reader.read(clip, frames)], np.int64)
