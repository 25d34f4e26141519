"""What stands between the network and Gradio: same-origin writes, known hosts, no way around the queue, headers.

Gradio stores an upload whatever its `Origin`, answers `/run/…` past its queue, and fetches URLs for others. Each of
these is refused here, before Gradio sees the request.
"""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_API = "/gradio_api"
_CLOSED = (
    f"{_API}/run/",  # runs past the queue
    f"{_API}/api/",  # the same, older name
    f"{_API}/proxy=",  # fetches URLs for the caller
    f"{_API}/vibe",  # edits the program
    f"{_API}/undo-vibe",
    f"{_API}/run-history",
    f"{_API}/runs",
    f"{_API}/process_recording",
    f"{_API}/deep_link",
    f"{_API}/dev/",
    f"{_API}/profiling",
    "/monitoring",
)

SECURITY_HEADERS = {
    # Scripts, styles and pictures come from this server alone. Gradio's page needs inline code and eval (templates).
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware around Gradio's app.

    Args:
        app: the app to protect.
        loopback: the page is served to this machine only, so that only its own names are good `Host` headers
            (a foreign name that resolves here is how another site reads answers: DNS rebinding).
        uploads: folder that holds all uploads.
        upload_quota: most bytes that it may hold.
        upload_limit: most bytes of one upload request.
    """

    def __init__(self, app: App, *, loopback: bool, uploads: Path, upload_quota: int, upload_limit: int) -> None:
        self._app = app
        self._loopback = loopback
        self._uploads = uploads
        self._quota = upload_quota
        self._limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 4xx with a sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, *refusal)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self._loopback and not is_local_host(host):
            return 403, "This page is served to this machine only, under its own name."
        if not is_same_origin(headers, host):
            return 403, "Requests from other web sites are refused."
        path = _normal(scope["path"])
        if any(path.startswith(closed) for closed in _CLOSED) or _fetches_url(path):
            return 403, "This address is not served."
        if path.startswith(f"{_API}/upload") and scope["method"] == "POST":
            return self._upload_refusal(headers.get("content-length", ""))
        return None

    def _upload_refusal(self, length: str) -> tuple[int, str] | None:
        if not (length.isascii() and length.isdecimal()):
            return 411, "An upload must say its length."
        if int(length) > self._limit:
            return 413, f"The file is larger than the limit of {self._limit / 1e6:.0f} MB."
        if int(length) + folder_size(self._uploads) > self._quota:
            return 507, "There is no room for more uploads at the moment. Try again later."
        return None


def is_local_host(host: str) -> bool:
    """Return whether a `Host` header names this machine: localhost or a loopback address, with any port."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_same_origin(headers: MutableMapping[str, str], host: str) -> bool:
    """Return whether a request comes from our own page, or from a program that is no browser.

    Browsers send `Origin` with every cross-site write, and `Sec-Fetch-Site` with everything; programs send neither.
    Following a link from another site to the page itself (a navigation) is fine.
    """
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == host.lower() and origin != "null"
    site = headers.get("sec-fetch-site", "none")
    return site in {"same-origin", "none"} or headers.get("sec-fetch-mode") == "navigate"


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; files that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total


def _normal(path: str) -> str:
    """Return the path as Gradio will route it, whatever way it was written."""
    text = unquote(path)
    while "//" in text:
        text = text.replace("//", "/")
    return text.lower()


def _fetches_url(path: str) -> bool:
    return path.startswith((f"{_API}/file=http", f"{_API}/file/http", f"{_API}/file=//"))


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
