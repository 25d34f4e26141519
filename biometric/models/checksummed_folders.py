"""Derived folders, such as converted weights: made once, renamed when complete, with the checksums of all files.

A converted model is loaded only if each of its bytes is as it was written; a damaged one is made again.
"""

import json
from collections.abc import Callable
from pathlib import Path

from biometric.errors import StorageFull
from biometric.storage import atomic_folder, describe_os_error, file_digest

CHECKSUMS = "checksums.json"
"""The file in such a folder that maps the relative path of each other file to its SHA-256 in hexadecimal digits."""


class _MadeMeanwhileError(Exception):
    """Leaves the block that makes a folder without putting it in place."""


def checksummed_folder(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, made by `make(empty folder)` unless it is there, complete and undamaged.

    Raises:
        StorageFull: it cannot be written.
    """
    if is_checksummed(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(folder, replace=True) as partial:
            make(partial)
            (partial / CHECKSUMS).write_text(json.dumps(_checksums(partial), indent=1), "utf-8")
            if is_checksummed(folder):
                raise _MadeMeanwhileError
    except _MadeMeanwhileError:
        pass  # by another process, which may have loaded it by now: ours is dropped
    except OSError as error:
        if is_checksummed(folder):
            return folder  # the other process was faster by the moment between the check and the rename
        raise StorageFull(
            "The cache folder {folder} cannot be written: {reason}. Make room and try again.",
            folder=folder,
            reason=describe_os_error(error),
        ) from error
    return folder


def is_checksummed(folder: Path) -> bool:
    """Whether the folder holds exactly the files whose checksums were written, unchanged."""
    try:
        expected = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        actual = _checksums(folder)
    except (OSError, ValueError):
        return False
    return bool(actual) and actual == expected


def _checksums(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS]
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(files)}
