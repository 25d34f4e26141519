"""What browsers send, checked: numbers, frame ranges and clicks. Nothing of it is trusted."""

import gradio as gr

from biometric.entities import FrameRange, VideoInfo, clean_camera
from biometric.errors import InvalidFrameRange, InvalidInput
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _

NOT_UNDERSTOOD = N_("This click could not be understood. Reload the page and try again.")


def parse_int(value: object, what: str) -> int:
    """Return a whole number that came from a browser.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidInput("{what} must be a whole number.", what=what)
    try:
        number = float(value)
    except ValueError as error:
        raise InvalidInput("{what} must be a whole number.", what=what) from error
    if not number.is_integer() or abs(number) > 2**53:
        raise InvalidInput("{what} must be a whole number.", what=what)
    return int(number)


def parse_frame(value: object, what: str) -> int:
    """Return the number in a frame field.

    Raises:
        InvalidFrameRange: it is no whole number.
    """
    try:
        return parse_int(value, what)
    except InvalidInput as error:
        raise InvalidFrameRange("{error} Type the number of a frame.", error=error) from error


def frames_within(first: object, last: object, info: VideoInfo) -> FrameRange:
    """Return the range of two frame fields.

    Raises:
        InvalidFrameRange: no whole numbers, reversed, or outside the clip.
    """
    frames = FrameRange.inclusive(parse_frame(first, _("From frame")), parse_frame(last, _("To frame")))
    if frames.last >= info.frame_count:
        raise InvalidFrameRange(
            "To frame {frame} is after the clip's last frame, {last}. Choose an earlier one.",
            frame=frames.last,
            last=info.frame_count - 1,
        )
    return frames


def event(data: gr.EventData) -> tuple[str, str]:
    """Return (action, value) of a component's `act` event; nothing of it is trusted.

    Raises:
        InvalidInput: the event is not one that the page sends.
    """
    payload = getattr(data, "_data", None)
    action = payload.get("action") if isinstance(payload, dict) else None
    value = payload.get("value") if isinstance(payload, dict) else None
    if not isinstance(action, str) or not isinstance(value, str) or len(value) > 200:
        raise InvalidInput(NOT_UNDERSTOOD)
    return action, value


def camera_in_field(value: object) -> str | None:
    """Return the name in a camera's field, None where it is empty. Raises `InvalidCamera`."""
    return clean_camera(value if isinstance(value, str) else "") or None
