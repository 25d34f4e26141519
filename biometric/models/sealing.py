"""Derived folders, such as converted weights: made once, renamed when complete, sealed with checksums.

A converted model is loaded only if each of its bytes is as it was written; a damaged one is made again.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from biometric.errors import StorageFull

_SEAL = "seal.json"


def sealed_folder(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, made by `make(empty folder)` unless it is there, complete and undamaged.

    Raises:
        StorageFull: it cannot be written.
    """
    if is_sealed(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    except OSError as error:
        raise StorageFull(f"The cache {folder.parent} cannot be written: {error.strerror}.") from error
    try:
        make(scratch)
        seal = {path.relative_to(scratch).as_posix(): _digest(path) for path in sorted(_files(scratch))}
        (scratch / _SEAL).write_text(json.dumps(seal, indent=1), "utf-8")
        _put(scratch, folder)
    except OSError as error:
        raise StorageFull(f"The cache {folder} cannot be written: {error}. Make room and try again.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def is_sealed(folder: Path) -> bool:
    """Whether the folder holds exactly the files that were sealed, unchanged."""
    try:
        seal = json.loads((folder / _SEAL).read_text("utf-8"))
        found = {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}
    except (OSError, ValueError):
        return False
    return bool(found) and found == seal


def _put(scratch: Path, folder: Path) -> None:
    if folder.exists():
        if is_sealed(folder):
            return  # another process was faster
        shutil.rmtree(folder)
    try:
        scratch.rename(folder)
    except OSError:
        if not is_sealed(folder):
            raise


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != _SEAL]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
