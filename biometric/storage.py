"""Files and folders of our own: atomic writes, private folders, locks, digests, and paths kept inside a root.

Temporary files follow one policy. They lie beside their destination under a short name that is unique to the call,
`.NAME.TOKEN.partial`, readable by the owner alone, and are renamed when they are complete. While one is written, the
process holds the lock file `.TOKEN.lock` beside it. The operating system drops that lock when the process ends,
however it ends: the next writer to the folder recognises what a killed process left, and removes it. What a living
process writes, in this program or another, is never touched.

Functions here raise `OSError`; callers say what it means for their file, with the help of `describe_os_error`.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from biometric.entities.names import has_unsafe_characters
from biometric.errors import PathRefused, StorageFull

_HINT_BYTES = 60
"""Most bytes of a destination's name in a temporary name: file systems allow 255 for a whole name."""
_TOKEN = re.compile(r"(?:\.(?:.*\.)?([0-9a-f]{16})\.(?:partial|lock)|private-([0-9a-f]{16}))", re.DOTALL)
_SHARE_OF_TIME = 50
"""Looking for leftovers may take one part in this many of a writer's time."""
_SHOWN = 60
"""Most characters of a refused path that a message repeats."""
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})

_own_tokens: set[str] = set()
_next_look: dict[str, float] = {}
_state = threading.Lock()


# --- writing ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def atomic_path(destination: Path, mode: int = 0o600) -> Iterator[Path]:
    """Give a new, empty file beside `destination` to write to; it takes the destination's name when the block ends.

    The file is on the disk before it is renamed. After an error, an interrupt or the closing of a generator nothing
    is left, the former destination stays, and the block's own error is the one that is raised.

    Args:
        destination: the file to write; an existing one is replaced, and a link is replaced rather than followed.
        mode: permissions of the finished file; the temporary one has 0600.

    Raises:
        OSError: the folder cannot be written, or the destination is a folder or a device, or its name is too long.
    """
    _check_destination(destination)
    with _claimed(destination.parent) as token:
        partial = _temporary(destination, token)
        try:
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield partial
            _sync_file(partial)
            partial.chmod(mode)
            partial.replace(destination)
        finally:
            remove_quietly(partial)
    sync_folder(destination.parent)


def write_atomically(destination: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Write a whole file (text as UTF-8, line ends unchanged): see `atomic_path`."""
    with atomic_path(destination, mode) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


@contextlib.contextmanager
def atomic_folder(destination: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a new, empty folder (0700) to fill; it takes the destination's name, as one, when the block ends.

    Args:
        destination: the folder to make; its parent must exist.
        replace: whether a folder that is there is replaced; it is moved aside first, so that the moment in which
            there is none is short.

    Raises:
        FileExistsError: there is something of that name (with `replace`: something that is no folder).
        OSError: the folder cannot be written.
    """
    _check_free(destination, replace)
    with _claimed(destination.parent) as token:
        partial, former = _temporary(destination, token), _temporary(destination, token, "old")
        try:
            partial.mkdir(mode=0o700)
            yield partial
            for path in [*partial.rglob("*")]:
                if path.is_file() and not path.is_symlink():
                    _sync_file(path)
            sync_folder(partial)
            _check_free(destination, replace)
            if destination.is_dir():
                destination.rename(former)
            try:
                partial.rename(destination)
            except BaseException:
                if former.is_dir():
                    former.rename(destination)
                raise
        finally:
            remove_quietly(partial)
            remove_quietly(former)
    sync_folder(destination.parent)


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


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_destination(destination: Path) -> None:
    """Refuse early what the rename would refuse late, and devices, which it would replace by a file."""
    try:
        kind = destination.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(destination))
    if not stat.S_ISREG(kind) and not stat.S_ISLNK(kind):
        raise OSError(errno.EINVAL, "It is a device or a pipe, not a file", str(destination))


def _check_free(destination: Path, replace: bool) -> None:
    try:
        kind = destination.lstat().st_mode
    except FileNotFoundError:
        return
    if not (replace and stat.S_ISDIR(kind)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(destination))


def _temporary(destination: Path, token: str, kind: str = "") -> Path:
    hint = destination.name.encode("utf-8", "surrogateescape")[:_HINT_BYTES].decode("utf-8", "ignore")
    return destination.with_name(f".{hint}{kind and '.'}{kind}.{token}.partial")


# --- what killed processes left --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[str]:
    """Give a token whose files in `folder` are this process's until the block ends."""
    token, lock = _claim(folder)
    try:
        yield token
    finally:
        _release(folder, token, lock)


def _claim(folder: Path) -> tuple[str, filelock.BaseFileLock]:
    _remove_leftovers_now_and_then(folder)
    token = secrets.token_hex(8)
    _own_tokens.add(token)
    lock = _lock_of(folder, token)
    try:
        lock.acquire()
    except BaseException as error:
        # A file system without locks: the lock file alone says that the file belongs to somebody.
        if not (isinstance(error, OSError) and error.errno in _NO_LOCKS):
            _own_tokens.discard(token)
            raise
    return token, lock


def _release(folder: Path, token: str, lock: filelock.BaseFileLock) -> None:
    # Removed while it is held (Windows: after), so that nobody finds it free beside a file that is still written.
    remove_quietly(Path(lock.lock_file))
    with contextlib.suppress(OSError):
        lock.release(force=True)
    remove_quietly(Path(lock.lock_file))
    _own_tokens.discard(token)


def _lock_of(folder: Path, token: str) -> filelock.BaseFileLock:
    return filelock.FileLock(folder / f".{token}.lock", mode=0o600, thread_local=False)


def _remove_leftovers_now_and_then(folder: Path) -> None:
    """Remove leftovers unless looking for them again would take more than its share of time (large folders)."""
    began, key = time.monotonic(), os.path.abspath(folder)  # noqa: PTH100 - a key, cheaper than resolving
    with _state:
        if began < _next_look.get(key, 0.0):
            return
        if len(_next_look) > 1000:
            _next_look.clear()
        _next_look[key] = began + 1.0  # until the look below is done
    remove_leftovers(folder)
    ended = time.monotonic()
    with _state:
        _next_look[key] = ended + (ended - began) * _SHARE_OF_TIME


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove what processes that no longer live left in a folder; return what was removed. Never raises `OSError`."""
    claimed: dict[str, list[Path]] = {}
    try:
        paths = list(folder.iterdir())
    except OSError:
        return []
    for path in paths:
        if (found := _TOKEN.fullmatch(path.name)) is not None:
            claimed.setdefault(found[1] or found[2], []).append(path)
    removed = []
    for token, leftovers in claimed.items():
        if token not in _own_tokens:
            removed += _remove_unless_in_use(folder, token, leftovers)
    return removed


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
        _release(folder, token, lock)


def _removed(paths: list[Path]) -> list[Path]:
    for path in paths:
        remove_quietly(path)
    return [path for path in paths if not path.is_symlink() and not path.exists()]


# --- folders, locks, digests -----------------------------------------------------------------------------------------


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, all 0700 (`mkdir` gives parents the umask's mode).

    Raises:
        OSError: it cannot be made, or a file of that name is there.
    """
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


class PrivateFolder:
    """A folder of mode 0700 for this process alone, for what must not outlive it: uploads, crops of observations.

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
            self._claim: tuple[str, filelock.BaseFileLock] | None = _claim(self._root)
            self.path = self._root / f"private-{self._claim[0]}"
            self.files = self.path / "files"
            try:
                make_private_folder(self.files)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise StorageFull(
                f"The folder for temporary files, {root}, cannot be used: {describe_os_error(error)}. "
                "Set SIGHTLINE_TEMP to a folder of your own that can be written."
            ) from error

    def close(self) -> None:
        """Remove the folder with everything in it."""
        if self._claim is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            _release(self._root, *self._claim)
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


@contextlib.contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock file `path` (made if missing, and left there) against other threads and processes.

    Args:
        timeout: seconds to wait for it; 0 tries once.

    Raises:
        TimeoutError: another holder kept it for that long.
        OSError: the file cannot be made.
    """
    lock = filelock.FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise TimeoutError(errno.ETIMEDOUT, "Another process holds the lock", str(path)) from error
    try:
        yield
    finally:
        lock.release()


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return a file's checksum in hexadecimal digits. Raises `OSError`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def remove_quietly(path: Path | None) -> None:
    """Remove a file, link or folder that may already be gone; what cannot be removed stays, without an error."""
    if path is None:
        return
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def describe_os_error(error: OSError) -> str:
    """Say in a few words, to follow a colon, why a file could not be written or read."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "the disk is full"
    if error.errno == errno.ENAMETOOLONG:
        return "the name is too long"
    return error.strerror or str(error) or type(error).__name__


# --- paths that people type ------------------------------------------------------------------------------------------


def resolve_inside(root: Path, text: str) -> Path:
    """Return the folder or file that `text` names, if it is `root` or lies below it after following links.

    Args:
        root: the configured folder; need not exist.
        text: absolute, or relative to `root`; empty means `root` itself. The path need not exist.

    Raises:
        PathRefused: it leads elsewhere, or is no plain path (a URL, `~`, control characters). The message says what
            is allowed and never where a link leads.
    """
    text = text.strip()
    allowed = f"Type a path inside {root}."
    if has_unsafe_characters(text):
        raise PathRefused(f"The path contains a control character. {allowed}")
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if text.startswith("~"):
        raise PathRefused(f"The path {shown} starts with ~, which is not expanded here. {allowed}")
    if "://" in text or text.lower().startswith(("file:", "data:")):
        raise PathRefused(f"{shown} is a web address, not a path. {allowed}")
    try:
        base = root.resolve()
        path = (base / text).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links that lead in a circle
        raise PathRefused(f"The path {shown} cannot be followed. {allowed}") from error
    if path != base and not path.is_relative_to(base):
        raise PathRefused(f"The path {shown} leads outside. {allowed}")
    return path
