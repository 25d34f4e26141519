"""How many pixels a comparison rests on, and what that costs, in words."""

import math

from biometric.entities.picture_detail import ComparedDetail, PictureDetail
from biometric.entities.robustness import DetailMeasure
from biometric.messages import decimal
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _


def describe_detail(detail: ComparedDetail | None, compared: bool = True) -> str:
    """Return pixels and sharpness of both sides in a sentence, "" where nothing was looked at.

    Args:
        compared: whether there is a reference that the probe was compared with.
    """
    if detail is None:
        return ""
    side = describe_side(detail.probe)
    if not compared:
        return _("The person is {side}.").format(side=side)
    return _("The person is {probe} in this footage and {reference} in the reference.").format(
        probe=side, reference=describe_side(detail.reference)
    )


def describe_side(side: PictureDetail | None) -> str:
    """Return "128 pixels high (sharpness 843)"; without readable pictures, "of a size that is not recorded"."""
    if side is None:
        return _("of a size that is not recorded")
    text = _("{height:,} pixels high (sharpness {sharpness:,.0f})")
    return text.format(height=side.height, sharpness=side.sharpness)


def describe_cost(detail: ComparedDetail | None) -> str:
    """Return how often the right person is missed at so few pixels, or so blurred; "" where that was not measured."""
    cost = None if detail is None else detail.worst_cost
    if cost is None:
        return ""
    start, stop = cost.row.start, cost.row.stop
    if stop is None:
        span = _("{start:,.0f} or more").format(start=start)
    else:
        span = _("{start:,.0f} to {last:,.0f}").format(start=start, last=stop - 1)
    text = _("At a sharpness of {span} this model misses {often} of the right people ({measured}).")
    if cost.row.measure is DetailMeasure.HEIGHT:
        text = _("At {span} pixels this model misses {often} of the right people ({measured}).")
    measured = _("95 % interval {low:.0%} to {high:.0%}, measured on {people} at the threshold {threshold}").format(
        low=cost.missed.low,
        high=cost.missed.high,
        people=counted(cost.row.people, "person"),
        threshold=decimal(cost.threshold, 3),
    )
    return text.format(span=span, often=_often(cost.share, cost.missed.high), measured=measured)


def _often(share: float, most: float) -> str:
    """Return "4 in 10", "3 in 100", or what is not exceeded where hardly any was missed."""
    if share >= 0.095:
        return _("{n} in 10").format(n=math.floor(share * 10 + 0.5))
    if share >= 0.005:
        return _("{n} in 100").format(n=math.floor(share * 100 + 0.5))
    return _("at most {n} in 100").format(n=max(1, math.ceil(most * 100 - 1e-9)))


def with_size(note: str, size: tuple[int, int] | None, room: tuple[float, float]) -> str:
    """Return a note with a picture's pixels, and whether it is shown larger than that; the note alone without a size.

    Args:
        size: width and height of the stored picture in pixels.
        room: width and height that it is shown in at most, in pixels.
    """
    if size is None:
        return note
    text = _("{width:,} × {height:,} pixels")
    if size[0] < room[0] and size[1] < room[1]:
        text = _("shown larger than it is: {width:,} × {height:,} pixels")
    return " · ".join(filter(None, (note, text.format(width=size[0], height=size[1]))))
