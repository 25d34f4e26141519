"""Write H.264 MP4 that browsers play (PyAV; its objects stay in here)."""

import errno
import itertools
import os
import time
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from biometric.entities import FrameRange, Image, Progress
from biometric.errors import DamagedClip, InvalidFrameRange, StorageFull
from biometric.ports import VideoReader

PROXY_WIDTH = 960
"""Widest proxy in pixels: enough to recognise people in a preview, small enough to send quickly."""

_OPTIONS = {"preset": "veryfast", "crf": "23"}
"""x264's default quality at about three times the speed of its default preset."""

_ENDLESS = 1 << 62
"""A stop that no clip reaches."""

_TIME_BASE = 90_000
"""Ticks per second of the written frames, the usual clock of H.264: fine enough for any frame rate."""


class H264Writer:
    """Writes browser-playable clips (`ports.VideoWriter`).

    Args:
        reader: reads the clips that `proxy` copies.
        report_every: seconds between two reports of `proxy`.
    """

    def __init__(self, reader: VideoReader, report_every: float = 0.2) -> None:
        self._reader = reader
        self._report_every = report_every

    def write(self, destination: Path, frames: Iterator[Image], fps: float) -> None:
        """Encode `frames` ((H, W, 3) uint8 BGR, one size) at a constant rate.

        An odd row or column at the bottom or right edge is left out, because 4:2:0 pictures have even sizes (one
        that is a single pixel wide or high is doubled). The file appears under its name only when it is complete.

        Raises:
            ValueError: no frames, another size in between, or fps not above 0.
            StorageFull: the disk is full or the folder cannot be written.
        """
        if not fps > 0:
            raise ValueError(f"expected fps > 0, got {fps}")
        for _ in self.writing(destination, frames, fps):
            pass

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        """Copy a clip frame for frame as H.264, at most `PROXY_WIDTH` pixels wide, rotation applied, without sound.

        Frame n of the proxy is frame n of the clip, evenly spaced at the clip's average rate. Memory does not grow
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
        for done in self.writing(destination, map(resize, readable), info.fps):
            now = time.monotonic()
            if now - last >= self._report_every:
                last = now
                left = (now - started) / done * max(0, info.frame_count - done)
                yield Progress("Preparing preview: frame", done, max(done, info.frame_count), seconds_left=left)
        yield Progress("Preparing preview: frame", done, done)

    def _readable(self, clip: Path, count: int) -> Generator[Image, None, None]:
        frames = self._reader.read(clip, FrameRange(0, count))
        try:
            for frame in frames:
                yield frame.image
        except (DamagedClip, InvalidFrameRange):
            # What can be read is worth seeing; `probe` has said what is missing.
            return

    def writing(self, destination: Path, frames: Iterator[Image], fps: float) -> Generator[int, None, None]:
        """Do what `write` does, yielding the number of frames done; the file stays away unless all went well."""
        partial = destination.with_name(f".{destination.name}.{os.getpid()}.partial")
        try:
            try:
                yield from _encode(partial, frames, fps)
                partial.chmod(0o600)
                partial.replace(destination)
            except (av.FFmpegError, OSError) as error:
                raise _storage_error(destination, error) from error
        finally:
            partial.unlink(missing_ok=True)


def _encode(path: Path, frames: Iterator[Image], fps: float) -> Generator[int, None, None]:
    first = next(frames, None)
    if first is None:
        raise ValueError("expected at least one frame, got none")
    rate = Fraction(fps).limit_denominator(1001)
    output = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
    try:
        stream = output.add_stream("libx264", rate=rate, options=_OPTIONS)
        height, width = (max(2, length - length % 2) for length in first.shape[:2])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TIME_BASE)
        for index, image in enumerate(itertools.chain([first], frames)):
            if image.shape != first.shape:
                raise ValueError(f"expected frames of shape {first.shape}, got {image.shape}")
            frame = av.VideoFrame.from_ndarray(_even(image), format="bgr24")
            frame.pts, frame.time_base = round(index * _TIME_BASE / rate), stream.codec_context.time_base
            output.mux(stream.encode(frame))
            yield index + 1
        output.mux(stream.encode(None))
    finally:
        output.close()


def _even(image: Image) -> Image:
    """Leave out an odd last row and column; a single one is repeated."""
    height, width = image.shape[:2]
    image = np.repeat(image, 2, axis=0) if height == 1 else image[: height - height % 2]
    image = np.repeat(image, 2, axis=1) if width == 1 else image[:, : width - width % 2]
    return np.ascontiguousarray(image)


def _shrink(widest: int) -> Callable[[Image], Image]:
    """Return a function that scales pictures down to a width, keeping their aspect; smaller ones stay as they are."""
    reformatter = av.video.reformatter.VideoReformatter()

    def shrink(image: Image) -> Image:
        height, width = image.shape[:2]
        if width <= widest:
            return image
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        small = reformatter.reformat(frame, width=widest, height=max(1, round(height * widest / width)))
        return np.asarray(small.to_ndarray(), dtype=np.uint8)

    return shrink


def _storage_error(destination: Path, error: OSError) -> StorageFull:
    if error.errno == errno.ENOSPC:
        return StorageFull(f"The disk is full: the clip {destination.name!r} could not be written. Make room first.")
    return StorageFull(
        f"The clip {destination.name!r} could not be written ({error.strerror}). Check the folder and the free space."
    )
