"""Reads the body of a request before Gradio does: it is bounded, and names only files that its sender may use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from biometric.messages.translation import gettext as _
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer
from biometric.ui.clients import ROLE, sender_of
from biometric.ui.permissions import Permissions, refuse_role
from biometric.ui.uploads import Uploads

BODY_LIMIT = 4_000_000
"""Most bytes of a request that is no upload."""


class RequestBodies:
    """ASGI middleware that hands requests on once their body has arrived and is fit to be used.

    Args:
        app: the app to pass on to.
        uploads: whose waiting files a body may name.
        permissions: which role a request needs.
    """

    def __init__(self, app: App, *, uploads: Uploads, permissions: Permissions) -> None:
        self._app = app
        self._uploads = uploads
        self._permissions = permissions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on once its body is read, or answer 4xx with a sentence."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller is gone
            body += message.get("body", b"")
            if len(body) > BODY_LIMIT:
                await answer(send, 413, _("The request is too large."))
                return
            if not message.get("more_body", False):
                break
        role = scope.get(ROLE)
        if role is not None:
            needed = self._permissions.needed(scope["method"], scope["path"], bytes(body))
            if not role.includes(needed):
                await refuse_role(send, needed)
                return
        refusal = self._refusal(bytes(body), sender_of(scope))
        if refusal is not None:
            await answer(send, *refusal)
            return
        unread = True

        async def again() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": bytes(body), "more_body": False}
            return await receive()

        await self._app(scope, again, send)

    def _refusal(self, body: bytes, sender: str) -> tuple[int, str] | None:
        for path in named_files(body):
            if "://" in path:  # Gradio would fetch it
                return 400, _("A clip cannot be fetched from an address. Upload the file, then pass it on.")
            try:
                resolved = Path(path).resolve()
            except (OSError, ValueError, RuntimeError):
                continue  # whoever uses it refuses it
            if not self._uploads.may_use(resolved, sender):
                return 403, _("This upload belongs to somebody else. Upload the file again.")
        return None


def named_files(body: bytes) -> Iterator[str]:
    """Yield the paths of all files that a JSON body names, in Gradio's form: an object with a `path`."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return  # Gradio refuses it as well
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("path"), str):
                yield item["path"]
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
