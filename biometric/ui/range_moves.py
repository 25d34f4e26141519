"""Where the two ends of a frame range go when somebody moves them by mouse, finger or keyboard. Pure arithmetic.

The page sends frames and seconds; which frame is shown at a time is decided here, from the frames' own times, so that
it is right for a variable frame rate as well.
"""

import math
from typing import Literal

import numpy as np

from biometric.entities import VideoInfo
from biometric.errors import InvalidInput
from biometric.messages.translation import N_

End = Literal["first", "last"]

NOT_UNDERSTOOD = N_("This move of the frame range could not be understood. Reload the page and try again.")
SLACK_SECONDS = 0.0005
"""How much earlier than its time a frame counts as shown: browsers round the player's time."""


def frame_at(info: VideoInfo, seconds: float) -> int:
    """Return the frame that a player shows at a time: the last one that has appeared by then (0-based)."""
    index = int(np.searchsorted(info.times.seconds, seconds + SLACK_SECONDS, side="right")) - 1
    return min(max(index, 0), info.frame_count - 1)


def requested_frame(info: VideoInfo, action: str, text: str) -> tuple[End, int]:
    """Return which end is to go to which frame.

    Args:
        action: "move" (to the frame at a time), "here" (the same, for the playhead) or "step" (by keys).
        text: "first:12.345" for a time in seconds; "last:17:-2" for so many seconds from a frame.

    Raises:
        InvalidInput: it is not what the page sends.
    """
    end, *numbers = text.split(":")
    if end not in ("first", "last") or len(numbers) != (2 if action == "step" else 1):
        raise InvalidInput(NOT_UNDERSTOOD)
    try:
        values = [float(number) for number in numbers]
    except ValueError as error:
        raise InvalidInput(NOT_UNDERSTOOD) from error
    if action not in ("move", "here", "step") or not all(math.isfinite(value) for value in values):
        raise InvalidInput(NOT_UNDERSTOOD)
    if action != "step":
        frame = frame_at(info, values[0])
    else:
        frame = min(max(round(values[0]), 0), info.frame_count - 1)
        if values[1] != 0:
            frame = frame_at(info, info.time_of(frame) + values[1])
    return ("first" if end == "first" else "last"), frame


def moved(first: int, last: int, end: End, frame: int, *, top: int, push: bool = False) -> tuple[int, int]:
    """Return (first, last) after one end went to a frame.

    A handle stops at the other one. With `push`, for "start here" and "end here", the other end goes to the clip's
    end instead (its last frame is `top`).
    """
    if end == "first":
        if push and frame > last:
            return frame, top
        return min(frame, last), last
    if push and frame < first:
        return 0, frame
    return first, max(frame, first)
