"""Reads files that may be SQLite databases without ending the locks that SQLite holds on them in this process.

POSIX ends all locks that a process holds on a file as soon as it closes any descriptor of that file
(https://sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled"). So a descriptor of a file that was ever opened
as a database here stays open, and is used again by the next reader.
"""

import io
import os
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_Identity = tuple[int, int]
"""Device and number (inode) of a file."""

_databases: set[_Identity] = set()
_idle: dict[_Identity, list[int]] = defaultdict(list)
_state = threading.Lock()


def register_database(path: Path) -> None:
    """Say that SQLite is about to open a file in this process; to be called before it does."""
    with suppress(OSError), _state:
        _databases.add(_identity(path.stat()))


def open_keeping_locks(path: Path) -> io.FileIO:
    """Open a file for reading; closing it keeps all locks of this process on it. Raises `OSError`."""
    if sys.platform == "win32":
        return io.FileIO(path)  # locks belong to handles there
    with _state:
        _close_deleted()
        idle = _idle.get(_identity(path.stat()))
        descriptor = idle.pop() if idle else None
    if descriptor is None:
        descriptor = os.open(path, os.O_RDONLY)
    else:
        os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return _LockKeepingFile(descriptor)
    except OSError:  # a folder
        os.close(descriptor)
        raise


class _LockKeepingFile(io.FileIO):
    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "rb", closefd=False)

    def close(self) -> None:
        if self.closed:
            return
        descriptor = self.fileno()
        super().close()
        with _state:
            identity = _identity(os.fstat(descriptor))
            if identity in _databases:
                _idle[identity].append(descriptor)
            else:
                os.close(descriptor)


def _close_deleted() -> None:
    """Close descriptors of files that have no name any more: nobody can open them, and they take room on the disk."""
    for identity, descriptors in [*_idle.items()]:
        if descriptors and os.fstat(descriptors[0]).st_nlink == 0:
            for descriptor in _idle.pop(identity):
                os.close(descriptor)
            _databases.discard(identity)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino
