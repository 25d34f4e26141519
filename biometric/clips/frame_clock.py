"""When the frames of a clip are shown, from the time stamps of its packets and frames (numpy only).

Times are seconds since the first frame. They come from the frames' own time stamps; the claimed frame rate serves
only where a stream has none, and for the length of a frame that does not say how long it is shown.
"""

from array import array
from fractions import Fraction

import numpy as np

from biometric.clips.containers import RAW_STREAMS
from biometric.entities import FrameTimes

RAW_FPS = 25.0
"""Frames per second of a stream without a usable rate; FFmpeg's own default for raw streams."""

_MOST_FPS = 1000.0
"""A claimed rate above this is the clock's resolution and no frame rate."""

_BROADCAST = frozenset({"mpegts", "mpeg"})
"""Kinds whose clock may jump or wrap around, where recordings are joined."""

_LONGEST_GAP = 10.0
"""Seconds, or frames' lengths if that is more, beyond which a broadcast's clock is taken to have jumped."""

_UNKNOWN = -(1 << 63)


class FrameClock:
    """Follows one pass over a video track.

    Args:
        kind: FFmpeg's name of the demuxer.
        time_base: seconds of one tick of the track's clock.
        claimed_fps: what the container or the codec claims; 0 when nothing.
    """

    def __init__(self, kind: str, time_base: Fraction, claimed_fps: float) -> None:
        self.claimed_fps = claimed_fps if 0 < claimed_fps <= _MOST_FPS else RAW_FPS
        self._tick = float(time_base)
        self._untimed = kind in RAW_STREAMS
        # A packet of an AVI has the time of its place in the file, and frames take these times in order: of B-frames,
        # which the format does not know, the decoder's own times are wrong.
        self._by_place = kind == "avi"
        self._broadcast = kind in _BROADCAST
        self._longest = _LONGEST_GAP * max(1.0, 1 / self.claimed_fps)
        self._packets = array("q")
        self._frames = array("d")
        self._first_pts: int | None = None
        self._last_pts: int | None = None
        self._length = 0.0

    def add_packet(self, pts: int | None, dts: int | None) -> None:
        """Note a packet that makes a frame, in order of decoding; times in ticks, None where it has none."""
        by_dts = self._by_place or self._broadcast
        first, second = (dts, pts) if by_dts else (pts, dts)
        ticks = second if first is None else first
        self._packets.append(_UNKNOWN if ticks is None or self._untimed else ticks)

    def add_frame(self, pts: int | None, length: int | None) -> None:
        """Note a decoded frame, in order of presentation; `length` in ticks is how long it is shown, 0 unknown."""
        index = len(self._frames)
        if self._by_place:
            pts = self._packets[index] if index < len(self._packets) else _UNKNOWN
            pts = None if pts == _UNKNOWN else pts
        self._frames.append(self._time(None if self._untimed else pts))
        if pts is not None:
            self._first_pts = pts if self._first_pts is None else self._first_pts
            self._last_pts = pts
        self._length = 0.0 if self._by_place else (length or 0) * self._tick

    def _time(self, pts: int | None) -> float:
        if not self._frames:
            return 0.0
        before, nominal = self._frames[-1], 1 / self.claimed_fps
        if self._untimed:
            return len(self._frames) * nominal
        if pts is None or self._last_pts is None or self._first_pts is None:
            return before + nominal
        if self._broadcast:
            gap = (pts - self._last_pts) * self._tick
            return before + (gap if 0 < gap <= self._longest else nominal)
        # Not the sum of the gaps, whose rounding errors would add up. Times that fall are damage: the time before is
        # repeated.
        return max(before, (pts - self._first_pts) * self._tick)

    @property
    def seconds(self) -> float:
        """When the frame noted last is shown."""
        return self._frames[-1]

    def times(self, count: int) -> FrameTimes:
        """Return the times of `count` frames, at least as many as were decoded; the others are estimated.

        Estimates are the packets' times in order, where there is one packet a frame, else an even spacing.
        """
        decoded = len(self._frames)
        seconds = np.array(self._frames, np.float64)
        spacing = self._spacing(seconds)
        if count > decoded:
            later = self._packet_times(count)
            if later is None:
                later = seconds[-1] + spacing * np.arange(1 - decoded, count - decoded + 1)
            seconds = np.maximum.accumulate(np.concatenate([seconds, later[decoded:]]))
            # How long the last frame is shown is known of decoded ones only.
            return FrameTimes(seconds, float(seconds[-1]) + self._spacing(seconds), decoded)
        return FrameTimes(seconds, float(seconds[-1]) + (self._length or spacing), decoded)

    def _spacing(self, seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        """The usual time between two frames."""
        usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
        return usual if usual > 0 else 1 / self.claimed_fps

    def _packet_times(self, count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
        ticks = np.array(self._packets, np.int64)
        if len(ticks) != count or (ticks == _UNKNOWN).any():
            return None
        if self._broadcast:
            gaps = np.diff(ticks) * self._tick
            gaps[(gaps <= 0) | (gaps > self._longest)] = 1 / self.claimed_fps
            return np.concatenate([[0.0], np.cumsum(gaps)])
        ticks = np.sort(ticks)
        return np.asarray((ticks - ticks[0]) * self._tick, np.float64)
