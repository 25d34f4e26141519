"""Detectors as ultralytics' `.pt`, with nothing in it but the network: no optimizer, no history, no folder names."""

import copy
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biometric.bootstrap import build_detector_graph, build_graph_detector
from biometric.entities import Detection, Frame, Image
from biometric.entities.model_cards import Card, Format, Role
from biometric.errors import RunConflict
from biometric.models.detection import MOST, OVERLAP, to_detections
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.training.export.agreement import compare_boxes
from biometric.training.export.export_results import (
    ExportRequest,
    ExportResult,
    describe_file,
    describe_source,
    run_notes,
)
from biometric.training.export.trained_runs import BEST, TrainedRun, trial_pictures

_KEPT = ("task", "imgsz", "single_cls")
"""Settings of the training that using the network needs; others name folders of the machine that trained it."""


def export_detector(run: TrainedRun, request: ExportRequest, scratch: Path) -> ExportResult:
    """Write the file of a detector into an empty folder and compare it with the run's best checkpoint.

    Raises:
        OutputsDiffer: the file does not find what the checkpoint finds.
        RunConflict: the checkpoint cannot be used.
        UnsupportedModel: the network does not detect people.
    """
    quiet_ultralytics(scratch / "cache")
    trained, settings = read_detector_checkpoint(run.folder / BEST)
    content = checkpoint_bytes(copy.deepcopy(trained).half(), settings)
    name = f"{request.id}.pt"
    (scratch / name).write_bytes(content)
    (scratch / "trained.pt").write_bytes(checkpoint_bytes(trained.float(), settings))
    pictures, description = trial_pictures(run)
    expected = detect_by_torch(scratch / "trained.pt", pictures)
    parts = build_detector_graph(scratch / name, scratch / "cache")
    graph = {f"{request.id}{suffix}": part for suffix, part in parts.items()}
    for part, part_content in graph.items():
        (scratch / part).write_bytes(part_content)
    app = build_graph_detector(scratch / f"{request.id}.xml", scratch / name)
    # One at a time: pictures of several sizes would be padded to one shape, which changes them.
    detected = [app.detect([Frame(number, picture, 0.0)])[0] for number, picture in enumerate(pictures)]
    agreements = (
        compare_boxes(expected, detect_by_torch(scratch / name, pictures), f"{name} by torch"),
        compare_boxes(expected, detected, f"{name} as the application runs it ({app.device})"),
    )
    card = Card(
        id=request.id,
        role=Role.DETECTOR,
        title=request.title,
        format=Format.ULTRALYTICS,
        architecture=run.architecture,
        files=(describe_file(name, content),),
        graph=tuple(describe_file(*part) for part in graph.items()),
        licence=request.licence,
        source=describe_source(run, request),
        starter=request.starter,
    )
    return ExportResult(card, {name: content, **graph}, agreements, description, tuple(run_notes(run)))


def read_detector_checkpoint(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network (its moving average) and the settings it was trained with. Runs no pickled code."""
    from ultralytics.nn import tasks
    from ultralytics.utils import LOGGER

    LOGGER.setLevel(logging.ERROR)
    tasks.SAFE_LOAD = True  # read once, at import, which may have been before the environment was set
    try:
        content, _ = tasks.torch_safe_load(path)
        network = content.get("ema") or content["model"]
        if not isinstance(network, nn.Module):
            raise TypeError("no network")
        return network.eval().requires_grad_(False), dict(content["train_args"])
    except Exception as error:  # ultralytics and torch raise whatever a damaged file provokes
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunConflict(f"The checkpoint {path} cannot be used: {first}. Resume the run, or train again.") from error


def checkpoint_bytes(network: nn.Module, settings: dict[str, Any]) -> bytes:
    """A checkpoint of ultralytics; the same network gives the same bytes."""
    import ultralytics

    kept_settings = {name: settings[name] for name in _KEPT if name in settings}
    attributes: Any = network  # any object may be an attribute, not only what torch's annotations name
    attributes.args, attributes.criterion = kept_settings, None
    network.__dict__.pop("pt_path", None)
    content = {
        "epoch": -1,
        "model": network,
        "ema": None,
        "optimizer": None,
        "train_args": kept_settings,
        "version": ultralytics.__version__,
        "license": "AGPL-3.0 (https://ultralytics.com/license)",
    }
    stream = io.BytesIO()  # torch would store a file's name
    torch.save(content, stream)
    return stream.getvalue()


def detect_by_torch(path: Path, pictures: Sequence[Image]) -> list[list[Detection]]:
    """Detections by torch in full precision, the most confident first."""
    from ultralytics import YOLO

    model, detections = YOLO(path), []
    for number, picture in enumerate(pictures):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = model.predict(
                picture, conf=0.0, iou=OVERLAP, max_det=MOST, device="cpu", verbose=False, save=False
            )[0]
        rows = np.asarray(result.boxes.data.cpu().numpy(), np.float32)
        detections.append(to_detections(rows, number, picture.shape[1], picture.shape[0]))
    return detections
