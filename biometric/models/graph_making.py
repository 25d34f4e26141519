"""Makes the graphs with which OpenVINO reads a `.safetensors` or a `.pt` without torch; see `shared_weights`."""

import contextlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openvino
import torch

from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel
from biometric.models.detection import load_for_ultralytics, person_class, prepare_ultralytics, require_detection
from biometric.models.detector_exporting import trained_size
from biometric.models.exported_detectors import METADATA
from biometric.models.network_conversion import convert_network, convert_traced
from biometric.models.shared_weights import split_network
from biometric.models.ultralytics_setup import first_line, vendor_errors


def embedder_graph(network: torch.nn.Module, form: InputFormat, weights: bytes) -> dict[str, bytes]:
    """Return the files of the graph of an embedder by their suffix: `.xml` and `.bin`.

    Args:
        network: (N, 3, H, W) float32 → (N, D), on the CPU, in evaluation mode.
        weights: content of the `.safetensors` that holds its numbers.

    Raises:
        UnsupportedModel: OpenVINO cannot express the network.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = openvino.Core().read_model(convert_network(network, form, Path(folder) / "network.xml"))
    graph, rest = split_network(model, weights)
    return {".xml": graph, ".bin": rest}


def detector_graph(checkpoint: Path, cache: Path) -> dict[str, bytes]:
    """Return the files of the graph of a `.pt` of ultralytics by their suffix: `.xml`, `.bin` and `.yaml`.

    Raises:
        WeightsCorrupt: the file does not load, or holds anything but a model.
        UnsupportedModel: not a detection model, one without a class of people, or OpenVINO cannot express it.
    """
    prepare_ultralytics(cache)
    with tempfile.TemporaryDirectory() as folder, _numbers_kept():
        copy = Path(shutil.copy(checkpoint, folder))  # the export is written beside its source
        model = load_for_ultralytics(copy)
        require_detection(checkpoint.name, model.task)
        person_class(model.names, checkpoint.name)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(None):
                warnings.simplefilter("ignore")  # torch warns of deprecated functions that ultralytics uses
                exported = Path(model.export(format="openvino", dynamic=True, imgsz=trained_size(model), verbose=False))
        except vendor_errors() as error:
            raise UnsupportedModel(
                "{file} cannot be exported to OpenVINO: {error}", file=checkpoint.name, error=first_line(error)
            ) from error
        network = openvino.Core().read_model(next(exported.glob("*.xml")))
        graph, rest = split_network(network, checkpoint.read_bytes())
        lines = (exported / METADATA).read_text("utf-8").splitlines(keepends=True)
    # Without the time of the export, the same weights give the same files.
    return {".xml": graph, ".bin": rest, ".yaml": "".join(line for line in lines if line[:5] != "date:").encode()}


@contextlib.contextmanager
def _numbers_kept() -> Iterator[None]:
    """Keep ultralytics and OpenVINO from multiplying normalisations into weights, which makes other numbers of them.

    OpenVINO does it whenever it compiles the network, so that nothing is lost.
    """
    from ultralytics.nn.tasks import BaseModel

    def unfused(network: Any, *_: object, **__: object) -> Any:
        return network

    def converted(traced: Any, **_: object) -> openvino.Model:
        model = convert_traced(traced)
        model.reshape(openvino.PartialShape([-1, 3, -1, -1]))
        return model

    fuse, convert = BaseModel.fuse, openvino.convert_model
    BaseModel.fuse, openvino.convert_model = unfused, converted
    try:
        yield
    finally:
        BaseModel.fuse, openvino.convert_model = fuse, convert
