"""Promise 17: packages are installed at exact versions, and only as files whose hashes are listed."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply import package_audit, software_bill
from supply.renew_hashes import HASHES, LAYERS, blocks_of
from tests.conftest import PROJECT

RENEW = "run `make hashes` after a change of requirements"

# What pip itself would ask on systems that the application supports.
SYSTEMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def entries(layer: str) -> list[tuple[Requirement, list[str]]]:
    """Each package that a layer lists, with its hashes."""
    blocks = blocks_of((HASHES / f"{layer}.txt").read_text("utf-8"))
    lines = [block.partition("\n")[0].rstrip("\\ ") for block in blocks]
    return [(Requirement(line), re.findall(r"--hash=(\S+)", block)) for line, block in zip(lines, blocks, strict=True)]


def with_those_below(layer: str) -> list[tuple[Requirement, list[str]]]:
    return [entry for each in [*LAYERS[layer][1], layer] for entry in entries(each)]


def exact(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


def pinned(file: str) -> list[Requirement]:
    lines = (PROJECT / file).read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if re.match(r"[\w]", line)]


@pytest.mark.parametrize("layer", LAYERS)
def test_promise_17_every_package_has_one_version_and_hashes_and_no_file_names_an_index(layer: str) -> None:
    text = (HASHES / f"{layer}.txt").read_text("utf-8")
    listed = entries(layer)
    assert listed
    assert len(listed) == len(re.findall(r"^\w", text, re.MULTILINE)), "a package without a hash"
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for _, digests in listed for digest in digests)
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE), "an option, such as an index"
    versions: dict[str, set[str]] = {}
    for requirement, _ in with_those_below(layer):
        versions.setdefault(canonicalize_name(requirement.name), set()).add(exact(requirement))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("layer", LAYERS)
def test_promise_17_the_hashes_are_of_the_pinned_versions_on_every_system(layer: str) -> None:
    direct = pinned(LAYERS[layer][0])
    constraints = {canonicalize_name(each.name): exact(each) for each in pinned("constraints.txt")}
    listed = with_those_below(layer)
    for requirement, _ in listed:
        assert exact(requirement) == constraints.get(canonicalize_name(requirement.name), exact(requirement)), RENEW
    for system in SYSTEMS:
        for python in PYTHONS:
            environment = {
                **default_environment(),
                **system,
                "python_version": python,
                "python_full_version": python + ".9",
            }
            installed = {
                canonicalize_name(each.name): exact(each)
                for each, _ in listed
                if each.marker is None or each.marker.evaluate(environment)
            }
            for each in direct:
                assert installed.get(canonicalize_name(each.name)) == exact(each), f"{each.name}: {RENEW}"


def test_promise_17_every_constraint_is_among_the_hashes() -> None:
    listed = {canonicalize_name(each.name) for layer in LAYERS for each, _ in entries(layer)}
    missing = [each.name for each in pinned("constraints.txt") if canonicalize_name(each.name) not in listed]
    assert not missing, RENEW


def needed_by(installed: set[str], names: list[Requirement]) -> set[str]:
    """What packages need on this machine, by the metadata of what is installed here."""
    from importlib.metadata import PackageNotFoundError, requires

    found: set[str] = set()
    waiting = [(canonicalize_name(each.name), frozenset(each.extras)) for each in names]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for need in map(Requirement, lines):
            if any(need.marker is None or need.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "supply"])
def test_promise_17_no_package_that_this_machine_needs_is_missing(layer: str) -> None:
    listed = {
        canonicalize_name(each.name)
        for each, _ in with_those_below(layer)
        if each.marker is None or each.marker.evaluate()
    }
    needed = needed_by(listed, pinned(LAYERS[layer][0]))
    assert needed - listed == set(), RENEW


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "SLIM=1"],
        ["test"],
        ["train-setup"],
        ["evaluation-setup"],
        ["encryption-setup"],
        ["sbom"],
        ["hashes"],
    ],
)
def test_promise_17_make_installs_nothing_without_a_hash(words: list[str], tmp_path: Path) -> None:
    planned = subprocess.run(
        ["make", "-n", f"VENV={tmp_path / 'venv'}", *words], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    installing = [line for line in planned.splitlines() if "pip install" in line]
    assert installing
    for line in installing:
        itself = line.endswith("--no-build-isolation --no-deps -e .")
        assert itself or "--require-hashes" in line, line
        assert itself or set(re.findall(r"-r (\S+)", line)) <= {f"supply/hashes/{layer}.txt" for layer in LAYERS}


def made_wheel(folder: Path) -> Path:
    """A package of one empty module."""
    path = folder / "sightline_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sightline_probe.py", "")
        archive.writestr(
            "sightline_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: sightline-probe\nVersion: 1.0\n"
        )
        archive.writestr(
            "sightline_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("sightline_probe-1.0.dist-info/RECORD", "")
    return path


def test_promise_17_a_changed_file_of_the_same_version_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    wheel = made_wheel(index)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    listed = tmp_path / "listed.txt"
    listed.write_text(f"sightline-probe==1.0 \\\n    --hash=sha256:{digest}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "--no-index"]
    command += ["--find-links", str(index), "--target", str(tmp_path / "installed"), "-r", str(listed)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    environment["PIP_CONFIG_FILE"] = os.devnull
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
    shutil.rmtree(tmp_path / "installed")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("miner.py", "")
    refused = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "HASH" in refused.stderr.upper()
    assert not (tmp_path / "installed" / "miner.py").exists()


# The bill of materials and the look-up of weaknesses ------------------------------------------------------------------


def test_the_bill_names_the_models_that_are_there_with_their_licences_and_hashes() -> None:
    models = software_bill.model_components(PROJECT / "models", lambda _: True)
    cards = tomllib.loads((PROJECT / "models" / "manifest.toml").read_text("utf-8"))["card"]
    licences = {card["id"]: card["licence"] for card in cards}
    assert {"starter-detector", "starter-embedder-2"} <= {model["name"] for model in models}
    for model in models:
        assert model["licenses"] == [{"license": {"id": licences[model["name"]]}}]
        for file in model["components"]:
            content = (PROJECT / "models" / file["name"]).read_bytes()
            assert file["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]


def test_no_bill_is_written_for_a_model_that_was_changed(tmp_path: Path) -> None:
    for path in (PROJECT / "models").glob("starter-*"):
        shutil.copy(path, tmp_path)
    shutil.copy(PROJECT / "models" / "manifest.toml", tmp_path)
    with (tmp_path / "starter-detector.xml").open("ab") as file:
        file.write(b" ")
    with pytest.raises(software_bill.BillError, match=r"starter-detector\.xml is not the file of the manifest"):
        software_bill.model_components(tmp_path, lambda _: True)


def test_the_bill_leaves_out_what_only_development_needs_and_where_it_was_made() -> None:
    parts = [
        {"bom-ref": "own", "name": "sightline", "externalReferences": [{"url": "file:///somewhere"}]},
        {"bom-ref": "a", "name": "Some_Package"},
        {"bom-ref": "b", "name": "pytest"},
    ]
    edges = [{"ref": "own", "dependsOn": ["a", "b"]}, {"ref": "a"}, {"ref": "b", "dependsOn": ["a"]}]
    everything = {"components": parts, "dependencies": edges, "metadata": {}}
    models = [{"bom-ref": "m", "name": "starter", "type": "machine-learning-model"}]
    bill = software_bill.application_bill(everything, {"some-package"}, models)
    assert [part["bom-ref"] for part in bill["components"]] == ["a", "m"]
    assert bill["dependencies"] == [{"ref": "own", "dependsOn": ["a", "m"]}, {"ref": "a", "dependsOn": []}]
    assert bill["metadata"]["component"]["type"] == "application"
    assert "somewhere" not in json.dumps(bill)
    with pytest.raises(software_bill.BillError, match="not installed"):
        software_bill.application_bill({**everything, "components": parts[1:]}, set(), [])


def test_the_audit_says_what_is_weak_what_is_unknown_and_when_nothing_was_looked_up() -> None:
    sound = {"name": "sound", "version": "1", "vulns": []}
    weak = {"name": "weak", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    unknown = {"name": "unknown", "skip_reason": "not found"}
    assert package_audit.report([sound]) == (0, "1 packages looked up, 0 with known weaknesses.")
    status, text = package_audit.report([sound, weak, unknown])
    assert status == 1
    assert "weak 2: CVE-1, repaired in: 3" in text
    assert "unknown" in text
    assert package_audit.report([unknown])[0] == 2


def test_without_a_network_the_audit_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.txt").write_text("", "utf-8")
    monkeypatch.setattr(package_audit, "HASHES", tmp_path)
    # pip-audit is no part of this environment: it ends without an answer, as it does without a network.
    assert package_audit.main() == 2
    assert "Is there a network?" in capsys.readouterr().err
