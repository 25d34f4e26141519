"""Super-resolution networks: made of one operation each, real ONNX files through the real OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt
from biometric.evaluation import evaluating
from biometric.evaluation.degradations import DEGRADATIONS, degradation
from biometric.evaluation.enlarging import enlarging_rows
from biometric.models.enlarging_openvino import OpenVINOEnlarger
from biometric.models.signal_stack import signal_stack_kept
from tests.evaluation.test_evaluate_command import fake, run
from tests.evaluation.test_robustness_command import people_in_coats

__all__ = ["fake"]

onnx = pytest.importorskip("onnx")  # of the training packages
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def network(
    folder: Path,
    factor: float = 4.0,
    channels: int = 3,
    add: float = 0.0,
    size: tuple[object, object] = ("h", "w"),
    name: str = "enlarge.onnx",
) -> Path:
    """A network that repeats pixels and adds a number to each."""
    shape = [1, channels, *size]
    nodes = [
        helper.make_node("Resize", ["in", "", "scales"], ["large"], mode="nearest", nearest_mode="floor"),
        helper.make_node("Add", ["large", "added"], ["out"]),
    ]
    # "floor" with "half_pixel" would shift by half a pixel
    nodes[0].attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
    constants = [
        helper.make_tensor("scales", FLOAT, [4], [1.0, 1.0, factor, factor]),
        helper.make_tensor("added", FLOAT, [1], [add]),
    ]
    graph = helper.make_graph(
        nodes,
        "enlarging",
        [helper.make_tensor_value_info("in", FLOAT, shape)],
        [helper.make_tensor_value_info("out", FLOAT, [1, channels, None, None])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / name)
    return folder / name


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 10, 3)).astype(np.uint8)


def enlarger(path: Path) -> OpenVINOEnlarger:
    with signal_stack_kept():
        return OpenVINOEnlarger(path)


@pytest.mark.parametrize("size", [("h", "w"), (64, 64)], ids=["any size", "a size that can be changed"])
def test_a_network_enlarges_in_colour(tmp_path: Path, size: tuple[object, object]) -> None:
    network_of_four = enlarger(network(tmp_path, size=size))
    assert network_of_four.scale == 4
    assert np.array_equal(network_of_four.enlarge(picture()), picture().repeat(4, axis=0).repeat(4, axis=1))


def test_white_is_1_or_255(tmp_path: Path) -> None:
    # one that adds 10 changes a grey of 0.5 altogether, and one of 127.5 hardly: it is for 0…255
    brighter = enlarger(network(tmp_path, factor=2.0, add=10.0)).enlarge(picture())
    assert np.array_equal(brighter, np.minimum(picture().astype(int) + 10, 255).repeat(2, axis=0).repeat(2, axis=1))
    darker = enlarger(network(tmp_path, factor=2.0, add=-0.1)).enlarge(picture())
    expected = np.clip(np.rint(picture() - 25.5), 0, 255).repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(darker - expected).max() <= 1


def test_a_network_of_brightness_alone_keeps_colours(tmp_path: Path) -> None:
    flat = np.full((20, 10, 3), (200, 60, 40), np.uint8)
    large = enlarger(network(tmp_path, factor=2.0, channels=1)).enlarge(flat)
    assert large.shape == (40, 20, 3)
    assert np.abs(large.astype(int) - flat[0, 0]).max() <= 2


@pytest.mark.parametrize(
    "options",
    [
        {"factor": 1.0},
        {"factor": 2.5},
        {"factor": 0.5},
        {"channels": 2},
        {"add": 1000.0},
    ],
    ids=["same size", "no whole factor", "smaller", "two channels", "another picture"],
)
def test_networks_that_do_not_enlarge_are_refused(tmp_path: Path, options: dict[str, float]) -> None:
    path = network(tmp_path, **options)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModel, match=r"enlarge\.onnx does not enlarge pictures"):
        enlarger(path)


def test_an_embedder_is_no_super_resolution(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["in"], ["out"])],
        "embedding",
        [helper.make_tensor_value_info("in", FLOAT, [1, 3, 256, 128])],
        [helper.make_tensor_value_info("out", FLOAT, [1, 3, 1, 1])],
    )
    path = tmp_path / "embedder.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(UnsupportedModel, match="Name a super-resolution network"):
        enlarger(path)


def test_files_that_are_no_onnx_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"not a network")
    with pytest.raises(WeightsCorrupt, match=r"damaged\.onnx cannot be loaded"):
        enlarger(damaged)
    other = tmp_path / "weights.pt"
    other.write_bytes(b"x")
    for path in (other, tmp_path / "missing.onnx", tmp_path):
        with pytest.raises(InvalidSetting, match="is no ONNX file"):
            enlarger(path)


def test_rows_of_a_network_have_the_size_before(tmp_path: Path) -> None:
    path = network(tmp_path, factor=2.0, name="mine.onnx")
    with signal_stack_kept():
        rows = enlarging_rows(path)
    assert [row.name for row in rows] == ["width-32-mine", "width-16-mine"]
    assert rows[0].title == "32 pixels wide, enlarged by mine.onnx"
    image = np.random.default_rng(1).integers(0, 256, (130, 65, 3)).astype(np.uint8)
    for row in rows:
        assert row.apply(image, 0, 0).shape == image.shape
    narrow = image[:, :16]
    assert all(np.array_equal(row.apply(narrow, 0, 0), narrow) for row in rows)


def test_interpolation_has_rows_of_both_ways() -> None:
    ramp = np.broadcast_to(np.arange(0, 250, 2, dtype=np.uint8)[:, None, None], (125, 64, 3)).copy()
    for width, way in ((32, "bicubic"), (32, "lanczos"), (16, "bicubic"), (16, "lanczos")):
        large = degradation(f"width-{width}-{way}").apply(ramp, 0, 0)
        assert large.shape == ramp.shape
        # a ramp comes back, but for its ends
        assert np.abs(large[20:-20].astype(int) - ramp[20:-20]).max() <= 2
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 3)).astype(np.uint8)
    back = [degradation(f"width-16-{way}").apply(noise, 0, 0) for way in ("bicubic", "lanczos")]
    assert not np.array_equal(*back)
    assert all(np.abs(image.astype(int) - noise).mean() > 40 for image in back)
    assert sum("enlarged" in item.title for item in DEGRADATIONS) == 4


def test_the_command_has_rows_of_a_network_and_refuses_others_before_it_measures(
    fake: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "DEGRADATIONS", ())
    data = people_in_coats(tmp_path / "data", 3)
    with signal_stack_kept():
        status, out, _ = run(capsys, "tree", data, "--robustness", "--enlarge-with", network(tmp_path))
    assert status == 0
    for columns in (32, 16):
        for side in ("probe", "reference", "both"):
            assert f"{columns} pixels wide, enlarged by enlarge.onnx, {side}: rank-1" in out
    same = network(tmp_path, factor=1.0, name="same.onnx")
    with signal_stack_kept():
        status, out, err = run(capsys, "tree", data, "--robustness", "--enlarge-with", same)
    assert (status, out) == (2, "")
    assert "same.onnx does not enlarge pictures" in err
