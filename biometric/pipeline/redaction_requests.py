"""Checks what a redaction is asked for, before anything is read."""

import dataclasses
import errno
import os
from pathlib import Path

from biometric.entities import FrameRange, Notice, VideoInfo
from biometric.errors import DamagedClip, InvalidInput, StorageFull
from biometric.pipeline.frame_ranges import checked_range
from biometric.storage import check_writable, describe_os_error

_ENDLESS = 1 << 62
"""An end of a frame range that no clip reaches."""


def check_destination(clip: Path, destination: Path, video: VideoInfo) -> None:
    """Refuse a destination before anything is read.

    Raises:
        InvalidInput: it has a wrong ending, is a folder or a device, or is the clip itself.
        StorageFull: its folder is missing or cannot be written.
    """
    endings = (".jpg", ".jpeg") if video.photograph else (".mp4",)
    if destination.suffix.lower() not in endings:
        raise InvalidInput(
            "The hidden footage is written as {ending}; {name!r} has another ending. Choose a name that ends so.",
            ending=endings[0],
            name=destination.name,
        )
    try:
        if destination.exists():
            if not destination.is_file():
                raise InvalidInput(
                    "{destination} is a folder or a device. The hidden footage needs the name of a file.",
                    destination=destination,
                )
            if destination.samefile(clip):
                raise InvalidInput("The hidden footage would take the place of the clip itself. Choose another name.")
        if not destination.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(destination.parent))
        check_writable(destination.parent)
    except OSError as error:
        raise not_written(destination, error) from error


def not_written(path: Path, error: OSError) -> StorageFull:
    """Return the error for footage that cannot be written there."""
    return StorageFull(
        "The clip could not be written to {name}: {reason}. Choose another place.",
        name=path,
        reason=describe_os_error(error),
    )


def every_frame(video: VideoInfo, frames: FrameRange | None, accept_damaged: bool) -> tuple[FrameRange, list[Notice]]:
    """Return the range with every frame of it (None: of the whole clip), and warnings.

    Raises:
        DamagedClip: the clip is damaged, and that was not accepted.
        InvalidFrameRange: the range is outside the clip.
    """
    if video.damage is not None and not accept_damaged:
        raise DamagedClip(
            "The result would be as short. Copy the clip again, or say that it may be used although it is damaged.",
            video.frame_count,
            video.claimed_frames,
            video.damage,
        )
    wanted, warnings = checked_range(video, frames, accept_damaged, 0)
    if frames is None and video.frame_count_source == "claimed":
        wanted = dataclasses.replace(wanted, stop=_ENDLESS)  # the clip's own end decides, not an estimate
    return wanted, warnings
