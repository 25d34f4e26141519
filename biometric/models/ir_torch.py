"""The operations of OpenVINO's IR, written in torch: what re-identification networks need, in general form.

Meaning of each: https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html.
Whole numbers (shapes, axes, indices) stay on the CPU, so that a GPU is never waited for while shapes are computed.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own custom)
from torch import Tensor

from biometric.errors import UnsupportedModel
from biometric.models.ir_graph import ELEMENT_TYPES, integers

Attributes = Mapping[str, str]
Operation = Callable[[Attributes, Sequence[Tensor]], Sequence[Tensor]]


def operation(kind: str) -> Operation:
    """Return the operation of that type. Raises `UnsupportedModel`, naming it, when it is not known."""
    if kind not in OPERATIONS:
        raise UnsupportedModel(
            f"The network uses the operation {kind}, which cannot be rebuilt in torch. Use it on the CPU "
            "(SIGHTLINE_DEVICE=cpu), or choose another embedder."
        )
    return OPERATIONS[kind]


def _flag(attributes: Attributes, name: str, default: str = "false") -> bool:
    return attributes.get(name, default).lower() in {"true", "1"}


def _axes(tensor: Tensor, rank: int) -> list[int]:
    return [int(axis) % rank for axis in tensor.flatten().tolist()]


def _elementwise(function: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def run(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        if attributes.get("auto_broadcast", "numpy") == "pdpd":
            raise UnsupportedModel("The network broadcasts in a way (pdpd) that cannot be rebuilt in torch.")
        return [function(inputs[0], inputs[1])]

    return run


def _unary(function: Callable[[Tensor], Tensor]) -> Operation:
    return lambda attributes, inputs: [function(inputs[0])]


def _divide(left: Tensor, right: Tensor) -> Tensor:
    if left.is_floating_point():
        return left / right
    return torch.div(left, right, rounding_mode="floor")


def _paddings(attributes: Attributes, size: Sequence[int], window: Sequence[int]) -> tuple[list[int], list[int]]:
    """Pixels to add before and after, for each spatial axis; `window` is what the (dilated) kernel covers."""
    auto = attributes.get("auto_pad", "explicit").lower()
    if auto in {"explicit", "notset"}:
        return list(integers(attributes["pads_begin"])), list(integers(attributes["pads_end"]))
    strides = integers(attributes["strides"])
    if auto == "valid":
        return [0] * len(window), [0] * len(window)
    if auto not in {"same_upper", "same_lower"}:
        raise UnsupportedModel(f"The network pads in a way ({auto}) that cannot be rebuilt in torch.")
    total = [
        max(0, (-(-length // stride) - 1) * stride + cover - length)
        for length, stride, cover in zip(size, strides, window, strict=True)
    ]
    small = [pad // 2 for pad in total]
    large = [pad - half for pad, half in zip(total, small, strict=True)]
    return (small, large) if auto == "same_upper" else (large, small)


def _pad(tensor: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Tensor:
    """Pad the last axes of a tensor by a value (torch counts axes from the last)."""
    flat = [pad for pair in zip(reversed(before), reversed(after), strict=True) for pad in pair]
    return F.pad(tensor, flat, value=value) if any(flat) else tensor


def _convolve(attributes: Attributes, data: Tensor, kernel: Tensor, groups: int) -> Tensor:
    if data.dim() != 4:
        raise UnsupportedModel(f"The network convolves {data.dim() - 2} axes; two can be rebuilt in torch.")
    dilations = integers(attributes.get("dilations", "1,1"))
    window = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    before, after = _paddings(attributes, data.shape[2:], window)
    strides = integers(attributes["strides"])
    padding = before
    if before != after:
        data, padding = _pad(data, before, after), [0, 0]
    return F.conv2d(data, kernel, stride=strides, padding=padding, dilation=dilations, groups=groups)


def _convolution(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [_convolve(attributes, inputs[0], inputs[1], 1)]


def _group_convolution(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    kernel = inputs[1]  # (groups, out / groups, in / groups, h, w)
    return [_convolve(attributes, inputs[0], kernel.flatten(0, 1), kernel.shape[0])]


def _max_pool(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    kernel = integers(attributes["kernel"])
    dilations = integers(attributes.get("dilations", "")) or (1,) * len(kernel)
    window = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    before, after = _paddings(attributes, inputs[0].shape[2:], window)
    data = _pad(inputs[0], before, after, float("-inf"))
    ceil = attributes.get("rounding_type", "floor").startswith("ceil")
    strides = integers(attributes["strides"])
    return [F.max_pool2d(data, kernel, strides, dilation=dilations, ceil_mode=ceil)]


def _avg_pool(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    kernel = integers(attributes["kernel"])
    before, after = _paddings(attributes, inputs[0].shape[2:], kernel)
    ceil = attributes.get("rounding_type", "floor").startswith("ceil")
    strides = integers(attributes["strides"])
    counted = not _flag(attributes, "exclude-pad")
    data, padding = inputs[0], before
    if before != after:
        if not counted:
            # The mean over real pixels only: sums of padded data over sums of padded ones.
            ones = _pad(torch.ones_like(data[:1, :1]), before, after)
            sums = F.avg_pool2d(_pad(data, before, after), kernel, strides, ceil_mode=ceil)
            return [sums / F.avg_pool2d(ones, kernel, strides, ceil_mode=ceil)]
        data, padding = _pad(data, before, after), [0, 0]
    return [F.avg_pool2d(data, kernel, strides, padding, ceil_mode=ceil, count_include_pad=counted)]


def _mvn(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data = inputs[0]
    axes = _axes(inputs[1], data.dim())
    centred = data - data.mean(axes, keepdim=True)
    if not _flag(attributes, "normalize_variance", "true"):
        return [centred]
    eps = float(attributes.get("eps", "0"))
    variance = centred.square().mean(axes, keepdim=True)
    inside = attributes.get("eps_mode", "inside_sqrt").lower() == "inside_sqrt"
    return [centred / (torch.sqrt(variance + eps) if inside else torch.sqrt(variance) + eps)]


def _reduce(function: Callable[..., Tensor]) -> Operation:
    def run(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        axes = _axes(inputs[1], inputs[0].dim())
        return [function(inputs[0], axes, keepdim=_flag(attributes, "keep_dims")) if axes else inputs[0]]

    return run


def _batch_norm(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data, gamma, beta, mean, variance = inputs
    return [F.batch_norm(data, mean, variance, gamma, beta, eps=float(attributes["epsilon"]))]


def _prelu(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data, slope = inputs
    if slope.dim() == 1 and slope.numel() > 1 and data.dim() > 1:
        slope = slope.reshape(-1, *[1] * (data.dim() - 2))
    elif slope.numel() == 1:
        slope = slope.reshape(())
    return [torch.where(data >= 0, data, data * slope)]


def _matmul(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    left, right = inputs
    if _flag(attributes, "transpose_a") and left.dim() > 1:
        left = left.transpose(-1, -2)
    if _flag(attributes, "transpose_b") and right.dim() > 1:
        right = right.transpose(-1, -2)
    return [left @ right]


def _reshape(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data, target = inputs[0], [int(size) for size in inputs[1].tolist()]
    if _flag(attributes, "special_zero"):
        target = [data.shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return [data.reshape(target)]


def _shape_of(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [torch.tensor(inputs[0].shape, dtype=torch.int64)]


def _gather(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    if int(attributes.get("batch_dims", "0")) != 0:
        raise UnsupportedModel("The network gathers by batch, which cannot be rebuilt in torch.")
    data, indices, axis = inputs[0], inputs[1], int(inputs[2]) % inputs[0].dim()
    flat = (indices.flatten() % data.shape[axis]).to(data.device)
    picked = data.index_select(axis, flat)
    return [picked.reshape((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))]


def _concat(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [torch.cat(list(inputs), int(attributes["axis"]))]


def _convert(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].to(torch_type(attributes["destination_type"]))]


def torch_type(element: str) -> torch.dtype:
    """IR element type as torch type; 16-bit floats become 32-bit ones, they are only a way of storing.

    Raises:
        UnsupportedModel: not known.
    """
    if element not in ELEMENT_TYPES:
        raise UnsupportedModel(f"The network holds numbers of type {element}, which cannot be rebuilt in torch.")
    kind = ELEMENT_TYPES[element].kind
    return {"f": torch.float32, "b": torch.bool}.get(kind, torch.int64)


def _broadcast(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    mode, target = attributes.get("mode", "numpy"), [int(size) for size in inputs[1].tolist()]
    if mode == "bidirectional":
        shape_of_both: Callable[..., torch.Size] = torch.broadcast_shapes  # has no annotations itself
        return [inputs[0].broadcast_to(shape_of_both(inputs[0].shape, target))]
    if mode != "numpy":
        raise UnsupportedModel(f"The network broadcasts in a way ({mode}) that cannot be rebuilt in torch.")
    return [inputs[0].broadcast_to(target)]


def _range(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    start, stop, step = (tensor.item() for tensor in inputs)
    return [torch.arange(start, stop, step, dtype=torch_type(attributes["output_type"]))]


def _squeeze(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data = inputs[0]
    return [data.squeeze(_axes(inputs[1], data.dim())) if len(inputs) > 1 else data.squeeze()]


def _unsqueeze(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data = inputs[0]
    for axis in sorted(_axes(inputs[1], data.dim() + inputs[1].numel())):
        data = data.unsqueeze(axis)
    return [data]


def _variadic_split(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data, axis, lengths = inputs[0], int(inputs[1]), [int(length) for length in inputs[2].tolist()]
    known = sum(length for length in lengths if length >= 0)
    return list(torch.split(data, [length if length >= 0 else data.shape[axis] - known for length in lengths], axis))


def _split(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return list(inputs[0].chunk(int(attributes["num_splits"]), int(inputs[1])))


def _padded(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    if attributes.get("pad_mode", "constant") != "constant":
        raise UnsupportedModel(f"The network pads by {attributes['pad_mode']}, which cannot be rebuilt in torch.")
    value = inputs[3].item() if len(inputs) > 3 else 0.0
    return [_pad(inputs[0], inputs[1].tolist(), inputs[2].tolist(), value)]


def _transpose(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].permute(inputs[1].tolist())]


def _softmax(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].softmax(int(attributes.get("axis", "1")))]


def _clamp(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].clamp(float(attributes["min"]), float(attributes["max"]))]


OPERATIONS: dict[str, Operation] = {
    "Add": _elementwise(torch.add),
    "AvgPool": _avg_pool,
    "BatchNormInference": _batch_norm,
    "Broadcast": _broadcast,
    "Clamp": _clamp,
    "Concat": _concat,
    "Convert": _convert,
    "Convolution": _convolution,
    "Divide": _elementwise(_divide),
    "Gather": _gather,
    "GroupConvolution": _group_convolution,
    "MVN": _mvn,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Maximum": _elementwise(torch.maximum),
    "Minimum": _elementwise(torch.minimum),
    "Multiply": _elementwise(torch.mul),
    "PReLU": _prelu,
    "Pad": _padded,
    "Power": _elementwise(torch.pow),
    "Range": _range,
    "ReLU": _unary(torch.relu),
    "ReduceL2": _reduce(lambda data, axes, keepdim: torch.linalg.vector_norm(data, 2, axes, keepdim)),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceMin": _reduce(torch.amin),
    "ReduceSum": _reduce(torch.sum),
    "Reshape": _reshape,
    "ShapeOf": _shape_of,
    "Sigmoid": _unary(torch.sigmoid),
    "SoftMax": _softmax,
    "Split": _split,
    "Sqrt": _unary(torch.sqrt),
    "Squeeze": _squeeze,
    "Subtract": _elementwise(torch.sub),
    "Tanh": _unary(torch.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "VariadicSplit": _variadic_split,
}
"""Every operation by the name that stands in the file."""
