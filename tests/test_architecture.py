"""Which room may import which: docs/architecture.md says why. Every import counts, also those inside functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.fresh_interpreter import OFFLINE as OFFLINE_PACKAGES
from tests.fresh_interpreter import packages_loaded_by

PACKAGE = PROJECT / "biometric"

FOUNDATION = {"entities", "errors"}
PORTS = FOUNDATION | {"ports"}
ADAPTER = PORTS | {"storage", "settings"}
OFFLINE = {"evaluation", "training"}
FACES = {"cli", "ui"}

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "entities": {"errors"},
    "ports": FOUNDATION,
    "storage": FOUNDATION,
    "locations": FOUNDATION,
    "settings_fields": FOUNDATION | {"locations"},
    "settings": FOUNDATION | {"locations", "storage", "settings_fields", "messages"},  # which languages there are
    "messages": FOUNDATION,
    "statistics": FOUNDATION,
    "domain": PORTS,
    "pipeline": PORTS | {"domain", "storage"},  # the cache of observations removes the folders of crops
    "calibration": PORTS | {"domain", "statistics"},
    # What an answer leaves behind is told in sentences, as the faces tell it.
    "results": ADAPTER | {"messages", "domain"},
    "accounts": ADAPTER | {"messages"},
    "cases": ADAPTER | {"domain"},
    "clips": ADAPTER,
    "models": ADAPTER,
    "gallery": ADAPTER | {"domain"},  # a template that loses a sample is pooled as at enrollment
    "footage_store": ADAPTER,
    "job_queue": ADAPTER,
    # What a job says of its failure is told in sentences, once, by the worker.
    "analysis": PORTS | {"service", "storage", "messages"},
    "worker_metrics": PORTS,
    "watched_files": FOUNDATION,
    "adapters": PORTS | {"results"},
    "footage_keeper": PORTS,
    "erasing": PORTS | {"results", "storage", "footage_keeper"},
    "open_galleries": PORTS,
    "sighting_desk": PORTS | {"domain", "settings"},
    "redactor": PORTS
    | {"adapters", "erasing", "footage_keeper", "domain", "pipeline", "results", "settings", "storage"},
    "service": PORTS
    | {
        "adapters",
        "open_galleries",
        "footage_keeper",
        "redactor",
        "sighting_desk",
        "erasing",
        "domain",
        "pipeline",
        "calibration",
        "results",
    }
    | {"settings", "storage", "messages"},
    "retention_duty": PORTS | {"service"},
    "library": PORTS
    | {"service", "settings", "bootstrap", "messages", "library_edits", "library_calibration"}
    | {"library_redaction", "retention_duty"},
    "library_edits": PORTS | {"service"},
    "library_calibration": PORTS | {"service"},
    "library_redaction": PORTS | {"service"},
    "bootstrap": PORTS
    | {"service", "settings", "storage", "clips", "models", "gallery", "footage_store", "results", "pipeline"}
    | {"messages", "adapters"},
    "bootstrap_jobs": PORTS
    | {"bootstrap", "service", "settings", "analysis", "job_queue", "worker_metrics"}
    | {"watched_files", "clips"},
    "ui": PORTS
    | {"service", "footage_keeper", "erasing", "domain", "results", "settings", "storage", "messages", "accounts"}
    | {"retention_duty"},
    "cli": PORTS
    | {
        "service",
        "footage_keeper",
        "erasing",
        "bootstrap",
        "bootstrap_jobs",
        "analysis",
        "domain",
        "results",
        "settings",
        "locations",
        "storage",
        "messages",
        "accounts",
        "cases",
        "retention_duty",
        "ui",
    }
    | OFFLINE,
    # Offline work: it trains and measures the very networks and detectors that the adapters run.
    "evaluation": ADAPTER | {"domain", "statistics", "models", "clips", "pipeline"},
    "training": ADAPTER
    | {"domain", "statistics", "models", "clips", "pipeline", "evaluation", "bootstrap", "messages"},
}
"""Rooms (packages and modules of `biometric`), and what each may import besides itself."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("biometric.errors.footage_errors", "entities"): "for the type checker only: entities raise these errors",
    ("biometric.errors.redaction_errors", "entities"): "for the type checker only: entities raise errors",
    ("biometric.errors.input_errors", "entities"): "for the type checker only: entities raise these errors",
}
"""(module, imported room): why it is so, until it is not. An entry that is not needed any more fails a test."""

MOST_LINES = 300
"""A module that is longer holds more than one thing: move a coherent piece into a module with a name of its own."""

LONGER: dict[str, str] = {}
"""Module that may be longer: why. An entry that is not needed any more fails a test."""


def modules() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


def room_of(name: str) -> str:
    """The room of a dotted module name: "biometric.models.store" is in "models"."""
    return [*name.split("."), "", ""][1]


def dotted(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a module imports from the package, wherever they stand; relative imports are not used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("biometric."))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            if node.module == "biometric":
                yield from (f"biometric.{alias.name}" for alias in node.names)
            elif (node.module or "").startswith("biometric."):
                yield str(node.module)


def arrows() -> set[tuple[str, str]]:
    """(module, imported room) of every import from one room into another."""
    found = set()
    for path in modules():
        module = dotted(path)
        if module in ("biometric", "biometric.__main__"):
            continue
        for name in imported(ast.parse(path.read_text("utf-8"))):
            room = room_of(name)
            if room != room_of(module) and not room.startswith("__"):
                found.add((module, room))
    return found


def refused() -> set[tuple[str, str]]:
    return {(module, room) for module, room in arrows() if room not in ALLOWED.get(room_of(module), set())}


def test_every_room_is_known() -> None:
    rooms = {room_of(dotted(path)) for path in modules()} - {"", "__main__"}
    assert rooms - ALLOWED.keys() == set()
    assert ALLOWED.keys() - rooms == set()


def test_imports_follow_the_arrows() -> None:
    wrong = sorted(refused() - EXCEPTIONS.keys())
    assert wrong == [], "\n".join(f"{module} imports {room}" for module, room in wrong)


def test_no_exception_outlives_its_reason() -> None:
    assert sorted(EXCEPTIONS.keys() - refused()) == []


@pytest.mark.parametrize("adapter", ["clips", "models", "gallery", "footage_store", "job_queue"])
def test_only_bootstrap_builds_adapters(adapter: str) -> None:
    users = {room_of(module) for module, room in arrows() if room == adapter}
    assert users <= {"bootstrap", "bootstrap_jobs"} | OFFLINE


def test_the_application_never_imports_offline_work() -> None:
    users = {room_of(module) for module, room in arrows() if room in OFFLINE}
    assert users <= {"cli", "training"}


def test_bootstrap_loads_no_training(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from biometric import bootstrap;"
        "from biometric.settings import Settings;"
        f"settings = Settings(temp=Path({str(tmp_path / 'temp')!r}), cache=Path({str(tmp_path / 'cache')!r}));"
        "bootstrap.build(settings); bootstrap.build_models(settings)"
    )
    assert packages_loaded_by(code, OFFLINE_PACKAGES) == set()


def test_commands_that_need_no_offline_work_load_none() -> None:
    assert packages_loaded_by("from biometric.cli import parser; parser()", OFFLINE_PACKAGES) == set()


def test_what_is_loaded_is_seen() -> None:
    code = "import biometric.evaluation.groups"
    assert packages_loaded_by(code, (*OFFLINE_PACKAGES, "biometric.eval")) == {"biometric.evaluation"}


def too_long(package: Path) -> dict[str, int]:
    """Path below the package, with slashes: number of lines, of modules with more than `MOST_LINES`."""
    lengths = {
        path.relative_to(package).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in package.rglob("*.py")
    }
    return {name: lines for name, lines in lengths.items() if lines > MOST_LINES}


def test_no_module_is_too_long() -> None:
    assert {name: lines for name, lines in too_long(PACKAGE).items() if name not in LONGER} == {}


def test_no_allowance_for_a_long_module_outlives_its_reason() -> None:
    assert sorted(LONGER.keys() - too_long(PACKAGE).keys()) == []


def test_a_long_module_is_seen(tmp_path: Path) -> None:
    (tmp_path / "full.py").write_text("x = 1\n" * MOST_LINES)
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "overfull.py").write_text("x = 1\n" * (MOST_LINES + 1))
    assert too_long(tmp_path) == {"room/overfull.py": MOST_LINES + 1}


def test_a_wrong_arrow_is_seen() -> None:
    tree = ast.parse("def f():\n    from biometric.models.store import ModelStore\n    from biometric import gallery\n")
    assert [room_of(name) for name in imported(tree)] == ["models", "gallery"]
