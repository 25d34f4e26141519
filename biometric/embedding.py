"""What all embedders share: crops → network input, network output → unit vectors. Needs numpy only.

Resizing is done here and not by the device's library, so that every device sees the same numbers.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biometric.cards import InputFormat
from biometric.entities import Image
from biometric.errors import UnsupportedModel

_SMALLEST = 1e-6
"""Below this length a vector has no direction to compare."""


def prepare(crops: Sequence[Image], form: InputFormat) -> NDArray[np.float32]:
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
    factor, offset = _scaling(form)
    if factor is not None:
        batch *= factor
    if offset is not None:
        batch -= offset
    return batch


def _scaling(form: InputFormat) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """(pixel * scale - mean) / std as pixel * factor - offset; None for a step that changes nothing."""
    std = np.asarray(form.std, np.float64).reshape(3, 1, 1)
    factor = form.scale / std
    offset = np.asarray(form.mean, np.float64).reshape(3, 1, 1) / std
    return (
        None if np.all(factor == 1) else factor.astype(np.float32),
        None if np.all(offset == 0) else offset.astype(np.float32),
    )


def resize(image: Image, height: int, width: int) -> NDArray[np.float32]:
    """Return the image as (height, width, 3) float32 in 0…255, by bilinear interpolation.

    Enlarging is plain bilinear interpolation between pixel centres, as OpenCV's INTER_LINEAR; reducing widens the
    triangle to the pixels that it covers, as Pillow's BILINEAR, so that detail does not alias.
    """
    rows, columns = _triangle(image.shape[0], height), _triangle(image.shape[1], width)
    shrunk = rows @ image.astype(np.float32).reshape(image.shape[0], -1)
    result: NDArray[np.float32] = np.matmul(columns, shrunk.reshape(height, image.shape[1], 3))
    return result


@lru_cache(maxsize=512)
def _triangle(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) weights of triangle interpolation; each row sums to 1, edges repeat the outermost pixel."""
    support = max(1.0, source / target)
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    if support == 1.0:
        centres = centres.clip(0, source - 1)
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(source) - centres[:, None]) / support)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def unit(vectors: NDArray[np.float32], model: str) -> NDArray[np.float32]:
    """Return (N, D) rows scaled to length 1, float32.

    Raises:
        UnsupportedModel: a row is zero or not finite, so that it has no direction; names the crop and the model.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    wrong = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > _SMALLEST))
    if wrong.any():
        raise UnsupportedModel(
            f"The model {model} gave no usable vector for crop {int(np.argmax(wrong)) + 1} of {len(vectors)} "
            "(zero or not a number). Choose another embedder, or check this one with: python -m biometric models check"
        )
    directions: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return directions


def batches(crops: Sequence[Image], size: int) -> Iterator[Sequence[Image]]:
    """Yield the crops in consecutive parts of at most `size`."""
    for start in range(0, len(crops), size):
        yield crops[start : start + size]
