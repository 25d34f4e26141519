"""Ends requests that are still open when whoever sent them may no longer be here.

A page's stream of events stays open for hours. Who is signed in is looked up when a request comes, so that without this
somebody whose session was ended would go on receiving what the page shows.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable

from biometric.errors import BiometricError
from biometric.messages.translation import gettext as _
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks whether somebody who has requests open is still known."""


class OpenRequests:
    """Requests of those who are signed in. Nothing is looked up while none is open."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}

    async def serve(
        self, app: App, scope: Scope, receive: Receive, send: Send, by: str, known: Callable[[], bool]
    ) -> None:
        """Pass a request on; end it when its sender is not known any more.

        Args:
            app: the app to pass on to.
            by: by what the sender is known, a session or a token; one look serves all requests of it.
            known: whether that still holds; runs in a thread.
        """
        headers: list[tuple[bytes, bytes]] | None = None
        ended = False

        async def noted_send(message: Message) -> None:
            nonlocal headers
            if ended:
                return
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
            await send(message)

        work = asyncio.ensure_future(app(scope, receive, noted_send))
        try:
            while not (await asyncio.wait({work}, timeout=LOOK_EVERY))[0]:
                if await self._is_known(by, known):
                    continue
                if headers is not None and any(name.lower() == b"content-length" for name, _value in headers):
                    continue  # a file on its way: it has an end, and cannot be ended well before
                ended = True
                break
            if not ended:
                await work
                return
        finally:
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        logger.info("ended a request of somebody who is not signed in any more: %r", scope["path"][:100])
        if headers is None:
            body = json.dumps({"detail": _("Sign in first, or send a token.")})
            await answer(send, 401, body, "application/json", (("cache-control", "no-store"),))
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_known(self, by: str, known: Callable[[], bool]) -> bool:
        now = time.monotonic()
        looked, is_known = self._known.get(by, (-LOOK_EVERY, True))
        if now - looked < LOOK_EVERY / 2:
            return is_known
        self._known[by] = now, True  # others of the same sender wait for the next look
        try:
            is_known = await asyncio.to_thread(known)
        except BiometricError:
            is_known = False  # the users cannot be read: nobody is let in
        self._known = {one: value for one, value in self._known.items() if now - value[0] < LOOK_EVERY}
        self._known[by] = now, is_known
        return is_known
