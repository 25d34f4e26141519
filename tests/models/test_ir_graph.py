"""Reading OpenVINO's IR: made by hand, by OpenVINO itself, and damaged in each way."""

from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.ir_graph import integers, read_ir


def saved(tmp_path: Path, **options: bool) -> Path:
    data = ops.parameter([1, 2], np.float32, name="data")
    # Added from the last to the first: the file's order is not the order of running.
    total = ops.relu(ops.add(data, ops.constant(np.array([[1.5, -2.5]], np.float32))))
    path = tmp_path / "net.xml"
    openvino.save_model(openvino.Model([total], [data], "net"), path, **options)
    return path


def test_a_graph_is_read_in_an_order_that_runs(tmp_path: Path) -> None:
    graph = read_ir(saved(tmp_path, compress_to_fp16=False))
    kinds = [node.kind for node in graph.nodes]
    assert sorted(kinds) == ["Add", "Const", "Parameter", "ReLU", "Result"]
    for number, node in enumerate(graph.nodes):
        assert all(source < number for source, _ in node.inputs)
    assert graph.nodes[graph.parameter].kind == "Parameter"
    assert graph.nodes[graph.result[0]].kind == "ReLU"
    constant = next(node.value for node in graph.nodes if node.value is not None)
    np.testing.assert_array_equal(constant, np.array([[1.5, -2.5]], np.float32))
    assert not constant.flags.writeable


def test_half_precision_constants_are_read(tmp_path: Path) -> None:
    data = ops.parameter([1, 64], np.float32, name="data")
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    path = tmp_path / "net.xml"
    openvino.save_model(
        openvino.Model([ops.add(data, ops.constant(values))], [data], "net"), path, compress_to_fp16=True
    )
    constant = next(node.value for node in read_ir(path).nodes if node.value is not None)
    assert constant.dtype == np.float16
    np.testing.assert_allclose(constant, values, atol=1e-3)


def test_layers_in_any_order_are_sorted(tmp_path: Path) -> None:
    path = saved(tmp_path)
    text = path.read_text()
    start, end = text.index("<layers>") + len("<layers>"), text.index("</layers>")
    layers = [part + "</layer>" for part in text[start:end].split("</layer>") if "<layer" in part]
    path.write_text(text[:start] + "".join(reversed(layers)) + text[end:])
    assert read_ir(path).nodes[-1].kind == "Result"


def test_two_inputs_are_not_an_embedder(tmp_path: Path) -> None:
    left, right = ops.parameter([1, 2], np.float32), ops.parameter([1, 2], np.float32)
    path = tmp_path / "net.xml"
    openvino.save_model(openvino.Model([ops.add(left, right)], [left, right], "net"), path)
    with pytest.raises(UnsupportedModel, match="2 inputs and 1 outputs"):
        read_ir(path)


def test_promise_16_entities_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    bomb = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    text = path.read_text().replace('<?xml version="1.0"?>', "")
    for encoding in ("utf-8", "utf-16"):
        path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{bomb}{text}', encoding=encoding)
        with pytest.raises(WeightsCorrupt, match="document type"):
            read_ir(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<net", "<!-- <net"),
        ('size="8"', 'size="9"'),
        ('offset="0"', 'offset="4"'),
        ('offset="0"', 'offset="-8"'),
        ('shape="1,2" offset', 'shape="1,-2" offset'),
        ('type="Const"', 'typo="Const"'),
        ("<edges>", "<edged>"),
        ("from-layer", "from-lawyer"),
        ('from-layer="0"', 'from-layer="99"'),
    ],
)
def test_damage_is_told(tmp_path: Path, old: str, new: str) -> None:
    path = saved(tmp_path, compress_to_fp16=False)
    text = path.read_text()
    text = text.replace('shape="1, 2"', 'shape="1,2"')
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(WeightsCorrupt, match=r"net\.xml"):
        read_ir(path)


def test_a_cycle_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, compress_to_fp16=False)
    text = path.read_text()
    relu = next(part for part in text.split("<layer ") if 'type="ReLU"' in part).split('"')[1]
    add = next(part for part in text.split("<layer ") if 'type="Add"' in part).split('"')[1]
    result = next(part for part in text.split("<layer ") if 'type="Result"' in part).split('"')[1]
    edges = "".join(
        f'<edge from-layer="{source}" from-port="{out}" to-layer="{target}" to-port="{into}"/>'
        for source, out, target, into in (
            (relu, 1, add, 0),
            (relu, 1, add, 1),
            (add, 2, relu, 0),
            (relu, 1, result, 0),
        )
    )
    text = text[: text.index("<edges>")] + f"<edges>{edges}</edges></net>"
    path.write_text(text)
    with pytest.raises(WeightsCorrupt, match="own output"):
        read_ir(path)


@pytest.mark.parametrize("content", ["", "no xml", "<net/>", "<net><layers/></net>"])
def test_what_is_no_ir_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "net.xml"
    path.write_text(content)
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(WeightsCorrupt, match=r"net\.xml"):
        read_ir(path)


def test_absent_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="cannot be read"):
        read_ir(tmp_path / "net.xml")
    path = saved(tmp_path)
    path.with_suffix(".bin").unlink()
    with pytest.raises(WeightsCorrupt, match="cannot be read"):
        read_ir(path)


def test_whole_numbers_of_an_attribute() -> None:
    assert integers("1, 2,3") == (1, 2, 3)
    assert integers("") == ()


@pytest.mark.real
def test_the_default_embedder_is_the_graph_that_is_documented(shared: Path) -> None:
    graph = read_ir(shared / "models" / "person-reidentification-retail-0286.xml")
    assert len(graph.nodes) > 1000
    assert {node.kind for node in graph.nodes} >= {"MVN", "PReLU", "GroupConvolution", "ReduceMean", "Gather"}
