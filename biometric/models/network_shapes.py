"""Makes detectors that were exported for one size of picture anew for a smaller one, and INT8 ones in float32.

Exports of a fixed shape hold what depends on the size as constants: a value for each place of the grids in which people
are looked for. A smaller picture has fewer places, but each has the values of the same place of the larger one.
"""

from collections.abc import Sequence

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13

from biometric.models.signal_stack import signal_stack_kept

_GRIDS: tuple[tuple[int, ...], ...] = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (16, 32))
"""Pixels from place to place in each of a detector's grids, for the families that there are."""


@signal_stack_kept()
def fitted(model: openvino.Model, height: int, width: int) -> openvino.Model | None:
    """Return a network for single pictures of a size no larger than its own, or None where it cannot be made.

    Args:
        model: one input of fixed shape (N, 3, H, W); it stays as it is.
        height, width: in pixels, at most H and W.
    """
    _, _, full_height, full_width = model.inputs[0].partial_shape.to_shape()
    full, size = (full_height, full_width), (height, width)
    if size == full:
        return model.clone()
    for strides in _grids(full, size):
        smaller = model.clone()
        if not _cut_constants(smaller, _total(full, strides), _places(full, size, strides)):
            continue
        try:
            # `reshape` would look at the constants and the former shape together.
            smaller.get_parameters()[0].set_partial_shape(openvino.PartialShape([1, 3, height, width]))
            smaller.validate_nodes_and_infer_types()
        except RuntimeError:
            return None
        return smaller
    return None


def place_centres(total: int, height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the centres, (2, total) x and y in pixels, of a network's places, and each grid's step, (total,).

    None where no known grids of a picture of that size have so many places.
    """
    size = (height, width)
    for strides in _grids(size, size):
        if _total(size, strides) != total:
            continue
        centres, steps = [], []
        for stride in strides:
            rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
            centres.append((np.stack([columns.reshape(-1), rows.reshape(-1)]) + 0.5) * stride)
            steps.append(np.full(rows.size, stride))
        return np.concatenate(centres, axis=1).astype(np.float32), np.concatenate(steps).astype(np.float32)
    return None


def _grids(full: tuple[int, int], size: tuple[int, int]) -> list[tuple[int, ...]]:
    """The grids that pictures of both sizes can have."""
    if size[0] > full[0] or size[1] > full[1]:
        return []
    return [grids for grids in _GRIDS if not any(length % step for length in (*full, *size) for step in grids)]


def _total(full: tuple[int, int], strides: Sequence[int]) -> int:
    return sum((full[0] // stride) * (full[1] // stride) for stride in strides)


def _places(full: tuple[int, int], size: tuple[int, int], strides: Sequence[int]) -> NDArray[np.int64]:
    """Return which of the full grids' places, row by row and grid by grid, lie within the smaller size."""
    kept, start = [], 0
    for stride in strides:
        rows, columns = full[0] // stride, full[1] // stride
        numbers = start + np.arange(rows * columns).reshape(rows, columns)
        kept.append(numbers[: size[0] // stride, : size[1] // stride].reshape(-1))
        start += rows * columns
    return np.concatenate(kept)


def _cut_constants(model: openvino.Model, total: int, places: NDArray[np.int64]) -> bool:
    """Replace the constants that have a value for each of `total` places, and shapes with that number."""
    found = False
    for operation in model.get_ops():
        if operation.get_type_name() != "Constant":
            continue
        values = operation.data
        if values.ndim and total in values.shape:
            cut = np.take(values, places, axis=values.shape.index(total))
            found = True
        elif values.ndim == 1 and values.size <= 6 and values.dtype.kind == "i" and total in values.tolist():
            cut = np.where(values == total, len(places), values).astype(values.dtype)
        else:
            continue
        replacement = opset13.constant(np.ascontiguousarray(cut), operation.get_output_element_type(0))
        for reader in list(operation.output(0).get_target_inputs()):
            reader.replace_source_output(replacement.output(0))
    return found


def is_quantized(model: openvino.Model) -> bool:
    """Whether a network computes in INT8."""
    return any(operation.get_type_name() == "FakeQuantize" for operation in model.get_ops())


@signal_stack_kept()
def in_float32(model: openvino.Model) -> openvino.Model:
    """Return an INT8 network that computes in float32, with the weights as they were rounded."""
    plain = model.clone()
    for operation in plain.get_ops():
        if operation.get_type_name() == "FakeQuantize":
            for reader in list(operation.output(0).get_target_inputs()):
                reader.replace_source_output(operation.input_value(0))
    plain.validate_nodes_and_infer_types()
    return plain
