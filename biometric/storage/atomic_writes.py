"""Files and folders that appear whole, under their own name, or not at all."""

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from biometric.storage.claims import claimed_token, file_lock
from biometric.storage.files_and_paths import remove_quietly
from biometric.storage.private_folders import make_private_folder
from biometric.storage.syncing import sync_file, sync_folder, sync_tree

_HINT_BYTES = 60
"""Most bytes of a destination's name in a temporary name: file systems allow 255 for a whole name."""
_PATIENCE = 60.0
"""Seconds to wait for another process that puts its files into the same folder, which takes milliseconds."""
_TRIED_BYTES = 1 << 16
"""Written to find out whether a folder takes files: a quota shows only then."""


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
    with claimed_token(destination.parent) as token:
        partial = _temporary(destination, token)
        try:
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield partial
            sync_file(partial)
            partial.chmod(mode)
            partial.replace(destination)
        finally:
            remove_quietly(partial)
    sync_folder(destination.parent)


def write_atomically(destination: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Write a whole file (text as UTF-8, line ends unchanged): see `atomic_path`."""
    with atomic_path(destination, mode) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_scratch(destination: Path, data: bytes) -> None:
    """Write a file (0600) of a `PrivateFolder`, which is worth nothing once this process has ended.

    It appears whole or not at all, as with `write_atomically`, but nothing waits for the disk (two to three
    milliseconds a file), and no claim is laid: what a killed process left is removed with its private folder.

    Raises:
        OSError: as for `atomic_path`.
    """
    _check_destination(destination)
    partial = _temporary(destination, secrets.token_hex(8))
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
        partial.replace(destination)
    except BaseException:
        remove_quietly(partial)
        raise


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
    with claimed_token(destination.parent) as token:
        partial, former = _temporary(destination, token), _temporary(destination, token, "old")
        try:
            partial.mkdir(mode=0o700)
            yield partial
            sync_tree(partial)
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


@contextlib.contextmanager
def staged_folder(parent: Path) -> Iterator[Path]:
    """Give a new, empty folder (0700) in `parent` to fill, and then to rename to where its contents belong.

    What has not been moved away when the block ends is removed, as is what a killed process left. The caller waits for
    the disk (`sync_tree`) before it renames.

    Raises:
        OSError: the parent cannot be written.
    """
    with claimed_token(parent) as token:
        partial = _temporary(parent / "staged", token)
        try:
            partial.mkdir(mode=0o700)
            yield partial
        finally:
            remove_quietly(partial)


@contextlib.contextmanager
def atomic_files(folder: Path, last: str | None = None) -> Iterator[Path]:
    """Give a new, empty folder (0700) to fill with files; they appear in `folder`, as one, when the block ends.

    Where there is no such folder yet, it is one rename. Where there is one, the files are put into it under a lock,
    in the place of those of the same names; what else is there stays. If that fails, all of it is undone.

    Args:
        folder: where the files go; it is made with those above it if missing (0700).
        last: name of a file that refers to the others, which is put there after them.

    Raises:
        OSError: the folder cannot be written.
    """
    make_private_folder(folder.parent)
    with claimed_token(folder.parent) as token:
        partial, former = _temporary(folder, token), _temporary(folder, token, "old")
        try:
            partial.mkdir(mode=0o700)
            yield partial
            files = sorted(partial.iterdir(), key=lambda path: (path.name == last, path.name))
            for path in files:
                sync_file(path)
            sync_folder(partial)
            if not folder.exists() and _renamed(partial, folder):
                return
            former.mkdir(mode=0o700)
            lock = folder.with_name(f".{_hint(folder)}.adding.lock")
            with file_lock(lock, _PATIENCE, keep=False):
                _put(files, folder, former)
        finally:
            remove_quietly(partial)
            remove_quietly(former)


def check_writable(folder: Path, size: int = 0) -> None:
    """Find out, before the work for it is done, whether `size` bytes can be written into a folder.

    A folder that is missing is not made; the one that it would be made in is tried instead.

    Raises:
        OSError: it cannot be written, is no folder, or its disk has less room (`ENOSPC`).
    """
    while not os.path.lexists(folder) and folder.parent != folder:
        folder = folder.parent
    with claimed_token(folder) as token:
        partial = _temporary(folder / "test", token)
        try:
            with partial.open("xb") as file:
                file.write(bytes(_TRIED_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            remove_quietly(partial)
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


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


def _renamed(partial: Path, folder: Path) -> bool:
    try:
        partial.rename(folder)
    except OSError:
        if folder.exists():
            return False  # somebody else made it meanwhile
        raise
    sync_folder(folder.parent)
    return True


def _put(files: list[Path], folder: Path, former: Path) -> None:
    """Move files into a folder, keeping what they replace in `former`; undo it all if that fails."""
    for path in files:
        if (folder / path.name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / path.name))
    targets: list[Path] = []
    try:
        for path in files:
            target = folder / path.name
            targets.append(target)
            if os.path.lexists(target):
                _keep(target, former / target.name)
            path.replace(target)
        sync_folder(folder)
    except BaseException:
        for target in targets:
            with contextlib.suppress(OSError):
                if os.path.lexists(former / target.name):
                    (former / target.name).replace(target)
                elif not (files[0].parent / target.name).exists():
                    target.unlink()
        raise


def _keep(path: Path, copy: Path) -> None:
    """Give a file a second name, so that it can come back; where the file system has no links, move it there."""
    try:
        os.link(path, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):
        path.replace(copy)


def _temporary(destination: Path, token: str, kind: str = "") -> Path:
    return destination.with_name(f".{_hint(destination)}{kind and '.'}{kind}.{token}.partial")


def _hint(path: Path) -> str:
    return path.name.encode("utf-8", "surrogateescape")[:_HINT_BYTES].decode("utf-8", "ignore")
