"""Kills a process in the middle of its file operations, so that what it leaves can be looked at."""

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any


def die_at(instant: int, calls: Iterable[str]) -> None:
    """Let this process be killed (SIGKILL) before its `instant`-th call, from 1, of these functions of `os`."""
    count = 0

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal count
            count += 1
            if count == instant:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keywords)

        return call

    for name in calls:
        setattr(os, name, wrapped(getattr(os, name)))
