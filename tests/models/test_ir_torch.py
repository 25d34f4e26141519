"""Every operation rebuilt in torch against OpenVINO's own, on small networks made here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import torch
from openvino import opset13 as ops

from biometric.errors import UnsupportedModel
from biometric.models.ir_graph import read_ir
from biometric.models.ir_module import GraphModule
from biometric.models.ir_torch import OPERATIONS, operation
from biometric.models.signal_stack import signal_stack_kept

RNG = np.random.default_rng(0)
SHAPE = [2, 4, 9, 7]


def weights(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def convolution(
    auto_pad: str = "explicit", begin: tuple[int, int] = (0, 0), end: tuple[int, int] = (0, 0), **k: Any
) -> Any:
    strides, dilations = k.get("strides", [1, 1]), k.get("dilations", [1, 1])
    return lambda x: ops.convolution(x, weights(5, 4, 3, 2), strides, list(begin), list(end), dilations, auto_pad)


def pool(kind: str, rounding: str = "floor", auto_pad: str = "explicit", begin: Any = (0, 0), end: Any = (0, 0)) -> Any:
    def make(x: Any) -> Any:
        shape = ([2, 2], list(begin), list(end), [3, 3])
        if kind == "max":
            return ops.max_pool(x, shape[0], [1, 1], *shape[1:], rounding, auto_pad).output(0)
        return ops.avg_pool(x, *shape, kind == "avg_without", rounding, auto_pad)

    return make


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "add": lambda x: ops.add(x, weights(1, 4, 1, 1)),
    "subtract": lambda x: ops.subtract(x, weights(7)),
    "multiply": lambda x: ops.multiply(x, x),
    "divide": lambda x: ops.divide(x, np.float32(3)),
    "maximum": lambda x: ops.maximum(x, np.float32(0.2)),
    "minimum": lambda x: ops.minimum(x, np.float32(0.2)),
    "power": lambda x: ops.power(ops.multiply(x, x), np.float32(1.5)),
    "sqrt": lambda x: ops.sqrt(ops.multiply(x, x)),
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "clamp": lambda x: ops.clamp(x, -0.5, 0.25),
    "prelu scalar": lambda x: ops.prelu(x, np.array([[0.3]], np.float32)),
    "prelu channels": lambda x: ops.prelu(x, weights(4)),
    "softmax": lambda x: ops.softmax(x, 1),
    "convolution": convolution(),
    "convolution strides": convolution(strides=[2, 3], dilations=[2, 1]),
    "convolution pads": convolution(begin=(1, 2), end=(1, 2)),
    "convolution uneven pads": convolution(begin=(0, 2), end=(1, 0)),
    "convolution same_upper": convolution("same_upper", strides=[2, 2]),
    "convolution same_lower": convolution("same_lower", strides=[2, 2]),
    "convolution valid": convolution("valid", begin=(3, 3)),
    "group convolution": lambda x: ops.group_convolution(x, weights(2, 3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1]),
    "depthwise": lambda x: ops.group_convolution(x, weights(4, 1, 1, 3, 3), [2, 1], [1, 1], [1, 1], [1, 1]),
    "max pool": pool("max"),
    "max pool pads": pool("max", begin=(1, 1), end=(0, 1)),
    "max pool ceil": pool("max", "ceil"),
    "max pool same": pool("max", auto_pad="same_upper"),
    "average pool": pool("avg_with", begin=(1, 1), end=(1, 1)),
    "average pool without pads": pool("avg_without", begin=(1, 1), end=(1, 1)),
    "average pool uneven": pool("avg_with", begin=(0, 1), end=(1, 0)),
    "average pool uneven without pads": pool("avg_without", begin=(0, 1), end=(1, 0)),
    "mvn inside": lambda x: ops.mvn(x, np.array([2, 3], np.int64), True, 1e-3, "inside_sqrt"),
    "mvn outside": lambda x: ops.mvn(x, np.array([-1, 1], np.int64), True, 1e-1, "outside_sqrt"),
    "mvn mean only": lambda x: ops.mvn(x, np.array([2, 3], np.int64), False, 1e-3, "inside_sqrt"),
    "reduce mean": lambda x: ops.reduce_mean(x, np.array([2, 3]), True),
    "reduce mean flat": lambda x: ops.reduce_mean(x, np.array([-1]), False),
    "reduce sum": lambda x: ops.reduce_sum(x, np.array([1, 3]), False),
    "reduce max": lambda x: ops.reduce_max(x, np.array([1, 3]), True),
    "reduce min": lambda x: ops.reduce_min(x, np.array([1]), True),
    "reduce l2": lambda x: ops.reduce_l2(x, np.array([1, 2]), True),
    "batch norm": lambda x: ops.batch_norm_inference(
        x, weights(4), weights(4), weights(4), np.abs(weights(4)) + 1, 1e-4
    ),
    "matmul": lambda x: ops.matmul(x, weights(7, 3), False, False),
    "matmul transposed": lambda x: ops.matmul(x, weights(9, 5), True, False),
    "matmul other transposed": lambda x: ops.matmul(x, weights(3, 7), False, True),
    "reshape zero": lambda x: ops.reshape(x, np.array([0, -1, 7]), True),
    "reshape": lambda x: ops.reshape(x, np.array([4, -1]), False),
    "reshape by shape": lambda x: ops.reshape(
        x, ops.concat([ops.gather(ops.shape_of(x), np.array([0]), np.int64(0)), np.array([-1])], 0), False
    ),
    "gather channels": lambda x: ops.gather(x, np.array([2, -1, 0]), np.int64(1)),
    "gather one": lambda x: ops.gather(x, np.int64(1), np.int64(2)),
    "concat": lambda x: ops.concat([x, x], 1),
    "convert": lambda x: ops.convert(ops.convert(ops.multiply(x, np.float32(10)), "i64"), "f32"),
    "broadcast": lambda x: ops.broadcast(ops.reduce_mean(x, np.array([2, 3]), True), np.array([2, 4, 5, 6])),
    "broadcast both ways": lambda x: ops.broadcast(x, np.array([1, 1, 1, 1]), broadcast_spec="BIDIRECTIONAL"),
    "squeeze": lambda x: ops.squeeze(ops.reduce_mean(x, np.array([2, 3]), True), np.array([2, -1])),
    "unsqueeze": lambda x: ops.unsqueeze(x, np.array([0, -1])),
    "split": lambda x: ops.split(x, np.int64(1), 2).output(1),
    "variadic split": lambda x: ops.variadic_split(x, np.int64(2), np.array([2, -1, 3])).output(1),
    "pad": lambda x: ops.pad(x, np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1]), "constant", np.float32(0.5)),
    "transpose": lambda x: ops.transpose(x, np.array([0, 2, 3, 1])),
    "range of axes": lambda x: ops.reduce_mean(x, ops.range(np.int64(2), np.int64(4), np.int64(1), "i64"), True),
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_an_operation_agrees_with_openvino(name: str, tmp_path: Path) -> None:
    data = ops.parameter(SHAPE, np.float32, name="data")
    model = openvino.Model([NETWORKS[name](data)], [data], "net")
    path = tmp_path / "net.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    batch = weights(*SHAPE)
    with signal_stack_kept():
        network = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = network(batch)[0]
    actual = GraphModule(read_ir(path))(torch.from_numpy(batch)).numpy()
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_every_operation_is_tried_here(tmp_path: Path) -> None:
    tried: set[str] = set()
    for name, network in NETWORKS.items():
        data = ops.parameter(SHAPE, np.float32, name="data")
        path = tmp_path / f"{name}.xml"
        openvino.save_model(openvino.Model([network(data)], [data], "net"), path, compress_to_fp16=False)
        tried |= {node.kind for node in read_ir(path).nodes}
    assert set(OPERATIONS) - tried == set()


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(UnsupportedModel, match="operation Loop"):
        operation("Loop")


@pytest.mark.parametrize(
    "network",
    [
        lambda x: ops.pad(x, np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), "reflect"),
        lambda x: ops.erf(x),
    ],
)
def test_what_cannot_be_rebuilt_is_refused(network: Any, tmp_path: Path) -> None:
    data = ops.parameter(SHAPE, np.float32, name="data")
    path = tmp_path / "net.xml"
    openvino.save_model(openvino.Model([network(data)], [data], "net"), path)
    with pytest.raises(UnsupportedModel):
        GraphModule(read_ir(path))(torch.zeros(SHAPE))
