"""Finds copies of files, and results that name somebody, in the application's own folders.

The register says what was written where; this finds what it does not know: caches, folders of running pages, results
of earlier versions.
"""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from biometric.entities import name_key
from biometric.storage import file_digest
from biometric.storage.byte_search import files_below

_STEM = re.compile(r"\d{8}-\d{8}", re.ASCII)
"""How the files of an identification are called, beside their crops."""
_SUFFIXES = frozenset((".json", ".csv", ".png", ".mp4", ".jpg"))
"""What an identification writes; other files of such names are somebody's own."""


def copies_below(root: Path, wanted: Collection[tuple[int, str]]) -> list[Path]:
    """Return the files whose (size, SHA-256) is among those wanted."""
    sizes = {size for size, _ in wanted}
    return [path for path in files_below(root) if _size(path) in sizes and _identity(path) in wanted]


def pictures_below(root: Path, digests: Collection[str], unread: list[Path] | None = None) -> list[Path]:
    """Return the JPEG files whose SHA-256 is among those wanted; `unread` gets what cannot be read."""
    found = []
    for path in files_below(root, unread) if digests else ():
        if path.suffix == ".jpg":
            identity = _identity(path)
            if identity is None and unread is not None and path.exists():
                unread.append(path)
            if (identity or (0, ""))[1] in digests:
                found.append(path)
    return found


def results_naming(query: Path, names: Collection[str]) -> list[Path]:
    """Return the files of identifications below a folder whose JSON names one of these people."""
    wanted = {name_key(name) for name in names}
    found: list[Path] = []
    for path in files_below(query):
        if path.suffix == ".json" and _STEM.fullmatch(path.stem) is not None and wanted & set(_named(path)):
            found += [beside for beside in path.parent.glob(f"{path.stem}.*") if _is_result(beside)]
    return found


def delete(paths: Collection[Path]) -> tuple[int, list[Path]]:
    """Delete files, and folders that are empty then; return how many, and which the system did not let be deleted."""
    refused: list[Path] = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            refused.append(path)
    for folder in {path.parent for path in paths}:
        try:
            folder.rmdir()
        except OSError:
            continue  # it is not empty
    return len(paths) - len(refused), refused


def _is_result(path: Path) -> bool:
    return path.suffix in _SUFFIXES and path.is_file() and not path.is_symlink()


def _named(path: Path) -> Iterator[str]:
    """Yield the keys of the names in an answer's JSON."""
    try:
        answer = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    if isinstance(answer, dict) and isinstance(answer.get("people"), list):
        yield from _identities(answer["people"])


def _identities(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        name = value.get("identity")
        if isinstance(name, str):
            yield name_key(name)
        for inner in value.values():
            yield from _identities(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _identities(inner)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _identity(path: Path) -> tuple[int, str] | None:
    try:
        return path.stat().st_size, file_digest(path)
    except OSError:
        return None
