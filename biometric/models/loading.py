"""Makes the adapter that fits weights and a device. Vendor libraries are imported by the functions that need them."""

import functools
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.entities.model_cards import Card, Format, InputFormat
from biometric.errors import InvalidSetting, ModelError, ModelLibraryMissing, StorageFull, UnsupportedModel
from biometric.errors.model_errors import INSTALL_TORCH
from biometric.errors.phrases import Phrase
from biometric.models.cards import canonical_architecture
from biometric.models.checksummed_folders import checksummed_folder
from biometric.models.ultralytics_setup import is_installed
from biometric.models.weights import Weights, check_file
from biometric.ports import Detector, Embedder

if TYPE_CHECKING:
    from biometric.models.embedding_torch import TorchEmbedder

logger = logging.getLogger(__name__)


def load_detector(weights: Weights, device: str, cache: Path, exact: bool = False) -> Detector:
    """Load a detector; `exact`: a quantized one in full precision on processors. Raises `ModelError`."""
    from biometric.models.detection import CONFIDENCE

    return _load_detector(weights, device, cache, CONFIDENCE, exact)


def detector_loader(full_precision: bool) -> Callable[[Weights, str, Path], Detector]:
    """Return what loads a detector; in full precision, a quantized one computes in float32 on every processor.

    Which precision of a quantized network is faster is measured on each machine, and its boxes differ a little.
    """
    return functools.partial(load_detector, exact=True) if full_precision else load_detector


def load_measured_detector(weights: Weights, device: str, cache: Path) -> Detector:
    """Load a detector as `load_detector` does, but to report every detection, however weak. Raises `ModelError`."""
    from biometric.models.detection import EVERYTHING

    return _load_detector(weights, device, cache, EVERYTHING)


def _load_detector(weights: Weights, device: str, cache: Path, confidence: float, exact: bool = False) -> Detector:
    graph = _graph(weights) if device == "cpu" else None
    if graph is None:
        return load_detector_file(weights.main, _name(weights), device, cache, confidence, weights.paths, exact)
    from biometric.models.detection_openvino import OpenVINODetector

    return OpenVINODetector(graph, _name(weights), confidence, cache, weights.main, exact)


def _graph(weights: Weights) -> Path | None:
    """Return the graph with which OpenVINO reads the weights, every byte checked; None where the card has none here.

    Raises:
        WeightsCorrupt: a file of it is not what the card says.
    """
    paths = [weights.main.with_name(file.basename) for file in weights.card.graph]
    if not paths or not all(path.is_file() for path in paths):
        return None
    for path, file in zip(paths, weights.card.graph, strict=True):
        check_file(path, file, weights.card.id)
    return paths[0]


def load_detector_file(
    path: Path,
    name: str,
    device: str,
    cache: Path,
    confidence: float,
    files: Sequence[Path] = (),
    exact: bool = False,
) -> Detector:
    """Load a detector's file: OpenVINO runs its own format, and on processors `.pt` files; all else is ultralytics'.

    Args:
        name: card name or file name, for people.
        confidence: least confidence to report, in [0, 1].
        files: the files of the model where they are not `path` alone.
        exact: OpenVINO computes in float32, also a quantized network, whatever is faster here.

    Raises:
        ModelError: see `OpenVINODetector` and `UltralyticsDetector`.
    """
    if path.suffix == ".pt" and device != "cpu":
        return _load_detector_on_card(path, name, device, cache, confidence, exact)
    graph = path if path.suffix == ".xml" else None
    if path.suffix == ".pt" and device == "cpu":
        from biometric.models.detector_exporting import exported_checkpoint

        try:
            graph = exported_checkpoint(path, cache)
        except UnsupportedModel as error:  # not every model can be exported; torch is slower, but right
            logger.warning("the detector %s is run by torch, more slowly than by OpenVINO: %s", name, error)
    if graph is None:
        from biometric.models.detection import UltralyticsDetector

        return UltralyticsDetector(path, name, device, cache, confidence, files)
    from biometric.models.detection_openvino import OpenVINODetector

    return OpenVINODetector(graph, name, confidence, cache, exact=exact)


def _load_detector_on_card(path: Path, name: str, device: str, cache: Path, confidence: float, exact: bool) -> Detector:
    from biometric.models.detection import UltralyticsDetector
    from biometric.models.detection_torch import TorchDetector
    from biometric.models.device_fallback import FallbackDetector

    def load_on_card() -> Detector:
        try:
            return TorchDetector(path, name, device, cache, confidence)
        except UnsupportedModel:  # a network of another kind: ultralytics knows what to do with it, or what is wrong
            return UltralyticsDetector(path, name, device, cache, confidence)

    return FallbackDetector(load_on_card, lambda: load_detector_file(path, name, "cpu", cache, confidence, exact=exact))


def _name(weights: Weights) -> str:
    return weights.card.title if weights.card.id.startswith("sha256:") else weights.card.id


def embedder_loader(full_precision: bool) -> Callable[[Weights, str, Path], Embedder]:
    """Return what loads an embedder; in full precision it uses half precision on no processor."""
    return functools.partial(load_embedder, exact=True) if full_precision else load_embedder


def load_embedder(weights: Weights, device: str, cache: Path, exact: bool = False) -> Embedder:
    """Load an embedder by its format and the device; `exact`: in full precision on processors.

    Raises `ModelError`, `InvalidSetting`.
    """
    if device != "cpu":
        from biometric.models.device_fallback import FallbackEmbedder

        return FallbackEmbedder(
            lambda: load_in_torch(weights, device, cache), lambda: _load_on_processor(weights, cache, exact)
        )
    if weights.card.format is Format.SAFETENSORS:
        return _load_converted(weights, device, cache, exact)
    return _load_in_openvino(weights.main, weights.card, cache, exact=exact)


def _load_on_processor(weights: Weights, cache: Path, exact: bool) -> Embedder:
    """Load an embedder on a machine that has a graphics card, and perhaps no OpenVINO."""
    try:
        return load_embedder(weights, "cpu", cache, exact)
    except (ImportError, ModelLibraryMissing):
        return load_in_torch(weights, "cpu", cache)


def _load_converted(weights: Weights, device: str, cache: Path, exact: bool) -> Embedder:
    """Load a `.safetensors` through OpenVINO; where that cannot be, through torch, which also tells what is wrong."""
    graph = _graph(weights)
    try:
        if graph is not None:
            return _load_in_openvino(graph, weights.card, cache, weights.main, exact)
        return _load_in_openvino(as_ir(weights, cache), weights.card, cache, exact=exact)
    except (ModelError, StorageFull, ImportError) as error:
        logger.warning("the embedder %s is run by torch, more slowly than by OpenVINO: %s", weights.card.id, error)
    return load_in_torch(weights, device, cache)


def _load_in_openvino(
    path: Path, card: Card, cache: Path, numbers: Path | None = None, exact: bool = False
) -> Embedder:
    from biometric.models.embedding_openvino import OpenVINOEmbedder

    return OpenVINOEmbedder(path, _form(card), card.id, card.dimension, exact, weights=numbers, cache=cache)


def load_in_torch(weights: Weights, device: str, cache: Path) -> "TorchEmbedder":
    """Load an embedder as a network of torch, on the CPU too. Raises `ModelError`, `InvalidSetting`."""
    if not is_installed("torch"):
        raise ModelLibraryMissing(
            "The embedder {id} needs torch, which is not installed. Install it with: {command}. Or name an embedder "
            "for OpenVINO (.xml or .onnx).",
            id=weights.card.id,
            command=INSTALL_TORCH,
        )
    from biometric.models.embedding_torch import TorchEmbedder

    card, path, form = weights.card, weights.main, _form(weights.card)
    if card.format is Format.SAFETENSORS:
        return TorchEmbedder.from_safetensors(path, card.architecture, form, card.id, device, card.dimension)
    if card.format is Format.ONNX:
        path = as_ir(weights, cache)
    return TorchEmbedder.from_ir(path, form, card.id, device, card.dimension)


def _form(card: Card) -> InputFormat:
    if card.input is None:
        raise InvalidSetting("The card {id} does not say how crops are prepared.", id=card.id)
    return card.input


def as_ir(weights: Weights, cache: Path) -> Path:
    """The IR of an ONNX file or a `.safetensors`, converted once and kept in the cache.

    Raises:
        ModelError: the weights are damaged, or cannot be converted.
        StorageFull: the cache cannot be written.
        ImportError: OpenVINO is not installed.
    """
    from biometric.models.embedding_openvino import convert_to_ir, openvino_version

    card, name = weights.card, f"{weights.main.stem}-{weights.card.files[0].checksum[:16]}"
    if card.format is Format.SAFETENSORS:
        form = _form(card)
        name += f"-{canonical_architecture(card.architecture)}-{form.height}x{form.width}-{openvino_version()}"

    def make(scratch: Path) -> None:
        if card.format is Format.ONNX:
            convert_to_ir(weights.main, scratch / "model.xml")
            return
        from biometric.models.embedding_torch import read_network
        from biometric.models.network_conversion import convert_network

        convert_network(read_network(weights.main, card.architecture), _form(card), scratch / "model.xml")

    return checksummed_folder(cache / "embedders" / name, make) / "model.xml"


def count_cuda_devices() -> int:
    """Count CUDA devices; on Linux without an NVIDIA driver, without the seconds that importing torch takes."""
    drivers = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/proc/driver/nvidia")
    if sys.platform == "linux" and not any(Path(path).exists() for path in drivers):
        return 0
    if not is_installed("torch"):
        logger.info("torch is not installed, so graphics cards are not used")
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def choose_device(wanted: str, count_devices: Callable[[], int]) -> str:
    """Return what SIGHTLINE_DEVICE stands for ("auto", "cpu", "cuda", "cuda:1", …): "cpu", "cuda", "cuda:1", ….

    Raises:
        InvalidSetting: it names a GPU that is not there.
    """
    if wanted == "cpu":
        return "cpu"
    count = count_devices()
    if wanted == "auto":
        return "cuda" if count else "cpu"
    number = wanted.partition(":")[2] or "0"
    if not number.isdigit() or int(number) >= count:
        available = {
            0: Phrase("no CUDA device was found"),
            1: Phrase("one CUDA device was found (cuda:0)"),
        }
        raise InvalidSetting(
            "SIGHTLINE_DEVICE is {wanted}, but {found}. Set it to auto or cpu, or install an NVIDIA "
            "driver and the CUDA build of torch.",
            wanted=wanted,
            found=available.get(count, Phrase("{n} CUDA devices were found", n=count)),
        )
    return wanted
