"""Operations of OpenVINO's IR that slide a window over a picture, written in torch: convolutions and pooling.

See ir_torch.py for the others. Errors: `UnsupportedModel` names what cannot be rebuilt.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own custom)
from torch import Tensor

from biometric.errors import UnsupportedModel
from biometric.models.ir_graph import Attributes, flag, integers


def _paddings(attributes: Attributes, size: Sequence[int], window: Sequence[int]) -> tuple[list[int], list[int]]:
    """Pixels to add before and after, for each spatial axis; `window` is what the (dilated) kernel covers."""
    auto = attributes.get("auto_pad", "explicit").lower()
    if auto in {"explicit", "notset"}:
        return list(integers(attributes["pads_begin"])), list(integers(attributes["pads_end"]))
    strides = integers(attributes["strides"])
    if auto == "valid":
        return [0] * len(window), [0] * len(window)
    if auto not in {"same_upper", "same_lower"}:
        raise UnsupportedModel("The network pads in a way ({auto}) that cannot be rebuilt in torch.", auto=auto)
    total = [
        max(0, (-(-length // stride) - 1) * stride + cover - length)
        for length, stride, cover in zip(size, strides, window, strict=True)
    ]
    small = [pad // 2 for pad in total]
    large = [pad - half for pad, half in zip(total, small, strict=True)]
    return (small, large) if auto == "same_upper" else (large, small)


def pad(tensor: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Tensor:
    """Pad the last axes of a tensor by a value (torch counts axes from the last)."""
    flat = [pad for pair in zip(reversed(before), reversed(after), strict=True) for pad in pair]
    return F.pad(tensor, flat, value=value) if any(flat) else tensor


def _convolve(attributes: Attributes, data: Tensor, kernel: Tensor, groups: int) -> Tensor:
    if data.dim() != 4:
        raise UnsupportedModel("The network convolves {axes} axes; two can be rebuilt in torch.", axes=data.dim() - 2)
    dilations = integers(attributes.get("dilations", "1,1"))
    window = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    before, after = _paddings(attributes, data.shape[2:], window)
    strides = integers(attributes["strides"])
    padding = before
    if before != after:
        data, padding = pad(data, before, after), [0, 0]
    return F.conv2d(data, kernel, stride=strides, padding=padding, dilation=dilations, groups=groups)


def convolution(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Convolve an (N, C, H, W) tensor with a kernel (out, in, h, w)."""
    return [_convolve(attributes, inputs[0], inputs[1], 1)]


def group_convolution(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Convolve groups of channels, each with kernels of its own."""
    kernel = inputs[1]  # (groups, out / groups, in / groups, h, w)
    return [_convolve(attributes, inputs[0], kernel.flatten(0, 1), kernel.shape[0])]


def max_pool(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Maximum over windows."""
    kernel = integers(attributes["kernel"])
    dilations = integers(attributes.get("dilations", "")) or (1,) * len(kernel)
    window = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    before, after = _paddings(attributes, inputs[0].shape[2:], window)
    data = pad(inputs[0], before, after, float("-inf"))
    ceil = attributes.get("rounding_type", "floor").startswith("ceil")
    strides = integers(attributes["strides"])
    return [F.max_pool2d(data, kernel, strides, dilation=dilations, ceil_mode=ceil)]


def avg_pool(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Average over windows; padding counts where the attribute `exclude-pad` is false."""
    kernel = integers(attributes["kernel"])
    before, after = _paddings(attributes, inputs[0].shape[2:], kernel)
    ceil = attributes.get("rounding_type", "floor").startswith("ceil")
    strides = integers(attributes["strides"])
    counted = not flag(attributes, "exclude-pad")
    data, padding = inputs[0], before
    if before != after:
        if not counted:
            # The mean over real pixels only: sums of padded data over sums of padded ones.
            is_real_pixel = pad(torch.ones_like(data[:1, :1]), before, after)
            sums = F.avg_pool2d(pad(data, before, after), kernel, strides, ceil_mode=ceil)
            return [sums / F.avg_pool2d(is_real_pixel, kernel, strides, ceil_mode=ceil)]
        data, padding = pad(data, before, after), [0, 0]
    return [F.avg_pool2d(data, kernel, strides, padding, ceil_mode=ceil, count_include_pad=counted)]
