"""A process that loaded and dropped models through OpenVINO survives the next signal."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

SCRIPT = """
import os, signal, sys
from pathlib import Path
import openvino
from openvino import opset13 as ops
from biometric.entities.model_cards import InputFormat
from biometric.models import embedding_openvino

pixels = ops.parameter([-1, 3, 32, 16], name="data")
means = ops.reduce_mean(pixels, ops.constant([2, 3]), keep_dims=False)
path = Path(sys.argv[1])
openvino.save_model(openvino.Model([means], [pixels], "net"), path)
form = InputFormat(32, 16, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
networks = [embedding_openvino.OpenVINOEmbedder(path, form, "means") for _ in range(3)]
while networks:
    del networks[0]  # in the order of their making: the last to go gives back a stack that is no more
signal.signal(signal.SIGTERM, lambda *_: print("handled", flush=True))
os.kill(os.getpid(), signal.SIGTERM)
"""


def end_of(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "net.xml")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.strip() or done.stderr[-500:]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has alternate signal stacks like these")
def test_a_signal_after_models_were_dropped_is_handled(tmp_path: Path) -> None:
    assert end_of(tmp_path) == (0, "handled")
