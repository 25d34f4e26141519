"""Waiting for what other threads or processes do."""

import time
from collections.abc import Callable


def wait_for(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true; fail where it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
