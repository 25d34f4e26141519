"""Prepares the standard streams, so that writing an answer cannot crash: closed ones, full devices, terminals without
UTF-8."""

import os
import sys
from collections.abc import Callable
from typing import Literal, TextIO


class OutputFailed(Exception):
    """Standard output did not take what was written to it: a full device, or a reader that is gone."""


def prepare() -> None:
    """Make the three standard streams usable, also where the caller closed or restricted them.

    A descriptor that is closed (`2>&-`) is opened on the null device: otherwise the next file that anybody opens
    gets its number, and messages would be written into that file. Characters that the terminal's encoding lacks are
    written as escapes (`\\u2013`), which are valid inside JSON strings as well.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = _null("r")
    if sys.stdout is None:
        sys.stdout = _null("w")
    if sys.stderr is None:
        sys.stderr = _null("w")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """Write a message to standard error; where that fails, the message is dropped."""
    try:
        print(message, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _abandon(sys.stderr)


def answer(text: str) -> None:
    """Print a result to standard output. Raises as `finish_output`."""
    _written(lambda: print(text))


def finish_output() -> None:
    """Push what was printed to its destination.

    Raises:
        BrokenPipeError: the reader of a pipe is gone.
        OutputFailed: the destination cannot take it.
    """
    _written(lambda: sys.stdout.flush())


def _written(write: Callable[[], None]) -> None:
    try:
        write()
    except BrokenPipeError:
        _abandon(sys.stdout)
        raise
    except (OSError, ValueError) as error:
        _abandon(sys.stdout)
        raise OutputFailed(getattr(error, "strerror", None) or str(error)) from error


def _abandon(stream: TextIO) -> None:
    """Send what a stream still holds to the null device, or the interpreter fails on it again at its end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        return


def _null(mode: Literal["r", "w"]) -> TextIO:
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123  the process's own, until it ends
