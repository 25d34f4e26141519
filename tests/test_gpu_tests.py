"""`make test-gpu` runs on a machine with torch and the application's packages, and without the others."""

import ast
import subprocess
import sys

from tests.conftest import PROJECT

ABSENT = "openvino,faiss,matplotlib,lightly,pytorch_metric_learning,timm,onnx,onnxruntime,playwright"


def test_tests_on_a_card_need_neither_openvino_nor_what_others_need() -> None:
    command = [sys.executable, "tests/hidden_packages.py", ABSENT, "tests/gpu", "-q", "-m", "not real", "-rs", "-p",
               "no:cacheprovider"]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "error" not in done.stdout.splitlines()[-1]


def test_all_tests_for_a_card_are_run_by_make_test_gpu() -> None:
    elsewhere = []
    for path in (PROJECT / "tests").rglob("test_*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        marks = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
        if "pytest.mark.gpu" in marks and path.parent.name != "gpu":
            elsewhere.append(path.name)
    assert elsewhere == []
