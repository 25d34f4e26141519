"""Waits until files and names are on the disk."""

import errno
import os
import sys
from collections.abc import Collection
from pathlib import Path

_MANY_FOLDERS = 200
"""From here on one wait for everything takes less time than one for each."""


def sync_tree(folder: Path) -> None:
    """Wait until a folder's files and names are on the disk, at any depth."""
    for path in [*folder.rglob("*")]:
        if path.is_file() and not path.is_symlink():
            sync_file(path)
        elif path.is_dir() and not path.is_symlink():
            sync_folder(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that for folders."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EROFS):
            raise
    finally:
        os.close(descriptor)


def sync_folders(folders: Collection[Path]) -> None:
    """Wait until the names in many folders are on the disk: at once where the system waits for everything."""
    if len(folders) > _MANY_FOLDERS and sys.platform == "linux":
        os.sync()  # which waits there; other systems may only begin (POSIX)
        return
    for folder in folders:
        sync_folder(folder)


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
