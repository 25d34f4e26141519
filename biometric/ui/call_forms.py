"""Answers calls of the API that Gradio cannot read with a sentence, and notes them in one line of the log.

Gradio answers many of them "Internal Server Error", or not at all, and prints where in its code that was.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer, headers_of

logger = logging.getLogger(__name__)

_API = "/gradio_api/"
_PATHS = tuple(_API + name for name in ("call/", "queue/join", "cancel", "reset", "component_server", "stream/"))
Handlers = Callable[[], Mapping[int, Any]]


class CallForms:
    """ASGI middleware that passes only such calls on as Gradio can read. Stands behind one that bounds their bodies.

    Args:
        app: the app to pass on to.
        handlers: gives the handlers and endpoints of the page by their number.
    """

    def __init__(self, app: App, *, handlers: Handlers) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400 or 404 with a sentence."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        message = await receive()
        path = scope["path"].rstrip("/")
        is_form = headers_of(scope).get("content-type", "").startswith("multipart/")
        refusal = None if is_form else self._refusal(path, message.get("body", b""))
        if refusal is not None:
            await _refuse(send, path, *refusal)
            return
        unread, began = True, False

        async def again() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return message
            return await receive()

        async def noted_send(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, again, noted_send)
        except (KeyError, TypeError, ValueError) as error:
            if began:
                raise
            logger.debug("Gradio could not read a call", exc_info=error)
            # A TypeError names the parameter; the others tell of Gradio's own code.
            reason = str(error).partition(" Please")[0][:200] if isinstance(error, TypeError) else ""
            await _refuse(send, path, 400, _("The call could not be read. {reason}").format(reason=reason).strip())

    def _refusal(self, path: str, body: bytes) -> tuple[int, str] | None:
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            return 400, _("The body of a call must be a JSON object.")
        if path == f"{_API}queue/join":
            return self._refused_event(values)
        if not path.startswith(f"{_API}call/"):
            return None
        name = path.rsplit("/", 1)[-1]
        endpoint = next((one for one in self._handlers().values() if one.api_name == name), None)
        if endpoint is None:
            text = _("There is no endpoint {name}. /gradio_api/info lists them.")
            return 404, text.format(name=f"/{name[:100]}")
        if path.startswith(f"{_API}call/v2/"):
            return None
        sent = values.get("data")
        if not isinstance(sent, list):
            return 400, _("A call needs its values as a list named data.")
        wanted = {len(endpoint.inputs), sum(not part.skip_api for part in endpoint.inputs)}
        if len(sent) in wanted:
            return None
        return 400, ngettext(
            "{name} takes {number} value, got {sent}.", "{name} takes {number} values, got {sent}.", min(wanted)
        ).format(name=f"/{name}", number=min(wanted), sent=len(sent))

    def _refused_event(self, values: dict[str, Any]) -> tuple[int, str] | None:
        number, sent = values.get("fn_index"), values.get("data")
        handler = self._handlers().get(number) if isinstance(number, int) else None
        if isinstance(number, int) and handler is None:
            return 404, _("There is no endpoint {name}. /gradio_api/info lists them.").format(name=number)
        if not isinstance(sent, list):
            return 400, _("A call needs its values as a list named data.")
        if handler is not None and len(sent) < len(handler.inputs):
            return 400, ngettext(
                "{name} takes {number} value, got {sent}.",
                "{name} takes {number} values, got {sent}.",
                len(handler.inputs),
            ).format(name=number, number=len(handler.inputs), sent=len(sent))
        return None


async def _refuse(send: Send, path: str, status: int, text: str) -> None:
    logger.warning("refused a call of %r: %s", path[:100], text)
    await answer(send, status, json.dumps({"detail": text}), "application/json")
