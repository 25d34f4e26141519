"""Filters requests before Gradio sees them: same-origin writes, known hosts, no way around the queue, headers.

Gradio stores an upload whatever its `Origin`, answers `/run/…` past its queue, and fetches URLs for others. Each of
these is refused here, before Gradio sees the request.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from biometric.messages.translation import gettext as _
from biometric.ui.uploads import Uploads

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
    f"{_API}/openapi.json",  # describes the API whatever `openapi_url` says; `/info` does, behind the login
    "/openapi.json",
    "/monitoring",
)

BODY_LIMIT = 4_000_000
"""Most bytes of a request that is no upload."""

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
        uploads: all uploads; each is counted here as it arrives.
        upload_quota: most bytes that it may hold.
        upload_limit: most bytes of one upload request.
    """

    def __init__(self, app: App, *, loopback: bool, uploads: Uploads, upload_quota: int, upload_limit: int) -> None:
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

        if scope["method"] != "POST":
            await self._app(scope, receive, send_with_headers)
        elif _normal(scope["path"]).startswith(f"{_API}/upload"):
            with self._uploads.arriving():
                await self._app(scope, receive, self._counting(send_with_headers))
        else:
            await self._with_body(scope, receive, send_with_headers)

    def _counting(self, send: Send) -> Send:
        """Return a `send` that counts the files named in Gradio's answer to an upload before the answer goes out."""
        chunks: list[bytes] = []
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))
                if status == 200 and not message.get("more_body", False):
                    for path in json.loads(b"".join(chunks)):
                        self._uploads.arrived(Path(path))
            await send(message)

        return counted

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on once its body is read and asks for nothing that Gradio would fetch."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller is gone
            body += message.get("body", b"")
            if len(body) > BODY_LIMIT:
                await _answer(send, 413, _("The request is too large."))
                return
            if not message.get("more_body", False):
                break
        if _names_address(bytes(body)):
            await _answer(send, 400, _("A clip cannot be fetched from an address. Upload the file, then pass it on."))
            return
        unread = True

        async def again() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": bytes(body), "more_body": False}
            return await receive()

        await self._app(scope, again, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self._loopback and not is_local_host(host):
            return 403, _("This page is served to this machine only, under its own name.")
        if not is_same_origin(headers, host):
            return 403, _("Requests from other web sites are refused.")
        path = _normal(scope["path"])
        if any(path.startswith(closed) for closed in _CLOSED) or _fetches_url(path):
            return 403, _("This address is not served.")
        if path.startswith(f"{_API}/upload") and scope["method"] == "POST":
            return self._upload_refusal(headers.get("content-length", ""))
        return None

    def _upload_refusal(self, length: str) -> tuple[int, str] | None:
        if not (length.isascii() and length.isdecimal()):
            return 411, _("An upload must say its length.")
        if int(length) > self._limit:
            return 413, _("The file is larger than the limit of {most:.0f} MB.").format(most=self._limit / 1000000.0)
        if int(length) + folder_size(self._uploads.root) > self._quota:
            self._uploads.make_room()
        if int(length) + folder_size(self._uploads.root) > self._quota:
            return 507, _("There is no room for more uploads at the moment. Try again later.")
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
    """Return the bytes of all files below a folder, linked ones once; files that vanish meanwhile count nothing."""
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        try:
            stat = path.lstat()
        except OSError:
            continue
        sizes[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(sizes.values())


def _names_address(body: bytes) -> bool:
    """Return whether a JSON body holds a file whose path is an address, which Gradio would fetch."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return False  # Gradio refuses it as well
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("path"), str) and "://" in item["path"]:
                return True
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


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
