"""Hides regions of a picture: blur, pixels, one colour (OpenCV)."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from biometric.entities import Image
from biometric.entities.redaction import REFERENCE_HEIGHT, HiddenRegion, Hiding, HidingMethod

COVER = (64, 64, 64)
"""BGR of what hides; a colour taken from the picture would tell clothes."""

SIGN = (128, 128, 128)
"""BGR of the sign of a person."""

_LEAST_SIGMA = 1.0
_LEAST_BLOCK = 2
_SMALL_SIGMA = 5.0
"""Larger blurs are made on a smaller picture: the result differs by less than a grey level and takes far less time."""

_SHRINKING_VARIANCE = 1 / 12 + 1 / 6
"""Variance, in pixels of the small picture, that shrinking by areas and enlarging linearly add."""

_ROUNDNESS = 4
"""Exponent of the outline |x|^n + |y|^n = 1; it is drawn around the region, so that no corner of it stays visible."""


def hide_pixels(image: Image, regions: Sequence[HiddenRegion], hiding: Hiding) -> Image:
    """Return a copy of a frame, (H, W, 3) uint8 BGR, in which the regions are hidden (`ports.PixelHider`).

    Pixels outside the regions stay as they are, but for the silhouette, whose round outline holds the whole region.
    """
    hidden = image.copy()
    for region in regions:
        if hiding.method is HidingMethod.SILHOUETTE:
            _draw_outline(hidden, region)
            continue
        view = hidden[region.y1 : region.y2, region.x1 : region.x2]
        if view.size == 0:
            continue
        if hiding.method is HidingMethod.BOX or hiding.strength is None:
            view[:] = COVER
            continue
        length = hiding.strength * region.person_height / REFERENCE_HEIGHT
        view[:] = _blurred(view, length) if hiding.method is HidingMethod.BLUR else _in_blocks(view, length)
    if hiding.method is HidingMethod.SILHOUETTE:
        for region in regions:
            _draw_sign(hidden, region)
    return hidden


def _blurred(view: Image, sigma: float) -> Image:
    sigma = max(sigma, _LEAST_SIGMA)
    height, width = view.shape[:2]
    shrink = min(sigma / _SMALL_SIGMA, height / 2, width / 2)
    if shrink <= 2:
        return np.asarray(cv2.GaussianBlur(view, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.uint8)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    rest = math.sqrt(max((sigma / shrink) ** 2 - _SHRINKING_VARIANCE, 0.01))
    small = cv2.GaussianBlur(small, (0, 0), rest, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _in_blocks(view: Image, side: float) -> Image:
    side = max(side, _LEAST_BLOCK)
    height, width = view.shape[:2]
    size = (max(1, math.floor(width / side)), max(1, math.floor(height / side)))
    small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _draw_outline(image: Image, region: HiddenRegion) -> None:
    """Fill a round outline through the corners of a region, and the region."""
    angles = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    reach = 2 ** (1 / _ROUNDNESS)
    middle = (region.x1 + region.x2) / 2, (region.y1 + region.y2) / 2
    half = (region.x2 - region.x1) / 2 * reach, (region.y2 - region.y1) / 2 * reach
    points = [
        [centre + length * np.sign(part) * np.abs(part) ** (2 / _ROUNDNESS) for part in wave(angles)]
        for centre, length, wave in zip(middle, half, (_cosine, _sine), strict=True)
    ]
    cv2.fillPoly(image, [np.round(np.array(points).T).astype(np.int32)], COVER)
    image[region.y1 : region.y2, region.x1 : region.x2] = COVER


def _draw_sign(image: Image, region: HiddenRegion) -> None:
    """Draw head and shoulders in the middle of a region, the same for everybody."""
    width, height = region.x2 - region.x1, region.y2 - region.y1
    unit = min(width, height / 2) / 2
    x, y = (region.x1 + region.x2) // 2, region.y1 + round(0.5 * unit)
    view = np.ascontiguousarray(image[region.y1 : region.y2, region.x1 : region.x2])
    x, y = x - region.x1, y - region.y1
    cv2.circle(view, (x, y + round(0.35 * unit)), max(1, round(0.35 * unit)), SIGN, cv2.FILLED)
    body = (max(1, round(0.6 * unit)), max(1, round(1.6 * unit)))
    cv2.ellipse(view, (x, y + round(0.85 * unit) + body[1]), body, 0, 0, 360, SIGN, cv2.FILLED)
    image[region.y1 : region.y2, region.x1 : region.x2] = view


def _cosine(angles: np.ndarray) -> np.ndarray:
    return np.asarray(np.cos(angles))


def _sine(angles: np.ndarray) -> np.ndarray:
    return np.asarray(np.sin(angles))
