"""Calls of tools by the Model Context Protocol: given up when their caller is gone, and let in by the login.

Gradio answers such a call by calling its own API over HTTP with one client for all callers, which knows nothing of a
login, and which waits for the answer although nobody waits for its own.
"""

import secrets
import threading
from collections import OrderedDict
from typing import Any

from biometric.ui.asgi import App, Message, Receive, Scope, Send
from biometric.ui.clients import user_of

PATH = "/gradio_api/mcp"
HEADER = "x-sightline-call"
"""Says in a call of Gradio's to itself which caller it is for; Gradio passes the headers of its caller on."""
INNER_HEADER = "x-sightline-inner"
"""Holds `inner_secret` in what Gradio's client sends to this very server."""
REMEMBERED = 1000
"""Calls that were given up and may still run; there are never so many."""

inner_secret = secrets.token_urlsafe(32)
_given_up: OrderedDict[str, None] = OrderedDict()
_callers: dict[str, str] = {}
_lock = threading.Lock()


def is_given_up(call: str) -> bool:
    """Return whether the caller of a tool is gone."""
    return call in _given_up


def user_of_call(call: str) -> str | None:
    """Return who called a tool, "" where nobody is asked to sign in; None where that is no call that is under way."""
    return _callers.get(call)


class ToolCalls:
    """ASGI middleware that notes which calls of tools are given up; everything else passes."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a call counts as given up when its answer was not sent to the end."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
            return
        call = secrets.token_urlsafe(16)
        answered = False

        async def noted_receive() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not answered:
                _give_up(call)
            return message

        async def noted_send(message: Message) -> None:
            nonlocal answered
            answered = answered or (message["type"] == "http.response.body" and not message.get("more_body", False))
            await send(message)

        _callers[call] = user_of(scope)
        others = [pair for pair in scope["headers"] if pair[0].lower() != HEADER.encode()]
        try:
            await self._app(
                {**scope, "headers": [*others, (HEADER.encode(), call.encode())]}, noted_receive, noted_send
            )
        finally:
            if not answered:
                _give_up(call)
            _callers.pop(call, None)


def _give_up(call: str) -> None:
    with _lock:
        _given_up[call] = None
        while len(_given_up) > REMEMBERED:
            _given_up.popitem(last=False)


def let_tools_in(blocks: Any) -> None:
    """Let the client with which Gradio calls itself say that it is that; call once the page is served."""
    server = getattr(blocks, "mcp_server_obj", None)
    if server is None or not hasattr(server, "_get_or_create_client"):
        return

    lock = threading.Lock()

    def client() -> Any:
        from gradio_client import Client  # type: ignore[import-untyped]

        with lock:
            if server._client_instance is None:
                server._client_instance = Client(
                    server.local_url,
                    download_files=False,
                    verbose=False,
                    analytics_enabled=False,
                    ssl_verify=False,  # this very process, on this machine
                    headers={"x-gradio-user": "mcp", INNER_HEADER: inner_secret},
                    _skip_components=False,
                )
            return server._client_instance

    server._get_or_create_client = client
