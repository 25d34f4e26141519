"""Opens a clip with PyAV so that nothing but its own file is read, and nothing is decoded before limits are checked."""

from collections.abc import Collection
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel

from biometric.clips.containers import RAW_STREAMS
from biometric.clips.video_limits import VideoLimits
from biometric.errors import DamagedClip

HEADERLESS = RAW_STREAMS | {"mpegts", "mpeg", "flv"}
"""Kinds whose tracks only show up while reading."""


def open_clip(
    clip: Path, kind: str, limits: VideoLimits, hwaccel: HWAccel | None = None, learning: Collection[str] = ()
) -> av.container.InputContainer:
    """Open a clip as the container that was recognised, without decoding anything.

    Args:
        kind: FFmpeg's name of the container.
        hwaccel: what decodes instead of the processor.
        learning: FFmpeg's names of decoders that may run to learn about tracks without a header; none for video.

    Raises:
        DamagedClip: it cannot be opened.
    """
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": av.format.ContainerFormat(kind, "r").name,
        "max_pixels": str(limits.max_pixels),
    }
    if kind in HEADERLESS:
        # Where tracks only show up while reading, PyAV cannot hand `max_pixels` to the decoder that FFmpeg runs to
        # learn about them. The parsers learn enough; no decoder is allowed to run before the limits are checked.
        options["codec_whitelist"] = ",".join(learning) or "none"
    try:
        # The "file:" prefix keeps a name such as "http:x.mp4" a file name.
        return av.open(
            f"file:{clip.absolute()}", "r", format=kind, options=options, metadata_errors="replace", hwaccel=hwaccel
        )
    except av.FFmpegError as error:
        raise DamagedClip("The clip is damaged: it cannot be opened. Copy it again or choose another one.") from error
