"""Keeps what Gradio sends to a page from getting lost between two of its streams of events (Gradio 6.31).

Gradio's page closes its stream when nothing waits, and opens another one for the next event. On a busy machine three
things go wrong there, and a click or an answer of that moment would be lost:

- The server notices the end at its next look, and then drops all that the page has waiting (`Queue.clean_events`).
  Here it drops only what belongs to pages that have no stream open a moment later.
- The server is told of the end while it still writes, and then forgets the page's messages. Here it is told a moment
  later, when it has long finished.
- The page learns that its stream was closed just after it relied on it for the next event: the messages wait, and
  nothing fetches them. `OpenStreams.stalled` tells, so that the page can be asked to open one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from biometric.ui.asgi import App, Message, Receive, Scope, Send

PATH = "/gradio_api/queue/data"
ANSWERS_PATH = "/gradio_api/call/"
HEARTBEAT_PATH = "/gradio_api/heartbeat/"
MOMENT = 1.0
"""Seconds in which a page that goes on opens its next stream."""


class OpenStreams:
    """The streams that pages have open.

    Args:
        blocks: Gradio's, whose queue keeps the messages of each page and drops events.
        clock: seconds that only rise.
    """

    def __init__(self, blocks: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._blocks = blocks
        self._clock = clock
        self._queue: Any = None
        self._open: Counter[str] = Counter()
        self._beating: Counter[str] = Counter()
        self._waiting_since: dict[str, float] = {}
        self._cleaning: set[asyncio.Task[None]] = set()

    def opened(self, page: str) -> None:
        """Note that a page, by Gradio's session hash, has opened a stream."""
        self._watch_queue()
        self._open[page] += 1

    def closed(self, page: str) -> None:
        """Note that a stream of a page has ended."""
        self._open[page] -= 1
        if not self._open[page]:
            del self._open[page]

    def is_open(self, page: str) -> bool:
        """Return whether a page, by Gradio's session hash, holds a connection."""
        return page in self._beating or page in self._open

    @contextmanager
    def beating(self, page: str) -> Iterator[None]:
        """Note that a page holds the connection that says that it is there."""
        self._beating[page] += 1
        try:
            yield
        finally:
            self._beating[page] -= 1
            if not self._beating[page]:
                del self._beating[page]

    def stalled(self, page: str) -> bool:
        """Return whether messages have waited for a page for a moment, and it has no stream open to get them."""
        messages = getattr(self._queue, "pending_messages_per_session", {}).get(page)
        if page in self._open or messages is None or messages.empty():
            self._waiting_since.pop(page, None)
            return False
        return self._clock() - self._waiting_since.setdefault(page, self._clock()) >= MOMENT

    def _watch_queue(self) -> None:
        """Take the place of the queue's own way to drop events; where a later Gradio has none, nothing is done."""
        queue: Any = getattr(self._blocks, "_queue", None)
        if queue is self._queue or not hasattr(queue, "clean_events"):
            return
        self._queue, drop = queue, queue.clean_events

        async def drop_unless_open(*, session_hash: str | None = None, event_id: str | None = None) -> None:
            if session_hash is None or event_id is not None:
                await drop(session_hash=session_hash, event_id=event_id)
                return
            # A task of its own: the caller's is often being cancelled.
            task = asyncio.ensure_future(self._drop_later(drop, session_hash))
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)

        queue.clean_events = drop_unless_open

    async def _drop_later(self, drop: Any, page: str) -> None:
        await asyncio.sleep(MOMENT)
        if page not in self._open:
            self._waiting_since.pop(page, None)
            await drop(session_hash=page)


class EventStreams:
    """ASGI middleware that counts the open streams of each page, and tells their end a moment later.

    Args:
        app: the app to pass on to.
        streams: where they are counted.
    """

    def __init__(self, app: App, *, streams: OpenStreams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream counts as open until it ends."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(HEARTBEAT_PATH):
            with self._streams.beating(path.removeprefix(HEARTBEAT_PATH)):
                await self._app(scope, receive, send)
            return
        if path != PATH:
            if path.startswith(ANSWERS_PATH):
                await _without_traceback(self._app, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return

        async def receive_end_later() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                await asyncio.sleep(MOMENT)
            return message

        page = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
        self._streams.opened(page)
        try:
            await _without_traceback(self._app, scope, receive_end_later, send)
        finally:
            self._streams.closed(page)


async def _without_traceback(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a request for a stream on; one of a page or call that nobody knows ends without an error in the log.

    Gradio tells the caller so in the stream, and then raises what it cannot answer any more.
    """
    try:
        await app(scope, receive, send)
    except RuntimeError as error:
        if getattr(error.__cause__, "status_code", None) != 404:
            raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})
