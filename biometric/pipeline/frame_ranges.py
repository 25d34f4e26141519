"""Which frames of a clip are analysed: the range that was asked for, checked against what the clip holds."""

import numpy as np

from biometric.entities import FrameRange, Notice, VideoInfo
from biometric.errors import DamagedClip, InvalidFrameRange

UNEVEN = 0.6
"""Analysed frames closer together than this share of their average distance, or farther apart than its inverse, are
chosen by time: counting frames would look at some seconds many times and pass over others."""


def checked_range(
    video: VideoInfo, frames: FrameRange | None, accept_damaged: bool, analysis_fps: float
) -> tuple[FrameRange, list[Notice]]:
    """Return the range (None: the whole clip) with the step that analyses about `analysis_fps` a second, and warnings.

    Args:
        accept_damaged: a range that ends behind the readable part of a damaged clip is cut there.
        analysis_fps: 0 analyses every frame.

    Raises:
        DamagedClip: the range ends behind the readable part, and that was not accepted.
        InvalidFrameRange: the range is outside the clip.
    """
    warnings = [video.damage] if video.damage is not None else []
    start, stop = (0, video.frame_count) if frames is None else (frames.start, frames.stop)
    if stop > video.frame_count and video.damage is not None and start < video.frame_count:
        if not accept_damaged:
            raise DamagedClip(
                "The range ends at frame {frame}; the last readable one is {last}. Choose a range that ends "
                "there, or say that the clip may be used although it is damaged.",
                video.frame_count,
                video.claimed_frames,
                video.damage,
                frame=stop - 1,
                last=video.frame_count - 1,
            )
        stop = video.frame_count
    if stop > video.frame_count and video.photograph:
        raise InvalidFrameRange(
            "A photograph has only frame 0; frame {frame} was asked for. Leave the range out.", frame=stop - 1
        )
    if stop > video.frame_count:
        raise InvalidFrameRange(
            "The range {range} is outside the clip, which has {n} frames (0–{last}).",
            range=FrameRange(start, stop),
            n=video.frame_count,
            last=video.frame_count - 1,
        )
    return _with_spacing(video, FrameRange(start, stop), analysis_fps), warnings


def _with_spacing(video: VideoInfo, frames: FrameRange, analysis_fps: float) -> FrameRange:
    """Return the range with the frames that are analysed: each so many-th, or by time where the rate varies."""
    if analysis_fps == 0:
        return frames
    step = max(1, round(video.fps / analysis_fps))
    gaps = np.diff(video.times.seconds[frames.start : frames.stop : step])
    usual = step / video.fps
    if len(gaps) and (gaps.min() < UNEVEN * usual or (step > 1 and gaps.max() > usual / UNEVEN)):
        return FrameRange(frames.start, frames.stop, 1, 1 / analysis_fps)
    return FrameRange(frames.start, frames.stop, step)


def analysed_rate(video: VideoInfo, frames: FrameRange) -> float:
    """Return how many frames of a range are analysed in a second of footage, on average; > 0."""
    rate = video.fps / frames.step
    return min(rate, 1 / frames.spacing) if frames.spacing > 0 else rate
