"""Clips, frames, boxes and tracks."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from biometric.entities.frame_times import FrameTimes
from biometric.entities.notices import Notice
from biometric.errors import InvalidFrameRange

Image = NDArray[np.uint8]
GreyPicture = NDArray[np.uint8]
Vector = NDArray[np.float32]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `start`, `start + step`, … below `stop` (0-based, half-open).

    Attributes:
        spacing: of these frames, the first one and then the first one in each `spacing` seconds are read; 0 takes all.
            For clips of variable frame rate, where a step says nothing about time.

    Raises:
        InvalidFrameRange: negative start, nothing between start and stop, step below 1, or a negative spacing.

    Example:
        >>> import biometric
        >>> frames = biometric.FrameRange.inclusive(63, 130)
        >>> frames.first, frames.last, len(frames)
        (63, 130, 68)
    """

    start: int
    stop: int
    step: int = 1
    spacing: float = 0.0

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InvalidFrameRange("From frame must be 0 or more, got {start}.", start=self.start)
        if self.stop <= self.start:
            raise InvalidFrameRange(
                "From frame {start} comes after To frame {stop}. Choose a To frame at or after it.",
                start=self.start,
                stop=self.stop - 1,
            )
        if self.step < 1:
            raise InvalidFrameRange("The step between frames must be 1 or more, got {step}.", step=self.step)
        if not (math.isfinite(self.spacing) and self.spacing >= 0):
            raise InvalidFrameRange(
                "The spacing of frames must be 0 seconds or more, got {spacing}.", spacing=self.spacing
            )

    @classmethod
    def inclusive(cls, first: int, last: int, step: int = 1) -> "FrameRange":
        """Build from what people say: "From frame `first` To frame `last`", both included."""
        return cls(first, last + 1, step)

    @property
    def first(self) -> int:
        """First frame, 0-based."""
        return self.start

    @property
    def last(self) -> int:
        """Last frame of the range as people say it (inclusive)."""
        return self.stop - 1

    def __len__(self) -> int:
        """Number of frames in the range, whatever the step."""
        return self.stop - self.start

    def __contains__(self, frame_index: object) -> bool:
        return isinstance(frame_index, int) and self.start <= frame_index < self.stop

    def __str__(self) -> str:
        return f"frames {self.first}–{self.last}"


def wanted_range(first: int | None, last: int | None, count: int) -> FrameRange | None:
    """Return the frames that somebody asked for, both ends included; None: the whole clip, no end was named.

    Args:
        first: None: from the start.
        last: None: to the end of the clip, which has `count` frames.

    Raises:
        InvalidFrameRange: there is nothing between them.
    """
    if first is None and last is None:
        return None
    return FrameRange.inclusive(first or 0, count - 1 if last is None else last)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a clip.

    Attributes:
        width, height: pixels of the displayed frame (rotation applied).
        fps: average frames per second, > 0.
        frame_count: number of frames, at least 1; `frame_count_source` says how it is known.
        frame_count_source: "decoded" (every frame was decoded once) or "claimed" (the file says so).
        duration: seconds from the first frame's appearance to the last one's end.
        rotation: clockwise degrees by which stored frames are turned for display: 0, 90, 180 or 270.
        codec: FFmpeg's name of the video codec, such as "h264".
        container: FFmpeg's name of the container, such as "mov,mp4,m4a,3gp,3g2,mj2".
        digest: SHA-256 of the file, hexadecimal.
        claimed_frames: what the file claims where it claims anything.
        damage: what is wrong when the clip cannot be read to its claimed end or has lost data, otherwise None.
        browser_playable: whether browsers play (or show) the file as it is.
        photograph: whether it is a photograph: one frame, at 0 seconds, for 0 seconds.
        recorded_at: ISO 8601, when the file says that it was recorded (without a zone where it names none); else None.
        camera: maker and model as the file names them; "" where it does not.
        times: when each frame is shown. Where none are given, they are spread evenly over the duration.
    """

    width: int
    height: int
    fps: float
    frame_count: int
    frame_count_source: Literal["decoded", "claimed"]
    duration: float
    rotation: int
    codec: str
    container: str
    digest: str
    claimed_frames: int | None = None
    damage: Notice | None = None
    browser_playable: bool = True
    times: FrameTimes = field(default=None, repr=False)  # type: ignore[assignment]  # filled in below
    photograph: bool = False
    recorded_at: str | None = None
    camera: str = ""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"expected a frame of at least 1×1 pixels, got {self.width}×{self.height}")
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"expected fps > 0, got {self.fps}")
        if self.frame_count < 1:
            raise ValueError(f"expected at least 1 frame, got {self.frame_count}")
        if not (math.isfinite(self.duration) and self.duration >= 0):
            raise ValueError(f"expected a duration of at least 0 seconds, got {self.duration}")
        if self.rotation not in (0, 90, 180, 270):
            raise ValueError(f"expected rotation 0, 90, 180 or 270, got {self.rotation}")
        if cast("FrameTimes | None", self.times) is None:
            object.__setattr__(self, "times", FrameTimes.evenly(self.frame_count, self.duration))
        if len(self.times) != self.frame_count:
            raise ValueError(f"expected {self.frame_count} frame times, got {len(self.times)}")

    def time_of(self, frame_index: int) -> float:
        """Return when a frame is shown, in seconds since the first one; of frames behind the last, the clip's end.

        For frames of an observation use the detections' own `seconds`. This is for frames that were only named; it is
        exact where the frame was decoded once (`time_is_exact`), an estimate elsewhere.
        """
        return self.times[frame_index]

    def time_is_exact(self, frame_index: int) -> bool:
        """Whether `time_of` returns the frame's own time, and no estimate."""
        return frame_index < self.times.exact_count


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: 0-based frame number.
        image: (H, W, 3) uint8 BGR, as displayed (rotation and the pixels' aspect ratio applied).
        seconds: its own presentation time, since the clip's first frame.
        quiet: of a group of frames in which nothing happens; such frames may share one picture, the same array.
    """

    index: int
    image: Image
    seconds: float
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Detection:
    """A person's box in one frame.

    Attributes:
        frame_index: 0-based frame number.
        box: (x1, y1, x2, y2) in pixels, inside the frame.
        confidence: detector's confidence in [0, 1].
        box_index: number of the box within its frame, from 0 (the BB of `NumFrame_BB.jpg`).
        seconds: the frame's own presentation time, since the clip's first frame (`Frame.seconds`).
    """

    frame_index: int
    box: Box
    confidence: float
    box_index: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.box
        if not (x2 > x1 and y2 > y1):
            raise ValueError(f"expected a box with x2 > x1 and y2 > y1, got {self.box}")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"expected a confidence in [0, 1], got {self.confidence}")

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.width * self.height

    @property
    def crop_name(self) -> str:
        """File name of the crop, `NumFrame_BB.jpg`: eight digits of frame, two of box."""
        return f"{self.frame_index:08d}_{self.box_index:02d}.jpg"


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One person followed through a clip: detections in strictly rising frame order, at least one."""

    track_id: int
    detections: Sequence[Detection]

    def __post_init__(self) -> None:
        frames = [detection.frame_index for detection in self.detections]
        if not frames:
            raise ValueError("expected a tracklet with at least one detection, got none")
        if any(later <= earlier for earlier, later in itertools.pairwise(frames)):
            raise ValueError("expected detections in strictly rising frame order")

    @property
    def first_frame(self) -> int:
        """Frame in which the person is first seen."""
        return self.detections[0].frame_index

    @property
    def last_frame(self) -> int:
        """Frame in which the person is last seen."""
        return self.detections[-1].frame_index

    @property
    def first_seconds(self) -> float:
        """When the person is first seen, in seconds since the clip's first frame."""
        return self.detections[0].seconds

    @property
    def last_seconds(self) -> float:
        """When the frame in which the person is last seen begins, in seconds since the clip's first frame."""
        return self.detections[-1].seconds
