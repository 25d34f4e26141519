"""Digests, removal, reasons of errors, and paths kept inside a root."""

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
from pathlib import Path

from biometric.entities.names import has_unsafe_characters
from biometric.errors import PathRefused
from biometric.errors.phrases import Phrase
from biometric.storage.lock_keeping_reads import open_keeping_locks

_SHOWN = 60
"""Most characters of a refused path that a message repeats."""


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return a file's checksum in hexadecimal digits. Raises `OSError`."""
    with open_keeping_locks(path) as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def remove_quietly(path: Path | None) -> None:
    """Remove a file, link or folder that may already be gone; what cannot be removed stays, without an error."""
    if path is None:
        return
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # also goes on where somebody else removes parts of it
        else:
            path.unlink()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file another name, or copy it, for the owner alone, where the file system has no links.

    Raises:
        OSError: the file is not there any more, or there is no room.
    """
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o600)


def describe_os_error(error: OSError) -> str:
    """Say in a few words, to follow a colon, why a file could not be written or read."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return Phrase("the disk is full")
    if error.errno == errno.ENAMETOOLONG:
        return Phrase("the name is too long")
    return error.strerror or str(error) or type(error).__name__


def free_file(path: Path) -> Path:
    """Return the path, with a number where there is something of its name: nobody asked for that to be replaced."""
    candidates = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(candidate for candidate in itertools.chain([path], candidates) if not os.path.lexists(candidate))


def resolve_inside(root: Path, text: str, refusal: type[PathRefused] = PathRefused) -> Path:
    """Return the folder or file that `text` names, if it is `root` or lies below it after following links.

    Args:
        root: the configured folder; need not exist.
        text: absolute, or relative to `root`; empty means `root` itself. The path need not exist.
        refusal: which kind of it to raise.

    Raises:
        PathRefused: it leads elsewhere, or is no plain path (a URL, `~`, control characters). The message says what
            is allowed and never where a link leads.
    """
    text = text.strip()
    allowed = Phrase("Type a path inside {root}.", root=root)
    if has_unsafe_characters(text):
        raise refusal("The path contains a control character. {allowed}", allowed=allowed)
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if text.startswith("~"):
        raise refusal(
            "The path {shown} starts with ~, which is not expanded here. {allowed}", shown=shown, allowed=allowed
        )
    if "://" in text or text.lower().startswith(("file:", "data:")):
        raise refusal("{shown} is a web address, not a path. {allowed}", shown=shown, allowed=allowed)
    try:
        base = root.resolve()
        path = (base / text).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links that lead in a circle
        raise refusal("The path {shown} cannot be followed. {allowed}", shown=shown, allowed=allowed) from error
    if path != base and not path.is_relative_to(base):
        raise refusal("The path {shown} leads outside. {allowed}", shown=shown, allowed=allowed)
    return path
