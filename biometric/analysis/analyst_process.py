"""The process that analyses a worker's clips, as its worker sees it."""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from biometric.analysis.exchange import Advanced, Begin, Ended, Ready, Stop
from biometric.entities.clip_jobs import ClipJob
from biometric.errors.phrases import Phrase

StartAnalyst = Callable[[Connection], None]
"""Is run in the new process, with its end of the connection; it can be pickled, as functions of modules can."""

Message = Ready | Advanced | Ended


class AnalystEnded(Exception):
    """The process has ended. Attributes: `how`: in words, to follow "ended"."""

    def __init__(self, how: Phrase) -> None:
        super().__init__(str(how))
        self.how = how


class AnalystProcess:
    """A process of its own, started at once; `close` it.

    It is made anew ("spawn"), so that it shares no memory, thread or lock with this one.

    Args:
        run: what the process does.
    """

    def __init__(self, run: StartAnalyst) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: Any = context.Process(target=run, args=(theirs,), name="analyst")
        self._process.start()
        theirs.close()  # so that its end is noticed here

    @property
    def pid(self) -> int:
        """Its number."""
        return int(self._process.pid)

    def begin(self, job: ClipJob) -> None:
        """Let it analyse a clip. Raises `AnalystEnded`."""
        self._send(Begin(job))

    def stop(self, job: ClipJob) -> None:
        """Let it leave a clip alone, at its next step. Raises `AnalystEnded`."""
        self._send(Stop(job.id))

    def next_message(self, seconds: float) -> Message | None:
        """Return what it says within so many seconds; None where it says nothing. Raises `AnalystEnded`."""
        try:
            # A process that crashed while one of its own children lives keeps the pipe open: look at both.
            if self._connection in wait([self._connection, self._process.sentinel], seconds):
                message: Message = self._connection.recv()
                return message
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if not self._process.is_alive():
            raise self._ended()
        return None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()

    def close(self, seconds: float = 5.0) -> None:
        """Let it end, and end it where it does not."""
        with contextlib.suppress(OSError):
            self._connection.close()
        self._process.join(seconds)
        if self._process.is_alive():
            self.kill()

    def _send(self, message: object) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._ended() from error

    def _ended(self) -> AnalystEnded:
        self._process.join(5)
        code = self._process.exitcode
        if code is None:
            self.kill()
            return AnalystEnded(Phrase("without answering"))
        if code < 0:
            with contextlib.suppress(ValueError):
                return AnalystEnded(Phrase("by {signal}", signal=signal.Signals(-code).name))
        return AnalystEnded(Phrase("with status {status}", status=code))
