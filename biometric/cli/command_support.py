"""What all commands share: the service for their options, running jobs with progress, printing results."""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from biometric.analysis.analyst_process import StartAnalyst
from biometric.analysis.folder_watch import ChangesBelow
from biometric.cli import streams
from biometric.cli.secret_prompts import ask_secret
from biometric.entities import Progress
from biometric.entities.clip_jobs import ClipJob
from biometric.entities.progress import Result, finish
from biometric.errors import InvalidInput
from biometric.locations import absolute_path
from biometric.messages.durations import describe_progress
from biometric.messages.translation import gettext as _
from biometric.ports.jobs_port import JobQueue
from biometric.retention_duty import delete_overdue
from biometric.service import Sightline
from biometric.settings import Settings

Command = Callable[[argparse.Namespace], int]

DONE, NOT_CONFIRMED, WRONG, FAILED, INTERRUPTED, READER_GONE = 0, 1, 2, 70, 130, 141
"""Exit statuses. 70 is EX_SOFTWARE of sysexits.h; 130 and 141 are 128 and the signal's number, as shells have it."""


class EndedBySignal(KeyboardInterrupt):
    """Raised in the main thread by SIGTERM or SIGHUP, so that work unwinds as after Ctrl+C and removes its files.

    Attributes:
        status: the exit status, 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


@contextlib.contextmanager
def signals_unwind() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `EndedBySignal` inside the block; a signal that is ignored (nohup) stays so."""
    process = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() != process:  # a worker process that was forked meanwhile: nothing of it needs to unwind
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        signal.signal(number, signal.SIG_IGN)  # unwinding must not be cut off by the same signal again
        raise EndedBySignal(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = {}
    if threading.current_thread() is threading.main_thread():
        former = {number: signal.getsignal(number) for number in numbers}
        for number, handler in former.items():
            if handler == signal.SIG_DFL:
                signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in former.items():
            if handler == signal.SIG_DFL:
                signal.signal(number, handler)


def build_service(options: argparse.Namespace) -> Sightline:
    """Return the service for a command's options."""
    from biometric.bootstrap import build

    given = {name: getattr(options, name, None) for name in ("gallery", "query", "thorough", "device")}
    service = build(with_passphrase(Settings.from_environment(None, **given)))
    delete_overdue(service)
    return service


def open_job_queue(settings: Settings) -> JobQueue:
    """Return the queue of clips to analyse."""
    from biometric.bootstrap_jobs import open_job_queue as opened

    return opened(settings)


def analyst_of(settings: Settings) -> StartAnalyst:
    """Return what a process that analyses clips does."""
    from biometric.bootstrap_jobs import analyst_of as of_settings

    return of_settings(settings)


def folder_watching() -> tuple[ChangesBelow, Callable[[Path], bool]]:
    """Return what tells which files of a folder change, and what tells whether a file looks whole."""
    from biometric.bootstrap_jobs import folder_watching as watching

    return watching()


def this_place() -> str:
    """Return this machine and process in words."""
    return f"{socket.gethostname()}, {os.getpid()}"


@contextlib.contextmanager
def metrics(queue: JobQueue, options: argparse.Namespace) -> Iterator[Callable[[ClipJob], object]]:
    """Serve a worker's metrics inside the block where the options say so; give what is told of each job that ended.

    Raises:
        InvalidSetting: the port is taken, or the package prometheus-client is not installed.
    """
    if options.metrics_port is None:
        yield lambda job: None
        return
    from biometric.bootstrap_jobs import serve_metrics

    with serve_metrics(queue, options.metrics_host, options.metrics_port) as note:
        yield note


def with_passphrase(settings: Settings) -> Settings:
    """Return settings with the passphrase that their gallery wants, asked for where a terminal is."""
    from biometric.bootstrap import build_protection

    if not sys.stdin.isatty() or not build_protection(settings).wants_passphrase():
        return settings
    return settings.model_copy(update={"passphrase": SecretStr(ask_secret(_("Passphrase of the gallery: ")))})


def read_passphrase(options: argparse.Namespace, twice: bool) -> str:
    """Return a passphrase from standard input where `--passphrase-stdin` says so, else ask for it."""
    if options.passphrase_stdin:
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidInput("The passphrase on standard input is no text in UTF-8.") from error
    if not sys.stdin.isatty():
        raise InvalidInput("There is no terminal to ask for the passphrase. Pass it with --passphrase-stdin.")
    passphrase = ask_secret(_("Passphrase: "))
    if twice and passphrase != ask_secret(_("Once more: ")):
        raise InvalidInput("The two passphrases differ. Nothing was written.")
    return passphrase


class CommandParser(argparse.ArgumentParser):
    """A parser (its commands are parsed by others like it) whose arguments of `type=Path` are checked paths."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("type", Path, _path)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help and the version as answers: argparse itself passes over a device that does not take them."""
        if file is sys.stdout:
            streams.answer(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)


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


@contextlib.contextmanager
def progress_line() -> Iterator[Callable[[Progress], object]]:
    """Give what shows a job's progress inside the block: a line on stderr, removed at the end, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    try:
        yield lambda progress: print(f"\r\033[K{describe_progress(progress)}", end="", file=sys.stderr, flush=True)
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def run(work: Generator[Progress, None, Result]) -> Result:
    """Run a long job to its end, with a progress line on stderr when it is a terminal."""
    with progress_line() as report:
        return finish(work, report)


def show(options: argparse.Namespace, result: Any, text: str) -> None:
    """Print a result: JSON where asked for, else text for people."""
    streams.answer(json.dumps(result, indent=2, ensure_ascii=False) if options.json else text)
