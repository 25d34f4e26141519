"""Embeddings through OpenVINO: small networks made here, and the real ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from biometric.entities.model_cards import RAW_BGR, InputFormat
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models import embedding_openvino
from biometric.models.checking import check_embedder
from biometric.models.embedding_openvino import AT_ONCE, OpenVINOEmbedder, convert_to_ir

TINY = InputFormat(8, 4, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def network(path: Path, build: Callable[[Any], Any], shape: tuple[int, ...] = (1, 3, 8, 4)) -> Path:
    data = ops.parameter(list(shape), np.float32, name="data")
    openvino.save_model(openvino.Model([build(data)], [data], "net"), path, compress_to_fp16=False)
    return path


def means(data: Any) -> Any:
    return ops.reduce_mean(data, np.array([2, 3]), False)


def crop(*colour: int) -> np.ndarray:
    return np.full((20, 10, 3), colour, np.uint8)


def test_vectors_are_unit_and_in_order_over_several_batches(tmp_path: Path) -> None:
    embedder = OpenVINOEmbedder(network(tmp_path / "m.xml", means), TINY, "tiny", 3)
    crops = [crop(number, 0, 255 - number) for number in range(2 * AT_ONCE + 3)]
    vectors = embedder.embed(crops)
    assert (vectors.shape, vectors.dtype) == ((len(crops), 3), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    expected = np.array([[number, 0, 255 - number] for number in range(len(crops))], np.float32)
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)
    assert (embedder.model_id, embedder.dimension, embedder.device) == ("tiny", 3, "CPU · OpenVINO")


def test_no_crops_give_no_vectors(tmp_path: Path) -> None:
    assert OpenVINOEmbedder(network(tmp_path / "m.xml", means), TINY, "tiny").embed([]).shape == (0, 3)


def test_promise_19_a_zero_vector_is_an_error(tmp_path: Path) -> None:
    embedder = OpenVINOEmbedder(network(tmp_path / "m.xml", means), TINY, "tiny")
    with pytest.raises(UnsupportedModel, match="crop 2 of 2"):
        embedder.embed([crop(1, 2, 3), crop(0, 0, 0)])


def test_the_cards_dimension_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="gives 3 numbers a crop; its card says 4"):
        OpenVINOEmbedder(network(tmp_path / "m.xml", means), TINY, "tiny", 4)


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (means, (1, 5, 8, 4)),
        (means, (1, 3, 16, 4)),
        (lambda data: ops.reduce_mean(data, np.array([0, 2, 3]), False), (1, 3, 8, 4)),
        (lambda data: ops.matmul(data, np.ones((9, 2), np.float32), False, False), (1, 9)),
    ],
)
def test_a_network_of_another_kind_is_refused(tmp_path: Path, build: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedModel, match=r"m\.xml"):
        OpenVINOEmbedder(network(tmp_path / "m.xml", build, shape), TINY, "tiny")


def test_a_network_saved_for_one_crop_serves_batches(tmp_path: Path) -> None:
    def flat(data: Any) -> Any:
        return ops.matmul(ops.reshape(data, np.array([1, 96]), False), np.eye(96, 2, dtype=np.float32), False, False)

    vectors = OpenVINOEmbedder(network(tmp_path / "m.xml", flat), TINY, "tiny").embed([crop(1, 0, 0), crop(9, 0, 0)])
    np.testing.assert_allclose(vectors, np.full((2, 2), 0.5**0.5), rtol=1e-5)


@pytest.mark.parametrize(("name", "content"), [("m.xml", b"<net/>"), ("m.onnx", b"nothing"), ("m.onnx", b"")])
def test_a_damaged_file_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=name):
        OpenVINOEmbedder(tmp_path / name, TINY, "tiny")


@pytest.mark.real
def test_what_else_is_asked_does_not_change_embeddings(shared: Path) -> None:
    embedder = OpenVINOEmbedder(shared / "models" / "person-reidentification-retail-0286.xml", RAW_BGR, "omz-0286", 256)
    rng = np.random.default_rng(0)
    crops = [np.kron(rng.integers(0, 256, (8, 4, 3)), np.ones((25, 25, 1))).astype(np.uint8) for _ in range(5)]
    together = embedder.embed(crops)
    alone = np.concatenate([embedder.embed([one]) for one in crops])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.real
def test_an_onnx_file_converts_to_an_ir_of_the_same_answers(shared: Path, tmp_path: Path) -> None:
    onnx = shared / "models" / "person-reidentification-retail-0267.onnx"
    ir = convert_to_ir(onnx, tmp_path / "model.xml")
    crops = [np.random.default_rng(0).integers(0, 256, (90, 40, 3)).astype(np.uint8)]
    one, two = (OpenVINOEmbedder(path, RAW_BGR, "x", 256).embed(crops) for path in (onnx, ir))
    assert float((one * two).sum()) > 0.99999


@pytest.mark.skipif(
    "FP16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"), reason="computes in float32 only"
)
@pytest.mark.parametrize(
    ("share", "agreement", "precision"), [(1e9, 0.9999, "float16"), (0.0, 0.9999, "float32"), (1e9, 1.1, "float32")]
)
def test_half_precision_serves_where_it_is_faster_and_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, agreement: float, precision: str
) -> None:
    monkeypatch.setattr(embedding_openvino, "HALF_WORTH_IT", share)
    monkeypatch.setattr(embedding_openvino, "HALF_AGREEMENT", agreement)
    path = network(tmp_path / "m.xml", means)
    assert OpenVINOEmbedder(path, TINY, "tiny", cache=tmp_path).computes_in == precision

    def again(*_: object) -> str:
        raise AssertionError("it was measured before")

    monkeypatch.setattr(embedding_openvino, "_better_precision", again)
    kept = OpenVINOEmbedder(path, TINY, "tiny", cache=tmp_path)
    assert kept.computes_in == precision
    assert check_embedder("tiny", kept).device == f"CPU · OpenVINO · {precision}", "`models check` says it"
    path.with_suffix(".bin").write_bytes(path.with_suffix(".bin").read_bytes() + b"other numbers")
    with pytest.raises(AssertionError, match="measured before"):
        OpenVINOEmbedder(path, TINY, "tiny", cache=tmp_path)
    assert OpenVINOEmbedder(path, TINY, "tiny", exact=True).computes_in is None


def test_weights_are_not_read_again_where_nothing_is_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> str:
        raise AssertionError("all weights were read")

    monkeypatch.setattr(embedding_openvino, "_digest", read)
    assert OpenVINOEmbedder(network(tmp_path / "m.xml", means), TINY, "tiny", exact=True).computes_in is None
