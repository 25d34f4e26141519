"""Embedders as `.safetensors` and ONNX, each run in every way the application has and compared with the trained one."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from biometric.bootstrap import (
    build_embedder_graph,
    build_file_embedders,
    build_graph_embedder,
    build_network_embedder,
)
from biometric.entities.model_cards import Card, CardFile, Format, InputFormat, Role
from biometric.errors import UnsupportedModel
from biometric.training.export import manifest
from biometric.training.export.agreement import MIN_COSINE, MIN_COSINE_HALF, compare
from biometric.training.export.export_results import (
    ExportRequest,
    ExportResult,
    describe_file,
    describe_source,
    run_notes,
)
from biometric.training.export.trained_runs import TrainedRun, input_of, trained_network, trial_pictures
from biometric.training.export.weight_files import to_onnx, to_safetensors
from biometric.training.networks import is_timm

SUFFIXES = {Format.SAFETENSORS: ".safetensors", Format.ONNX: ".onnx"}
_HALF = "Weights are stored as float16, scales and statistics as float32: see the comparison for what that changes."
_NO_GPU = "On NVIDIA GPUs the ONNX file cannot be used. {}"


def export_embedder(run: TrainedRun, request: ExportRequest, scratch: Path) -> ExportResult:
    """Write the files of an embedder into an empty folder and compare each with the trained network.

    Raises:
        OutputsDiffer: a file does not give the trained network's embeddings.
        UnsupportedModel: the format cannot hold the network.
        RunConflict, WeightsCorrupt: the run's checkpoint cannot be used.
        LibraryMissing: onnx or timm is not installed.
    """
    formats = _formats(run, request)
    network, form = trained_network(run), input_of(run)
    pictures, description = trial_pictures(run)
    trained = build_network_embedder(network, form, "the trained network")
    vectors = trained.embed(pictures)
    card = _card(run, request, form, trained.dimension)
    min_cosine = MIN_COSINE_HALF if request.half else MIN_COSINE
    files: dict[str, bytes] = {}
    graph: dict[str, bytes] = {}
    agreements, notes = [], [*run_notes(run), *([_HALF] if request.half else [])]
    for kind in formats:
        path = scratch / f"{request.id}{SUFFIXES[kind]}"
        files[path.name] = _content(network, replace(card, format=kind), request.half)
        path.write_bytes(files[path.name])
        embedders, problem = build_file_embedders(path, card, form)
        notes += [_NO_GPU.format(problem)] if problem else []
        if kind is Format.SAFETENSORS:
            graph = {f"{request.id}{suffix}": part for suffix, part in build_embedder_graph(path, card, form).items()}
            for name, part in graph.items():
                (scratch / name).write_bytes(part)
            embedders["OpenVINO with its graph"] = build_graph_embedder(scratch / f"{request.id}.xml", path, card, form)
        agreements += [
            compare(vectors, embedder, f"{path.name} by {how}", pictures, min_cosine)
            for how, embedder in embedders.items()
        ]
    listed = replace(
        card,
        format=formats[0],
        files=(describe_file(*next(iter(files.items()))),),
        graph=tuple(describe_file(*part) for part in graph.items()) if formats[0] is Format.SAFETENSORS else (),
    )
    files.update(graph)
    return ExportResult(listed, files, tuple(agreements), description, tuple(notes))


def _formats(run: TrainedRun, request: ExportRequest) -> tuple[Format, ...]:
    timm = is_timm(run.architecture)
    formats = request.formats or ((Format.ONNX,) if timm else tuple(SUFFIXES))
    if timm and Format.SAFETENSORS in formats:
        raise UnsupportedModel(
            f"{run.architecture} is a network of timm, which the application does not have. Export it with "
            f"--format onnx."
        )
    return formats


def _content(network: nn.Module, card: Card, half: bool) -> bytes:
    if card.format is Format.SAFETENSORS:
        return to_safetensors(network, manifest.inside(card), half)
    if card.input is None:
        raise ValueError("expected an embedder's card, got one without an input format")
    return to_onnx(network, card.input, manifest.inside(card), half)


def _card(run: TrainedRun, request: ExportRequest, form: InputFormat, dimension: int) -> Card:
    """The card but for its format and files, which are not yet known."""
    return Card(
        id=request.id,
        role=Role.EMBEDDER,
        title=request.title,
        format=Format.SAFETENSORS,
        architecture=run.architecture,
        files=(CardFile(request.id, 1, "sha256", "0" * 64),),
        licence=request.licence,
        source=describe_source(run, request),
        input=form,
        dimension=dimension,
        starter=request.starter,
        verification=request.verification,
        identification=request.identification,
    )
