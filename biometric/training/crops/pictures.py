"""Reads and writes single pictures for training (OpenCV)."""

from pathlib import Path

import cv2
import numpy as np

from biometric.entities import Image
from biometric.errors import DatasetInvalid


def decoded(data: bytes, what: str) -> Image:
    """Return an encoded picture as (h, w, 3) uint8 BGR.

    Args:
        what: names it in the message.

    Raises:
        DatasetInvalid: it is no picture.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_BGR) if data else None
    except cv2.error:
        image = None
    if image is None or image.size == 0:
        raise DatasetInvalid(f"{what} is damaged or no picture. Take it out of the data set, or make it again.")
    return np.asarray(image, dtype=np.uint8)


def read(path: Path) -> Image:
    """Read a picture file as (h, w, 3) uint8 BGR.

    Raises:
        DatasetInvalid: it is missing or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror}. Restore the data set.") from error
    return decoded(data, str(path))
