"""Embedders as `.safetensors` and ONNX, each run in every way the app has and compared with the trained network."""

import tempfile
from dataclasses import replace
from pathlib import Path

from torch import nn

from biometric.errors import UnsupportedModel
from biometric.models.cards import Card, CardFile, Format, InputFormat, Role
from biometric.models.embedding_openvino import OpenVINOEmbedder, convert_to_ir
from biometric.models.embedding_torch import TorchEmbedder
from biometric.ports import Embedder
from biometric.training.export import manifest
from biometric.training.export.agreement import LEAST_COSINE, LEAST_COSINE_HALF, compare
from biometric.training.export.exported import Exported, Wanted, described, notes_on, source
from biometric.training.export.onnx_file import to_onnx
from biometric.training.export.safetensors_file import to_safetensors
from biometric.training.export.trained import TrainedRun, input_of, trained_network, trial_pictures
from biometric.training.networks import is_timm

SUFFIXES = {Format.SAFETENSORS: ".safetensors", Format.ONNX: ".onnx"}
_HALF = "Weights are stored as float16, scales and statistics as float32: see the comparison for what that changes."
_NO_GPU = "On NVIDIA GPUs the ONNX file cannot be used. {}"


def export_embedder(run: TrainedRun, wanted: Wanted, scratch: Path) -> Exported:
    """Make the files of an embedder in an empty folder and compare each with the trained network.

    Raises:
        OutputsDiffer: a file does not give what was trained.
        UnsupportedModel: the format cannot hold the network.
        RunConflict, WeightsCorrupt: the run's checkpoint cannot be used.
        LibraryMissing: onnx or timm is not installed.
    """
    formats = _formats(run, wanted)
    network, form = trained_network(run), input_of(run)
    pictures, words = trial_pictures(run)
    trained = TorchEmbedder(network, form, "the trained network")
    vectors = trained.embed(pictures)
    card = _card(run, wanted, form, trained.dimension)
    least = LEAST_COSINE_HALF if wanted.half else LEAST_COSINE
    files: dict[str, bytes] = {}
    agreements, notes = [], [*notes_on(run), *([_HALF] if wanted.half else [])]
    for kind in formats:
        path = scratch / f"{wanted.id}{SUFFIXES[kind]}"
        files[path.name] = _content(network, replace(card, format=kind), wanted.half)
        path.write_bytes(files[path.name])
        ways, refused = _ways(path, kind, card, form)
        notes += [_NO_GPU.format(refused)] if refused else []
        agreements += [compare(vectors, way, f"{path.name} by {how}", pictures, least) for how, way in ways]
    listed = replace(card, format=formats[0], files=(described(*next(iter(files.items()))),))
    return Exported(listed, files, tuple(agreements), words, tuple(notes))


def _formats(run: TrainedRun, wanted: Wanted) -> tuple[Format, ...]:
    timm = is_timm(run.architecture)
    formats = wanted.formats or ((Format.ONNX,) if timm else tuple(SUFFIXES))
    if timm and Format.SAFETENSORS in formats:
        raise UnsupportedModel(
            f"{run.architecture} is a network of timm, which the app does not have. Export it with --format onnx."
        )
    return formats


def _content(network: nn.Module, card: Card, half: bool) -> bytes:
    if card.format is Format.SAFETENSORS:
        return to_safetensors(network, manifest.inside(card), half)
    if card.input is None:
        raise ValueError("expected an embedder's card, got one without an input format")
    return to_onnx(network, card.input, manifest.inside(card), half)


def _ways(path: Path, kind: Format, card: Card, form: InputFormat) -> tuple[list[tuple[str, Embedder]], str]:
    """Every way in which the app runs the file, and why GPUs cannot, or ""."""
    if kind is Format.SAFETENSORS:
        loaded = TorchEmbedder.from_safetensors(path, card.architecture, form, card.id, dimension=card.dimension)
        return [("torch", loaded)], ""
    ways: list[tuple[str, Embedder]] = [
        ("OpenVINO in full precision", OpenVINOEmbedder(path, form, card.id, card.dimension, exact=True)),
        ("OpenVINO as the app runs it", OpenVINOEmbedder(path, form, card.id, card.dimension)),
    ]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        rebuilt = convert_to_ir(path, Path(folder) / "model.xml")
        try:
            ways.append(("torch, rebuilt as on GPUs", TorchEmbedder.from_ir(rebuilt, form, card.id)))
        except UnsupportedModel as error:
            return ways, str(error)
    return ways, ""


def _card(run: TrainedRun, wanted: Wanted, form: InputFormat, dimension: int) -> Card:
    """The card but for its format and files, which are not yet known."""
    return Card(
        id=wanted.id,
        role=Role.EMBEDDER,
        title=wanted.title,
        format=Format.SAFETENSORS,
        architecture=run.architecture,
        files=(CardFile(wanted.id, 1, "sha256", "0" * 64),),
        licence=wanted.licence,
        source=source(run, wanted),
        input=form,
        dimension=dimension,
        starter=wanted.starter,
        verification=wanted.verification,
        identification=wanted.identification,
    )
