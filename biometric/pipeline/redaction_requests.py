"""Checks what a redaction is asked for, before anything is read."""

import dataclasses
from pathlib import Path

from biometric.entities import FrameRange, Notice, VideoInfo
from biometric.errors import DamagedClip, InvalidInput
from biometric.pipeline.frame_ranges import checked_range

_ENDLESS = 1 << 62
"""An end of a frame range that no clip reaches."""


def check_destination(clip: Path, destination: Path, video: VideoInfo) -> None:
    """Raise `InvalidInput` where the result would have a wrong ending, or take the place of the clip."""
    endings = (".jpg", ".jpeg") if video.photograph else (".mp4",)
    if destination.suffix.lower() not in endings:
        raise InvalidInput(
            "The hidden footage is written as {ending}; {name!r} has another ending. Choose a name that ends so.",
            ending=endings[0],
            name=destination.name,
        )
    if destination.exists() and destination.samefile(clip):
        raise InvalidInput("The hidden footage would take the place of the clip itself. Choose another name.")


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
