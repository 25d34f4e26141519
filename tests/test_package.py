"""The package as people install it: its wheel, what it needs, and what importing it loads."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import biometric
from tests.conftest import PROJECT
from tests.fresh_interpreter import OFFLINE, packages_loaded_by
from tests.lawful import ENROLL_OPTIONS

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]


def pins(name: str) -> dict[str, str]:
    """The exact versions that a requirements file itself names."""
    lines = (PROJECT / name).read_text("utf-8").splitlines()
    found = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==(\S+)", line) for line in lines)
    return {canonicalize_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize(
    ("files", "ranges"),
    [
        (["requirements-slim.txt"], PROJECT_TABLE["dependencies"]),
        (["requirements.txt"], PROJECT_TABLE["optional-dependencies"]["torch"]),
        (["requirements-evaluation.txt"], PROJECT_TABLE["optional-dependencies"]["evaluation"]),
        (["requirements-train.txt"], PROJECT_TABLE["optional-dependencies"]["train"]),
        (["requirements-dev.txt", "requirements-build.txt"], PROJECT_TABLE["optional-dependencies"]["dev"]),
    ],
)
def test_every_range_is_pinned_within_it_and_every_pin_has_its_range(files: list[str], ranges: list[str]) -> None:
    pinned = {name: version for file in files for name, version in pins(file).items()}
    needed = {canonicalize_name(each.name): each for each in map(Requirement, ranges) if each.name != "sightline"}
    assert pinned.keys() == needed.keys()
    for name, requirement in needed.items():
        assert requirement.specifier, f"{name} has no range"
        assert requirement.specifier.contains(pinned[name]), f"{name}=={pinned[name]} is not within {requirement}"


def test_every_pin_is_among_the_constraints() -> None:
    constraints = pins("constraints.txt")
    for file in PROJECT.glob("requirements*.txt"):
        for name, version in pins(file.name).items():
            # torch and torchvision are told apart by where they come from, not by the list of constraints alone.
            assert constraints.get(name, version) == version, (file.name, name)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(PROJECT)], check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_has_its_version_its_types_and_its_weights_and_no_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"sightline-{biometric.__version__}-py3-none-any.whl"
    shipped = {path.rpartition("/")[2] for path in names if path.startswith("biometric/models/shipped/")}
    expected = {"manifest.toml", *(path.name for path in (PROJECT / "models").glob("starter-*"))}
    assert shipped == expected
    assert {"biometric/py.typed", "biometric/ui/assets/sightline.css", "biometric/ui/templates/macros.html"} <= set(
        names
    )
    assert {name.partition("/")[0] for name in names} == {"biometric", f"sightline-{biometric.__version__}.dist-info"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the wheel; libraries are borrowed from this one, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    # A .pth in a .pth's folder is not followed, so that an editable Sightline of this environment stays out.
    (site / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return python.parent


def run(installed: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command from an empty folder, with a home folder of its own and no network."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith(("SIGHTLINE_", "XDG_", "PYTHON"))}
    environment = {**ours, "HOME": str(home), "SIGHTLINE_OFFLINE": "1", "SIGHTLINE_TEMP": str(home / "temp")}
    environment["SIGHTLINE_DEVICE"] = "cpu"
    elsewhere = home / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return subprocess.run(
        [str(installed / words[0]), *words[1:]], cwd=elsewhere, env=environment, capture_output=True, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="expects the data folder of Linux")
def test_the_installed_command_enrolls_and_verifies_from_another_folder(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "sightline", "--version").stdout == f"Sightline {biometric.__version__}\n"
    assert run(installed, tmp_path, "python", "-m", "biometric", "--version").returncode == 0
    where = run(installed, tmp_path, "python", "-c", "import biometric; print(biometric.__file__)").stdout
    assert where.startswith(str(installed.parent))
    made = run(installed, tmp_path, "sightline", "demo", "clips")
    assert made.returncode == 0, made.stderr
    for status, *words in (
        (0, "enroll", "clips/visit-1-beige-coat.mp4", "Ada", *ENROLL_OPTIONS),
        (0, "verify", "clips/visit-2-beige-coat.mp4", "Ada"),
    ):
        done = run(installed, tmp_path, "sightline", *words)
        assert done.returncode == status, done.stderr
    assert (tmp_path / ".local" / "share" / "sightline" / "gallery" / "gallery.sqlite3").is_file()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["clips"]


HEAVY = ("gradio", "torch", "cv2", "faiss", "ultralytics", "openvino", "scipy", "sklearn", "matplotlib")


@pytest.mark.parametrize("module", ["biometric", "biometric.service"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert packages_loaded_by(f"import {module}", HEAVY) == set()


def test_the_application_never_imports_evaluation_or_training() -> None:
    code = "import biometric.service, biometric.cli, biometric.bootstrap, biometric.ui.launch;biometric.cli.parser()"
    assert packages_loaded_by(code, OFFLINE) == set()
