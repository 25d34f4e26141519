"""Chooses light or dark before the browser paints anything of the page, and says the page's language.

Gradio runs scripts of its own `head` only once it has built the page, which would flash the other theme first.
"""

from biometric.messages.translation import language
from biometric.ui.asgi import App, Message, Receive, Scope, Send
from biometric.ui.components import asset

BEFORE = b"<style>"
"""What the script stands in front of, in the head of the page: the body may be painted as soon as it begins."""
STYLE = (
    "[data-theme=dark] body{background:var(--bg-dark);color:var(--col-dark)}"
    "[data-theme=light] body{background:var(--bg);color:var(--col)}"
)


class FirstPaint:
    """ASGI middleware that adds `theme.js` and the language to pages of HTML; all else passes unchanged."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._added = f"<style>{STYLE}</style><script>\n{asset('theme.js')}</script>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the script to the answer where it is a page."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        chunks: list[bytes] = []

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                chunks.append(message.get("body", b""))
                if not message.get("more_body", False):
                    body = b"".join(chunks).replace(BEFORE, self._added + BEFORE, 1)
                    body = body.replace(b'lang="en"', f'lang="{language()}"'.encode(), 1)
                    await send(_with_length(start, len(body)))
                    await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_page)


def _is_page(start: Message) -> bool:
    headers = dict(start["headers"])
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers


def _with_length(start: Message, length: int) -> Message:
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    return {**start, "headers": [*headers, (b"content-length", str(length).encode())]}
