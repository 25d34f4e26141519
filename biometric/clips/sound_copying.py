"""Copies a clip's sound into another MP4 as it is coded, packet by packet (PyAV; its objects stay in `clips`)."""

import errno
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from biometric.clips.clip_opening import open_clip
from biometric.clips.containers import recognise_container
from biometric.clips.tracks import choose_video_track
from biometric.clips.video_limits import VideoLimits
from biometric.errors import SoundNotKept

CARRIED = {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}
"""FFmpeg's names of the codecs that MP4 files carry and players take from them."""


class SoundCopy:
    """The sound of a clip, shifted so that a frame of it is at 0 seconds. Use it in a `with` statement.

    Where a clip has several sound tracks, the default one is copied, else the first. What was recorded before the frame
    is left out, and no name, language or other text of the track is taken over.

    Args:
        start: seconds at which the frame is shown, since the clip's first one.

    Raises:
        SoundNotKept: it is coded in a way that MP4 files do not carry.
        ClipError: the clip cannot be opened.
    """

    def __init__(self, clip: Path, start: float) -> None:
        kind = recognise_container(clip).kind
        self._file = open_clip(clip, kind, VideoLimits())
        try:
            self._shift = _first_frame_time(self._file) + start
            self._file.close()
            # Parsers do not learn the sample rate of AAC in a transport stream, which an MP4 has to say.
            self._file = open_clip(clip, kind, VideoLimits(), learning=(*CARRIED, "mp3float"))
            self._track = _sound_track(self._file)
            if self._track is not None and self._track.codec_context.codec.canonical_name not in CARRIED:
                raise SoundNotKept(
                    "The clip's sound is coded as {codec}, which MP4 files do not carry. Leave the sound out, or "
                    "convert the clip first.",
                    codec=self._track.codec_context.codec.canonical_name,
                )
        except BaseException:
            self._file.close()
            raise
        self._packets = self._shifted()
        self._waiting: av.Packet[Any] | None = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def is_there(self) -> bool:
        """Whether the clip has any sound."""
        return self._track is not None

    def add_track(self, output: av.container.OutputContainer) -> None:
        """Give the file that is written a track for the sound, if the clip has any. Call it before any packet."""
        if self._track is not None:
            self._stream = output.add_stream_from_template(self._track)

    def copy_until(self, output: av.container.OutputContainer, seconds: float) -> None:
        """Write the packets that begin before so many seconds of the file that is written.

        Raises:
            SoundNotKept: the file does not take them.
            av.FFmpegError: it cannot be written.
        """
        while self._stream is not None:
            packet = self._waiting if self._waiting is not None else next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            if packet.pts is None or packet.time_base is None or packet.pts * packet.time_base >= seconds:
                self._waiting = packet
                return
            packet.stream = self._stream
            try:
                output.mux(packet)
            except av.FFmpegError as error:
                if error.errno != errno.EINVAL:  # a full disk, for one, is no matter of the sound
                    raise
                raise SoundNotKept(
                    "The clip's sound is damaged, or coded in a way that MP4 files do not carry. Leave the sound out, "
                    "or convert the clip first."
                ) from error

    def _shifted(self) -> "Iterator[av.Packet[Any]]":
        if self._track is None:
            return
        for packet in self._file.demux(self._track):
            if packet.size == 0 or packet.pts is None or packet.time_base is None:
                continue
            ticks = round(self._shift / packet.time_base)
            if packet.pts < ticks:
                continue
            packet.pts -= ticks
            packet.dts = packet.pts if packet.dts is None else packet.dts - ticks
            yield packet


def _sound_track(file: av.container.InputContainer) -> Any:
    tracks = [track for track in file.streams.audio if track.codec_context is not None]
    default = [track for track in tracks if track.disposition & av.stream.Disposition.default]
    return next(iter(default or tracks), None)


def _first_frame_time(file: av.container.InputContainer) -> Fraction | float:
    """Return when the first frame that can be decoded is shown, on the container's clock."""
    for frame in file.decode(choose_video_track(file)):
        return 0 if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
    return 0
