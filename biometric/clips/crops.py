"""Crops as JPEG files, thumbnails of them, and what is measured in pictures (OpenCV)."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from biometric.entities import GreyPicture, Image
from biometric.errors import GalleryCorrupt, StorageFull
from biometric.storage import describe_os_error, make_private_folder, write_scratch

JPEG_QUALITY = 95
"""Quality of stored crops: a template made again from the file must equal the one made from the frame closely."""

THUMBNAIL_QUALITY = 85

GREY_SIZE = 320
"""Longer side in pixels of the pictures in which a change is looked for: somebody far away still covers some."""

SHARPNESS_SIZE = (64, 128)
"""Width and height in pixels at which sharpness is measured, so that near and far people compare."""


class JpegCropStore:
    """Keeps the crops of this process as JPEG files (`ports.CropStore`): files 0600, folders 0700.

    Its folders are private ones that end with the process. The gallery and the library write what they keep themselves.

    Args:
        read: reads a file; that of a gallery may be encrypted. May raise `OSError`, or the `GalleryError` family.
    """

    def __init__(self, read: Callable[[Path], bytes] = Path.read_bytes) -> None:
        self._read = read

    def save(self, crop: Image, destination: Path) -> None:
        """Write a crop, (h, w, 3) uint8 BGR, as JPEG; folders that are missing are made.

        Raises:
            ValueError: the crop is empty or no BGR picture.
            StorageFull: the disk is full or the folder cannot be written.
        """
        data = encoded(crop, JPEG_QUALITY)
        try:
            make_private_folder(destination.parent)
            write_scratch(destination, data)
        except OSError as error:
            raise StorageFull(
                "The picture {name} could not be stored: {reason}. Check the folder and the free space.",
                name=destination.name,
                reason=describe_os_error(error),
            ) from error

    def load(self, path: Path) -> Image:
        """Read a crop back as (h, w, 3) uint8 BGR.

        Raises:
            GalleryCorrupt: the file is missing or no picture.
        """
        try:
            data = self._read(path)
        except OSError as error:
            raise GalleryCorrupt(
                "The stored picture {file} cannot be read: {reason}.", file=path.name, reason=error.strerror
            ) from error
        image = decode_image(data)
        if image is None:
            raise GalleryCorrupt(
                "The stored picture {file} is damaged. Enroll the person again from a clip.", file=path.name
            )
        return image

    def thumbnail(self, path: Path, height: int) -> bytes:
        """Return a stored picture as JPEG of at most `height` pixels, aspect kept, never scaled up.

        Raises:
            ValueError: height below 1.
            GalleryCorrupt: as `load`.
        """
        return self.shrunken(self.load(path), height)

    def shrunken(self, image: Image, height: int) -> bytes:
        """Return a picture, (h, w, 3) uint8 BGR, as JPEG of at most `height` pixels, aspect kept, never scaled up.

        Raises:
            ValueError: height below 1.
        """
        if height < 1:
            raise ValueError(f"expected a height of at least 1 pixel, got {height}")
        if image.shape[0] > height:
            width = max(1, round(image.shape[1] * height / image.shape[0]))
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return encoded(image, THUMBNAIL_QUALITY)


def small_grey(image: Image) -> GreyPicture:
    """Return a frame, (h, w, 3) uint8 BGR, as (h, w) uint8 luminance, its longer side at most `GREY_SIZE` pixels.

    Raises:
        ValueError: the frame is empty or no BGR picture.
    """
    _check(image)
    height, width = image.shape[:2]
    scale = min(1.0, GREY_SIZE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Area averaging takes out the noise of single pixels; of one channel it takes half the time that it takes of three.
    return np.asarray(cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA), np.uint8)


def sharpness(image: Image) -> float:
    """Return the variance of the Laplacian of a crop, (h, w, 3) uint8 BGR, scaled to `SHARPNESS_SIZE`; >= 0.

    Higher is sharper. Measure "LAPV" of S. Pertuz, D. Puig, M. A. Garcia, "Analysis of focus measure operators for
    shape-from-focus", Pattern Recognition 46(5), 2013, after J. L. Pech-Pacheco et al., ICPR 2000.

    Raises:
        ValueError: the crop is empty or no BGR picture.
    """
    _check(image)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    shrinking = image.shape[0] * image.shape[1] > SHARPNESS_SIZE[0] * SHARPNESS_SIZE[1]
    # Area averaging does not invent detail from aliasing; it only suits shrinking.
    scaled = cv2.resize(grey, SHARPNESS_SIZE, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return float(cv2.Laplacian(scaled, cv2.CV_64F).var())


def _check(image: Image) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(
            f"expected a crop of shape (h, w, 3) uint8, h and w at least 1, got {image.shape} {image.dtype}"
        )


def decode_image(data: bytes) -> Image | None:
    """Return an encoded picture (JPEG, PNG, WebP, …) as (h, w, 3) uint8 BGR, or None where the bytes are no picture.

    Orientation written in the file is applied, grey pictures get three equal channels, transparency is dropped.
    """
    if not data:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_BGR)
    except cv2.error:  # too many pixels
        return None
    return None if image is None or image.size == 0 else np.asarray(image, dtype=np.uint8)


def encoded(image: Image, quality: int) -> bytes:
    """Return a picture, (h, w, 3) uint8 BGR, as JPEG of `quality` (0 to 100). Raises `ValueError` as `save`."""
    _check(image)
    succeeded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not succeeded:
        raise ValueError(f"expected a picture that JPEG can hold, got {image.shape}")
    return bytes(data)
