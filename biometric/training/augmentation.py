"""Crops as training batches: random geometry and colours, drawn from generators seeded by (seed, epoch, crop).

So an epoch is the same for any number of worker processes, and after a restart. `device_augmentation` does the same for
a batch at once.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import BiometricError
from biometric.models.embedding import prepare_crops, resize
from biometric.training.augmentation_ranges import Augmentation

Generator = np.random.Generator
Load = Callable[[int], Image]
"""Gives crop i as (h, w, 3) uint8 BGR."""
Other = Callable[[], Image]
"""Gives another crop, any size, uint8 BGR."""


def change_geometry(image: Image, strength: Augmentation, draw: Generator, size: tuple[int, int]) -> Image:
    """Return a randomly cut, stretched and mirrored crop, `size` = (height, width), uint8 BGR.

    Stretching shows less of one side: the crop stays filled.
    """
    height, width = image.shape[:2]
    ratio = math.exp(draw.uniform(-1, 1) * math.log(strength.aspect)) if strength.aspect > 1 else 1.0
    share_y, share_x = (1 - draw.uniform(0, strength.crop) for _ in range(2))
    share_y, share_x = share_y * min(1.0, ratio), share_x * min(1.0, 1 / ratio)
    rows, columns = max(1, round(height * share_y)), max(1, round(width * share_x))
    top, left = draw.integers(0, height - rows + 1), draw.integers(0, width - columns + 1)
    cut = np.ascontiguousarray(image[top : top + rows, left : left + columns])
    cut = resize(cut, *size)
    if draw.random() < strength.flip:
        cut = np.ascontiguousarray(cut[:, ::-1])
    return _turned(cut, strength, draw) if strength.turned > 0 else cut


def _turned(image: Image, strength: Augmentation, draw: Generator) -> Image:
    """Perhaps turn a picture about its middle, repeating its edge outside."""
    if draw.random() >= strength.turned:
        return image
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), draw.uniform(-1, 1) * strength.turn, 1.0)
    turned = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def change_appearance(image: Image, strength: Augmentation, draw: Generator, other: Other | None = None) -> Image:
    """Return the crop, (H, W, 3) uint8 BGR, with less detail, changed colours and a hidden rectangle.

    Args:
        other: gives the crop that hides a part of this one; required where `strength.cover` is above 0.
    """
    height, width = image.shape[:2]
    if draw.random() < strength.shrink:
        share = draw.uniform(min(1.0, max(strength.smallest[0] / height, strength.smallest[1] / width)), 1.0)
        rows, columns = max(1, round(height * share)), max(1, round(width * share))
        image = resize(resize(image, rows, columns), height, width)
    if draw.random() < strength.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), draw.uniform(*strength.blur_sigma)), np.uint8)
    if strength.colour > 0:
        image = _recoloured(image, strength.colour, draw)
    if strength.gamma > 1:
        exponent = math.exp(draw.uniform(-1, 1) * math.log(strength.gamma))
        levels = 255 * (np.arange(256) / 255) ** exponent
        image = np.asarray(cv2.LUT(image, levels.round().astype(np.uint8)), np.uint8)
    if draw.random() < strength.grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    if strength.noisy > 0 and draw.random() < strength.noisy:
        noise = draw.uniform(*strength.noise) * draw.standard_normal(image.shape, np.float32)
        image = (image + noise).round().clip(0, 255).astype(np.uint8)
    kind = draw.random()
    if kind < strength.erase:
        return _with_rectangle(image, strength, draw, None)
    if kind < strength.erase + strength.cover:
        if other is None:
            raise ValueError("expected another crop to cover this one with, got none")
        return _with_rectangle(image, strength, draw, resize(other(), height, width))
    return image


def _recoloured(image: Image, strength: float, draw: Generator) -> Image:
    """Brightness, contrast, saturation and the colour of the light, as one linear map of the channels."""
    bright, contrast, saturation = 1 + draw.uniform(-strength, strength, 3)
    light = 1 + draw.uniform(-strength / 4, strength / 4, 3)
    luma = np.array([0.114, 0.587, 0.299])
    matrix = saturation * np.eye(3) + (1 - saturation) * np.ones((3, 1)) * luma
    matrix = bright * contrast * light[:, None] * matrix
    middle = float(image.mean()) * bright * (1 - contrast)
    offset = np.full((3, 1), middle)
    return np.asarray(cv2.transform(image, np.hstack([matrix, offset])), np.uint8)


def _with_rectangle(image: Image, strength: Augmentation, draw: Generator, filling: Image | None) -> Image:
    """Fill a random rectangle with what `filling` shows there, or with noise."""
    height, width = image.shape[:2]
    ratio = math.exp(draw.uniform(-1, 1) * math.log(strength.rectangle_ratio))
    area = draw.uniform(*strength.rectangle) * height * width
    rows = min(height, max(1, round(math.sqrt(area * ratio))))
    columns = min(width, max(1, round(math.sqrt(area / ratio))))
    top, left = draw.integers(0, height - rows + 1), draw.integers(0, width - columns + 1)
    image = image.copy()
    if filling is None:
        image[top : top + rows, left : left + columns] = draw.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    else:
        image[top : top + rows, left : left + columns] = filling[top : top + rows, left : left + columns]
    return image


MakeSample = Callable[[int, Generator], tuple[Tensor, ...]]
"""Makes the tensors of crop i with a generator of its own."""


class EpochSamples(Dataset[tuple[Tensor, ...]]):
    """A data set of one epoch: sample i is made with the generator of (seed, epoch, i)."""

    def __init__(self, make: MakeSample, count: int, seed: int, epoch: int) -> None:
        self._make, self._count, self._seed, self._epoch = make, count, seed, epoch

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self._make(index, np.random.default_rng((self._seed, self._epoch, index)))


def network_input(image: Image, form: InputFormat) -> Tensor:
    """(3, H, W) float32 of a crop, exactly as the application prepares it."""
    return torch.from_numpy(prepare_crops([image], form)[0])


def load_batches(
    samples: EpochSamples, batches: Sequence[Sequence[int]], workers: int, pinned: bool = False
) -> Iterator[list[Tensor]]:
    """Yield the batches (lists of sample numbers) in order, made by `workers` processes (0: by this one)."""
    data_loader = DataLoader(
        samples, batch_sampler=[list(batch) for batch in batches], num_workers=workers, pin_memory=pinned
    )
    try:
        yield from data_loader
    except BiometricError as error:
        # A worker's error arrives with the same type and the traceback as its message; the last line is the message.
        message = str(error).strip().splitlines()[-1].removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")
        raise type(error)(message) from error


def shuffled_batches(
    count: int, batch: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[NDArray[np.int64]]:
    """Whole batches of a random order, the same in every process; each of `world` processes takes its own batches.

    Crops that do not fill a batch for every process are left out in this epoch.
    """
    order = np.random.default_rng((seed, epoch, count)).permutation(count)
    usable = count // (batch * world)
    return [order[(number * world + rank) * batch :][:batch] for number in range(usable)]
