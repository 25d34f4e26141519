"""Look up known weaknesses of every package that may be installed, with pip-audit.

Exit status: 0, nothing is known; 1, something is; 2, nothing could be looked up.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HASHES = Path(__file__).parent / "hashes"


class LookUpFailed(Exception):
    """pip-audit gave no answer; the text is its last line."""


def report(dependencies: list[dict[str, Any]]) -> tuple[int, str]:
    """The exit status and what to say about pip-audit's list of packages."""
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    asked = len(dependencies) - len(skipped)
    if not asked:
        return 2, "No package could be looked up: the package index answered for none of them."
    lines = []
    weak = [each for each in dependencies if each.get("vulns")]
    for package in weak:
        for weakness in package["vulns"]:
            repaired = ", ".join(weakness["fix_versions"]) or "no version yet"
            lines.append(f"{package['name']} {package['version']}: {weakness['id']}, repaired in: {repaired}")
    if skipped:
        lines.append(f"Not looked up, unknown to the index: {', '.join(sorted(skipped))}.")
    lines.append(f"{asked} packages looked up, {len(weak)} with known weaknesses.")
    return (1 if weak else 0), "\n".join(lines)


def look_up(layer: Path, folder: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each package of one file.

    Raises:
        LookUpFailed: It said nothing, as without a network.
    """
    output = folder / f"{layer.stem}.json"
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--format", "json", "--desc", "off", "--output", str(output), "--requirement", str(layer)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if not output.is_file():
        raise LookUpFailed((answer.stderr.strip().splitlines() or ["nothing"])[-1])
    found: list[dict[str, Any]] = json.loads(output.read_text("utf-8"))["dependencies"]
    return found


def main() -> int:
    """Audit all layers."""
    # One after another: pip-audit takes no package twice, and two layers may list one for different systems.
    packages: dict[tuple[str, str], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layer in sorted(HASHES.glob("*.txt")):
            try:
                found = look_up(layer, Path(folder))
            except LookUpFailed as error:
                print(
                    f"The packages could not be looked up. Is there a network? pip-audit said: {error}", file=sys.stderr
                )
                return 2
            packages |= {(each["name"], each.get("version", "")): each for each in found}
    status, text = report(list(packages.values()))
    print(text, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
