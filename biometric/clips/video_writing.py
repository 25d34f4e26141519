"""Write H.264 MP4 that browsers play (PyAV; its objects stay in here)."""

import contextlib
import errno
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from biometric.clips.sound_copying import SoundCopy
from biometric.entities import Frame, FrameRange, Image, Progress
from biometric.errors import DamagedClip, InvalidFrameRange, StorageFull
from biometric.ports import VideoReader
from biometric.storage import atomic_path

PROXY_WIDTH = 960
"""Widest proxy in pixels: enough to recognise people in a preview, small enough to send quickly."""

_OPTIONS = {"preset": "veryfast", "crf": "23"}
"""x264's default quality at about three times the speed of its default preset."""

_ENDLESS = 1 << 62
"""An end of a frame range that no clip reaches."""

_TICKS = (90_000, 1_000, 100, 10, 1)
"""Ticks per second of the written frames. The first is the usual clock of H.264, fine enough for any frame rate; the
others are for time-lapses, whose frames may be days apart."""

_MOST_TICKS = (1 << 31) - 1
"""Ticks between two frames, and between a frame's decoding and its presentation, that an MP4 can hold."""

_GAPS_AHEAD = 6
"""A frame is decoded at most so many frames' lengths before it is shown (x264's three B-frames in a row)."""

_NO_REORDERING = {"bf": "0"}
"""Frames are written in the order of presentation; files are larger by a tenth, but their gaps may be longer."""

_NOMINAL_RATE = Fraction(25)
"""The rate that x264 plans for; the frames are written with their own times."""


class H264Writer:
    """Writes browser-playable clips (`ports.VideoWriter`).

    Args:
        reader: reads the clips that `proxy` copies.
        report_every: seconds between two reports of `proxy`.
    """

    def __init__(self, reader: VideoReader, report_every: float = 0.2) -> None:
        self._reader = reader
        self._report_every = report_every

    def write(self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0) -> None:
        """Encode `frames` (images of one size), each at its own time since the first one.

        Two frames at one time are written a tick apart. Times are exact to 0.01 ms, to 0.5 ms where two frames are
        more than an hour apart, and coarser still beyond 24 days.

        Args:
            longest_gap: most seconds between two frames, where that is known. Longer gaps may be shortened: without it
                to an hour.

        An odd row or column at the bottom or right edge is left out, because 4:2:0 pictures have even sizes (one
        that is a single pixel wide or high is doubled). The file appears under its name only when it is complete.

        Raises:
            ValueError: no frames, another size in between, or a time that is not finite.
            StorageFull: the disk is full or the folder cannot be written.
        """
        for _ in self.writing(destination, frames, longest_gap):
            pass

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        """Copy a clip frame for frame as H.264, at most `PROXY_WIDTH` pixels wide, rotation applied, without sound.

        Frame n of the proxy is frame n of the clip, at the same time. Memory does not grow
        with the length. Closing the generator early leaves no file behind. A damaged clip is copied as far as it can
        be read.

        Raises:
            ClipError: as `VideoReader.probe`.
            StorageFull: the disk is full or the folder cannot be written.
        """
        info = self._reader.probe(clip)
        # A count that was only claimed may be wrong either way: then the clip's own end decides.
        readable = self._readable(clip, info.frame_count if info.frame_count_source == "decoded" else _ENDLESS)
        resize = _shrink(PROXY_WIDTH)
        started = last = time.monotonic()
        yield Progress("Preparing preview: frame", 0, info.frame_count)
        for done in self.writing(destination, map(resize, readable), info.times.longest_gap):
            now = time.monotonic()
            if now - last >= self._report_every:
                last = now
                left = (now - started) / done * max(0, info.frame_count - done)
                yield Progress("Preparing preview: frame", done, max(done, info.frame_count), seconds_left=left)
        yield Progress("Preparing preview: frame", done, done)

    def _readable(self, clip: Path, count: int) -> Generator[Frame, None, None]:
        frames = self._reader.read(clip, FrameRange(0, count))
        try:
            yield from frames
        except (DamagedClip, InvalidFrameRange):
            # What can be read is copied; `probe` reports what is missing.
            return

    def has_sound(self, clip: Path) -> bool:
        """Whether a clip has sound that `writing` would copy.

        Raises:
            SoundNotKept: it has sound that cannot be copied.
            ClipError: it cannot be opened.
        """
        with SoundCopy(clip, 0.0) as sound:
            return sound.is_there

    def writing(
        self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0, sound: Path | None = None
    ) -> Generator[int, None, None]:
        """Do what `write` does, yielding the number of frames done; the file appears only when all of them are
        written.

        Args:
            sound: the clip that the frames are from, whose sound is copied, if it has any; see `SoundCopy`.
        """
        try:
            with atomic_path(destination) as partial:
                yield from _encode(partial, frames, longest_gap, sound)
        except (av.FFmpegError, OSError) as error:
            raise _storage_error(destination, error) from error


def _encode(
    path: Path, frames: Iterator[Frame], longest_gap: float, sound_of: Path | None
) -> Generator[int, None, None]:
    first = next(frames, None)
    if first is None:
        raise ValueError("expected at least one frame, got none")
    with SoundCopy(sound_of, first.seconds) if sound_of is not None else contextlib.nullcontext() as sound:
        yield from _encode_with(sound, path, first, frames, longest_gap)


def _encode_with(
    sound: SoundCopy | None, path: Path, first: Frame, frames: Iterator[Frame], longest_gap: float
) -> Generator[int, None, None]:
    reordered = longest_gap * _TICKS[0] * _GAPS_AHEAD <= _MOST_TICKS
    most_ticks = _MOST_TICKS // (_GAPS_AHEAD if reordered else 1)
    ticks = next((ticks for ticks in _TICKS if longest_gap * ticks <= most_ticks), _TICKS[-1])
    options = _OPTIONS if reordered else _OPTIONS | _NO_REORDERING
    # Without its own word FFmpeg makes ticks finer, and gaps then too long.
    container_options = {"movflags": "+faststart", "video_track_timescale": str(ticks)}
    output = av.open(str(path), "w", format="mp4", options=container_options)
    try:
        stream = output.add_stream("libx264", rate=_NOMINAL_RATE, options=options)
        height, width = (max(2, length - length % 2) for length in first.image.shape[:2])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, ticks)
        if sound is not None:
            sound.add_track(output)
        pts, gap = -1, 0
        for done, frame in enumerate(itertools.chain([first], frames), start=1):
            if frame.image.shape != first.image.shape:
                raise ValueError(f"expected frames of shape {first.image.shape}, got {frame.image.shape}")
            if not math.isfinite(frame.seconds):
                raise ValueError(f"expected a finite time of frame {frame.index}, got {frame.seconds}")
            since_first = round((frame.seconds - first.seconds) * ticks)
            gap = min(max(since_first - pts, 1), most_ticks)
            pts += gap
            picture = av.VideoFrame.from_ndarray(_even(frame.image), format="bgr24")
            picture.pts, picture.time_base = pts, stream.codec_context.time_base
            output.mux(stream.encode(picture))
            if sound is not None:
                sound.copy_until(output, pts / ticks)
            yield done
        for packet in stream.encode(None):
            # The last frame is shown as long as the one before; x264 would take the nominal rate.
            if done > 1:
                packet.duration = gap
            output.mux(packet)
        if sound is not None:
            sound.copy_until(output, (pts + gap) / ticks)
    finally:
        output.close()


def _even(image: Image) -> Image:
    """Leave out an odd last row and column; a single one is repeated."""
    height, width = image.shape[:2]
    image = np.repeat(image, 2, axis=0) if height == 1 else image[: height - height % 2]
    image = np.repeat(image, 2, axis=1) if width == 1 else image[:, : width - width % 2]
    return np.ascontiguousarray(image)


def _shrink(widest: int) -> Callable[[Frame], Frame]:
    """Return a function that scales pictures down to a width, keeping their aspect; smaller ones stay as they are."""
    reformatter = av.video.reformatter.VideoReformatter()

    def shrink(frame: Frame) -> Frame:
        height, width = frame.image.shape[:2]
        if width <= widest:
            return frame
        picture = av.VideoFrame.from_ndarray(frame.image, format="bgr24")
        small = reformatter.reformat(picture, width=widest, height=max(1, round(height * widest / width)))
        return Frame(frame.index, np.asarray(small.to_ndarray(), dtype=np.uint8), frame.seconds)

    return shrink


def _storage_error(destination: Path, error: av.FFmpegError | OSError) -> StorageFull:
    if error.errno == errno.ENOSPC:
        return StorageFull(
            "The disk is full: the clip {name!r} could not be written. Make room first.", name=destination.name
        )
    return StorageFull(
        "The clip {name!r} could not be written ({reason}). Check the folder and the free space.",
        name=destination.name,
        reason=error.strerror,
    )
