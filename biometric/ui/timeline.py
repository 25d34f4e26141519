"""The timeline under the player: the clip's length and the two ends of the chosen range."""

from dataclasses import dataclass

from biometric.entities import VideoInfo
from biometric.messages import clock
from biometric.messages.translation import gettext as _
from biometric.ui import templating
from biometric.ui.presence import span
from biometric.ui.range_moves import End


@dataclass(frozen=True, slots=True)
class Handle:
    """One end of the range as it is drawn.

    Attributes:
        frame: 0-based.
        time: when it is shown, as m:ss.d.
        seconds: the same in seconds of the clip, to milliseconds.
        left: percent of the clip's length.
    """

    end: End
    label: str
    frame: int
    time: str
    seconds: str
    left: float


def timeline(first: int, last: int, info: VideoInfo) -> str:
    """Return the timeline for a range, both ends included; "" where there is one frame."""
    if info.frame_count < 2:
        return ""
    start, stop = min(first, last), max(first, last)
    return templating.render(
        "timeline.html",
        top=info.frame_count - 1,
        length=f"{info.times.end:.3f}",
        chosen=span(info, info.time_of(start), info.time_of(stop + 1)),
        handles=(
            _handle("first", _("First frame of the range"), first, info, info.time_of(first)),
            _handle("last", _("Last frame of the range"), last, info, info.time_of(last + 1)),
        ),
        start=clock(0.0),
        stop=clock(info.times.end),
    )


def _handle(end: End, label: str, frame: int, info: VideoInfo, place: float) -> Handle:
    """Return a handle that stands at `place` seconds; the last frame's stands where that frame ends."""
    seconds = info.time_of(frame)
    return Handle(end, label, frame, clock(seconds), f"{seconds:.3f}", span(info, place, place).left)
