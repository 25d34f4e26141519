"""Runs the page in a process of its own, as people run it."""

import os
import random
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.ui.page_processes import PageProcess
from tests.ui.scenery import main as serve_scenery

PROJECT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """Return a port that is free, below those that the system gives to connections.

    The server starts seconds later; another test process, or a connection of one, must not have it by then.
    """
    draw = random.SystemRandom()
    while True:
        port = draw.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """A running page: `url`, the folder `root` that holds its data, and its process.

    Serves drawn people with fake models, or runs `command` with `environment` and `SIGHTLINE_PORT`; on port `at`, or
    on a free one. Without a command the process is forked from one that has imported the page already, where the
    system can do that.
    """

    def __init__(
        self,
        root: Path,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        at: int | None = None,
        **options: object,
    ) -> None:
        self.root = root
        self.port = free_port() if at is None else at
        self.url = f"{'https' if 'tls_certificate' in options else 'http'}://127.0.0.1:{self.port}"
        self.log = root.parent / f"{root.name}.log"
        words = [f"{name}={value}" for name, value in options.items()]
        variables = {**os.environ, **(environment or {})}
        arguments = [str(self.port), str(root), *words]
        self.log.write_text("")
        self.process: PageProcess | subprocess.Popen[bytes]
        if not command and sys.platform == "linux":
            self.process = PageProcess(serve_scenery, arguments, self.log, variables, PROJECT)
        else:
            variables |= {"SIGHTLINE_PORT": str(self.port)} if command else {}
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    command or [sys.executable, "-m", "tests.ui.scenery", *arguments],
                    cwd=PROJECT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=variables,
                )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{self.log.read_text()}")
            try:
                address = f"{self.url}/gradio_api/startup-events"
                urllib.request.urlopen(address, timeout=5, context=ssl._create_unverified_context()).read()
            except urllib.error.HTTPError:
                return  # it answers, if only to ask for a login
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"the server did not answer:\n{self.log.read_text()}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()  # whoever runs tests in the background of a shell has SIGINT ignored, here, too
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


@contextmanager
def serving(root: Path, **options: Any) -> Iterator[Server]:
    """Serve from `root` while the context lasts; see `Server`."""
    root.mkdir(parents=True, exist_ok=True)
    server = Server(root, **options)
    try:
        yield server
    finally:
        server.stop()
