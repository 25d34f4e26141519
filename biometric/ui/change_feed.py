"""Tells open pages that something has changed, by answering a request that waits until it has.

A page that nobody touches sends nothing meanwhile; the server looks at one file a second for each page in sight.
Hidden pages do not ask. The page sends the key of its workspace in a header, so that it stands in no address and no
log, and so that nobody can ask who has not opened a page (behind the login, where there is one).
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from biometric.accounts.roles import Role
from biometric.ui.asgi import App, Message, Receive, Scope, Send
from biometric.ui.clients import ROLE, user_of
from biometric.ui.live_parts import version

PATH = "/sightline/changes"
KEY_HEADER = b"x-sightline-workspace"
REVISION_HEADER = b"x-sightline-revision"
PARTS_HEADER = b"x-sightline-parts"
"""Which versions of the parts that follow jobs a page shows: "job-bar=1a2b, …"."""
JOBS_HEADER = b"x-sightline-jobs"
"""Serials of jobs whose end a page has received: "3,7"."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the gallery's file."""
HELD = 600.0
"""Most seconds for which a request waits."""


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """What a page is to know: the gallery's revision, jobs that no page shows, and the HTML of parts by their name."""

    revision: str
    unseen_jobs: tuple[str, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)


class ChangeFeed:
    """ASGI middleware that answers `PATH` and passes everything else on.

    Answers 200 with `{"revision", "jobs", "parts"}` once the revision is another than the one sent, a job runs unseen,
    or a part that follows jobs is another than the page shows (`parts` has the HTML of those); 204 when nothing
    happened for `HELD` seconds; 410 for a key that opens no workspace.

    Args:
        app: the app to pass on to.
        state_of: the state of the workspace under a key, told which jobs' ends its page has received, and who is
            signed in there as what ("" and None: nobody is asked to); None where they have no such workspace.
        stopping: whether the server is about to end, so that nothing may wait.
    """

    def __init__(
        self,
        app: App,
        *,
        state_of: Callable[[str, Collection[int], tuple[str, Role | None]], WorkspaceState | None],
        stopping: Callable[[], bool],
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
        received = _serials(headers.get(JOBS_HEADER, b"").decode("latin-1"))
        shown = _versions(headers.get(PARTS_HEADER, b"").decode("latin-1"))
        gone = asyncio.ensure_future(_disconnected(receive))
        who = user_of(scope), scope.get(ROLE)
        try:
            status, body = await self._wait(lambda: self._state_of(key, received, who), seen, shown, gone)
        finally:
            gone.cancel()
        if not gone.done() or gone.cancelled():
            await _answer(send, status, body)

    async def _wait(
        self,
        look: Callable[[], WorkspaceState | None],
        seen: str,
        shown: dict[str, str],
        gone: "asyncio.Future[None]",
    ) -> tuple[int, bytes]:
        deadline = time.monotonic() + HELD
        while not gone.done() and not self._stopping() and time.monotonic() < deadline:
            state = await asyncio.to_thread(look)
            if state is None:
                return 410, b""
            parts = {name: html for name, html in state.parts.items() if version(html) != shown.get(name, "")}
            if state.revision != seen or state.unseen_jobs or parts:
                news = {"revision": state.revision, "jobs": state.unseen_jobs, "parts": parts}
                return 200, json.dumps(news).encode()
            await asyncio.wait([gone], timeout=LOOK_EVERY)
        return 204, b""


def _versions(text: str) -> dict[str, str]:
    """Return versions by name of what a page sends; nothing is trusted, and what is wrong is sent anew."""
    return dict(part.strip().split("=", 1) for part in text[:1000].split(",") if "=" in part)


def _serials(text: str) -> frozenset[int]:
    """Return the numbers of what a page sends; nothing is trusted."""
    return frozenset(int(part) for part in text[:1000].split(",") if part.isascii() and part.isdigit())


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
