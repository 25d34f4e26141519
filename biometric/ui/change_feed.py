"""Tells open pages that something has changed, by answering a request that waits until it has.

A page that nobody touches sends nothing meanwhile; the server looks at one file a second for each page in sight.
Hidden pages do not ask. The page sends the key of its workspace in a header, so that it stands in no address and no
log, and so that nobody can ask who has not opened a page (behind the login, where there is one).
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from biometric.ui.guard import App, Message, Receive, Scope, Send

PATH = "/sightline/changes"
KEY_HEADER = b"x-sightline-workspace"
REVISION_HEADER = b"x-sightline-revision"
LOOK_EVERY = 1.0
"""Seconds between two looks at the gallery's file."""
HELD = 600.0
"""Most seconds for which a request waits."""


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """What a page is to know: the gallery's revision, and jobs that no page shows."""

    revision: str
    unseen_jobs: tuple[str, ...] = ()


class ChangeFeed:
    """ASGI middleware that answers `PATH` and passes everything else on.

    Answers 200 with `{"revision", "jobs"}` once the revision is another than the one sent, or a job runs unseen; 204
    when nothing happened for `HELD` seconds; 410 for a key that opens no workspace.

    Args:
        app: the app to pass on to.
        state_of: the state of the workspace under a key; None where there is none.
        stopping: whether the server is about to end, so that nothing may wait.
    """

    def __init__(
        self, app: App, *, state_of: Callable[[str], WorkspaceState | None], stopping: Callable[[], bool]
    ) -> None:
        self._app = app
        self._state_of = state_of
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for changes when there are some; pass any other on."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        key = headers.get(KEY_HEADER, b"").decode("latin-1")
        seen = headers.get(REVISION_HEADER, b"").decode("latin-1")
        if scope["method"] != "GET":
            await _answer(send, 405)
            return
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            status, body = await self._wait(key, seen, gone)
        finally:
            gone.cancel()
        if not gone.done() or gone.cancelled():
            await _answer(send, status, body)

    async def _wait(self, key: str, seen: str, gone: "asyncio.Future[None]") -> tuple[int, bytes]:
        deadline = time.monotonic() + HELD
        while not gone.done() and not self._stopping() and time.monotonic() < deadline:
            state = await asyncio.to_thread(self._state_of, key)
            if state is None:
                return 410, b""
            if state.revision != seen or state.unseen_jobs:
                return 200, json.dumps({"revision": state.revision, "jobs": state.unseen_jobs}).encode()
            await asyncio.wait([gone], timeout=LOOK_EVERY)
        return 204, b""


async def _disconnected(receive: Receive) -> None:
    """Return when the caller is gone."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _answer(send: Send, status: int, body: bytes = b"") -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
