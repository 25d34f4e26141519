"""The slim installation: commands in fresh interpreters in which torch and ultralytics cannot be imported."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biometric.bootstrap import make_demo
from tests.conftest import PROJECT
from tests.lawful import ENROLL_OPTIONS

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the demo clips need it")

HEAVY = ("torch", "torchvision", "ultralytics", "matplotlib", "scipy", "gradio")

COMMAND = """
import json, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
BLOCKED = set(sys.argv[1].split(",")) - {""}
sys.meta_path.insert(0, Blocker())
from biometric.cli import main
status = main(sys.argv[2:])
print(json.dumps({"status": status, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


class Machine:
    """A machine with the starter weights and a gallery of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clips = {clip.path.stem: clip.path for clip in make_demo(folder / "demo")}

    def run(
        self, *arguments: str, blocked: str = "torch,torchvision,ultralytics", **settings: str
    ) -> tuple[int, str, str, set[str]]:
        """Run a command in an interpreter of its own; return status, what it printed twice, and packages loaded."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("SIGHTLINE_")}
        folders = {
            f"SIGHTLINE_{name.upper()}": str(self.folder / name)
            for name in ("gallery", "query", "temp", "library", "cache")
        }
        environment |= folders | {
            "SIGHTLINE_OFFLINE": "1",
            "SIGHTLINE_DETECTOR": "starter-detector",
            "SIGHTLINE_EMBEDDER": "starter-embedder-2",
        }
        environment |= settings
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, blocked, *arguments],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.stdout, done.stderr
        out, _, last = done.stdout.rstrip("\n").rpartition("\n")
        report = json.loads(last)
        return report["status"], out, done.stderr, set(report["modules"])


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine = Machine(tmp_path_factory.mktemp("slim"))
    status, _, err, loaded = machine.run("enroll", str(machine.clips["visit-1-beige-coat"]), "Bea", *ENROLL_OPTIONS)
    assert status == 0, err
    assert not loaded & set(HEAVY)
    return machine


def test_somebody_enrolled_is_identified_with_the_same_answer_as_by_the_full_installation(machine: Machine) -> None:
    command = ("identify", str(machine.clips["visit-2-everybody"]), "--json", "--no-files")
    status, slim, err, loaded = machine.run(*command)
    assert status == 0, err
    assert not loaded & {"torch", "torchvision", "ultralytics"}
    assert '"Bea"' in slim
    full = json.loads(machine.run(*command, blocked="")[1])
    kept = json.loads(slim)
    for answer in (full, kept):
        answer.pop("timings", None)
    assert kept["people"] == full["people"]


def test_a_cold_verify_imports_no_more_than_it_needs(machine: Machine) -> None:
    status, out, err, loaded = machine.run("verify", str(machine.clips["visit-2-beige-coat"]), "Bea", blocked="")
    assert status == 0, err
    assert "Match" in out
    assert not loaded & set(HEAVY)
    assert "openvino" in loaded


def test_what_torch_alone_can_do_says_what_to_install(machine: Machine, tmp_path: Path) -> None:
    clip = str(machine.clips["visit-2-beige-coat"])
    (tmp_path / "mine.pt").write_bytes((PROJECT / "models" / "starter-detector.pt").read_bytes() + b" ")
    for settings in (
        {"SIGHTLINE_DETECTOR": str(tmp_path / "mine.pt")},
        {"SIGHTLINE_TRACKER": "botsort"},
    ):
        status, _, err, _ = machine.run("verify", clip, "Bea", **settings)
        assert status != 0
        assert 'pip install "sightline[torch]"' in err
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        ("pretrain", "crops.h5", "--run", "run"),
        ("finetune", "market1501", "crops", "--run", "run"),
        ("distill", "crops.h5", "--held-back", "other.h5", "--run", "run"),
        ("detector", "data", "--run", "run"),
        ("export", "--run", "run", "--id", "mine"),
    ],
    ids=lambda words: words[0],
)
def test_training_says_what_to_install(machine: Machine, words: tuple[str, ...]) -> None:
    status, _, err, _ = machine.run("train", *words)
    assert status == 2
    assert 'pip install "sightline[torch]"' in err


def test_the_notice_of_the_starter_says_what_helps(machine: Machine) -> None:
    status, out, err, _ = machine.run(
        "verify",
        str(machine.clips["visit-2-beige-coat"]),
        "Bea",
        SIGHTLINE_DETECTOR="",
        SIGHTLINE_EMBEDDER="starter-embedder-2",
    )
    assert status == 0, err
    assert 'pip install "sightline[torch]"' in err + out
    assert "models fetch" not in err + out


def test_models_are_listed_and_checked_without_torch(machine: Machine) -> None:
    for command in ("list", "check"):
        status, out, err, loaded = machine.run("models", command)
        assert status == 0, err
        assert "starter-detector" in out
        assert "torch" not in loaded
