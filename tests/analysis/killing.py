"""A worker on fake models in a program of its own, which can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from biometric.analysis.job_runs import RunTimes
from biometric.analysis.retrying import RetryRules
from biometric.analysis.worker_pool import PoolTimes, WorkerPool
from tests.analysis.fake_analysts import be_fake_analyst, queue_of
from tests.conftest import PROJECT

QUICK = PoolTimes(beat=0.1, sweep=0.2, silent=30, idle=0.02, runs=RunTimes(look=0.02))


class WorkerProgram:
    """`python -m tests.analysis.killing FOLDER NEEDS` while the block runs."""

    def __init__(self, folder: Path, needs: str) -> None:
        command = [sys.executable, "-m", "tests.analysis.killing", str(folder), needs]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL)

    def __enter__(self) -> "WorkerProgram":
        return self

    def __exit__(self, *_: Any) -> None:
        self.kill(signal.SIGKILL)

    def analysts(self) -> list[int]:
        """Return the numbers of the processes that analyse its clips (Linux; else none)."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        found = []
        for task in Path(f"/proc/{self._process.pid}/task").glob("*/children") if children.exists() else ():
            with contextlib.suppress(OSError):
                found += [int(text) for text in task.read_text().split()]
        return [pid for pid in found if b"spawn_main" in _command(pid)]

    @staticmethod
    def kill_one(pid: int) -> None:
        """Kill a process that analyses clips, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill(self, number: int) -> None:
        """Send the program a signal, not the process that analyses its clips, and wait for its end."""
        if self._process.poll() is None:
            os.kill(self._process.pid, number)
            self._process.wait(30)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    place = Path(sys.argv[1])
    pool = WorkerPool(
        queue_of(place),
        partial(be_fake_analyst, place),
        sys.argv[2],
        "a program",
        rules=RetryRules(take_overs=1000),
        times=QUICK,
    )
    pool.start()
    while pool.failure is None:
        time.sleep(0.05)
