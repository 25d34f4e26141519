"""Random geometry and colours for a whole batch at once, on the device that holds it: see `augmentation_ranges`.

The same changes from the same distributions as `augmentation` makes of one crop at a time. Three things differ, which
save most of the time: what reduces detail is drawn once for each of a few groups of the batch, crops are enlarged and
cut by one bilinear sampling, and levels are rounded once, at the end. Draws come from torch's own generators, which the
loop seeds anew for each step.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from biometric.training.augmentation_ranges import Augmentation

_GROUPS = 4
"""Groups of a batch that are reduced or blurred alike, each with a draw of its own."""
_LUMA = (0.114, 0.587, 0.299)


def change_batch(crops: Tensor, strength: Augmentation, size: tuple[int, int]) -> Tensor:
    """Return randomly changed crops.

    Args:
        crops: (N, 3, h, w) uint8 BGR.
        size: (H, W) of the result.

    Returns:
        (N, 3, H, W) float32 BGR, whole numbers of 0…255, on the device of the crops.
    """
    pictures = change_geometry_of_batch(crops.float(), strength, size)
    return change_appearance_of_batch(pictures, strength)


def change_geometry_of_batch(crops: Tensor, strength: Augmentation, size: tuple[int, int]) -> Tensor:
    """Return randomly cut, stretched, mirrored and turned crops, (N, 3, *size) float32, of (N, 3, h, w) float32."""
    count, (height, width) = len(crops), size
    ratio = _power(strength.aspect, crops)
    share_y, share_x = (1 - _uniform(0, strength.crop, crops) for _ in range(2))
    share_y, share_x = share_y * ratio.clamp(max=1), share_x * (1 / ratio).clamp(max=1)
    centre_y, centre_x = ((1 - share) * _uniform(-1, 1, crops) for share in (share_y, share_x))
    mirror = 1 - 2 * _chosen(strength.flip, crops).float()
    angle = _uniform(-1, 1, crops) * math.radians(strength.turn) * _chosen(strength.turned, crops)
    cosine, sine, tall = torch.cos(angle), torch.sin(angle), height / width
    across = torch.stack([cosine * mirror * share_x, -sine * tall * mirror * share_x, centre_x], 1)
    down = torch.stack([sine / tall * share_y, cosine * share_y, centre_y], 1)
    grid = functional.affine_grid(torch.stack([across, down], 1), [count, 3, height, width], align_corners=False)
    return functional.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)


def change_appearance_of_batch(pictures: Tensor, strength: Augmentation) -> Tensor:
    """Return pictures, (N, 3, H, W) float32 of 0…255, with less detail, changed colours and hidden rectangles.

    Whole numbers. The argument may be written to.
    """
    _change_groups(pictures, strength.shrink, lambda group: _reduced(group, strength))
    _change_groups(pictures, strength.blur, lambda group: _blurred(group, strength))
    if strength.colour > 0:
        pictures = _recoloured(pictures, strength.colour)
    if strength.gamma > 1:
        pictures = 255 * (pictures / 255).pow(_wide(_power(strength.gamma, pictures)))
    if strength.grey > 0:
        luma = (pictures * pictures.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        pictures = torch.where(_wide(_chosen(strength.grey, pictures)), luma, pictures)
    if strength.noisy > 0:
        deviation = _uniform(*strength.noise, pictures) * _chosen(strength.noisy, pictures)
        pictures = (pictures + torch.randn_like(pictures) * _wide(deviation)).clamp(0, 255)
    return _with_rectangles(pictures, strength).round()


def _uniform(low: float, high: float, like: Tensor) -> Tensor:
    """(N,) draws, one a picture."""
    return low + (high - low) * torch.rand(len(like), device=like.device)


def _power(largest: float, like: Tensor) -> Tensor:
    """(N,) draws from 1 / largest to largest, uniform in their logarithm."""
    return torch.exp(_uniform(-1, 1, like) * math.log(largest))


def _chosen(probability: float, like: Tensor) -> Tensor:
    """(N,) bool."""
    return torch.rand(len(like), device=like.device) < probability


def _wide(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _change_groups(pictures: Tensor, share: float, change: Callable[[Tensor], Tensor]) -> None:
    """Change a share of the pictures in place, in groups. Sizes are drawn on the CPU: no waiting for the device."""
    count = math.floor(len(pictures) * share + float(torch.rand(())))
    if not count:
        return
    numbers = torch.randperm(len(pictures))[:count].to(pictures.device, non_blocking=True)
    for group in numbers.tensor_split(min(_GROUPS, count)):
        pictures[group] = change(pictures[group])


def _reduced(group: Tensor, strength: Augmentation) -> Tensor:
    height, width = group.shape[2:]
    least = min(1.0, max(strength.smallest[0] / height, strength.smallest[1] / width))
    share = least + (1 - least) * float(torch.rand(()))
    size = [max(1, round(height * share)), max(1, round(width * share))]
    small = functional.interpolate(group, size, mode="bilinear", antialias=True, align_corners=False)
    return functional.interpolate(small, [height, width], mode="bilinear", align_corners=False)


def _blurred(group: Tensor, strength: Augmentation) -> Tensor:
    low, high = strength.blur_sigma
    sigma = low + (high - low) * float(torch.rand(()))
    reach = min(round(3 * sigma), group.shape[2] - 1, group.shape[3] - 1)
    weight = torch.exp(-((torch.arange(-reach, reach + 1, device=group.device) / sigma) ** 2) / 2)
    weight = weight / weight.sum()
    for kernel, padding in (
        (weight.view(1, 1, 1, -1), (reach, reach, 0, 0)),
        (weight.view(1, 1, -1, 1), (0, 0, reach, reach)),
    ):
        padded = functional.pad(group, padding, mode="reflect")
        group = functional.conv2d(padded, kernel.repeat(3, 1, 1, 1), groups=3)
    return group


def _recoloured(pictures: Tensor, strength: float) -> Tensor:
    """Brightness, contrast, saturation and the colour of the light, as one linear map of the channels."""
    count, device = len(pictures), pictures.device
    bright, contrast, saturation = (1 + _uniform(-strength, strength, pictures) for _ in range(3))
    light = 1 + (2 * torch.rand(count, 3, 1, device=device) - 1) * strength / 4
    luma = pictures.new_tensor(_LUMA).expand(count, 3, 3)
    matrix = saturation.view(-1, 1, 1) * torch.eye(3, device=device) + (1 - saturation).view(-1, 1, 1) * luma
    matrix = (bright * contrast).view(-1, 1, 1) * light * matrix
    middle = pictures.mean((1, 2, 3)) * bright * (1 - contrast)
    changed = torch.baddbmm(middle.view(-1, 1, 1), matrix, pictures.flatten(2))
    return changed.view_as(pictures).clamp(0, 255)


def _with_rectangles(pictures: Tensor, strength: Augmentation) -> Tensor:
    """Fill a rectangle of some pictures with noise, and of others with what another picture of the batch shows."""
    if strength.erase + strength.cover <= 0:
        return pictures
    height, width = pictures.shape[2:]
    area, ratio = _uniform(*strength.rectangle, pictures) * height * width, _power(strength.rectangle_ratio, pictures)
    inside = pictures.new_ones(len(pictures), 1, 1, 1, dtype=torch.bool)
    for length, side, shape in (
        (height, (area * ratio).sqrt(), (1, 1, -1, 1)),
        (width, (area / ratio).sqrt(), (1, 1, 1, -1)),
    ):
        span = side.round().clamp(1, length)
        start = torch.floor(_uniform(0, 1, pictures) * (length - span + 1))
        place = torch.arange(length, device=pictures.device).view(shape)
        inside = inside & (place >= _wide(start)) & (place < _wide(start + span))
    kind = _wide(_uniform(0, 1, pictures))
    others = pictures[torch.randperm(len(pictures), device=pictures.device)]
    noise = torch.randint_like(pictures, 0, 256)
    filling = torch.where(kind < strength.erase, noise, others)
    return torch.where(inside & (kind < strength.erase + strength.cover), filling, pictures)
