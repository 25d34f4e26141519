"""Write the bill of materials of the installed application, its models included (CycloneDX 1.6, JSON).

`cyclonedx-py` lists what is installed, with licences. What only development needs is left out, and models are added
with the licences of the manifest and the hashes of the files that are there.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent


class BillError(Exception):
    """The bill cannot be written; the text says why."""


def plain_name(name: str) -> str:
    """The name of a package as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages_of(layers: list[str]) -> set[str]:
    """The packages that layers of supply/hashes list."""
    texts = [(PROJECT / "supply" / "hashes" / f"{layer}.txt").read_text("utf-8") for layer in layers]
    return {plain_name(name) for text in texts for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def installed_packages(python: Path) -> dict[str, Any]:
    """The bill of everything that is installed for an interpreter, as `cyclonedx-py` writes it."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    command = [str(tool), "environment", str(python), "--output-reproducible", "--spec-version", "1.6"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise BillError(f"cyclonedx-py could not list what is installed for {python}:\n{answer.stderr}")
    bill: dict[str, Any] = json.loads(answer.stdout)
    return bill


def model_components(models: Path, is_licence_id: Callable[[str], bool]) -> list[dict[str, Any]]:
    """The models of the manifest whose files are there, each with its licence, its source and its files' hashes.

    Raises:
        BillError: A file is not the one whose checksum the manifest holds.
    """
    cards = tomllib.loads((models / "manifest.toml").read_text("utf-8"))["card"]
    components = []
    for card in cards:
        listed = [*card["files"], *card.get("graph", [])]
        present = [entry for entry in listed if (models / entry["name"]).is_file()]
        if not present:
            continue
        files = []
        for entry in present:
            content = (models / entry["name"]).read_bytes()
            for kind in ("sha256", "sha384"):
                if kind in entry and hashlib.new(kind, content).hexdigest() != entry[kind]:
                    raise BillError(f"models/{entry['name']} is not the file of the manifest: its {kind} is another.")
            digest = {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}
            reference = f"model:{card['id']}:{entry['name']}"
            files.append({"bom-ref": reference, "type": "file", "name": entry["name"], "hashes": [digest]})
        licence = card["licence"]
        components.append(
            {
                "bom-ref": f"model:{card['id']}",
                "type": "machine-learning-model",
                "name": card["id"],
                "description": f"{card['title']} ({card['role']}). Source: {card['source']}",
                "licenses": [{"license": {"id" if is_licence_id(licence) else "name": licence}}],
                "components": files,
            }
        )
    return components


def application_bill(everything: dict[str, Any], names: set[str], models: list[dict[str, Any]]) -> dict[str, Any]:
    """The bill of the application out of that of everything installed: itself, the named packages, and its models.

    Raises:
        BillError: Sightline itself is not installed.
    """
    application = next((part for part in everything["components"] if part["name"] == "sightline"), None)
    if application is None:
        raise BillError("Sightline is not installed in that environment: run `make run` first.")
    # An editable installation names the folder that it is in, which is nobody else's business.
    application = {key: value for key, value in application.items() if key != "externalReferences"}
    application["type"] = "application"
    packages = [part for part in everything["components"] if plain_name(part["name"]) in names]
    kept = {part["bom-ref"] for part in [application, *packages, *models]}
    dependencies = []
    for entry in everything.get("dependencies", []):
        if entry["ref"] in kept:
            needs = kept.intersection(entry.get("dependsOn", []))
            if entry["ref"] == application["bom-ref"]:
                needs |= {part["bom-ref"] for part in models}
            dependencies.append({"ref": entry["ref"], "dependsOn": sorted(needs)})
    metadata = {**everything["metadata"], "component": application}
    return {**everything, "metadata": metadata, "components": [*packages, *models], "dependencies": dependencies}


def main() -> int:
    """Write the file that the command line names."""
    # Part of the tools' own environment, which tests do without.
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.spdx import is_supported_id
    from cyclonedx.validation import make_schemabased_validator

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", type=Path, help="the interpreter of the application's environment")
    parser.add_argument("output", type=Path)
    parser.add_argument("layers", nargs="+", help="what belongs to the application, such as: slim torch")
    arguments = parser.parse_args()
    try:
        everything = installed_packages(arguments.python)
        models = model_components(PROJECT / "models", is_supported_id)
        bill = application_bill(everything, packages_of(arguments.layers), models)
        text = json.dumps(bill, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        fault = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6).validate_str(text)
        if fault is not None:
            raise BillError(f"The bill does not follow the schema of CycloneDX: {fault}")
    except BillError as error:
        print(error, file=sys.stderr)
        return 1
    arguments.output.write_text(text, "utf-8")
    packages = len(bill["components"]) - len(models)
    print(f"{arguments.output}: {packages} packages and {len(models)} models.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
