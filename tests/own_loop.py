"""Coroutines run to their end, also where a browser test keeps an event loop running in the main thread."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_coroutine(make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Return what the coroutine that `make` makes returns, run by a loop in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()
