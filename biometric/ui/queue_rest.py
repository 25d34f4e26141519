"""Lets Gradio's queue rest until something is asked, instead of looking for work many times a second (Gradio 6.31).

Its loop sleeps for `sleep_when_free` seconds and looks again, by default a thousand times a second. It has no event
that wakes it. But what it sleeps on is a future of asyncio, which it hands through whoever awaits the loop: that one
can end the sleep by giving the future its result, as its timer would.
"""

import asyncio
from collections.abc import Generator
from typing import Any

REST_SECONDS = 1.0
"""Sleep of a queue that nobody has asked anything; whoever asks ends it."""
WAIT_SECONDS = 0.02
"""Sleep between two looks while something waits for its turn, and for the first one after it."""
TIMER_SECONDS = 0.002
"""A sleep that ends within this time is not ended earlier."""
PROGRESS_SECONDS = 1.0
"""Sleep between two looks for news of Gradio's own progress bars, of which the page has none."""


def rest_when_idle(blocks: Any) -> None:
    """Let the queue of Gradio's blocks rest; call after `Blocks.queue`, before they are launched.

    Where a later version names its parts otherwise, its defaults stay.
    """
    queue: Any = getattr(blocks, "_queue", None)
    if hasattr(queue, "progress_update_sleep_when_free"):
        queue.progress_update_sleep_when_free = PROGRESS_SECONDS
    if not all(hasattr(queue, name) for name in ("sleep_when_free", "start_processing", "push")):
        return
    queue.sleep_when_free = WAIT_SECONDS
    loop, push = queue.start_processing, queue.push
    rest = _Rest(queue)

    async def start_processing() -> None:
        await _Followed(loop(), rest)

    async def push_and_wake(*values: Any, **named: Any) -> Any:
        pushed = await push(*values, **named)
        rest.end()
        return pushed

    queue.start_processing = start_processing
    queue.push = push_and_wake


class _Rest:
    """The sleep of a queue's loop while nothing waits in it."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._sleep: asyncio.Future[Any] | None = None
        self._until = 0.0

    def begin(self, awaited: Any, looked: float) -> None:
        """Note what the loop awaits since it looked: where nothing waits in the queue, that is its sleep."""
        idle = not len(self._queue) and isinstance(awaited, asyncio.Future)
        self._sleep = awaited if idle else None
        if idle:
            self._until = looked + self._queue.sleep_when_free
            self._queue.sleep_when_free = REST_SECONDS  # from the next sleep on, unless something is asked

    def end(self) -> None:
        """Wake the loop; called where it runs."""
        self._queue.sleep_when_free = WAIT_SECONDS
        if self._sleep is None or self._sleep.done() or asyncio.get_running_loop().time() > self._until - TIMER_SECONDS:
            return  # awake, or about to be: a timer that is due already would find the result given
        self._sleep.set_result(None)


class _Followed:
    """Awaits a coroutine unchanged, and tells a rest what it awaits."""

    def __init__(self, coroutine: Any, rest: _Rest) -> None:
        self._coroutine = coroutine
        self._rest = rest

    def __await__(self) -> Generator[Any, Any, Any]:
        clock = asyncio.get_running_loop().time
        try:
            looked = clock()
            awaited = self._coroutine.send(None)
            while True:
                self._rest.begin(awaited, looked)
                try:
                    yield awaited
                except BaseException as error:  # noqa: BLE001 - such as being cancelled; the loop is to know
                    awaited = self._coroutine.throw(error)
                else:
                    looked = clock()
                    awaited = self._coroutine.send(None)
        except StopIteration as end:
            return end.value
        finally:
            self._coroutine.close()
