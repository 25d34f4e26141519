"""A folder for what must not outlive this process: uploads, and crops of observations."""

import contextlib
import fcntl
import shutil
import tempfile
from io import TextIOWrapper
from pathlib import Path

from biometric.errors import StorageFull

_PREFIX = "run-"
_LOCK = "in-use"


class PrivateFolder:
    """A folder of mode 0700 for this process alone; a lock on a file in it tells others that it is in use.

    Leftovers of processes that ended without cleaning up (a crash, `kill -9`) hold no lock and are removed by the
    next one that starts. `files` holds what may be served; nothing above it is.

    Raises:
        StorageFull: the folder cannot be made.
    """

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root.chmod(0o700)
            wipe_leftovers(root)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root)).resolve()
            self.files = self.path / "files"
            self.files.mkdir(mode=0o700)
            self._lock: TextIOWrapper | None = (self.path / _LOCK).open("w", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageFull(
                f"The folder for temporary files, {root}, cannot be used: {error.strerror or error}. "
                "Set SIGHTLINE_TEMP to a folder of your own that can be written."
            ) from error

    def close(self) -> None:
        """Remove the folder with all uploads."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.close()
            self._lock = None


def wipe_leftovers(root: Path) -> list[Path]:
    """Remove folders of processes that no longer run; return those removed."""
    removed = []
    for folder in sorted(root.glob(f"{_PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir() or _in_use(folder):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder)
    return removed


def _in_use(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def remove_quietly(path: Path | None) -> None:
    """Remove a file or folder that may already be gone."""
    if path is None:
        return
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
