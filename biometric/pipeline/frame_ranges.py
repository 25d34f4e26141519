"""Which frames of a clip are analysed: the range that was asked for, checked against what the clip holds."""

from biometric.entities import FrameRange, Notice, VideoInfo
from biometric.errors import DamagedClip, InvalidFrameRange


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
                f"The range ends at frame {stop - 1}; the last readable one is {video.frame_count - 1}. "
                "Choose a range that ends there, or say that the clip may be used although it is damaged.",
                video.frame_count,
                video.claimed_frames,
                video.damage,
            )
        stop = video.frame_count
    if stop > video.frame_count:
        raise InvalidFrameRange(
            f"The range {FrameRange(start, stop)} is outside the clip, which has {video.frame_count} frames "
            f"(0–{video.frame_count - 1})."
        )
    step = max(1, round(video.fps / analysis_fps)) if analysis_fps > 0 else 1
    return FrameRange(start, stop, step), warnings
