"""Locks, and the claims by which files of running processes are distinguished from leftovers of killed ones.

A claim is a token and the lock file `.TOKEN.lock`, which its process holds as long as it writes files with that token
in their names. The operating system drops the lock when the process ends, however it ends.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from biometric.errors.phrases import Phrase
from biometric.storage.files_and_paths import remove_quietly

_TOKEN = re.compile(r"(?:\.(?:.*\.)?([0-9a-f]{16})\.(?:partial|lock)|private-([0-9a-f]{16}))", re.DOTALL)
_SHARE_OF_TIME = 50
"""Looking for leftovers may take one part in this many of a writer's time."""
_MAKING_SECONDS = 2.0
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_own_tokens: set[str] = set()
_next_look: dict[str, float] = {}
_state = threading.Lock()


@contextlib.contextmanager
def file_lock(path: Path, timeout: float, *, keep: bool = True) -> Iterator[None]:
    """Hold the lock file `path` (made if missing) against other threads and processes.

    Args:
        timeout: seconds to wait for it; 0 tries once.
        keep: whether the lock file stays for the next holder.

    Raises:
        TimeoutError: another holder kept it for that long.
        OSError: the file cannot be made.
    """
    _check_folder(path.parent)
    lock = filelock.FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise TimeoutError(errno.ETIMEDOUT, Phrase("another process holds the lock"), str(path)) from error
    try:
        yield
    finally:
        _unlock(lock, keep=keep)


def is_held(path: Path) -> bool:
    """Return whether somebody, in this process or another, holds the lock file `path`; else it is removed."""
    if not path.exists():
        return False
    try:
        with file_lock(path, 0, keep=False):
            return False
    except TimeoutError:
        return True


def _unlock(lock: filelock.BaseFileLock, *, keep: bool) -> None:
    path = Path(lock.lock_file)
    if not keep:
        # While it is held, so that nobody takes it in between: whoever waits for it notices, and makes a new one.
        remove_quietly(path)
    with contextlib.suppress(OSError):
        lock.release(force=True)
    if not keep and sys.platform == "win32":
        remove_quietly(path)  # an open file cannot be removed there


@contextlib.contextmanager
def claimed_token(folder: Path) -> Iterator[str]:
    """Give a token whose files in `folder` are this process's until the block ends."""
    token, lock = claim(folder)
    try:
        yield token
    finally:
        release(token, lock)


def claim(folder: Path) -> tuple[str, filelock.BaseFileLock]:
    """Return a new token, whose files in `folder` are this process's, and its lock. Raises `OSError`."""
    _check_folder(folder)
    _remove_leftovers_now_and_then(folder)
    token = secrets.token_hex(8)
    _own_tokens.add(token)
    lock = _lock_of(folder, token)
    try:
        # Nobody else wants it but for a moment; where files cannot be made, filelock may try without end (/proc).
        lock.acquire(timeout=_MAKING_SECONDS, poll_interval=0.005)
    except filelock.Timeout as error:
        _own_tokens.discard(token)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from error
    except BaseException as error:
        # A file system without locks: the lock file alone says that the file belongs to somebody.
        if not (isinstance(error, OSError) and error.errno in _NO_LOCKS):
            _own_tokens.discard(token)
            raise
    return token, lock


def release(token: str, lock: filelock.BaseFileLock) -> None:
    """Give up a claim; its files must be gone or have other names."""
    _unlock(lock, keep=False)
    _own_tokens.discard(token)


def _check_folder(folder: Path) -> None:
    """Raise for a folder that is missing: filelock would make it, readable by others."""
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _lock_of(folder: Path, token: str) -> filelock.BaseFileLock:
    return filelock.FileLock(folder / f".{token}.lock", mode=0o600, thread_local=False)


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove what processes that have ended left in a folder; return what was removed. Never raises `OSError`."""
    by_token: dict[str, list[Path]] = {}
    try:
        paths = list(folder.iterdir())
    except OSError:
        return []
    for path in paths:
        if (match := _TOKEN.fullmatch(path.name)) is not None:
            by_token.setdefault(match[1] or match[2], []).append(path)
    removed = []
    for token, leftovers in by_token.items():
        if token not in _own_tokens:
            removed += _remove_unless_in_use(folder, token, leftovers)
    return removed


def _remove_leftovers_now_and_then(folder: Path) -> None:
    """Remove leftovers unless looking for them again would take more than its share of time (large folders)."""
    started, key = time.monotonic(), os.path.abspath(folder)  # noqa: PTH100 - a key, cheaper than resolving
    with _state:
        if started < _next_look.get(key, 0.0):
            return
        if len(_next_look) > 1000:
            _next_look.clear()
        _next_look[key] = started + 1.0  # until the look below is done
    remove_leftovers(folder)
    ended = time.monotonic()
    with _state:
        _next_look[key] = ended + (ended - started) * _SHARE_OF_TIME


def _remove_unless_in_use(folder: Path, token: str, paths: list[Path]) -> list[Path]:
    lock = _lock_of(folder, token)
    leftovers = [path for path in paths if path != Path(lock.lock_file)]
    # The lock comes before the file and goes after it, so a file without a lock belongs to nobody.
    if not Path(lock.lock_file).exists():
        return _removed(leftovers)
    try:
        lock.acquire(blocking=False)
    except (OSError, NotImplementedError):
        return []
    try:
        return _removed(leftovers)
    finally:
        release(token, lock)


def _removed(paths: list[Path]) -> list[Path]:
    for path in paths:
        remove_quietly(path)
    return [path for path in paths if not path.is_symlink() and not path.exists()]
