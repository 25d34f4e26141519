"""Photographs made for tests: four coloured quarters, so that turning, mirroring and channel order show."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, GREY = (220, 30, 30), (30, 200, 30), (30, 30, 220), (128, 128, 128)
"""RGB of the quarters: upper left, upper right, lower left, lower right."""


def quarters(width: int = 160, height: int = 96) -> Image.Image:
    """An RGB picture of four quarters."""
    pixels = np.zeros((height, width, 3), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    pixels[:middle_y, :middle_x], pixels[:middle_y, middle_x:] = RED, GREEN
    pixels[middle_y:, :middle_x], pixels[middle_y:, middle_x:] = BLUE, GREY
    return Image.fromarray(pixels)


def corners(image: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """RGB in the middle of each quarter of an (H, W, 3) BGR picture: upper left, upper right, lower left, right."""
    height, width = image.shape[:2]
    places = [(height // 4 * y, width // 4 * x) for y in (1, 3) for x in (1, 3)]
    return tuple((int(image[y, x, 2]), int(image[y, x, 1]), int(image[y, x, 0])) for y, x in places)


def close(found: tuple[tuple[int, ...], ...], wanted: tuple[tuple[int, ...], ...], tolerance: int = 12) -> bool:
    """Whether all colours are near to those wanted; codecs change them a little."""
    return bool(np.abs(np.array(found) - np.array(wanted)).max() <= tolerance)


def save(
    path: Path, picture: Image.Image | None = None, kind: str = "JPEG", orientation: int = 1, **options: Any
) -> Path:
    """Write a picture, with an EXIF orientation unless that is 1, and return its path."""
    picture = quarters() if picture is None else picture
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif.tobytes()
    picture.save(path, format=kind, **options)
    return path
