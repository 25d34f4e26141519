"""Keeps Gradio from dropping what a page has just asked for, when it notices late that an older stream has ended.

Gradio's page closes its stream of events when nothing waits, and opens another one for the next event. The server
notices the end at its next look, which is later on a busy machine, and then drops all that the page has waiting (Gradio
6.31, `Queue.clean_events`): a click of the meantime would be lost. Here it drops only what belongs to pages that have
no stream open a moment later.
"""

import asyncio
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

from biometric.ui.guard import App, Receive, Scope, Send

PATH = "/gradio_api/queue/data"
MOMENT = 1.0
"""Seconds in which a page that goes on opens its next stream."""


class EventStreams:
    """ASGI middleware that counts the open streams of each page.

    Args:
        app: the app to pass on to.
        blocks: Gradio's, whose queue drops events.
    """

    def __init__(self, app: App, *, blocks: Any) -> None:
        self._app = app
        self._blocks = blocks
        self._queue: Any = None
        self._open: Counter[str] = Counter()
        self._cleaning: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream counts as open until it ends."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        self._watch_queue()
        page = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
        self._open[page] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[page] -= 1
            if not self._open[page]:
                del self._open[page]

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
            await drop(session_hash=page)
