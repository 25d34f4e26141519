"""What all embedders share: crops → network input, network output → unit vectors.

Resizing is done here, by OpenCV, and not by the device's library, so that every device sees the same numbers; a
graphics card does the same arithmetic for whole batches (`crop_batches.py`).
(In numpy it cost more processor time than the embedding itself: 3.3 ms for a crop of 300×120 against 0.1.)
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel

HALF_AGREEMENT = 0.9999
"""Least cosine between an embedding in half and in full precision for half precision to be used."""

_SMALLEST = 1e-6
"""Below this length a vector has no direction to compare."""


def prepare_crops(crops: Sequence[Image], form: InputFormat) -> NDArray[np.float32]:
    """Return the (N, 3, H, W) float32 network input of N crops; see `InputFormat` for the arithmetic.

    Args:
        crops: each (h, w, 3) uint8 BGR, any size from 1×1.

    Raises:
        ValueError: a crop is not such an array.
    """
    batch = np.empty((len(crops), 3, form.height, form.width), np.float32)
    for number, crop in enumerate(crops):
        check_crop(crop)
        resized = resize(crop, form.height, form.width).transpose(2, 0, 1)
        batch[number] = resized if form.colour == "BGR" else resized[::-1]
    factor, offset = scaling(form)
    if factor is not None:
        batch *= factor
    if offset is not None:
        batch -= offset
    return batch


def check_crop(crop: Image) -> None:
    """Raise `ValueError` unless the crop is (h, w, 3) uint8 of at least 1×1 pixels."""
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or crop.size == 0:
        raise ValueError(f"expected a crop of shape (h, w, 3) uint8, got {crop.shape} {crop.dtype}")


def scaling(form: InputFormat) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """(pixel * scale - mean) / std as pixel * factor - offset, (3, 1, 1) each; None for a step that changes nothing."""
    std = np.asarray(form.std, np.float64).reshape(3, 1, 1)
    factor = form.scale / std
    offset = np.asarray(form.mean, np.float64).reshape(3, 1, 1) / std
    return (
        None if np.all(factor == 1) else factor.astype(np.float32),
        None if np.all(offset == 0) else offset.astype(np.float32),
    )


def resize(image: Image, height: int, width: int) -> Image:
    """Return the image as (height, width, 3) uint8.

    Reduced axes are averaged over the pixels that they cover, so that detail does not alias; then the others are
    enlarged by bilinear interpolation between pixel centres.
    """
    rows, columns = min(height, image.shape[0]), min(width, image.shape[1])
    if (rows, columns) != image.shape[:2]:
        image = np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    if (rows, columns) != (height, width):
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return image


def vectors_agree(exact: NDArray[np.float32], other: NDArray[np.float32], least: float) -> bool:
    """Whether each row of (N, D) has a cosine of at least `least` to the other's, and all are numbers with a direction.

    Half precision overflows at 65,504: then it gives infinity or NaN.
    """
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(other, axis=1)
    usable = bool(np.isfinite(lengths).all() and (lengths > 0).all())
    return usable and bool(((exact * other).sum(axis=1) >= least * lengths).all())


def trial_pictures(height: int, width: int) -> list[Image]:
    """Pictures with contrast in the large and in the small. (Flat ones are no test: normalisation amplifies noise.)"""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    stripes = np.zeros((height, width, 3), np.uint8)
    stripes[:: max(2, height // 16)] = 255
    patches = rng.integers(0, 256, (8, 4, 3), dtype=np.uint8)
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    return [noise, stripes, resize(patches, height, width), ramp]


def scale_to_unit_length(vectors: NDArray[np.float32], model: str) -> NDArray[np.float32]:
    """Return (N, D) rows scaled to length 1, float32.

    Raises:
        UnsupportedModel: a row is zero or not finite, so that it has no direction; names the crop and the model.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    wrong = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > _SMALLEST))
    if wrong.any():
        raise UnsupportedModel(
            "The model {model} gave no usable vector for crop {crop} of {vectors_count} (zero or not a "
            "number). Choose another embedder, or check this one with: python -m biometric models check",
            model=model,
            crop=int(np.argmax(wrong)) + 1,
            vectors_count=len(vectors),
        )
    directions: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return directions


def batches(crops: Sequence[Image], size: int) -> Iterator[Sequence[Image]]:
    """Yield the crops in consecutive parts of at most `size`."""
    for start in range(0, len(crops), size):
        yield crops[start : start + size]
