"""A detector whose library is missing is refused with what to install; nothing is ever installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biometric.errors import UnsupportedModel
from biometric.models import ultralytics_setup
from biometric.models.detection import UltralyticsDetector


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("mine.onnx", "onnxruntime"),
        ("MINE.ONNX", "onnxruntime"),
        ("mine.engine", "tensorrt"),
        ("mine.mlpackage", "coremltools"),
        ("mine.tflite", "ai-edge-litert"),
        ("mine_saved_model", "tensorflow"),
        ("mine_paddle_model", "paddlepaddle"),
        ("mine.mnn", "MNN"),
        ("mine_ncnn_model", "ncnn"),
        ("mine_rknn_model", "rknn-toolkit-lite2"),
        ("mine.pte", "executorch"),
    ],
)
def test_a_missing_library_is_named_before_anything_is_loaded(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ultralytics_setup, "find_spec", lambda module: None)
    with pytest.raises(UnsupportedModel, match=f"pip install {package}"):
        UltralyticsDetector(tmp_path / name, name, "cpu", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_import_hook_that_forbids_a_library_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(ultralytics_setup, "find_spec", forbid)
    with pytest.raises(UnsupportedModel, match="pip install onnxruntime"):
        ultralytics_setup.require_library(Path("mine.onnx"))


def test_formats_whose_library_is_there_pass() -> None:
    assert importlib.util.find_spec("onnxruntime") is not None
    for name in ("mine.onnx", "mine.pt", "mine.xml", "mine_openvino_model"):
        ultralytics_setup.require_library(Path(name))


def test_promise_9_openvinos_converter_reports_nothing(tmp_path: Path) -> None:
    """In a process of its own: its reporter is one object a process, and takes a user's word from their home."""
    script = (
        "from pathlib import Path; from biometric.models.detection import prepare_ultralytics; "
        f"prepare_ultralytics(Path({str(tmp_path / 'cache')!r})); "
        "from openvino.tools.ovc.telemetry_utils import init_ovc_telemetry; print(init_ovc_telemetry().consent)"
    )
    home = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    home |= {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], check=True, env=home, stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == ["False"]
    assert not (tmp_path / "intel").exists()


def test_a_module_that_a_library_lacks_is_named() -> None:
    error = ultralytics_setup.library_missing("mine.torchscript", ImportError("No module named 'x'", name="x"))
    assert "mine.torchscript needs the library x" in str(error)


def test_a_broken_onnxruntime_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('a shared object is missing', name='onnxruntime')")
    (tmp_path / "mine.onnx").write_bytes(b"anything")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pathlib import Path;"
        "from biometric.errors import UnsupportedModel; from biometric.models.detection import UltralyticsDetector\n"
        f"model, cache = Path({str(tmp_path / 'mine.onnx')!r}), Path({str(tmp_path)!r})\n"
        "try: UltralyticsDetector(model, model.name, 'cpu', cache)\n"
        "except UnsupportedModel as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mine.onnx needs the library onnxruntime" in done.stdout
