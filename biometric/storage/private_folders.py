"""Folders for the owner alone, among them those that are removed with their process."""

import contextlib
import shutil
import time
from pathlib import Path

import filelock

from biometric.errors import StorageFull
from biometric.storage.claims import claim, release, remove_leftovers
from biometric.storage.files_and_paths import describe_os_error


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, all 0700 (`mkdir` gives parents the umask's mode).

    Raises:
        OSError: it cannot be made, or a file of that name is there.
    """
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


_REMOVALS = 20
"""How often removing the folder is tried, where files come into it meanwhile."""


class PrivateFolder:
    """A folder of mode 0700 for this process alone, for files that are removed with it: uploads, crops of observations.

    Leftovers of processes that ended without cleaning up (a crash, `kill -9`) are removed by the next one that starts.

    Attributes:
        path: the folder.
        files: the folder in it that holds what may be served; nothing above it is.

    Raises:
        StorageFull: the folder cannot be made.
    """

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root.chmod(0o700)
            remove_leftovers(root)
            _remove_leftovers_of_0_1(root)
            self._root = root.resolve()
            self._claim: tuple[str, filelock.BaseFileLock] | None = claim(self._root)
            self.path = self._root / f"private-{self._claim[0]}"
            self.files = self.path / "files"
            try:
                make_private_folder(self.files)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise StorageFull(
                "The folder for temporary files, {root}, cannot be used: {reason}. Set SIGHTLINE_TEMP to a "
                "folder of your own that can be written.",
                root=root,
                reason=describe_os_error(error),
            ) from error

    def close(self) -> None:
        """Remove the folder with everything in it."""
        if self._claim is not None:
            for _ in range(_REMOVALS):  # a job that is just being ended may still write
                shutil.rmtree(self.path, ignore_errors=True)
                if not self.path.exists():
                    break
                time.sleep(0.05)
            release(*self._claim)
            self._claim = None


def _remove_leftovers_of_0_1(root: Path) -> None:
    """Version 0.1 called its folders `run-…` and held a lock on a file in them."""
    for folder in root.glob("run-*"):
        if folder.is_symlink() or not (folder / "in-use").is_file():
            continue
        with contextlib.suppress(OSError):
            lock = filelock.FileLock(folder / "in-use", thread_local=False)
            with lock.acquire(blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
