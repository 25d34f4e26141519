"""Graphs whose numbers are in another weight file: the starters' are right, and making one loses nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13

from biometric.entities import Frame
from biometric.entities.model_cards import Card, Role
from biometric.entities.progress import finish
from biometric.errors import ModelLibraryMissing, WeightsCorrupt
from biometric.models import loading
from biometric.models.cards import read_manifest
from biometric.models.detection_openvino import OpenVINODetector
from biometric.models.detector_exporting import exported_checkpoint
from biometric.models.embedding_openvino import OpenVINOEmbedder
from biometric.models.shared_weights import read_graph, split_network
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.weights import Weights, WeightStore
from tests.conftest import PROJECT
from tests.models.test_detection_openvino import assert_same_people, frames_of

STARTERS = {card.id: card for card in read_manifest(PROJECT / "models" / "manifest.toml") if card.starter}


def copied(card: Card, folder: Path, graph: bool = True) -> Weights:
    """The card's files in a folder of their own."""
    for file in (*card.files, *(card.graph if graph else ())):
        shutil.copy(PROJECT / "models" / file.name, folder / file.name)
    return Weights(card, tuple(folder / file.name for file in card.files))


def network(dtype: type) -> tuple[openvino.Model, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """A layer of 16 × 16 numbers that float16 can hold, given as `dtype`, and one that is in no file."""
    numbers = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float16).astype(np.float32)
    taken = opset13.parameter([-1, 16], np.float32)
    layer = opset13.matmul(taken, opset13.constant(numbers), False, False)
    return openvino.Model([opset13.add(layer, opset13.constant(np.full((1, 16), 0.3, np.float32)))], [taken]), numbers


@pytest.mark.parametrize("stored", [np.float16, np.float32])
def test_numbers_that_a_file_holds_are_not_kept_twice(stored: type, tmp_path: Path) -> None:
    model, numbers = network(stored)
    weights = b"header of odd length" + numbers.astype(stored).tobytes() + b"end"
    (tmp_path / "x.weights").write_bytes(weights)
    given = np.random.default_rng(1).normal(size=(3, 16)).astype(np.float32)
    with signal_stack_kept():
        core, exact = openvino.Core(), {"INFERENCE_PRECISION_HINT": "f32"}
        expected = core.compile_model(model, "CPU", exact)(given)[0]
        graph, rest = split_network(model, weights)
        assert len(rest) < 200
        (tmp_path / "x.xml").write_bytes(graph)
        (tmp_path / "x.bin").write_bytes(rest)
        again = core.compile_model(read_graph(tmp_path / "x.xml", tmp_path / "x.weights"), "CPU", exact)(given)[0]
    np.testing.assert_array_equal(again, expected)


def test_both_starters_have_graphs_and_few_bytes_of_them() -> None:
    assert len(STARTERS) == 2
    for card in STARTERS.values():
        assert card.graph
        assert sum(file.size for file in card.graph) < 1_200_000
    shipped = [path for path in (PROJECT / "models").iterdir() if path.name.startswith("starter-")]
    assert sum(path.stat().st_size for path in shipped) < 16_000_000


@pytest.mark.real
def test_the_starter_detector_finds_by_its_graph_what_its_export_finds(shared: Path, tmp_path: Path) -> None:
    frames = frames_of(shared / "clips" / "street.mp4", range(0, 60, 15))
    card = STARTERS["starter-detector"]
    with signal_stack_kept():
        graph = loading.load_detector(copied(card, tmp_path), "cpu", tmp_path / "cache")
        exported = OpenVINODetector(exported_checkpoint(tmp_path / card.files[0].name, tmp_path / "cache"), "exported")
        assert_same_people(graph.detect(frames), exported.detect(frames), pixels=0.05)


def test_the_starter_embedder_embeds_by_its_graph_as_by_torch(tmp_path: Path) -> None:
    card = STARTERS["starter-embedder-2"]
    crops = [np.random.default_rng(n).integers(0, 256, (200 + n, 90, 3), dtype=np.uint8) for n in range(4)]
    weights = copied(card, tmp_path)
    with signal_stack_kept():
        # Exact: else a measurement may choose half precision, which differs by more.
        graph = loading.load_embedder(weights, "cpu", tmp_path / "cache", exact=True)
        assert isinstance(graph, OpenVINOEmbedder)
        assert not (tmp_path / "cache").exists()
        cosines = (graph.embed(crops) * loading.load_in_torch(weights, "cpu", tmp_path).embed(crops)).sum(axis=1)
    assert cosines.min() > 0.9999


@pytest.mark.parametrize("card", STARTERS.values(), ids=STARTERS)
def test_a_damaged_graph_is_told(card: Card, tmp_path: Path) -> None:
    weights = copied(card, tmp_path)
    path = tmp_path / card.graph[1].name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    load = loading.load_detector if card.input is None else loading.load_embedder
    with pytest.raises(WeightsCorrupt, match=rf"{path.name} is not the file that its card {card.id} describes"):
        load(weights, "cpu", tmp_path / "cache")  # type: ignore[operator]


@pytest.mark.parametrize("card", STARTERS.values(), ids=STARTERS)
def test_without_torch_weights_without_a_graph_say_what_to_install(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biometric.models.ultralytics_setup.find_spec", lambda name: None)
    bare = replace(copied(card, tmp_path, graph=False), card=replace(card, graph=()))
    load = loading.load_detector if card.input is None else loading.load_embedder
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ModelLibraryMissing, match=r'pip install "sightline\[torch\]"'):
        load(bare, "cpu", tmp_path / "cache")  # type: ignore[operator]


def test_without_torch_no_card_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")  # where no driver is looked for
    monkeypatch.setattr("biometric.models.ultralytics_setup.find_spec", lambda name: None)
    assert loading.count_cuda_devices() == 0


def test_a_detector_on_frames_without_people(tmp_path: Path) -> None:
    with signal_stack_kept():
        detector = loading.load_detector(copied(STARTERS["starter-detector"], tmp_path), "cpu", tmp_path / "cache")
        assert detector.detect([Frame(0, np.zeros((90, 160, 3), np.uint8), 0.0)]) == [[]]


def test_without_torch_the_starter_serves_where_the_recommended_detector_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is downloaded that could not be run."""
    (tmp_path / "yolo26n.pt").write_bytes(b"never read")

    def refuse(*_: object) -> None:
        raise AssertionError("downloaded")

    store = WeightStore(
        read_manifest(PROJECT / "models" / "manifest.toml"),
        [tmp_path, PROJECT / "models"],
        opener=refuse,  # type: ignore[arg-type]
    )
    assert store.choose(Role.DETECTOR).card.id == "yolo26n"
    monkeypatch.setattr("biometric.models.ultralytics_setup.find_spec", lambda name: None)
    assert finish(store.serve(Role.DETECTOR)).card.id == "starter-detector"
    assert store.choose(Role.EMBEDDER).card.id == "omz-0286"
