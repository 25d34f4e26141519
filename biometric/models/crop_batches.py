"""Crops → network input on torch's device, many at a time: sent as they are, resized and normalised there.

The resize is that of `embedding.resize`, which OpenCV does, with its roundings: where a tenth of the pixels differ by
one level, embeddings of flat pictures move to a cosine of .999. (One pixel in 100,000, a sum that ends on a half, still
does.) Crops of all sizes share one batch: an axis is reduced by a product with a matrix of weights for each crop, and
enlarged by picking two neighbours for each pixel.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.models.device_transfer import Uploader
from biometric.models.embedding import check_crop, scaling

GROUP_BYTES = 32_000_000
"""Most bytes that are sent at once: crops of similar height, each padded to the highest and widest of them."""


class CropBatches:
    """Prepares crops on a device as `embedding.prepare_crops` does on the processor. Not for several threads at once.

    Args:
        form: how crops are prepared.
        device: where.
        precision: of the result: torch.float32 or torch.float16. Resizing is exact in both.
    """

    def __init__(self, form: InputFormat, device: torch.device, precision: torch.dtype = torch.float32) -> None:
        self._form = form
        self._device = device
        self._precision = precision
        self._uploader = Uploader(device)
        factor, offset = scaling(form)
        self._factor = None if factor is None else torch.from_numpy(factor).to(device)
        self._offset = None if offset is None else torch.from_numpy(offset).to(device)

    def prepare(self, crops: Sequence[Image]) -> Tensor:
        """Return the (N, 3, H, W) network input of N crops, on the device.

        Args:
            crops: each (h, w, 3) uint8 BGR, any size from 1×1.

        Raises:
            ValueError: a crop is not such an array.
            torch.OutOfMemoryError: the card's memory is full.
        """
        for crop in crops:
            check_crop(crop)
        form = self._form
        batch = torch.empty((len(crops), 3, form.height, form.width), dtype=self._precision, device=self._device)
        for group in groups([crop.shape[:2] for crop in crops]):
            numbers, resized = self._resized(group, [crops[number] for number in group])
            batch[numbers] = resized
        return batch

    def _resized(self, numbers: Sequence[int], crops: Sequence[Image]) -> tuple[Tensor, Tensor]:
        """Return (N,) `numbers` and the (N, 3, H, W) crops, both on the device."""
        form = self._form
        height, width = (max(crop.shape[axis] for crop in crops) for axis in (0, 1))
        # Numbers and sizes travel with the pixels: a small tensor sent by itself would wait for all that runs.
        facts = np.array([numbers, *zip(*(crop.shape[:2] for crop in crops), strict=True)], np.int64)

        def fill(array: NDArray[np.uint8]) -> None:
            array[: facts.nbytes] = facts.reshape(-1).view(np.uint8)
            # What stays of earlier crops beside a smaller one has no weight.
            for place, crop in zip(array[facts.nbytes :].reshape(len(crops), height, width, 3), crops, strict=True):
                place[: crop.shape[0], : crop.shape[1]] = crop

        sent = self._uploader.send((facts.nbytes + len(crops) * height * width * 3,), fill)
        order, heights, widths = sent[: facts.nbytes].view(torch.int64).view(3, -1)
        pixels = sent[facts.nbytes :].view(len(crops), height, width, 3)
        if height > form.height or width > form.width:
            pixels = reduce(pixels, heights, widths, (form.height, form.width))
            heights, widths = heights.clamp(max=form.height), widths.clamp(max=form.width)
        resized = interpolate(pixels, heights, widths, (form.height, form.width)).permute(0, 3, 1, 2).float()
        if form.colour == "RGB":
            resized = resized.flip(1)
        if self._factor is not None:
            resized = resized * self._factor
        if self._offset is not None:
            resized = resized - self._offset
        return order, resized.to(self._precision)


def reduce(pixels: Tensor, heights: Tensor, widths: Tensor, size: tuple[int, int]) -> Tensor:
    """Average axes that are longer than wanted, as OpenCV's INTER_AREA; the others stay.

    Args:
        pixels: (N, h, w, 3) uint8; each crop begins in the upper left corner.
        heights, widths: (N,) int64, each crop's own; each crop's result begins in the upper left corner, too.
        size: wanted height and width.

    Returns:
        (N, min(h, height), min(w, width), 3) uint8.
    """
    rows = _shares(heights, size[0], pixels.shape[1])
    columns = _shares(widths, size[1], pixels.shape[2])
    planes = pixels.permute(0, 3, 1, 2).float()  # (N, 3, h, w)
    averages = rows.unsqueeze(1) @ planes @ columns.transpose(1, 2).unsqueeze(1)
    # To half the size OpenCV rounds halves up; elsewhere, to the even number.
    halved = ((heights == 2 * size[0]) & (widths == 2 * size[1])).view(-1, 1, 1, 1)
    rounded = torch.where(halved, (averages + 0.5).floor_(), averages.round())
    return rounded.clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _shares(lengths: Tensor, wanted: int, longest: int) -> Tensor:
    """Return (N, min(wanted, longest), longest) float32: the share of each pixel in each pixel of the reduced axis."""
    length, kept = lengths.view(-1, 1, 1), lengths.clamp(max=wanted).view(-1, 1, 1)
    pixel = torch.arange(longest, device=lengths.device).view(1, 1, -1)
    target = torch.arange(min(wanted, longest), device=lengths.device).view(1, -1, 1)
    # Whole numbers, in units of 1 / kept: fractions such as 3/4 must come out exact, because halves are rounded.
    begin = torch.maximum(target * length, pixel * kept)
    end = torch.minimum((target + 1) * length, (pixel + 1) * kept)
    return torch.where((target < kept) & (pixel < length), (end - begin).clamp_(min=0), 0).float() / length.float()


def interpolate(pixels: Tensor, heights: Tensor, widths: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate between two pixel centres, in the whole numbers of OpenCV's INTER_LINEAR; axes as wanted stay.

    Networks that normalise a picture by its own contrast answer to a bias of half a level in flat pictures, so this
    rounds down where OpenCV does.

    Args:
        pixels: (N, h, w, 3) uint8; each crop begins in the upper left corner.
        heights, widths: (N,) int64, each crop's own.
        size: wanted height and width.

    Returns:
        (N, height, width, 3) int32 in 0…255.
    """
    crop = torch.arange(len(pixels), device=pixels.device)[:, None]
    left, to_right = _places(widths, size[1])
    inside = (left >= 0) & (left < widths[:, None] - 1)
    to_right = torch.where(inside, to_right, 0)
    left = left.clamp(min=0).minimum(widths[:, None] - 1)
    right = (left + 1).minimum(widths[:, None] - 1)
    columns = pixels.transpose(1, 2)  # (N, w, h, 3)
    share = to_right.view(*to_right.shape, 1, 1)
    wide = (columns[crop, left].int() * (2048 - share) + columns[crop, right].int() * share) >> 4  # (N, W, h, 3)
    upper, to_lower = _places(heights, size[0])
    lower = (upper + 1).clamp(min=0).minimum(heights[:, None] - 1)
    upper = upper.clamp(min=0).minimum(heights[:, None] - 1)
    rows, share = wide.transpose(1, 2), to_lower.view(*to_lower.shape, 1, 1)  # (N, h, W, 3)
    return (((rows[crop, upper] * (2048 - share)) >> 16) + ((rows[crop, lower] * share) >> 16) + 2) >> 2


def _places(lengths: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """Return (N, wanted) int64 pixels before each wanted one's centre (-1: outside), and int32 shares of the next one.

    Shares are in units of 1/2048.
    """
    target = torch.arange(wanted, device=lengths.device)[None]
    place = (2 * target + 1) * lengths[:, None] - wanted  # in units of 1 / (2 · wanted)
    before = place.div(2 * wanted, rounding_mode="floor")
    rest = (place - before * 2 * wanted).float() / (2 * wanted)
    return before, (rest * 2048).round().int()


def groups(sizes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Yield the numbers of crops of similar size together, so that padded to one size they stay below `GROUP_BYTES`.

    Args:
        sizes: (height, width) of each crop. A crop that is larger by itself is alone.
    """
    group: list[int] = []
    height = width = 0
    for number in sorted(range(len(sizes)), key=lambda number: sizes[number]):
        wider, higher = max(width, sizes[number][1]), max(height, sizes[number][0])
        if group and (len(group) + 1) * higher * wider * 3 > GROUP_BYTES:
            yield group
            group, higher, wider = [], sizes[number][0], sizes[number][1]
        group.append(number)
        height, width = higher, wider
    if group:
        yield group
