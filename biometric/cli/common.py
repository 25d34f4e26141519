"""What all commands share: the service for their options, running jobs with progress, printing results."""

import argparse
import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from biometric.cli import streams
from biometric.entities import Progress
from biometric.entities.progress import Result, finish
from biometric.locations import absolute_path
from biometric.service import Sightline
from biometric.settings import Settings

Command = Callable[[argparse.Namespace], int]

DONE, NOT_CONFIRMED, WRONG, FAILED, INTERRUPTED, READER_GONE = 0, 1, 2, 70, 130, 141
"""Exit statuses. 70 is EX_SOFTWARE of sysexits.h; 130 and 141 are 128 and the signal's number, as shells have it."""


def build_service(options: argparse.Namespace) -> Sightline:
    """Return the service for a command's options."""
    from biometric.bootstrap import build

    folders = {name: getattr(options, name, None) for name in ("gallery", "query")}
    return build(Settings.from_environment(None, **folders))


class CommandParser(argparse.ArgumentParser):
    """A parser (its commands are parsed by others like it) whose arguments of `type=Path` are checked paths."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("type", Path, _path)


def _path(text: str) -> Path:
    """The path that an argument names: `~` is expanded, it need not exist.

    Raises:
        argparse.ArgumentTypeError: empty, in the home of somebody who has none here, or impossible to follow.
    """
    path = Path(text)
    try:
        absolute = absolute_path(text)
    except ValueError as error:
        if text.startswith("~") and path.exists():
            return path  # a file whose own name begins so
        raise argparse.ArgumentTypeError(f"the path {error}") from error
    return absolute if text.startswith("~") else path  # a path that was written relative is shown and recorded so


def run(work: Generator[Progress, None, Result]) -> Result:
    """Run a long job to its end, with a progress line on stderr when it is a terminal."""
    if not sys.stderr.isatty():
        return finish(work)
    try:
        return finish(work, lambda progress: print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True))
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def show(options: argparse.Namespace, result: Any, text: str) -> None:
    """Print a result: JSON where asked for, else text for people."""
    streams.answer(json.dumps(result, indent=2, ensure_ascii=False) if options.json else text)
