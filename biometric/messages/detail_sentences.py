"""How many pixels a comparison rests on, in words."""

from biometric.entities.picture_detail import ComparedDetail, PictureDetail
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


def describe_size(size: tuple[int, int], shown_larger: bool) -> str:
    """Return a picture's (width, height) in pixels, and whether it is shown larger than that."""
    text = _("{width:,} × {height:,} pixels")
    if shown_larger:
        text = _("shown larger than it is: {width:,} × {height:,} pixels")
    return text.format(width=size[0], height=size[1])
