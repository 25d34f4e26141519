"""Detectors are compared in float32, with a cache that the tests of a file share."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO in float32, for ultralytics, too: newer processors choose bfloat16, whose rounding moves boxes."""
    import openvino

    original = openvino.Core.compile_model

    def compiled(core: Any, model: Any, device_name: Any = None, config: Any = None) -> Any:
        return original(core, model, device_name, {**(config or {}), "INFERENCE_PRECISION_HINT": "f32"})

    monkeypatch.setattr(openvino.Core, "compile_model", compiled)
