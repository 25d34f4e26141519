"""What all embedders share: crops → network input, network output → unit vectors.

Resizing is done here, by OpenCV, and not by the device's library, so that every device sees the same numbers.
(In numpy it cost more processor time than the embedding itself: 3.3 ms for a crop of 300×120 against 0.1.)
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel

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
        if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or crop.size == 0:
            raise ValueError(f"expected a crop of shape (h, w, 3) uint8, got {crop.shape} {crop.dtype}")
        resized = resize(crop, form.height, form.width).transpose(2, 0, 1)
        batch[number] = resized if form.colour == "BGR" else resized[::-1]
    factor, offset = scaling(form)
    if factor is not None:
        batch *= factor
    if offset is not None:
        batch -= offset
    return batch


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
