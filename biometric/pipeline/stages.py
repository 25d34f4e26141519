"""Stages of work that overlap: each runs in a thread of its own and is at most a few results ahead of the next one.

Results stay in order, and every stage works through the same items whatever the others' pace: the answer does not
depend on timing.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Generator[T, None, None], size: int, name: str) -> Generator[T, None, None]:
    """Yield what `source` yields, made in a thread that is at most `size` items, and the one in work, ahead.

    An error of the source is raised where it would be without the thread. Closing stops the thread and closes the
    source, which happens within the thread; that waits for the item in work.

    Args:
        name: of the thread, for people who look for what is busy.
    """
    made: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(size)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in source:
                made.put((item,))
                if stopped.is_set():
                    return
            made.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the stage that takes the items
            made.put(error)
        finally:
            source.close()

    thread = threading.Thread(target=work, name=f"sightline-{name}", daemon=True)
    thread.start()
    try:
        while (result := made.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result[0]
    finally:
        stopped.set()
        while thread.is_alive():
            _take_all(made)
            thread.join(0.01)


def _take_all(made: queue.Queue[tuple[T] | BaseException | None]) -> None:
    try:
        while True:
            made.get_nowait()
    except queue.Empty:
        return


class StageAbandoned(Exception):
    """Raised within a stage whose result nobody wants any more; it is not seen outside."""


class BackgroundStage:
    """Does jobs one after the other in a thread of its own; `do` waits while `most` are not done.

    Args:
        name: of the thread.
        most: jobs that may wait or run.
    """

    def __init__(self, name: str, most: int = 2) -> None:
        self._jobs: deque[Future[None]] = deque()
        self._most = most
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"sightline-{name}")
        self._stopped = threading.Event()

    def do(self, job: Callable[[], None]) -> None:
        """Have a job done. Raises what an earlier one raised."""
        while len(self._jobs) >= self._most:
            self._jobs.popleft().result()
        self._jobs.append(self._pool.submit(job))

    def finish(self) -> None:
        """Wait for all jobs and end the thread. Raises what one of them raised."""
        while self._jobs:
            self._jobs.popleft().result()
        self._pool.shutdown()

    def check(self) -> None:
        """To be called by jobs: ends the job where it is not wanted any more. Raises `StageAbandoned`."""
        if self._stopped.is_set():
            raise StageAbandoned

    def stop(self) -> None:
        """Drop the jobs that wait, let the one that runs end at its next `check`, and end the thread."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
