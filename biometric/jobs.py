"""Runs a long job, a generator of `Progress`, to its end."""

from collections.abc import Callable, Generator
from typing import TypeVar

from biometric.entities import Progress

Result = TypeVar("Result")


def finish(work: Generator[Progress, None, Result], report: Callable[[Progress], object] | None = None) -> Result:
    """Run a job to its end and return its result; it is closed whatever happens, so that its work stops.

    Args:
        report: told of each step.
    """
    try:
        while True:
            try:
                progress = next(work)
            except StopIteration as finished:
                result: Result = finished.value
                return result
            if report is not None:
                report(progress)
    finally:
        work.close()
