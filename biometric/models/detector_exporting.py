"""Exports `.pt` files of ultralytics to OpenVINO's format, once, into the cache."""

import contextlib
import glob
import shutil
import warnings
from pathlib import Path
from typing import Any

from biometric.errors import UnsupportedModel
from biometric.models.checksummed_folders import checksummed_folder, is_checksummed
from biometric.models.detection import load_for_ultralytics, person_class, prepare_ultralytics, require_detection
from biometric.models.own_weights import fresh_digest
from biometric.models.ultralytics_setup import first_line, ultralytics_missing, ultralytics_version, vendor_errors

EXPORTED = "_openvino_model"
"""How the names of folders of exports end."""


def exported_checkpoint(path: Path, cache: Path) -> Path:
    """Return the `.xml` of a `.pt` exported to OpenVINO, made once for each file and version of ultralytics.

    Float32 with free batch and frame size: frames of 16:9 then cost 60 % of a padded square, and eight at a time
    cost less than one by one (measured: 9.9 ms a frame against 18.8, YOLO26n, two cores). 16-bit weights are no faster.
    One that was made before serves without ultralytics being imported, or installed.

    Raises:
        WeightsCorrupt: the file does not load, or holds anything but a model (pickled code is never run).
        UnsupportedModel: not a detection model, one without a class of people, or one that cannot be exported.
        ModelLibraryMissing: it was not exported before, and ultralytics is not installed.
    """
    folders, name = cache / "detectors", f"{path.stem}-{fresh_digest(path, 'sha256')[:16]}"
    if (version := ultralytics_version()) is None:
        made = sorted(folder for folder in folders.glob(f"{glob.escape(name)}-*{EXPORTED}") if is_checksummed(folder))
        if not made:
            raise ultralytics_missing(path.name)
        return _graph(made[-1])

    def make(scratch: Path) -> None:
        prepare_ultralytics(cache)
        model = load_for_ultralytics(path)
        require_detection(path.name, model.task)
        person_class(model.names, path.name)  # before seconds are spent on an export
        copy = Path(shutil.copy(path, scratch / path.name))  # the export is written beside its source
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(None):
                warnings.simplefilter("ignore")  # torch warns of deprecated functions that ultralytics uses
                model = load_for_ultralytics(copy)
                exported = Path(model.export(format="openvino", dynamic=True, imgsz=trained_size(model), verbose=False))
        except vendor_errors() as error:
            raise UnsupportedModel(
                "{file} cannot be exported to OpenVINO: {error}", file=path.name, error=first_line(error)
            ) from error
        for file in list(exported.iterdir()):
            file.rename(scratch / file.name)
        exported.rmdir()
        copy.unlink()

    return _graph(checksummed_folder(folders / f"{name}-{version}{EXPORTED}", make))


def _graph(folder: Path) -> Path:
    return next(iter(folder.glob("*.xml")))


def trained_size(model: Any) -> int:
    """Return the picture size that the model was trained for, in pixels of the longer side."""
    size = model.overrides.get("imgsz", 640)
    return int(max(size)) if isinstance(size, list | tuple) else int(size)
