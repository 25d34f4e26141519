"""The operations of OpenVINO's IR, written in torch: what re-identification networks need, in general form.

Meaning of each: https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html.
Whole numbers (shapes, axes, indices) stay on the CPU, so that a GPU is never waited for while shapes are computed.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own custom)
from torch import Tensor

from biometric.errors import UnsupportedModel
from biometric.models.ir_graph import ELEMENT_TYPES, Attributes, flag
from biometric.models.ir_windows import avg_pool, convolution, group_convolution, max_pool, pad

Operation = Callable[[Attributes, Sequence[Tensor]], Sequence[Tensor]]


def operation(kind: str) -> Operation:
    """Return the operation of that type. Raises `UnsupportedModel`, naming it, when it is not known."""
    if kind not in OPERATIONS:
        raise UnsupportedModel(
            "The network uses the operation {kind}, which cannot be rebuilt in torch. Use it on the CPU "
            "(SIGHTLINE_DEVICE=cpu), or choose another embedder.",
            kind=kind,
        )
    return OPERATIONS[kind]


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


def _divide(dividend: Tensor, divisor: Tensor) -> Tensor:
    if dividend.is_floating_point():
        return dividend / divisor
    return torch.div(dividend, divisor, rounding_mode="floor")


def _mvn(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data = inputs[0]
    axes = _axes(inputs[1], data.dim())
    centred = data - data.mean(axes, keepdim=True)
    if not flag(attributes, "normalize_variance", "true"):
        return [centred]
    eps = float(attributes.get("eps", "0"))
    variance = centred.square().mean(axes, keepdim=True)
    inside = attributes.get("eps_mode", "inside_sqrt").lower() == "inside_sqrt"
    return [centred / (torch.sqrt(variance + eps) if inside else torch.sqrt(variance) + eps)]


def _reduce(function: Callable[..., Tensor]) -> Operation:
    def run(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        axes = _axes(inputs[1], inputs[0].dim())
        return [function(inputs[0], axes, keepdim=flag(attributes, "keep_dims")) if axes else inputs[0]]

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
    if flag(attributes, "transpose_a") and left.dim() > 1:
        left = left.transpose(-1, -2)
    if flag(attributes, "transpose_b") and right.dim() > 1:
        right = right.transpose(-1, -2)
    return [left @ right]


def _reshape(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    data, target = inputs[0], [int(size) for size in inputs[1].tolist()]
    if flag(attributes, "special_zero"):
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
        raise UnsupportedModel(
            "The network holds numbers of type {element}, which cannot be rebuilt in torch.", element=element
        )
    kind = ELEMENT_TYPES[element].kind
    return {"f": torch.float32, "b": torch.bool}.get(kind, torch.int64)


def _broadcast(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    mode, target = attributes.get("mode", "numpy"), [int(size) for size in inputs[1].tolist()]
    if mode == "bidirectional":
        shape_of_both: Callable[..., torch.Size] = torch.broadcast_shapes  # has no annotations itself
        return [inputs[0].broadcast_to(shape_of_both(inputs[0].shape, target))]
    if mode != "numpy":
        raise UnsupportedModel("The network broadcasts in a way ({mode}) that cannot be rebuilt in torch.", mode=mode)
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
        raise UnsupportedModel(
            "The network pads by {mode}, which cannot be rebuilt in torch.", mode=attributes["pad_mode"]
        )
    value = inputs[3].item() if len(inputs) > 3 else 0.0
    return [pad(inputs[0], inputs[1].tolist(), inputs[2].tolist(), value)]


def _transpose(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].permute(inputs[1].tolist())]


def _softmax(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].softmax(int(attributes.get("axis", "1")))]


def _clamp(attributes: Attributes, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    return [inputs[0].clamp(float(attributes["min"]), float(attributes["max"]))]


OPERATIONS: dict[str, Operation] = {
    "Add": _elementwise(torch.add),
    "AvgPool": avg_pool,
    "BatchNormInference": _batch_norm,
    "Broadcast": _broadcast,
    "Clamp": _clamp,
    "Concat": _concat,
    "Convert": _convert,
    "Convolution": convolution,
    "Divide": _elementwise(_divide),
    "Gather": _gather,
    "GroupConvolution": group_convolution,
    "MVN": _mvn,
    "MatMul": _matmul,
    "MaxPool": max_pool,
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
