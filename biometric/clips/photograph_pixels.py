"""From a picture as its file stores it to (H, W, 3) uint8 BGR as people see it (Pillow)."""

import contextlib
import io

import numpy as np
from PIL import Image as Pictures
from PIL import ImageCms, ImageOps

from biometric.entities import Image

BACKGROUND = (255, 255, 255)
"""What transparent parts show: white, as viewers and paper do."""

_ORIENTATION = 0x0112
"""Tag of EXIF that says how a stored picture is turned for display."""
_TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
"""Clockwise degrees by orientation; 2, 4, 5 and 7 are mirrored besides."""


def display_rotation(picture: Pictures.Image) -> int:
    """Return by how many degrees clockwise the stored picture is turned for display: 0, 90, 180 or 270."""
    # EXIF is written by whoever made the file: what cannot be understood says nothing about the orientation.
    with contextlib.suppress(Exception):
        return _TURNS.get(picture.getexif().get(_ORIENTATION, 1), 0)
    return 0


def displayed_pixels(picture: Pictures.Image) -> Image:
    """Return a loaded picture as (H, W, 3) uint8 BGR, as displayed.

    EXIF orientation and an embedded colour profile are applied, 16 bits are reduced to 8, grey gets three equal
    channels, CMYK becomes RGB and transparency shows `BACKGROUND`.

    Raises:
        ValueError: the picture's mode has no defined appearance (floating-point pixels).
    """
    with contextlib.suppress(Exception):  # as above
        picture = ImageOps.exif_transpose(picture)
    rgb = _in_srgb(_opaque(_eight_bit(picture)))
    return np.ascontiguousarray(np.asarray(rgb)[:, :, ::-1])


def _eight_bit(picture: Pictures.Image) -> Pictures.Image:
    """Reduce grey of 16 or 32 bits to 8; pictures of 8 bits are returned as they are."""
    if picture.mode == "F":
        raise ValueError("expected whole numbers, got floating-point pixels")
    if picture.mode != "I" and not picture.mode.startswith("I;16"):
        return picture
    values = np.asarray(picture).astype(np.int64)
    # Mode "I" also holds grey of 8 bits, in some TIFF files.
    values = values if values.max(initial=0) <= 255 else values >> 8
    reduced = Pictures.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    reduced.info.update({key: picture.info[key] for key in ("icc_profile",) if key in picture.info})
    return reduced


def _opaque(picture: Pictures.Image) -> Pictures.Image:
    """Lay a picture with transparent parts on the background; others are returned as they are."""
    if not picture.has_transparency_data:
        return picture
    with_alpha = picture.convert("RGBA")
    base = Pictures.new("RGBA", with_alpha.size, (*BACKGROUND, 255))
    flat = Pictures.alpha_composite(base, with_alpha).convert("RGB")
    if picture.mode in {"RGB", "RGBA"} and "icc_profile" in picture.info:
        flat.info["icc_profile"] = picture.info["icc_profile"]
    return flat


def _in_srgb(picture: Pictures.Image) -> Pictures.Image:
    """Convert to RGB, by the embedded profile where it fits: telephones store the wider Display P3."""
    profile = picture.info.get("icc_profile")
    if isinstance(profile, bytes) and picture.mode in {"RGB", "CMYK", "L"}:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    return picture.convert("RGB")
