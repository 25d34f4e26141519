"""Processes of served pages, forked from one process that has imported what all of them need.

Importing takes longer than all else that a page does until it answers. Gradio itself is imported by each page, because
it reads its environment then; what it imports is not.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType

IMPORTED = (
    *("tests.ui.scenery", "biometric.service"),
    *("fastapi", "huggingface_hub", "mcp.server.fastmcp", "httpx", "typer", "uvicorn", "tomlkit", "jinja2"),
)
"""Modules that the first process imports; one that is missing is passed over."""


class PageProcess:
    """A process that calls `serve(arguments)`, with the methods of `subprocess.Popen` that tests use.

    Its output goes to `log`, and its environment is `environment`.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[str]], None],
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(list(IMPORTED))
        work = (serve, list(arguments), str(log), dict(environment), str(folder))
        self._process: ForkServerProcess = context.Process(target=_run, args=work, daemon=True)
        with _no_main_module():
            self._process.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """Wait for its end; return the exit status, or raise `subprocess.TimeoutExpired`."""
        self._process.join(seconds)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(["a served page"], seconds)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Let a new process leave the program that runs the tests alone, which it would import."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run(
    serve: Callable[[Sequence[str]], None], arguments: Sequence[str], log: str, environment: dict[str, str], folder: str
) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    serve(arguments)
