"""Write supply/hashes: every package that the set-ups of `make` install, with the hashes of its files.

`uv pip compile` resolves for all systems and Python versions at once. Each layer lists only what the layers below it
do not, so that a hash stands in one place; `make` installs a layer together with those below.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
HASHES = PROJECT / "supply" / "hashes"

LAYERS = {
    "build": ("requirements-build.txt", ()),
    "slim": ("requirements-slim.txt", ("build",)),
    "torch": ("requirements.txt", ("build", "slim")),
    "train": ("requirements-train.txt", ("build", "slim", "torch")),
    "evaluation": ("requirements-evaluation.txt", ("build", "slim", "torch")),
    "encryption": ("requirements-encryption.txt", ("build", "slim")),
    "dev": ("requirements-dev.txt", ("build", "slim", "torch", "train", "evaluation", "encryption")),
    "supply": ("requirements-supply.txt", ()),
}
"""Each layer: the file of its direct requirements, and the layers that are installed with it."""

# mkdocs-material of the development set-up asks for 3.11.5; everything else takes any 3.11.
OLDEST_PYTHON = {"dev": "3.11.5"}

NOTE = "# Written by `make hashes` from {source}: every version and file that may be installed. Do not edit.\n"


def blocks_of(text: str) -> list[str]:
    """The packages of a file: each with its version, its marker and its hashes."""
    return re.findall(r"^\w[^\n]*\n(?:    --hash=\S+[^\n]*\n)+", text, re.MULTILINE)


def renew(layer: str) -> int:
    """Resolve one layer, replace its file, and return how many packages it lists."""
    source, below = LAYERS[layer]
    target = HASHES / f"{layer}.txt"
    lower = [HASHES / f"{name}.txt" for name in below]
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", OLDEST_PYTHON.get(layer, "3.11"), "--no-header", "--no-annotate"]
    # No address of a package index may get into the file: a clone uses the index of whoever installs it.
    command += ["--no-emit-index-url", "--no-emit-find-links", "--output-file", str(target)]
    command += [word for path in lower for word in ("--constraint", str(path))]
    # What pip is told about where to look is not meant for uv.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    subprocess.run([*command, source], cwd=PROJECT, env=environment, check=True)
    # With its marker: a package that a lower layer needs on one system only may be needed on all of them here.
    listed_below = {block for path in lower for block in blocks_of(path.read_text("utf-8"))}
    blocks = [block for block in blocks_of(target.read_text("utf-8")) if block not in listed_below]
    target.write_text(NOTE.format(source=source) + "".join(blocks), "utf-8")
    return len(blocks)


def main() -> int:
    """Renew every layer, from the lowest to the highest."""
    HASHES.mkdir(exist_ok=True)
    for layer in LAYERS:
        print(f"Resolving {layer} …", flush=True)
        try:
            count = renew(layer)
        except subprocess.CalledProcessError as failure:
            print(f"The hashes of {layer} were not renewed: see what uv says above.", file=sys.stderr)
            return failure.returncode
        print(f"{layer}: {count} packages", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
