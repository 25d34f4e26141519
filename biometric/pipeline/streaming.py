"""From a clip to tracked people, frame by frame: decode, detect, track. Serves observing and cutting crops.

Decoding and detecting run ahead in threads of their own. Streams in bounded memory; closing the generator stops the
work and releases the clip.
"""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from biometric.entities import Detection, Frame, FrameRange, VideoInfo
from biometric.errors import DamagedClip, InvalidFrameRange
from biometric.pipeline.frame_ranges import analysed_rate
from biometric.pipeline.stages import ahead
from biometric.ports import Detector, GroupChoice, Tracker, VideoReader

FRAMES_AT_ONCE = 8
"""Frames decoded before the detector runs, so that a GPU gets batches; 200 MB at 4K."""


FRAMES_AHEAD = 4
"""Decoded frames that wait for the detector; 100 MB at 4K."""

CHUNKS_AHEAD = 1
"""Chunks of frames with their detections that wait for the tracker."""


class Stopwatch:
    """Seconds spent in each stage. Stages run at the same time: their sum may exceed the time that passed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class FrameSource:
    """What to read: a frame range of a probed clip.

    Attributes:
        accept_damaged: a clip that ends early is used up to there.
        choice: chooses which groups of frames are decoded; None: all are.
    """

    reader: VideoReader
    clip: Path
    video: VideoInfo
    frames: FrameRange
    accept_damaged: bool = False
    choice: GroupChoice | None = None

    @property
    def analysed_fps(self) -> float:
        """Analysed frames per second of footage, on average."""
        return analysed_rate(self.video, self.frames)

    def decoded(self) -> Iterator[Frame]:
        """Yield the analysed frames; of a group that is not decoded they share one picture."""
        if self.choice is None:
            return self.reader.read(self.clip, self.frames)
        return self.reader.read_chosen(self.clip, self.frames, self.choice)

    def may_end_early(self) -> bool:
        """Whether the range's end is only an estimate: the number of frames of a long clip is not counted."""
        return self.video.frame_count_source == "claimed" and self.frames.stop >= self.video.frame_count


@dataclass(frozen=True, slots=True)
class Found:
    """The people of one analysed frame.

    Attributes:
        looked: whether the detector saw the frame in full; else the detections are carried over from frames that it
            saw, or coarse, and serve no sample.
    """

    detections: list[Detection]
    looked: bool = True


Finder = Callable[[Sequence[Frame]], list[Found]]
"""Finds the people of one clip's analysed frames, which come in order, chunk by chunk."""


def in_each_frame(detector: Detector) -> Finder:
    """Return a finder that has the detector look at every frame."""
    return lambda chunk: [Found(detections) for detections in detector.detect(chunk)]


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One analysed frame.

    Attributes:
        detections: everybody whom the detector found, or who is carried over.
        tracked: (track id, detection) of those that belong to a track.
        ended: ids of tracks that can no longer be continued, each once.
        looked: as of `Found`.
    """

    frame: Frame
    detections: list[Detection]
    tracked: list[tuple[int, Detection]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    looked: bool = True


def tracked_frames(
    footage: FrameSource, find: Finder, tracker: Tracker | None, stopwatch: Stopwatch
) -> Generator[list[TrackedFrame], None, None]:
    """Yield the analysed frames in chunks, each with its people; without a tracker nobody is followed.

    Raises:
        ClipError: the clip cannot be read over the whole range.
    """
    chunks = ahead(_detected(footage, find, stopwatch), CHUNKS_AHEAD, "detect")
    try:
        for chunk, found in chunks:
            with stopwatch.timed("track"):
                tracked = [_tracked(*pair, tracker) for pair in zip(chunk, found, strict=True)]
            yield tracked
    finally:
        chunks.close()


def _detected(
    footage: FrameSource, find: Finder, stopwatch: Stopwatch
) -> Generator[tuple[list[Frame], list[Found]], None, None]:
    frames = ahead(_decoded(footage, stopwatch), FRAMES_AHEAD, "decode")
    try:
        while chunk := list(itertools.islice(frames, FRAMES_AT_ONCE)):
            with stopwatch.timed("detect"):
                found = find(chunk)
            yield chunk, found
    finally:
        frames.close()


def _tracked(frame: Frame, found: Found, tracker: Tracker | None) -> TrackedFrame:
    if tracker is None:
        return TrackedFrame(frame, found.detections, looked=found.looked)
    tracked = tracker.update(frame, found.detections)
    return TrackedFrame(frame, found.detections, tracked, tracker.ended(), found.looked)


def _decoded(footage: FrameSource, stopwatch: Stopwatch) -> Generator[Frame, None, None]:
    frames = footage.decoded()
    try:
        while True:
            with stopwatch.timed("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame
    except InvalidFrameRange:
        if not footage.may_end_early():
            raise
    except DamagedClip:
        if not footage.accept_damaged:
            raise
    finally:
        close = getattr(frames, "close", None)
        if close is not None:
            close()
