"""Runs the steps of handlers: their progress, their errors, their end."""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

from biometric.entities import Progress
from biometric.errors import BiometricError
from biometric.ui import job_pace, problems
from biometric.ui.jobs import Steps
from biometric.ui.screen import Updates

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

UPDATE_EVERY = 0.2
"""Seconds between two updates of the status line."""


def stream_progress(
    work: Generator[Progress, None, Result], show: Callable[[Progress], Updates], every: float = UPDATE_EVERY
) -> Generator[Updates, None, Result]:
    """Run a job to its end, yielding what `show` makes of its progress, at most once in `every` seconds.

    Closing this generator closes the job, which stops its work.
    """
    shown = -every
    with closing(work):
        while True:
            try:
                progress = next(work)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            progress = job_pace.report(progress)
            now = time.monotonic()
            if now - shown >= every:
                shown = now
                yield show(progress)


def guarded(
    run: Steps, banner: Any, after: Callable[[], Updates] | None = None, clear: Callable[[], Updates] = dict
) -> Steps:
    """Run a handler's steps; an error becomes a banner in the page, and `after` gives the updates that end the job.

    `clear` gives the updates that go with an error, such as taking away an answer that no longer holds. An error and
    the end of the job are one update: the keyboard goes to the field that an error is about, which must be usable by
    then. This is the edge: only messages pass it. Unexpected errors are logged here and reported as such.
    """
    end: Updates = {}
    try:
        yield from run
    except BiometricError as error:
        end = {**clear(), banner: problems.refusal(error)}
    except Exception:  # the edge of the program; a traceback belongs into the log, never into a browser
        logger.exception("a handler of the page failed")
        end = {**clear(), banner: problems.defect()}
    if after is not None:
        end.update(after())
    if end or after is not None:
        yield end


def run_once(run: Callable[[], Updates], banner: Any) -> Updates:
    """Like `guarded`, for a handler that answers at once."""
    updates: Updates = {}

    def steps() -> Steps:
        yield run()

    for update in guarded(steps(), banner):
        updates.update(update)
    return updates
