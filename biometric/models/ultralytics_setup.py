"""The environment that ultralytics reads when it is imported, and the library that each of its file formats needs."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from biometric.errors import ModelLibraryMissing, StorageFull, UnsupportedModel, WeightsCorrupt
from biometric.errors.model_errors import INSTALL_TORCH
from biometric.errors.phrases import Phrase

_LIBRARIES = {
    ".onnx": ("ONNX", ("onnxruntime",), "onnxruntime"),
    ".engine": ("TensorRT", ("tensorrt",), "tensorrt"),
    ".mlpackage": ("Core ML", ("coremltools",), "coremltools"),
    ".mlmodel": ("Core ML", ("coremltools",), "coremltools"),
    ".tflite": ("TensorFlow Lite", ("ai_edge_litert", "tflite_runtime", "tensorflow"), "ai-edge-litert"),
    ".pb": ("TensorFlow", ("tensorflow",), "tensorflow"),
    "_saved_model": ("TensorFlow", ("tensorflow",), "tensorflow"),
    "_paddle_model": ("PaddlePaddle", ("paddle",), "paddlepaddle"),
    ".mnn": ("MNN", ("MNN",), "MNN"),
    "_ncnn_model": ("NCNN", ("ncnn",), "ncnn"),
    "_rknn_model": ("RKNN", ("rknnlite",), "rknn-toolkit-lite2"),
    "_imx_model": ("IMX500", ("mct_quantizers",), "mct-quantizers"),
    ".pte": ("ExecuTorch", ("executorch",), "executorch"),
    "_executorch_model": ("ExecuTorch", ("executorch",), "executorch"),
}
"""By the end of a name: the format, modules of which one runs it, and the package to install."""

_VENDOR_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    AssertionError,
    AttributeError,
    KeyError,
    IndexError,
    NotImplementedError,
    ImportError,
    OSError,
    SyntaxError,
)
"""What ultralytics raises for files that it cannot use: it has no error types of its own."""


def quiet_ultralytics(cache: Path) -> None:
    """Set the environment that ultralytics reads at import; its own settings file goes under `cache`.

    Raises:
        StorageFull: the cache folder cannot be written.
    """
    folder = cache / "ultralytics"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFull(
            "The cache folder {cache} cannot be used: {reason}. Set SIGHTLINE_CACHE to a folder of your "
            "own that can be written.",
            cache=cache,
            reason=error.strerror,
        ) from error
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ.update(
        YOLO_AUTOINSTALL="false",
        YOLO_OFFLINE="true",
        YOLO_VERBOSE="false",
        ULTRALYTICS_SAFE_LOAD="1",
        ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS="1",
    )


def decline_openvino_telemetry() -> None:
    """Decline, in this process, the usage reports that OpenVINO's converter sends to its maker unless told otherwise.

    It takes no setting but a file in the user's home, which is not ours to write. ultralytics' exports call it.
    """
    try:
        from openvino_telemetry.utils.opt_in_checker import ConsentCheckResult, OptInChecker
    except ImportError:
        return  # not installed: then OpenVINO reports nothing
    OptInChecker.check = lambda *_, **__: ConsentCheckResult.DECLINED


def require_library(path: Path) -> None:
    """Check that the library which runs a detector's file is installed; ultralytics must not install it by itself.

    Raises:
        UnsupportedModel: it is not; says which package to install.
    """
    name = path.name.lower()
    for ending, (title, modules, package) in _LIBRARIES.items():
        if name.endswith(ending) and not any(map(is_installed, modules)):
            raise UnsupportedModel(
                "The detector {file} is a {title} model, and the library that runs it is not installed. "
                "Install it with: pip install {package}. Or name a detector in another format, such as "
                "yolo26n.pt.",
                file=path.name,
                title=title,
                package=package,
            )


def is_installed(module: str) -> bool:
    """Whether a module can be imported; does not import it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder that forbids the module, or a module without a specification
        return False


def ultralytics_version() -> str | None:
    """The installed version of ultralytics, None where it (or torch) is not installed; imports neither."""
    if not (is_installed("ultralytics") and is_installed("torch")):
        return None
    try:
        return version("ultralytics")
    except PackageNotFoundError:
        return None


def ultralytics_missing(file: str) -> ModelLibraryMissing:
    """Return the error for a detector that only ultralytics can run, or export, where that is not installed."""
    return ModelLibraryMissing(
        "The detector {file} needs torch and ultralytics, which are not installed. Install them with: "
        "{command}. Or name a detector that was exported to OpenVINO.",
        file=file,
        command=INSTALL_TORCH,
    )


def library_missing(model: str, error: ImportError) -> UnsupportedModel:
    """Return the error for a model that needs a module that is not there."""
    needed = Phrase("the library {name}", name=error.name) if error.name else Phrase("a library")
    return UnsupportedModel(
        "The detector {model} needs {library}, which is not installed or cannot be loaded. "
        "Install it, or name a detector in another format, such as yolo26n.pt.",
        model=model,
        library=needed,
    )


def vendor_errors() -> tuple[type[Exception], ...]:
    """What ultralytics and the library that runs ONNX for it raise; the latter's errors are of no other kind."""
    onnxruntime = sys.modules.get("onnxruntime.capi.onnxruntime_pybind11_state")
    values = [] if onnxruntime is None else list(vars(onnxruntime).values())
    return (*_VENDOR_ERRORS, *(kind for kind in values if isinstance(kind, type) and issubclass(kind, Exception)))


def unfitting_detector(name: str) -> WeightsCorrupt:
    """Return the error for a file that ultralytics cannot load; its own words are those of the error's cause."""
    return WeightsCorrupt(
        "The detector {name} cannot be loaded: it is damaged or not a detection model of "
        "ultralytics. Fetch or export it again, or name another one, such as yolo26n.pt.",
        name=name,
    )


def first_line(error: Exception) -> str:
    """Return the first line of a vendor's message, at most 200 characters."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip()[:200]
