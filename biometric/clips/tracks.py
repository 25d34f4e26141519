"""Which video track of an opened file is shown, and how its stored pictures are displayed (PyAV)."""

import contextlib
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from biometric.errors import NotAVideo, NoVideoTrack

WIDEST_PIXEL = 8
"""Pixels more than so many times as wide as high, or as high as wide, are a mistake in the file; taken as square."""

_DISPOSITION = av.stream.Disposition
_NO_VIDEO = _DISPOSITION.attached_pic | _DISPOSITION.timed_thumbnails | _DISPOSITION.still_image


def choose_video_track(file: av.container.InputContainer) -> av.VideoStream:
    """Return the track that players show: the default one, of several the longest, of equal ones the first.

    Raises:
        NoVideoTrack: the file holds none; a cover picture or thumbnails are no video.
        NotAVideo: its pictures are coded in an unknown way.
    """
    tracks = [track for track in file.streams.video if not track.disposition & _NO_VIDEO]
    if not tracks:
        raise NoVideoTrack("The file holds no video track (a cover picture is none). Choose a video clip.")
    known = [track for track in tracks if track.codec_context is not None]
    if not known:
        raise NotAVideo("The clip's pictures are coded in a way that cannot be read here. Convert it to MP4 (H.264).")
    if len(known) == 1:
        return known[0]
    default = [track for track in known if track.disposition & _DISPOSITION.default]
    return max(default or known, key=_seconds)


def _seconds(track: av.VideoStream) -> float:
    # Matroska says it in a tag, "00:01:02.345000000", and FFmpeg may give such a track the duration of the whole file.
    text = next((value for key, value in track.metadata.items() if key.upper().startswith("DURATION")), "")
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = text.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if track.duration is None or track.time_base is None:
        return 0.0
    return float(track.duration * track.time_base)


def pixel_aspect(track: av.VideoStream) -> Fraction:
    """Return a pixel's width divided by its height (ITU-T H.273's sample aspect ratio); 1 where none is given."""
    # Streams without a header say it in their pictures only: the decoder knows after the first one.
    ratio = track.sample_aspect_ratio or track.codec_context.sample_aspect_ratio
    if ratio is None or not Fraction(1, WIDEST_PIXEL) <= ratio <= WIDEST_PIXEL:
        return Fraction(1)
    return Fraction(ratio)


def display_turn(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """Return (transpose, then flip left-right, then flip up-down) of the display matrix.

    The matrix is nine 32-bit integers a b u c d v x y w with x' = a x + c y, y' = b x + d y
    (FFmpeg, libavutil/display.h);
    rotations other than by quarter turns are rounded to the nearest.
    """
    by_type: Any = frame.side_data  # PyAV's stubs take it for one piece of side data
    data = by_type.get(SideDataType.DISPLAYMATRIX)
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, bool(a < 0), bool(d < 0)
    return True, bool(c < 0), bool(b < 0)


_RESERVED_COLOURS, _UNKNOWN_COLOURS = 3, 2
"""`matrix_coefficients` of ITU-T H.273: 3 is for future use and means nothing yet, 2 says that they are not known."""


def with_known_colours(frame: av.VideoFrame) -> av.VideoFrame:
    """Return the frame, whose colours are as if not said where a damaged header says what does not exist.

    FFmpeg refuses to convert such a frame, although its picture is whole.
    """
    if frame.colorspace == _RESERVED_COLOURS:
        frame.colorspace = _UNKNOWN_COLOURS
    return frame
