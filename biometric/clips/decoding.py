"""One pass over a clip with PyAV: open it safely, decode it in order, and record what was read.

Only `video.py` uses this. The demuxer is forced to what `containers.recognise_container` recognised, only the `file`
protocol is allowed, and limits are checked before a picture is decoded.
"""

import contextlib
import math
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.reformatter import VideoReformatter

from biometric.clips.clip_opening import open_clip
from biometric.clips.containers import RAW_STREAMS, Container
from biometric.clips.counting_time import cannot_finish
from biometric.clips.frame_account import FrameAccount
from biometric.clips.frame_clock import FrameClock
from biometric.clips.tracks import choose_video_track, display_turn, pixel_aspect, with_known_colours
from biometric.clips.video_limits import VideoLimits
from biometric.entities import FrameTimes, Image

THREADS = 4
"""Decoding threads. A fixed number, because how far a damaged clip can be read must not depend on the machine."""

_ALWAYS_DECODED = 25
"""Frames decoded whatever the deadline: enough to tell the frame rate."""

_STREAMS = RAW_STREAMS | {"mpegts", "mpeg"}
"""Kinds that do not say how long they are."""


class Pass:
    """One pass over a clip, from its first frame on, and what is known of the clip from it.

    Attributes:
        packets, frames: of the video track, so far.
        incomplete_packets, incomplete_frames: that the demuxer or the decoder marks as having lost data.
        broken: a packet behind the first frame could not be read or decoded, and decoding stopped there.
        cut: the deadline passed, or could not be met; packets were counted from there on.
        account: of the frames that packets should have made.
        end: seconds at which the last packet of any track ends, on the container's clock.
    """

    def __init__(
        self,
        clip: Path,
        container: Container,
        limits: VideoLimits,
        exact: bool = False,
        hwaccel: HWAccel | None = None,
    ) -> None:
        self.kind, self._limits = container.kind, limits
        self._bytes = clip.stat().st_size
        limits.check_bytes(self._bytes)
        self._file = open_clip(clip, container.kind, limits, hwaccel)
        try:
            self.stream = choose_video_track(self._file)
            self._aspect = pixel_aspect(self.stream)
            self._check_claims()
        except BaseException:
            self._file.close()
            raise
        self.metadata: dict[str, str] = dict(self._file.metadata)
        self.stream.thread_type = "SLICE" if exact else "AUTO"
        self.stream.codec_context.thread_count = THREADS
        self.stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        self._exact = exact
        self._discarded = 0
        self._frames: Generator[av.VideoFrame, None, None] | None = None
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None
        self._turn = (False, False, False)
        claimed = float(self.stream.average_rate or self.stream.guessed_rate or 0)
        self._clock = FrameClock(self.kind, self.stream.time_base or Fraction(1, 1000), claimed)
        context = self.stream.codec_context
        self.account = FrameAccount(context.codec.canonical_name, context.extradata or b"")
        self.packets = self.frames = self.incomplete_packets = self.incomplete_frames = 0
        self.broken = self.cut = self._interlaced = False
        self.end = 0.0

    def _check_claims(self) -> None:
        limits, context = self._limits, self.stream.codec_context
        limits.check_pixels(self._shown_width(context.width), context.height)
        # Two fields may make one frame.
        if max(0 if self._unfilled else self.stream.frames, len(self.stream.index_entries)) > 2 * limits.max_frames:
            raise limits.frames_exceeded()
        # Streams without a header have their duration guessed from bytes or timestamps: no claim to refuse for.
        if self.kind in _STREAMS:
            return
        ticks, unit = self.stream.duration, self.stream.time_base
        if ticks is None or unit is None:
            limits.check_seconds(self.header_seconds)
        elif not self._unfilled:
            limits.check_seconds(float(ticks * unit))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._frames is not None:
            self._frames.close()
        self._file.close()

    def run(self, deadline: float) -> None:
        """Decode to the end without making pictures."""
        for _ in self.decode(deadline):
            pass

    def decode(self, deadline: float = math.inf) -> Iterator[av.VideoFrame]:
        """Yield the frames; past the deadline (of `time.monotonic`), or what cannot meet it, only count packets."""
        self._frames = self._decode(deadline)
        return self._frames

    def _decode(self, deadline: float) -> Generator[av.VideoFrame, None, None]:
        begun = time.monotonic()
        try:
            for packet in self._demux():
                if not self._counts(packet):
                    continue
                if not self.cut and self.frames >= _ALWAYS_DECODED and self._out_of_time(begun, deadline):
                    self.cut = True
                    yield from self._frames_of(None)
                if not packet.is_discard:
                    self.account.add_packet(memoryview(packet), packet.pts, decoded=not self.cut)
                if self.cut:
                    continue
                if packet.is_corrupt and self.kind != "mpegts":
                    # Cut off by the end of the file. (In a transport stream it marks a lost packet in the middle.)
                    self.broken = True
                    return
                yield from self._frames_of(packet)
            if not self.cut:
                yield from self._frames_of(None)
        except av.FFmpegError:
            self.broken = True
            if self._too_large():
                raise self._limits.pixels_exceeded("a frame") from None

    def _out_of_time(self, begun: float, deadline: float) -> bool:
        now = time.monotonic()
        return now > deadline or cannot_finish(now - begun, deadline - begun, self._clock.seconds, self.header_seconds)

    def _demux(self) -> Iterator["av.Packet[Any]"]:
        """Yield the packets of all tracks, because the file's end is known from all of them only."""
        # Behind the last packet PyAV 18 looks up every track, and fails on those that appeared during reading, as they
        # do in transport streams. All packets have been read by then.
        with contextlib.suppress(IndexError):
            yield from self._file.demux()

    def _counts(self, packet: "av.Packet[Any]") -> bool:
        """Note a packet; return whether it is one to decode."""
        if packet.time_base is not None and packet.pts is not None:
            self.end = max(self.end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        # An empty packet is demux()'s end mark or a dropped frame in an AVI; the decoder would take it for the end.
        if packet.stream_index != self.stream.index or packet.size == 0:
            return False
        self.packets += 1
        self.incomplete_packets += packet.is_corrupt
        self._discarded += packet.is_discard
        if not packet.is_discard:
            self._clock.add_packet(packet.pts, packet.dts)
        if self.packets > 2 * self._limits.max_frames:
            raise self._limits.frames_exceeded()
        return True

    def _frames_of(self, packet: "av.Packet[Any] | None") -> Iterator[av.VideoFrame]:
        try:
            decoded = self.stream.decode(packet)
        except av.FFmpegError:
            # Streams are often cut in before a key frame; until the first frame nothing can lose its number.
            if self.frames == 0 and not self._too_large():
                return
            raise
        for frame in decoded:
            self._note(frame)
            yield frame

    def _note(self, frame: av.VideoFrame) -> None:
        if self._size is None:
            self._aspect = pixel_aspect(self.stream)
            self._size = (self._shown_width(frame.width), frame.height)
            self._limits.check_pixels(*self._size)
            self._turn = display_turn(frame)
        self._clock.add_frame(frame.pts, frame.duration)
        self.account.add_frame(frame.pts)
        self.frames += 1
        self.incomplete_frames += frame.is_corrupt
        self._interlaced = self._interlaced or frame.interlaced_frame
        if self.frames > self._limits.max_frames:
            raise self._limits.frames_exceeded()

    def _shown_width(self, width: int) -> int:
        return max(1, round(width * self._aspect))

    def _too_large(self) -> bool:
        # Refusing a picture over `max_pixels`, FFmpeg leaves the decoder at its size, or at 0 × 0, by codec.
        context = self.stream.codec_context
        large = not 0 < context.width * context.height <= self._limits.max_pixels
        return large and not self.account.lacks_parameters

    def picture(self, frame: av.VideoFrame) -> Image:
        """Convert to (H, W, 3) uint8 BGR as displayed, in the first frame's size; alpha is dropped.

        Where pixels are not square, the stored width is scaled by their aspect ratio, before any rotation.
        """
        width, height = self._size if self._size is not None else (frame.width, frame.height)
        plain = with_known_colours(frame)
        image = self._reformatter.reformat(plain, width=width, height=height, format="bgr24", threads=1).to_ndarray()
        transpose, flip_x, flip_y = self._turn
        image = image.transpose(1, 0, 2) if transpose else image
        image = image[:, ::-1] if flip_x else image
        image = image[::-1] if flip_y else image
        return np.ascontiguousarray(image, dtype=np.uint8)

    @property
    def seconds(self) -> float:
        """Presentation time of the frame just decoded, since the first one; nominal where the stream has no times."""
        return self._clock.seconds

    @property
    def claimed_fps(self) -> float:
        """Frames per second that the file claims, or FFmpeg's default."""
        return self._clock.claimed_fps

    def times(self) -> FrameTimes:
        """When each frame of `estimate` is shown."""
        return self._clock.times(self.estimate)

    @property
    def only_track(self) -> bool:
        """Whether the file has no other video track, which a browser might show instead."""
        return len(self._file.streams.video) == 1

    def displayed(self) -> tuple[int, int, int]:
        """Width and height as displayed, and the clockwise degrees by which stored frames are turned for that."""
        width, height = self._size if self._size is not None else (0, 0)
        transpose, _, flip_y = self._turn
        if transpose:
            return height, width, 270 if flip_y else 90
        return width, height, 180 if flip_y else 0

    @property
    def header_seconds(self) -> float:
        """Duration that the header claims; 0 when it claims none."""
        return 0.0 if self._unfilled else (self._file.duration or 0) / 1e6

    @property
    def _unfilled(self) -> bool:
        """Whether the header counts more packets than the file has bytes: no claim, but a place never filled in."""
        return self.stream.frames > self._bytes

    @property
    def certain(self) -> bool:
        """Whether nothing can have been lost between the threads: all well, a frame for each picture."""
        return self._exact or (not self.broken and self.account.lost == 0)

    @property
    def missing(self) -> int:
        """Pictures that are gone altogether, by the numbers of others, where no container counts them."""
        return self.account.missing if self.kind in _STREAMS else 0

    @property
    def estimate(self) -> int:
        """Frames of the whole clip: decoded ones, and as many as the packets make that the deadline left over."""
        return self.frames + self.account.left_over

    @property
    def pictures(self) -> int:
        """Coded pictures met so far: two in a packet where that holds two fields."""
        fields = self._interlaced and self.stream.codec_context.name == "mpeg2video"
        return self.packets * (2 if fields else 1)

    @property
    def indexed(self) -> int:
        """Samples in an MP4's table, after its edit list; of a fragmented one, in the fragments met so far."""
        return len(self.stream.index_entries) if self.kind == "mov" else 0

    @property
    def fragmented(self) -> bool:
        """Whether an MP4 comes in fragments, each with a table of its own."""
        return self.kind == "mov" and self.stream.frames == 0

    @property
    def claimed(self) -> int | None:
        """Frames that the file's own tables claim."""
        if self.kind == "mov":
            return max(0, self.indexed - self._discarded) or None
        return (
            self.stream.frames if self.kind in {"avi", "mxf", "ivf"} and 0 < self.stream.frames <= self._bytes else None
        )
