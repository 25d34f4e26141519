"""The one place that chooses concrete adapters. Imports them inside its functions: nothing heavy before first use."""

import atexit
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.adapters import Adapters
from biometric.messages.translation import activate
from biometric.models.store import ModelStore
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.ports import (
    AuditTrail,
    Detector,
    Embedder,
    FootageLibrary,
    ModelAdministration,
    SharpnessOf,
    SignedLog,
    Tracker,
    TrackerFactory,
    VideoReader,
)
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from biometric.storage import PrivateFolder

if TYPE_CHECKING:
    from torch import nn

    from biometric.clips.demo import DemoClip
    from biometric.clips.hardware_decoding import HardwareDecoding
    from biometric.clips.video_limits import VideoLimits
    from biometric.entities.audit import AuditReport
    from biometric.entities.model_cards import Card, InputFormat
    from biometric.ports.protection_port import ProtectionAdministration


def build(settings: Settings) -> Sightline:
    """Return a service with the real adapters, and show texts in the language of the settings from now on.

    Cheap: models, trackers and the index load when first used.
    """
    return build_releasable(settings)[0]


def build_releasable(settings: Settings) -> tuple[Sightline, Callable[[], None]]:
    """Return a service as `build`, and what releases its models and temporary files before the process ends."""
    from biometric.clips.crops import JpegCropStore, sharpness, small_grey
    from biometric.clips.footage_reading import FootageReader
    from biometric.clips.pixel_hiding import hide_pixels
    from biometric.clips.video_writing import H264Writer
    from biometric.gallery.opening import open_gallery, stored_pictures
    from biometric.results.annotation import PillowAnnotator

    activate(settings.language)
    private = PrivateFolder(settings.temp)
    atexit.register(private.close)
    quiet_ultralytics(settings.cache)
    reader = FootageReader(_limits(settings), _hardware(settings))
    writer = H264Writer(reader)
    models, annotator = ModelStore(settings), PillowAnnotator()

    def release() -> None:
        models.close()
        private.close()
        atexit.unregister(private.close)

    adapters = Adapters(
        reader=reader,
        writer=writer,
        crops=JpegCropStore(stored_pictures(settings).read),
        models=models,
        new_tracker=partial(_new_tracker, settings, models),
        sharpness=sharpness,
        outputs=OutputWriter(reader, writer, annotator),
        open_gallery=partial(open_gallery, settings),
        open_library=partial(_open_library, settings),
        small_grey=small_grey,
        hide_pixels=hide_pixels,
        save_picture=annotator.save,
    )
    return Sightline(settings, adapters, private.path / "observations"), release


def build_models(settings: Settings) -> ModelAdministration:
    """Return the models that `build` would use, without a service."""
    quiet_ultralytics(settings.cache)
    return ModelStore(settings)


def build_measured_models(settings: Settings) -> ModelAdministration:
    """Return the models that `build` would use; the detector reports every detection, as measuring it needs."""
    from biometric.models.loading import load_measured_detector

    quiet_ultralytics(settings.cache)
    return ModelStore(settings, load_detector=load_measured_detector)


def detection_confidences() -> tuple[float, float]:
    """Return the least confidences of a detection that continues a track and of one that starts a track."""
    from biometric.models.detection import CONFIDENCE, STARTS_TRACK

    return CONFIDENCE, STARTS_TRACK


def configure_ultralytics(settings: Settings) -> None:
    """Set the environment that ultralytics reads at import. Raises `StorageFull`: the cache cannot be written."""
    quiet_ultralytics(settings.cache)


def build_teachers(settings: Settings, in_torch: bool) -> ModelAdministration:
    """Return the models without a service, for a student to learn from; `in_torch`: as networks of torch."""
    from biometric.models.loading import load_in_torch

    quiet_ultralytics(settings.cache)
    return ModelStore(settings, load_embedder=load_in_torch if in_torch else None)


def build_crop_adapters(
    settings: Settings,
) -> "tuple[VideoReader, Callable[[], Detector], TrackerFactory, SharpnessOf]":
    """Return reader, detector, tracker and sharpness for cutting crops. The detector loads when first needed."""
    from biometric.clips.crops import sharpness
    from biometric.clips.video import PyAVReader

    quiet_ultralytics(settings.cache)
    reader = PyAVReader(_limits(settings), hardware=_hardware(settings))
    models = ModelStore(settings)
    return reader, models.detector, partial(_new_tracker, settings, models), sharpness


def fetch_embedder_weights(settings: Settings, card_id: str) -> Path:
    """Return the main file of an embedder's card, fetched where it is missing, with every byte checked.

    Raises:
        ModelError: it cannot be fetched, or is not the file of its card.
    """
    from biometric.entities.model_cards import Role
    from biometric.entities.progress import finish
    from biometric.models.weights import Weights, WeightStore

    store = WeightStore.of_settings(settings)
    chosen = store.choose(Role.EMBEDDER, card_id)
    if chosen.card.id != card_id:  # a successor: other weights, which must not pass for these
        chosen = Weights(next(card for card in store.cards if card.id == card_id))
    return finish(store.obtain(chosen)).main


def build_network_embedder(network: "nn.Module", form: "InputFormat", model_id: str, device: str = "cpu") -> "Embedder":
    """Return a network of torch, (N, 3, H, W) float32 → (N, D), as an embedder of the application."""
    from biometric.models.embedding_torch import TorchEmbedder

    return TorchEmbedder(network, form, model_id, device)


def build_file_embedders(path: Path, card: "Card", form: "InputFormat") -> "tuple[dict[str, Embedder], str]":
    """Load a `.safetensors` or `.onnx` in every way that the application has, by a description of the way.

    The second value says why GPUs cannot use the file; "" where they can.
    """
    from biometric.errors import UnsupportedModel
    from biometric.models.embedding_openvino import OpenVINOEmbedder, convert_to_ir
    from biometric.models.embedding_torch import TorchEmbedder
    from biometric.models.network_conversion import convert_network

    if path.suffix == ".safetensors":
        loaded = TorchEmbedder.from_safetensors(path, card.architecture, form, card.id, dimension=card.dimension)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            converted = convert_network(loaded.network, form, Path(folder) / "model.xml")
            in_openvino = OpenVINOEmbedder(converted, form, card.id, card.dimension)
        return {"torch": loaded, "OpenVINO as the application runs it": in_openvino}, ""
    embedders: dict[str, Embedder] = {
        "OpenVINO in full precision": OpenVINOEmbedder(path, form, card.id, card.dimension, exact=True),
        "OpenVINO as the application runs it": OpenVINOEmbedder(path, form, card.id, card.dimension),
    }
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        rebuilt = convert_to_ir(path, Path(folder) / "model.xml")
        try:
            embedders["torch, rebuilt as on GPUs"] = TorchEmbedder.from_ir(rebuilt, form, card.id)
        except UnsupportedModel as error:
            return embedders, str(error)
    return embedders, ""


def build_embedder_graph(path: Path, card: "Card", form: "InputFormat") -> dict[str, bytes]:
    """Return the files with which OpenVINO reads a `.safetensors` without torch, by suffix. Raises `ModelError`."""
    from biometric.models.embedding_torch import read_network
    from biometric.models.graph_making import embedder_graph

    return embedder_graph(read_network(path, card.architecture), form, path.read_bytes())


def build_graph_embedder(graph: Path, path: Path, card: "Card", form: "InputFormat") -> "Embedder":
    """Load a `.safetensors` by its graph, as the application does on the CPU."""
    from biometric.models.embedding_openvino import OpenVINOEmbedder

    return OpenVINOEmbedder(graph, form, card.id, card.dimension, weights=path)


def build_detector_graph(path: Path, cache: Path) -> dict[str, bytes]:
    """Return the files with which OpenVINO reads a `.pt` without torch, by suffix. Raises `ModelError`."""
    from biometric.models.graph_making import detector_graph

    return detector_graph(path, cache)


def build_graph_detector(graph: Path, path: Path) -> "Detector":
    """Load a `.pt` by its graph, as the application does on the CPU; it reports every detection."""
    from biometric.models.detection_openvino import OpenVINODetector

    return OpenVINODetector(graph, path.name, 0.0, weights=path)


def _limits(settings: Settings) -> "VideoLimits":
    from biometric.clips.video_limits import VideoLimits

    return VideoLimits(
        max_pixels=settings.max_pixels,
        max_frames=settings.max_frames,
        max_seconds=settings.max_seconds,
        max_bytes=settings.max_upload_mb * 1_000_000,
    )


def _hardware(settings: Settings) -> "HardwareDecoding | None":
    from biometric.clips.hardware_decoding import HardwareDecoding

    return HardwareDecoding() if settings.decoding == "hardware" else None


def open_trail(settings: Settings) -> AuditTrail:
    """Return the audit trail of the gallery of the settings."""
    from biometric.gallery.opening import open_gallery

    return open_gallery(settings, settings.gallery).audit


def build_protection(settings: Settings) -> "ProtectionAdministration":
    """Return what changes how the configured gallery is protected, without opening it."""
    from biometric.gallery.opening import ProtectionChanges

    return ProtectionChanges(settings)


def open_case_log(settings: Settings, path: Path) -> SignedLog:
    """Return the signed record of a case; the examiner's key is in the folder of data."""
    from biometric.gallery.signed_log import SignedLogFile

    return SignedLogFile(path, settings.data / "case-key")


def verify_exported_trail(path: Path, heads: Sequence[Path]) -> "AuditReport | None":
    """Verify an exported audit trail, see `audit_trail.verify_exported`; None where the file is none."""
    from biometric.gallery import audit_trail

    return audit_trail.verify_exported(path, heads) if audit_trail.is_exported_trail(path) else None


def _open_library(settings: Settings) -> FootageLibrary:
    from biometric.footage_store.footage_library import SQLiteFootageLibrary

    return SQLiteFootageLibrary(settings.library, settings.library_days, settings.library_mb * 1_000_000)


def _new_tracker(settings: Settings, models: ModelStore, frame_rate: float) -> Tracker:
    from biometric.models.byte_tracking import ByteTracker
    from biometric.models.tracking import BotSortTracker, OcSortTracker
    from biometric.models.tracking_roboflow import RoboflowTracker

    _, roboflow, kind = settings.tracker.rpartition("roboflow-")
    if roboflow:
        return RoboflowTracker(kind, frame_rate)
    if kind == "bytetrack":
        return ByteTracker(frame_rate)
    if kind == "ocsort":
        return OcSortTracker(frame_rate, settings.cache)
    if kind == "botsort":
        return BotSortTracker(frame_rate, settings.cache)
    least = models.card_threshold("verification").value
    return BotSortTracker(frame_rate, settings.cache, models.embedder(), least)


def write_demo_truth(folder: Path) -> list[Path]:
    """Write who is where in the example clips beside them."""
    from biometric.clips.demo_truth import write_truth

    return write_truth(folder)


def make_demo(folder: Path) -> "list[DemoClip]":
    """Make the example clips in a folder, unless they are there already."""
    from biometric.clips import demo
    from biometric.clips.video import PyAVReader
    from biometric.clips.video_writing import H264Writer

    return demo.make_demo(folder, H264Writer(PyAVReader()))
